//! What a message may repeat of an expression. Callers write values where names belong (`ssn = 123456789`,
//! `SET name = Müller`, a quote that never closes), so only that is shown which cannot be one: the grammar's own words
//! and signs, its functions, and placeholders.
//!
//! | word | shown |
//! |---|---|
//! | a keyword, a sign, a known function before its bracket | yes |
//! | `#name`, `:value` | yes, unless it starts with a digit or has four in a row |
//! | a bare word, a number, a character that the grammar does not have | no |
//! | what touches a word that is not shown, but for brackets, commas and comparators | no |
//! | everything from a character on that the grammar does not have | no |

use super::lex::{Token, TokenKind};

/// Stands for what is not shown.
pub(crate) const HIDDEN: &str = "(redacted)";

/// DynamoDB's name of a place in an expression: the word at `at`, and the text from the word before to the word after.
pub(super) fn near(source: &str, tokens: &[Token<'_>], at: usize) -> (String, String) {
    let shown = shown(tokens);
    let print = |from: usize, to: usize| {
        let (mut out, mut hidden) = (String::new(), false);
        for place in from..=to {
            let (Some(token), Some(is_shown)) = (tokens.get(place), shown.get(place)) else { continue };
            if place > from && (*is_shown || !hidden) {
                out.push_str(gap(source, tokens, place));
            }
            match (is_shown, hidden) {
                (true, _) => out.push_str(token.text),
                (false, false) => out.push_str(HIDDEN),
                (false, true) => {}
            }
            hidden = !is_shown;
        }
        out
    };
    if at >= tokens.len() {
        let last = tokens.len().checked_sub(1).map(|last| print(last, last));
        return ("<EOF>".to_owned(), last.unwrap_or_else(|| source.to_owned()));
    }
    (print(at, at), print(at.saturating_sub(1), at.saturating_add(1)))
}

/// The word itself where it is a placeholder that no value looks like; otherwise what stands for it.
pub(crate) fn placeholder(word: &str) -> &str {
    let name = word.strip_prefix(['#', ':']).unwrap_or(word);
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name.bytes().next().is_some_and(|first| !first.is_ascii_digit())
        && !name.as_bytes().windows(4).any(|part| part.iter().all(u8::is_ascii_digit));
    if is_name { word } else { HIDDEN }
}

/// The name of a function that DynamoDB does not have where it is a known one in other letters.
pub(super) fn function(name: &str) -> &str {
    let plain = |name: &str| name.replace('_', "").to_ascii_lowercase();
    if FUNCTIONS.iter().any(|known| plain(known) == plain(name)) { name } else { HIDDEN }
}

/// Which of the words may be shown.
fn shown(tokens: &[Token<'_>]) -> Vec<bool> {
    let mut shown = Vec::with_capacity(tokens.len());
    let readable = tokens.iter().position(|token| token.kind == TokenKind::Unreadable).unwrap_or(tokens.len());
    while shown.len() < tokens.len() {
        let start = shown.len();
        let rest = tokens.get(start..).unwrap_or_default();
        let length = if rest.first().is_some_and(divides) { 1 } else { joined(rest) };
        let is_shown = start.saturating_add(length) <= readable
            && (start..start.saturating_add(length)).all(|place| is_known(tokens, place));
        shown.resize(start.saturating_add(length), is_shown);
    }
    shown
}

/// How many words touch each other, up to one that divides.
fn joined(tokens: &[Token<'_>]) -> usize {
    let ends = |pair: &[Token<'_>]| match pair {
        [one, next] => divides(next) || one.start.saturating_add(one.text.len()) < next.start,
        _ => true,
    };
    tokens.windows(2).position(ends).map_or(tokens.len(), |last| last.saturating_add(1))
}

/// Whether it is a sign that parts words from each other in every expression.
fn divides(token: &Token<'_>) -> bool {
    matches!(token.kind, TokenKind::Sign(sign) if !matches!(sign, "." | "+" | "-"))
}

fn is_known(tokens: &[Token<'_>], at: usize) -> bool {
    let Some(token) = tokens.get(at) else { return false };
    match token.kind {
        TokenKind::Keyword(_) | TokenKind::Sign(_) => true,
        TokenKind::Name | TokenKind::Value => placeholder(token.text) == token.text,
        TokenKind::Word => {
            let next = tokens.get(at.saturating_add(1)).map(|next| next.kind);
            FUNCTIONS.contains(&token.text) && next == Some(TokenKind::Sign("("))
        }
        TokenKind::Number | TokenKind::Unreadable => false,
    }
}

/// The white space before a word.
fn gap<'t>(source: &'t str, tokens: &[Token<'_>], at: usize) -> &'t str {
    let before = at.checked_sub(1).and_then(|before| tokens.get(before));
    let end = before.map_or(0, |token| token.start.saturating_add(token.text.len()));
    tokens.get(at).and_then(|token| source.get(end..token.start)).unwrap_or_default()
}

const FUNCTIONS: [&str; 8] = [
    "attribute_exists",
    "attribute_not_exists",
    "attribute_type",
    "begins_with",
    "contains",
    "if_not_exists",
    "list_append",
    "size",
];

#[cfg(test)]
mod tests {
    use super::super::lex::lex;
    use super::*;

    fn at(source: &str, at: usize) -> (String, String) {
        near(source, &lex(source), at)
    }

    #[test]
    fn a_place_is_named_by_its_neighbours() {
        assert_eq!(at(":a  = = :v", 2), ("=".into(), "= = :v".into()));
        assert_eq!(at(":a  = = :v", 0), (":a".into(), ":a  =".into()));
        assert_eq!(at("a  = = :v", 9), ("<EOF>".into(), ":v".into()));
        assert_eq!(at(" \t", 0), ("<EOF>".into(), " \t".into()));
        assert_eq!(at("size( contains", 1), ("(".into(), "size( (redacted)".into()));
        assert_eq!(at("a =", 0), (HIDDEN.into(), "(redacted) =".into()));
    }

    /// Whatever stands where a value could, in each place from which an expression may not go on.
    #[test]
    fn nothing_that_can_be_a_value_is_shown() {
        for value in [
            "123-45-6789",
            "'123-45-6789'",
            "\"Doe, Jane (Jr.)\"",
            "123456789",
            "-12.5",
            "abc@x.de",
            "Müller",
            "Jane Doe",
            "Jane.Doe",
            "O'Neil",
            "user:hunter@db",
            "12:30:45",
            ":4111111111111111",
            ":1234",
            "p#ss1234",
            "p#word-x",
            "“quoted”",
            "2026-11-30T21:00:00Z",
            "{\"S\":\"x\"}",
        ] {
            let parts = value.split(|one: char| !one.is_alphanumeric()).filter(|part| part.chars().count() > 1);
            let parts: Vec<_> = parts.collect();
            for around in ["SET ssn = {}", "ssn={} AND x", "contains(a,{})", "a IN ({}, :b)", "{} = a", "({}"] {
                let source = around.replace("{}", value);
                let tokens = lex(&source);
                for place in 0..=tokens.len() {
                    let (token, near) = near(&source, &tokens, place);
                    let leak = parts.iter().find(|part| token.contains(**part) || near.contains(**part));
                    assert_eq!(leak, None, "{source} at {place}: {token} near {near}");
                }
            }
        }
    }

    #[test]
    fn functions_and_placeholders_are_told_from_values() {
        assert_eq!((function("Begins_With"), function("attributeExists")), ("Begins_With", "attributeExists"));
        assert_eq!((function("Smith"), function("siz")), (HIDDEN, HIDDEN));
        for name in ["#n", ":v1", ":address_2", "#_x", "a"] {
            assert_eq!(placeholder(name), name);
        }
        for value in [":1", ":x2026", "#", "Müller", "123-45-6789", ":a b"] {
            assert_eq!(placeholder(value), HIDDEN);
        }
    }
}
