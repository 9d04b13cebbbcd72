//! The words of an expression. Whole words, so that `order` is not `OR der`; every kind of white space alike; a
//! character that DynamoDB's grammar does not have is an error and never ends the text silently (FORMAT T19, T20).

/// A word with what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// A bare word: an attribute name, a keyword or a function.
    Word(&'a str),
    /// `#name`, with the sign.
    Name(&'a str),
    /// `:value`, with the sign.
    Value(&'a str),
    /// Digits, as in `list[3]`.
    Number(&'a str),
    /// A single sign.
    Sign(char),
}

/// A character that belongs to no expression, by its position from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UnknownCharacter {
    pub(crate) position: usize,
}

pub(crate) fn lex(text: &str) -> Result<Vec<Token<'_>>, UnknownCharacter> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let word = |from: usize| from + rest.bytes().skip(from).take_while(|byte| is_word(*byte)).count();
        let (token, length) = match first {
            ' ' | '\t' | '\n' | '\r' => (None, 1),
            '#' | ':' if word(1) > 1 => {
                let (name, _) = rest.split_at_checked(word(1)).unwrap_or((rest, ""));
                (Some(if first == '#' { Token::Name(name) } else { Token::Value(name) }), name.len())
            }
            'a'..='z' | 'A'..='Z' | '_' | '0'..='9' => {
                let (name, _) = rest.split_at_checked(word(0)).unwrap_or((rest, ""));
                (Some(if first.is_ascii_digit() { Token::Number(name) } else { Token::Word(name) }), name.len())
            }
            '(' | ')' | '[' | ']' | '.' | ',' | '=' | '<' | '>' | '+' | '-' => (Some(Token::Sign(first)), 1),
            _ => return Err(UnknownCharacter { position: text.len() - rest.len() + 1 }),
        };
        tokens.extend(token);
        rest = rest.get(length..).unwrap_or_default();
    }
    Ok(tokens)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_whole_and_white_space_is_alike() {
        let tokens = lex("order=:b\n\tAND #x[0].note <> :c").unwrap();
        let expected = [
            Token::Word("order"),
            Token::Sign('='),
            Token::Value(":b"),
            Token::Word("AND"),
            Token::Name("#x"),
            Token::Sign('['),
            Token::Number("0"),
            Token::Sign(']'),
            Token::Sign('.'),
            Token::Word("note"),
            Token::Sign('<'),
            Token::Sign('>'),
            Token::Value(":c"),
        ];
        assert_eq!(tokens, expected);
    }

    #[test]
    fn an_unknown_character_is_an_error() {
        assert_eq!(lex("a = :b; c"), Err(UnknownCharacter { position: 7 }));
        assert_eq!(lex("é"), Err(UnknownCharacter { position: 1 }));
        assert_eq!(lex("# a"), Err(UnknownCharacter { position: 1 }));
    }
}
