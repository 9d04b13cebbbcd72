//! The grammar of statements. Conditions are read in `condition.rs`, values in `value.rs`.

use dynaseal_item::{Item, Value};

use crate::expr::ast::{Action, Path, SetValue, Step, Update};

use super::Fault;
use super::ast::{Order, Returning, Select, Statement, Target, Where};
use super::lex::{Token, TokenKind, lex};

/// Reads one statement and fills in its parameters; also says how many it takes. One that is lacking reads as NULL.
///
/// # Errors
/// The statement cannot be read.
pub(super) fn parse(text: &str, parameters: Vec<Value<'static>>) -> Result<(Statement, usize), Fault> {
    let mut parser = Parser { tokens: lex(text)?, at: 0, end: text.len(), parameters, used: 0, operators: 0 };
    let statement = parser.statement()?;
    parser.sign(";");
    if parser.peek().is_some() {
        return parser.unreadable("the end of the statement");
    }
    Ok((statement, parser.used))
}

/// The words of a statement, and how far they are read.
pub(super) struct Parser<'t> {
    tokens: Vec<Token<'t>>,
    at: usize,
    end: usize,
    /// Each is taken out where it is used.
    pub(super) parameters: Vec<Value<'static>>,
    /// How many parameters were used.
    pub(super) used: usize,
    /// How many operators its condition has so far.
    pub(super) operators: usize,
}

impl<'t> Parser<'t> {
    fn statement(&mut self) -> Result<Statement, Fault> {
        if self.keyword("SELECT") {
            return Ok(Statement::Select(self.select()?));
        }
        if self.keyword("INSERT") {
            return self.insert();
        }
        if self.keyword("UPDATE") {
            return self.update();
        }
        if self.keyword("DELETE") {
            return self.delete();
        }
        if self.keyword("EXISTS") {
            self.expect("(")?;
            self.expect_keyword("SELECT")?;
            let select = self.select()?;
            self.expect(")")?;
            return Ok(Statement::Exists(select));
        }
        self.unreadable("SELECT, INSERT, UPDATE, DELETE or EXISTS")
    }

    fn select(&mut self) -> Result<Select, Fault> {
        let mut paths = Vec::new();
        if !self.sign("*") {
            paths.push(self.path()?);
            while self.sign(",") {
                paths.push(self.path()?);
            }
        }
        self.expect_keyword("FROM")?;
        let target = self.target()?;
        let condition = self.condition_clause()?;
        let mut order = Vec::new();
        if self.keyword("ORDER") {
            self.expect_keyword("BY")?;
            order.push(self.order()?);
            while self.sign(",") {
                order.push(self.order()?);
            }
        }
        Ok(Select { target, paths, condition, order })
    }

    fn order(&mut self) -> Result<Order, Fault> {
        let path = self.path()?;
        if path.is_nested() {
            return self.unreadable("the name of a key attribute");
        }
        let descending = self.keyword("DESC");
        if !descending {
            self.keyword("ASC");
        }
        Ok(Order { attribute: path.root, descending })
    }

    fn insert(&mut self) -> Result<Statement, Fault> {
        self.expect_keyword("INTO")?;
        let target = Target { table: self.name()?, index: None };
        self.expect_keyword("VALUE")?;
        let mut item = Item::new();
        for (name, value) in self.map(0)? {
            item.insert(name, value);
        }
        Ok(Statement::Insert { target, item })
    }

    fn update(&mut self) -> Result<Statement, Fault> {
        let target = self.target()?;
        let mut actions = Vec::new();
        loop {
            if self.keyword("SET") {
                actions.push(self.set()?);
                while self.sign(",") {
                    actions.push(self.set()?);
                }
            } else if self.keyword("REMOVE") {
                actions.push((self.path()?, Action::Remove));
            } else {
                break;
            }
        }
        if actions.is_empty() {
            return self.unreadable("SET or REMOVE");
        }
        let (condition, returning) = (self.condition_clause()?, self.returning()?);
        Ok(Statement::Update { target, update: Update { actions, legacy: false }, condition, returning })
    }

    /// `path = value`.
    fn set(&mut self) -> Result<(Path, Action<Value<'static>>), Fault> {
        let path = self.path()?;
        self.expect("=")?;
        for (function, action) in
            [("set_add", Action::Add as fn(Value<'static>) -> _), ("set_delete", Action::Delete as _)]
        {
            if self.call(function) {
                let set = self.set_call(&path)?;
                return Ok((path, action(set)));
            }
        }
        if self.call("list_append") {
            let first = self.term()?;
            self.expect(",")?;
            let second = self.term()?;
            self.expect(")")?;
            return Ok((path, Action::Set(SetValue::ListAppend(Box::new(first), Box::new(second)))));
        }
        let first = self.term()?;
        let sum = if self.sign("+") {
            SetValue::Plus(Box::new(first), Box::new(self.term()?))
        } else if self.sign("-") {
            SetValue::Minus(Box::new(first), Box::new(self.term()?))
        } else {
            first
        };
        Ok((path, Action::Set(sum)))
    }

    /// The set of `set_add(path, set)`, which must be given the path that it is assigned to.
    fn set_call(&mut self, path: &Path) -> Result<Value<'static>, Fault> {
        if self.path()? != *path {
            return self.unreadable("the path that the set is assigned to");
        }
        self.expect(",")?;
        let set = self.value(0)?;
        self.expect(")")?;
        match set {
            set @ (Value::Ss(_) | Value::Ns(_) | Value::Bs(_)) => Ok(set),
            // A parameter that is lacking is reported as such.
            other if self.used > self.parameters.len() => Ok(other),
            _ => self.unreadable("a set"),
        }
    }

    fn term(&mut self) -> Result<SetValue<Value<'static>>, Fault> {
        if self.starts_path() { Ok(SetValue::Path(self.path()?)) } else { Ok(SetValue::Value(self.value(0)?)) }
    }

    fn delete(&mut self) -> Result<Statement, Fault> {
        self.expect_keyword("FROM")?;
        let target = self.target()?;
        let (condition, returning) = (self.condition_clause()?, self.returning()?);
        Ok(Statement::Delete { target, condition, returning })
    }

    fn condition_clause(&mut self) -> Result<Where, Fault> {
        if self.keyword("WHERE") { self.condition(0).map(Some) } else { Ok(None) }
    }

    fn returning(&mut self) -> Result<Option<Returning>, Fault> {
        if !self.keyword("RETURNING") {
            return Ok(None);
        }
        let start = self.at;
        for returning in Returning::ALL {
            self.at = start;
            if returning.words().into_iter().all(|word| self.keyword(word)) {
                self.expect("*")?;
                return Ok(Some(returning));
            }
        }
        self.unreadable("ALL or MODIFIED, OLD or NEW, and *")
    }

    /// `"table"` or `"table"."index"`.
    fn target(&mut self) -> Result<Target, Fault> {
        let table = self.name()?;
        let index = if self.sign(".") { Some(self.name()?) } else { None };
        Ok(Target { table, index })
    }

    /// `name(.name|[index])*`.
    pub(super) fn path(&mut self) -> Result<Path, Fault> {
        let mut path = Path::attribute(self.name()?);
        loop {
            if self.sign(".") {
                path.steps.push(Step::Name(self.name()?));
            } else if self.sign("[") {
                let index = match self.peek() {
                    Some(TokenKind::Number(digits)) => digits.parse().ok(),
                    _ => None,
                };
                let Some(index) = index else { return self.unreadable("an index") };
                self.at += 1;
                self.expect("]")?;
                path.steps.push(Step::Index(index));
            } else {
                return Ok(path);
            }
        }
    }

    /// A name, quoted or not; a bare word of the grammar is none.
    fn name(&mut self) -> Result<String, Fault> {
        let name = match self.peek() {
            Some(TokenKind::Quoted(name)) if !name.is_empty() => name.clone().into_owned(),
            Some(TokenKind::Word(word)) if !is_reserved(word) => (*word).to_owned(),
            _ => return self.unreadable("a name"),
        };
        self.at += 1;
        Ok(name)
    }

    /// Whether a path can start here.
    pub(super) fn starts_path(&self) -> bool {
        match self.peek() {
            Some(TokenKind::Quoted(_)) => true,
            Some(TokenKind::Word(word)) => !is_reserved(word),
            _ => false,
        }
    }

    pub(super) fn peek(&self) -> Option<&TokenKind<'t>> {
        self.tokens.get(self.at).map(|token| &token.kind)
    }

    /// Takes the next word.
    pub(super) fn next(&mut self) -> Option<TokenKind<'t>> {
        let token = self.tokens.get(self.at)?;
        self.at += 1;
        Some(token.kind.clone())
    }

    /// Takes a sign, if it comes next.
    pub(super) fn sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(TokenKind::Sign(other)) if *other == sign);
        self.at += usize::from(found);
        found
    }

    pub(super) fn expect(&mut self, sign: &'static str) -> Result<(), Fault> {
        if self.sign(sign) { Ok(()) } else { self.unreadable(sign) }
    }

    /// Takes a keyword in any case, if it comes next.
    pub(super) fn keyword(&mut self, keyword: &str) -> bool {
        let found = matches!(self.peek(), Some(TokenKind::Word(word)) if word.eq_ignore_ascii_case(keyword));
        self.at += usize::from(found);
        found
    }

    pub(super) fn expect_keyword(&mut self, keyword: &'static str) -> Result<(), Fault> {
        if self.keyword(keyword) { Ok(()) } else { self.unreadable(keyword) }
    }

    /// Takes the name of a function with its opening bracket, if they come next.
    pub(super) fn call(&mut self, function: &str) -> bool {
        let opens = matches!(self.tokens.get(self.at + 1), Some(Token { kind: TokenKind::Sign("("), .. }));
        if opens && self.keyword(function) {
            self.at += 1;
            return true;
        }
        false
    }

    /// The fault of a word that does not fit.
    pub(super) fn unreadable<T>(&self, expected: &'static str) -> Result<T, Fault> {
        let at = self.tokens.get(self.at).map_or(self.end, |token| token.at);
        Err(Fault::Unreadable { at, expected })
    }
}

fn is_reserved(word: &str) -> bool {
    RESERVED.into_iter().any(|reserved| reserved.eq_ignore_ascii_case(word))
}

/// Bare words that are no names, since the grammar reads them. DynamoDB has more; those it refuses itself.
const RESERVED: [&str; 28] = [
    "AND",
    "AS",
    "BETWEEN",
    "BY",
    "CASE",
    "DELETE",
    "DISTINCT",
    "EXISTS",
    "FALSE",
    "FROM",
    "IN",
    "INSERT",
    "INTO",
    "IS",
    "LIKE",
    "MISSING",
    "NOT",
    "NULL",
    "OR",
    "ORDER",
    "REMOVE",
    "RETURNING",
    "SELECT",
    "SET",
    "TRUE",
    "UPDATE",
    "VALUE",
    "WHERE",
];

#[cfg(test)]
mod tests;
