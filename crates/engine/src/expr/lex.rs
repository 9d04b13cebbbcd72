//! The words of an expression. Whole words, so that `order` is not `OR der`; every kind of white space alike; a
//! character that DynamoDB's grammar does not have is a word of its own, so that it can never end the text silently
//! (FORMAT T19, T20).

/// A word with what it is and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'t> {
    pub(super) kind: TokenKind,
    pub(super) text: &'t str,
    /// The byte at which it starts.
    pub(super) start: usize,
}

/// What a word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A bare word that is no keyword: an attribute name or a function.
    Word,
    /// `#name`, with the sign.
    Name,
    /// `:value`, with the sign.
    Value,
    /// Digits, as in `list[3]`.
    Number,
    /// One of the grammar's own words, in capitals.
    Keyword(&'static str),
    /// One or two signs, as they stand.
    Sign(&'static str),
    /// A character that no expression has.
    Unreadable,
}

pub(super) fn lex(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut start = 0;
    while let Some(rest) = text.get(start..)
        && let Some(first) = rest.chars().next()
    {
        if matches!(first, ' ' | '\t' | '\n' | '\r') {
            start += 1;
            continue;
        }
        let (kind, length) = token(rest, first);
        let text = rest.get(..length).unwrap_or(rest);
        tokens.push(Token { kind, text, start });
        start += text.len();
    }
    tokens
}

/// The `#names` and `:values` that an expression uses.
pub(crate) fn used_placeholders(text: &str) -> impl Iterator<Item = &str> {
    let is_placeholder = |kind| matches!(kind, TokenKind::Name | TokenKind::Value);
    lex(text).into_iter().filter(move |token| is_placeholder(token.kind)).map(|token| token.text)
}

/// What the text starts with, and how long that is.
fn token(rest: &str, first: char) -> (TokenKind, usize) {
    let word = |from: usize| from + rest.bytes().skip(from).take_while(|byte| is_word(*byte)).count();
    match first {
        '#' if word(1) > 1 => (TokenKind::Name, word(1)),
        ':' if word(1) > 1 => (TokenKind::Value, word(1)),
        'a'..='z' | 'A'..='Z' => {
            let length = word(0);
            (rest.get(..length).and_then(keyword).map_or(TokenKind::Word, TokenKind::Keyword), length)
        }
        // A number that starts with 0 is the 0 alone.
        '0' => (TokenKind::Number, 1),
        '1'..='9' => (TokenKind::Number, rest.bytes().take_while(u8::is_ascii_digit).count()),
        _ => match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            Some(sign) => (TokenKind::Sign(sign), sign.len()),
            None => (TokenKind::Unreadable, first.len_utf8()),
        },
    }
}

fn keyword(word: &str) -> Option<&'static str> {
    KEYWORDS.into_iter().find(|keyword| keyword.eq_ignore_ascii_case(word))
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

const KEYWORDS: [&str; 9] = ["AND", "OR", "NOT", "BETWEEN", "IN", "SET", "REMOVE", "ADD", "DELETE"];

/// Longer ones first.
const SIGNS: [&str; 14] = ["<>", "<=", ">=", "=", "<", ">", "(", ")", "[", "]", ".", ",", "+", "-"];

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<(TokenKind, &str)> {
        lex(text).into_iter().map(|token| (token.kind, token.text)).collect()
    }

    #[test]
    fn words_are_whole_and_white_space_is_alike() {
        use TokenKind::{Keyword, Name, Number, Sign, Value, Word};
        let expected = [
            (Word, "order"),
            (Sign("="), "="),
            (Value, ":b"),
            (Keyword("AND"), "AnD"),
            (Name, "#x"),
            (Sign("["), "["),
            (Number, "0"),
            (Number, "12"),
            (Sign("]"), "]"),
            (Sign("."), "."),
            (Word, "note"),
            (Sign("<>"), "<>"),
            (Value, ":c"),
        ];
        assert_eq!(words("order=:b\n\tAnD #x[012].note <> :c"), expected);
    }

    #[test]
    fn an_unknown_character_is_a_word_of_its_own() {
        use TokenKind::{Name, Number, Sign, Unreadable, Word};
        let expected = [(Word, "a"), (Unreadable, "\u{a0}"), (Unreadable, "é"), (Unreadable, "_"), (Number, "1")];
        assert_eq!(words("a\u{a0}é_1"), expected);
        assert_eq!(words("# #:"), [(Unreadable, "#"), (Unreadable, "#"), (Unreadable, ":")]);
        assert_eq!(words("#1=!"), [(Name, "#1"), (Sign("="), "="), (Unreadable, "!")]);
    }

    #[test]
    fn names_are_found_wherever_they_stand() {
        assert_eq!(used_placeholders("#a.#b = :c AND ! #d").collect::<Vec<_>>(), ["#a", "#b", ":c", "#d"]);
    }
}
