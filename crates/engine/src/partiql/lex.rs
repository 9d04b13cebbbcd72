//! The words of a statement. What DynamoDB might read otherwise than we do ends the reading: comments, literals between
//! backticks, quotes that never close, characters that no statement has.

use std::borrow::Cow;

use super::Fault;

/// A word with what it is and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token<'t> {
    pub(super) kind: TokenKind<'t>,
    /// The byte at which it starts.
    pub(super) at: usize,
}

/// What a word is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TokenKind<'t> {
    /// A bare word: a keyword, a function or a name.
    Word(&'t str),
    /// `"name"`, without its quotes.
    Quoted(Cow<'t, str>),
    /// `'text'`, without its quotes.
    Text(Cow<'t, str>),
    /// Digits with point and exponent, without a sign.
    Number(&'t str),
    /// One or two signs, as they stand.
    Sign(&'static str),
}

/// Reads all words.
///
/// # Errors
/// Says where the text cannot be read.
pub(super) fn lex(text: &str) -> Result<Vec<Token<'_>>, Fault> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..)
        && let Some(first) = rest.chars().next()
    {
        if first.is_ascii_whitespace() {
            at += 1;
            continue;
        }
        let (kind, length) = token(rest, first).map_err(|expected| Fault::Unreadable { at, expected })?;
        tokens.push(Token { kind, at });
        at += length;
    }
    Ok(tokens)
}

/// What the text starts with, and how long that is.
fn token(rest: &str, first: char) -> Result<(TokenKind<'_>, usize), &'static str> {
    if rest.starts_with("--") || rest.starts_with("/*") {
        return Err("no comment");
    }
    match first {
        'a'..='z' | 'A'..='Z' | '_' => {
            let word = prefix(rest, is_word);
            Ok((TokenKind::Word(word), word.len()))
        }
        '0'..='9' => number(rest),
        '"' => quoted(rest, '"').map(|(name, length)| (TokenKind::Quoted(name), length)),
        '\'' => quoted(rest, '\'').map(|(text, length)| (TokenKind::Text(text), length)),
        _ => {
            let sign = SIGNS.into_iter().find(|sign| rest.starts_with(sign)).ok_or("a word or a sign of PartiQL")?;
            Ok((TokenKind::Sign(sign), sign.len()))
        }
    }
}

/// `1`, `1.5`, `1e5`, `1.5E-3`.
fn number(rest: &str) -> Result<(TokenKind<'_>, usize), &'static str> {
    let digits = |from: usize| prefix(rest.get(from..).unwrap_or_default(), |byte| byte.is_ascii_digit()).len();
    let mut end = digits(0);
    if rest.get(end..).is_some_and(|rest| rest.starts_with('.')) {
        end += 1 + digits(end + 1);
    }
    if rest.get(end..).is_some_and(|rest| rest.starts_with(['e', 'E'])) {
        let sign = usize::from(rest.get(end + 1..).is_some_and(|rest| rest.starts_with(['+', '-'])));
        let exponent = digits(end + 1 + sign);
        if exponent == 0 {
            return Err("digits in the exponent");
        }
        end += 1 + sign + exponent;
    }
    if rest.as_bytes().get(end).is_some_and(|byte| is_word(*byte) || *byte == b'.') {
        return Err("nothing joined to a number");
    }
    Ok((TokenKind::Number(rest.get(..end).unwrap_or_default()), end))
}

/// Text between quotes; two in a row stand for one.
fn quoted(rest: &str, quote: char) -> Result<(Cow<'_, str>, usize), &'static str> {
    let mut marks = rest.match_indices(quote).map(|(at, _)| at).skip(1).peekable();
    while let Some(at) = marks.next() {
        if marks.next_if_eq(&(at + 1)).is_some() {
            continue;
        }
        let inner = rest.get(1..at).unwrap_or_default();
        let inner = match quote {
            '"' if inner.contains('"') => Cow::Owned(inner.replace("\"\"", "\"")),
            '\'' if inner.contains('\'') => Cow::Owned(inner.replace("''", "'")),
            _ => Cow::Borrowed(inner),
        };
        return Ok((inner, at + 1));
    }
    Err("a closing quote")
}

fn prefix(text: &str, keep: impl Fn(u8) -> bool) -> &str {
    let end = text.bytes().take_while(|byte| keep(*byte)).count();
    text.get(..end).unwrap_or_default()
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Longer ones first.
const SIGNS: [&str; 23] = [
    "<<", ">>", "<>", "<=", ">=", "!=", "=", "<", ">", "(", ")", "[", "]", "{", "}", ",", ":", ".", "*", "?", "+", "-",
    ";",
];

#[cfg(test)]
mod tests {
    use super::TokenKind::{Number, Quoted, Sign, Text, Word};
    use super::*;

    fn words(text: &str) -> Result<Vec<TokenKind<'_>>, Fault> {
        Ok(lex(text)?.into_iter().map(|token| token.kind).collect())
    }

    #[test]
    fn quotes_are_read_whole() {
        let expected = vec![
            Word("a1"),
            Sign("="),
            Text("it's -- \"x\"".into()),
            Sign("."),
            Quoted("b\"c".into()),
            Text("".into()),
            Sign("<<"),
            Number("1.5e-3"),
            Sign(">>"),
            Sign("<>"),
        ];
        assert_eq!(words("a1='it''s -- \"x\"'.\"b\"\"c\" '' <<1.5e-3>> <>").unwrap(), expected);
    }

    #[test]
    fn what_could_be_read_otherwise_is_not_read() {
        for (text, at) in [
            ("a -- b", 2),
            ("a /* b */", 2),
            ("`a`", 0),
            ("'a''", 0),
            ("\"", 0),
            ("a\u{a0}b", 1),
            ("1ex", 0),
            ("1.2.3", 0),
            ("#a", 0),
        ] {
            assert!(matches!(words(text), Err(Fault::Unreadable { at: found, .. }) if found == at), "{text}");
        }
    }
}
