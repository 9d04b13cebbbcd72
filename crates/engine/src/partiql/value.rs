//! Literals and parameters.

use std::borrow::Cow;

use dynaseal_item::Value;

use super::Fault;
use super::lex::TokenKind;
use super::parse::Parser;

/// How deep values may nest, as DynamoDB has it.
const MAX_DEPTH: usize = 32;

impl Parser<'_> {
    /// A value at a depth of lists and maps.
    pub(super) fn value(&mut self, depth: usize) -> Result<Value<'static>, Fault> {
        if depth >= MAX_DEPTH {
            return self.unreadable("no deeper value");
        }
        if self.sign("?") {
            return Ok(self.parameter());
        }
        if self.sign("[") {
            return self.all("]", |parser| parser.value(depth + 1)).map(Value::L);
        }
        if self.sign("<<") {
            let members = self.all(">>", |parser| parser.value(depth + 1))?;
            return self.set_of(members);
        }
        for (word, value) in [("TRUE", Value::Bool(true)), ("FALSE", Value::Bool(false)), ("NULL", Value::Null)] {
            if self.keyword(word) {
                return Ok(value);
            }
        }
        if let Some(TokenKind::Text(text)) = self.peek() {
            let text = text.clone().into_owned();
            self.next();
            return Ok(Value::S(text.into()));
        }
        if matches!(self.peek(), Some(TokenKind::Sign("{"))) {
            return self.map(depth).map(Value::M);
        }
        let minus = self.sign("-");
        if !minus {
            self.sign("+");
        }
        let Some(TokenKind::Number(digits)) = self.peek() else { return self.unreadable("a value") };
        let number = if minus { format!("-{digits}") } else { (*digits).to_owned() };
        self.next();
        Ok(Value::N(number.into()))
    }

    /// `{'name': value, …}`.
    pub(super) fn map(&mut self, depth: usize) -> Result<Vec<(Cow<'static, str>, Value<'static>)>, Fault> {
        self.expect("{")?;
        let entries: Vec<(Cow<'static, str>, Value<'static>)> = self.all("}", |parser| {
            let name = match parser.peek() {
                Some(TokenKind::Text(name) | TokenKind::Quoted(name)) if !name.is_empty() => name.clone().into_owned(),
                _ => return parser.unreadable("a name in quotes"),
            };
            parser.next();
            parser.expect(":")?;
            Ok((name.into(), parser.value(depth + 1)?))
        })?;
        let mut names: Vec<_> = entries.iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| matches!(pair, [one, two] if one == two)) {
            return self.unreadable("each name once in the map before");
        }
        Ok(entries)
    }

    /// The parameter of a `?`. One that is lacking is reported when the whole statement is read.
    fn parameter(&mut self) -> Value<'static> {
        let parameter = self.parameters.get_mut(self.used).map(|value| std::mem::replace(value, Value::Null));
        self.used += 1;
        parameter.unwrap_or(Value::Null)
    }

    fn set_of(&mut self, members: Vec<Value<'static>>) -> Result<Value<'static>, Fault> {
        let mut set = match members.first() {
            Some(Value::S(_)) => Value::Ss(Vec::new()),
            Some(Value::N(_)) => Value::Ns(Vec::new()),
            Some(Value::B(_)) => Value::Bs(Vec::new()),
            _ => return self.unreadable("a set of strings, numbers or binaries before"),
        };
        for member in members {
            match (&mut set, member) {
                (Value::Ss(all), Value::S(text)) | (Value::Ns(all), Value::N(text)) => all.push(text),
                (Value::Bs(all), Value::B(bytes)) => all.push(bytes),
                _ => return self.unreadable("a set of one type before"),
            }
        }
        Ok(set)
    }

    /// Parts divided by commas, up to a closing sign.
    pub(super) fn all<T>(
        &mut self,
        close: &'static str,
        mut part: impl FnMut(&mut Self) -> Result<T, Fault>,
    ) -> Result<Vec<T>, Fault> {
        let mut all = Vec::new();
        if self.sign(close) {
            return Ok(all);
        }
        loop {
            all.push(part(self)?);
            if !self.sign(",") {
                break;
            }
        }
        self.expect(close)?;
        Ok(all)
    }
}
