//! WHERE clauses, read into the conditions that expressions have.

use dynaseal_item::Value;

use crate::expr::ast::{Comparator, Condition, Operand, Path};

use super::Fault;
use super::lex::TokenKind;
use super::parse::Parser;

type Read = Condition<Value<'static>>;

/// How deep brackets may nest.
const MAX_DEPTH: usize = 64;
/// DynamoDB's limit of operators and functions in an expression.
const MAX_OPERATORS: usize = 300;

impl Parser<'_> {
    pub(super) fn condition(&mut self, depth: usize) -> Result<Read, Fault> {
        if depth >= MAX_DEPTH {
            return self.unreadable("no deeper condition");
        }
        let mut left = self.conjunction(depth)?;
        while self.keyword("OR") {
            self.operator()?;
            left = left.or(self.conjunction(depth)?);
        }
        Ok(left)
    }

    fn conjunction(&mut self, depth: usize) -> Result<Read, Fault> {
        let mut left = self.negation(depth)?;
        while self.keyword("AND") {
            self.operator()?;
            left = left.and(self.negation(depth)?);
        }
        Ok(left)
    }

    fn negation(&mut self, depth: usize) -> Result<Read, Fault> {
        let mut negated = false;
        while self.keyword("NOT") {
            self.operator()?;
            negated = !negated;
        }
        let inner = if self.sign("(") {
            let inner = self.condition(depth + 1)?;
            self.expect(")")?;
            inner
        } else {
            self.predicate()?
        };
        Ok(if negated { inner.not() } else { inner })
    }

    /// Counts an operator or a function.
    fn operator(&mut self) -> Result<(), Fault> {
        self.operators += 1;
        if self.operators > MAX_OPERATORS { self.unreadable("no more than 300 operators before") } else { Ok(()) }
    }

    fn predicate(&mut self) -> Result<Read, Fault> {
        self.operator()?;
        for (function, make) in PRESENCE {
            if self.call(function) {
                let path = self.path()?;
                self.expect(")")?;
                return Ok(make(path));
            }
        }
        for (function, make) in OF_TWO {
            if self.call(function) {
                let whole = self.operand(0)?;
                self.expect(",")?;
                let part = self.operand(0)?;
                self.expect(")")?;
                return Ok(make(whole, part));
            }
        }
        if self.call("attribute_type") {
            let one = self.operand(0)?;
            self.expect(",")?;
            let kind = self.value(0)?;
            self.expect(")")?;
            return Ok(Condition::Type(one, kind));
        }
        let left = self.operand(0)?;
        if let Some(comparator) = self.comparator() {
            return Ok(Condition::Compare(left, comparator, self.operand(0)?));
        }
        if self.keyword("IS") {
            let Operand::Path(path) = left else { return self.unreadable("a path before IS") };
            let negated = self.keyword("NOT");
            let is = self.is(path)?;
            return Ok(if negated { is.not() } else { is });
        }
        let negated = self.keyword("NOT");
        let condition = if self.keyword("BETWEEN") {
            let low = self.operand(0)?;
            self.expect_keyword("AND")?;
            Condition::Between(left, low, self.operand(0)?)
        } else if self.keyword("IN") {
            let close = if self.sign("(") {
                ")"
            } else {
                self.expect("[")?;
                "]"
            };
            let members = self.all(close, |parser| parser.operand(0))?;
            if members.is_empty() {
                return self.unreadable("a member in the list before");
            }
            Condition::In(left, members)
        } else {
            return self.unreadable("a comparison, IS, IN or BETWEEN");
        };
        Ok(if negated { condition.not() } else { condition })
    }

    fn comparator(&mut self) -> Option<Comparator> {
        let Some(TokenKind::Sign(sign)) = self.peek() else { return None };
        let comparator = Comparator::of(if *sign == "!=" { "<>" } else { sign })?;
        self.next();
        Some(comparator)
    }

    fn operand(&mut self, depth: usize) -> Result<Operand<Value<'static>>, Fault> {
        if depth >= MAX_DEPTH {
            return self.unreadable("no deeper size");
        }
        if self.call("size") {
            let inner = self.operand(depth + 1)?;
            self.expect(")")?;
            return Ok(Operand::Size(Box::new(inner)));
        }
        if self.starts_path() {
            return self.path().map(Operand::Path);
        }
        self.value(0).map(Operand::Value)
    }

    /// What comes after IS.
    fn is(&mut self, path: Path) -> Result<Read, Fault> {
        if self.keyword("MISSING") {
            return Ok(Condition::NotExists(path));
        }
        for (word, kind) in TYPES {
            if self.keyword(word) {
                return Ok(Condition::Type(Operand::Path(path), Value::S(kind.into())));
            }
        }
        self.unreadable("MISSING, NULL, BOOLEAN, BLOB, STRING, NUMERIC, STRUCT, TUPLE or LIST")
    }
}

type OfPath = fn(Path) -> Read;
type OfTwo = fn(Operand<Value<'static>>, Operand<Value<'static>>) -> Read;

const PRESENCE: [(&str, OfPath); 2] =
    [("attribute_exists", Condition::Exists), ("attribute_not_exists", Condition::NotExists)];
const OF_TWO: [(&str, OfTwo); 2] = [("begins_with", Condition::BeginsWith), ("contains", Condition::Contains)];

/// PartiQL's types with DynamoDB's.
const TYPES: [(&str, &str); 9] = [
    ("NULL", "NULL"),
    ("BOOL", "BOOL"),
    ("BOOLEAN", "BOOL"),
    ("BLOB", "B"),
    ("STRING", "S"),
    ("NUMERIC", "N"),
    ("STRUCT", "M"),
    ("TUPLE", "M"),
    ("LIST", "L"),
];
