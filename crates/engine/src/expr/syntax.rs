//! The grammar: words to a tree in which everything still stands as it was written.
//!
//! ```text
//!  condition = and (OR and)*          and = not (AND not)*          not = NOT not | primary
//!  primary   = ( condition ) | operand comparator operand | operand BETWEEN operand AND operand
//!            | operand IN ( operand, … ) | function
//!  operand   = path | :value | function | ( operand )
//!  function  = word ( operand, … )
//!  path      = name (.name | [digits])*
//! ```

use super::ast::Comparator;
use super::error::{Fault, Quote};
use super::lex::{Token, TokenKind, lex};
use super::shown::near;

/// An expression as it was written.
#[derive(Debug)]
pub(super) enum Node<'t> {
    Path(Vec<Part<'t>>),
    Value(&'t str),
    Call(&'t str, Vec<Node<'t>>),
    Group(Box<Node<'t>>),
    Compare(Comparator, Box<[Node<'t>; 2]>),
    Between(Box<[Node<'t>; 3]>),
    In(Box<Node<'t>>, Vec<Node<'t>>),
    And(Box<[Node<'t>; 2]>),
    Or(Box<[Node<'t>; 2]>),
    Not(Box<Node<'t>>),
    Plus(Box<[Node<'t>; 2]>),
    Minus(Box<[Node<'t>; 2]>),
}

/// One part of a path.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part<'t> {
    Word(&'t str),
    /// `#name`, with the sign.
    Name(&'t str),
    Index(&'t str),
}

/// Reads words one after the other.
pub(super) struct Cursor<'t> {
    source: &'t str,
    tokens: Vec<Token<'t>>,
    at: usize,
    depth: usize,
}

/// What may stand in a group that is an operand.
pub(super) type Grammar<'t> = fn(&mut Cursor<'t>) -> Result<Node<'t>, Fault>;

impl<'t> Cursor<'t> {
    pub(super) fn new(source: &'t str) -> Result<Self, Fault> {
        if source.is_empty() {
            return Err(Fault::Empty);
        }
        if source.len() > MAX_BYTES {
            return Err(Fault::TooLong);
        }
        Ok(Self { source, tokens: lex(source), at: 0, depth: 0 })
    }

    pub(super) fn peek(&self) -> Option<Token<'t>> {
        self.tokens.get(self.at).copied()
    }

    pub(super) fn take(&mut self, kind: TokenKind) -> Option<&'t str> {
        let token = self.peek().filter(|token| token.kind == kind)?;
        self.at = self.at.saturating_add(1);
        Some(token.text)
    }

    pub(super) fn sign(&mut self, sign: &'static str) -> bool {
        self.take(TokenKind::Sign(sign)).is_some()
    }

    pub(super) fn expect(&mut self, kind: TokenKind) -> Result<&'t str, Fault> {
        self.take(kind).ok_or_else(|| self.syntax())
    }

    /// The word at which reading stopped.
    pub(super) fn syntax(&self) -> Fault {
        let (token, near) = near(self.source, &self.tokens, self.at);
        let (token, near) = (Quote(token), Quote(near));
        Fault::Syntax { token, near, position: self.peek().map_or(self.source.len(), |token| token.start) }
    }

    pub(super) fn end(&self) -> Result<(), Fault> {
        if self.peek().is_none() { Ok(()) } else { Err(self.syntax()) }
    }

    pub(super) fn condition(&mut self) -> Result<Node<'t>, Fault> {
        let mut left = self.conjunction()?;
        while self.take(TokenKind::Keyword("OR")).is_some() {
            left = Node::Or(Box::new([left, self.conjunction()?]));
        }
        Ok(left)
    }

    fn conjunction(&mut self) -> Result<Node<'t>, Fault> {
        let mut left = self.negation()?;
        while self.take(TokenKind::Keyword("AND")).is_some() {
            left = Node::And(Box::new([left, self.negation()?]));
        }
        Ok(left)
    }

    fn negation(&mut self) -> Result<Node<'t>, Fault> {
        if self.take(TokenKind::Keyword("NOT")).is_some() {
            return self.nested(|cursor| Ok(Node::Not(Box::new(cursor.negation()?))));
        }
        let start = (self.at, self.depth);
        match self.peek().map(|token| token.kind) {
            Some(TokenKind::Sign("(")) if self.group_is_operand() => match self.comparison() {
                Err(Fault::Syntax { .. }) => {
                    (self.at, self.depth) = start;
                    self.group(Self::condition)
                }
                read => read,
            },
            Some(TokenKind::Sign("(")) => self.group(Self::condition),
            _ => self.comparison(),
        }
    }

    fn comparison(&mut self) -> Result<Node<'t>, Fault> {
        let left = self.operand(Self::plain_operand)?;
        match self.peek().map(|token| token.kind) {
            Some(TokenKind::Sign(sign)) if let Some(comparator) = Comparator::of(sign) => {
                self.at = self.at.saturating_add(1);
                Ok(Node::Compare(comparator, Box::new([left, self.operand(Self::plain_operand)?])))
            }
            Some(TokenKind::Keyword("BETWEEN")) => {
                self.at = self.at.saturating_add(1);
                let low = self.operand(Self::plain_operand)?;
                self.expect(TokenKind::Keyword("AND"))?;
                Ok(Node::Between(Box::new([left, low, self.operand(Self::plain_operand)?])))
            }
            Some(TokenKind::Keyword("IN")) => {
                self.at = self.at.saturating_add(1);
                self.expect(TokenKind::Sign("("))?;
                Ok(Node::In(Box::new(left), self.operands(Self::plain_operand)?))
            }
            _ if matches!(left, Node::Call(..)) => Ok(left),
            _ => Err(self.syntax()),
        }
    }

    fn plain_operand(&mut self) -> Result<Node<'t>, Fault> {
        self.operand(Self::plain_operand)
    }

    /// An operand; a group in its place holds what `in_group` reads.
    pub(super) fn operand(&mut self, in_group: Grammar<'t>) -> Result<Node<'t>, Fault> {
        let Some(token) = self.peek() else { return Err(self.syntax()) };
        let next = self.at.checked_add(1).and_then(|next| self.tokens.get(next));
        match token.kind {
            TokenKind::Value => self.expect(TokenKind::Value).map(Node::Value),
            TokenKind::Sign("(") => self.group(in_group),
            TokenKind::Word if next.is_some_and(|next| next.kind == TokenKind::Sign("(")) => {
                self.at = self.at.saturating_add(2);
                self.nested(|cursor| Ok(Node::Call(token.text, cursor.operands(in_group)?)))
            }
            _ => self.path().map(Node::Path),
        }
    }

    /// Operands up to the closing bracket.
    fn operands(&mut self, in_group: Grammar<'t>) -> Result<Vec<Node<'t>>, Fault> {
        let mut operands = vec![self.operand(in_group)?];
        while self.sign(",") {
            operands.push(self.operand(in_group)?);
        }
        self.expect(TokenKind::Sign(")"))?;
        Ok(operands)
    }

    fn group(&mut self, content: Grammar<'t>) -> Result<Node<'t>, Fault> {
        self.expect(TokenKind::Sign("("))?;
        let inner = self.nested(content)?;
        self.expect(TokenKind::Sign(")"))?;
        match inner {
            Node::Group(_) => Err(Fault::RedundantParentheses),
            inner => Ok(Node::Group(Box::new(inner))),
        }
    }

    pub(super) fn path(&mut self) -> Result<Vec<Part<'t>>, Fault> {
        let mut parts = vec![self.name()?];
        loop {
            if self.sign(".") {
                parts.push(self.name()?);
            } else if self.sign("[") {
                parts.push(Part::Index(self.expect(TokenKind::Number)?));
                self.expect(TokenKind::Sign("]"))?;
            } else {
                return Ok(parts);
            }
        }
    }

    fn name(&mut self) -> Result<Part<'t>, Fault> {
        match self.take(TokenKind::Name) {
            Some(name) => Ok(Part::Name(name)),
            None => self.expect(TokenKind::Word).map(Part::Word),
        }
    }

    /// Whether the group that starts here is compared with something, by what follows its closing bracket.
    fn group_is_operand(&self) -> bool {
        let mut depth = 0_usize;
        let rest = self.tokens.get(self.at..).unwrap_or_default();
        let closes = |token: &Token<'_>| {
            match token.kind {
                TokenKind::Sign("(") => depth = depth.saturating_add(1),
                TokenKind::Sign(")") => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0
        };
        let close = rest.iter().position(closes);
        let follows = close.and_then(|close| rest.get(close.checked_add(1)?));
        follows.is_some_and(|token| match token.kind {
            TokenKind::Sign(sign) => Comparator::of(sign).is_some(),
            kind => matches!(kind, TokenKind::Keyword("BETWEEN" | "IN")),
        })
    }

    /// One level deeper. Each level needs an operator of its own, so whatever nests deeper than their limit is refused
    /// before it can exhaust the stack.
    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        if self.depth == MAX_NESTING {
            let redundant = self.peek().is_some_and(|token| token.kind == TokenKind::Sign("("));
            return Err(if redundant { Fault::RedundantParentheses } else { Fault::TooManyOperators });
        }
        self.depth = self.depth.saturating_add(1);
        let read = read(self)?;
        self.depth = self.depth.saturating_sub(1);
        Ok(read)
    }
}

/// DynamoDB's longest expression.
pub(crate) const MAX_BYTES: usize = 4096;
const MAX_NESTING: usize = 300;

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> String {
        let read = Cursor::new(text).and_then(|mut cursor| {
            cursor.condition()?;
            cursor.end()
        });
        match read {
            Ok(()) => "read".into(),
            Err(Fault::Syntax { token, near, .. }) => format!("{} near {}", token.0, near.0),
            Err(fault) => format!("{fault:?}"),
        }
    }

    #[test]
    fn groups_may_hold_conditions_and_operands() {
        for text in [
            "(a = b)",
            "(a) = (b)",
            "((a) = b AND c < d)",
            "(size(a)) > (b)",
            "NOT (a = b OR NOT contains(c, :d))",
            "(a) BETWEEN (b.c[0].#d) AND (:e)",
            "a IN ((b), :c)",
            "((a = b) OR (c = d))",
        ] {
            assert_eq!(fault(text), "read", "{text}");
        }
        for text in ["((a = b))", "((a)) = b", "NOT ((a = b))", "f(((a)))"] {
            assert_eq!(fault(text), "RedundantParentheses", "{text}");
        }
    }

    #[test]
    fn syntax_errors_name_the_word_where_reading_stopped() {
        for (text, expected) in [
            ("a = :v AND", "<EOF> near AND"),
            ("attribute_exists(pk,)", ") near ,)"),
            ("begins_with(a :v)", ":v near (redacted) :v)"),
            ("a BETWEEN :v OR :w", "OR near :v OR :w"),
            ("a[x] = :v", "(redacted) near [(redacted)]"),
            ("a = :v :w x", ":w near :v :w (redacted)"),
            ("(a = b) = c", "= near ) = (redacted)"),
            ("(a)", ") near (redacted))"),
            ("a = 42", "(redacted) near = (redacted)"),
            ("_a = :v", "(redacted) near (redacted)"),
            ("size(a).b > c", "(redacted) near )(redacted)"),
            ("a.and = :v", "(redacted) near (redacted) ="),
        ] {
            assert_eq!(fault(text), expected, "{text}");
        }
    }

    #[test]
    fn no_depth_exhausts_the_stack() {
        assert_eq!(fault(&"(".repeat(4096)), "RedundantParentheses");
        assert_eq!(fault(&format!("{}a=b", "NOT ".repeat(1000))), "TooManyOperators");
        assert_eq!(fault(&format!("a<{}b", "f(".repeat(1300))), "TooManyOperators");
        assert_eq!(fault(&format!("a=b{}", " or (a=b".repeat(400))), "TooManyOperators");
        assert_eq!(fault(&"x".repeat(4097)), "TooLong");
        assert_eq!(fault(""), "Empty");
    }
}
