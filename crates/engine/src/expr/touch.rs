//! Which attributes an expression reads or writes, by the first name of each path. Decided on words alone, and always
//! for the larger set: a word that might be an attribute counts as one.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::lex::{Token, lex};

/// `ExpressionAttributeNames`.
pub(crate) type Names<'a> = BTreeMap<Cow<'a, str>, Cow<'a, str>>;

/// One use of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Touch {
    /// The top-level attribute.
    pub(crate) attribute: String,
    /// Whether only its presence is asked for: `attribute_exists` or `attribute_not_exists` of the attribute itself.
    pub(crate) presence_only: bool,
}

/// An expression that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unclear {
    Character { position: usize },
    UndefinedName { name: String },
}

/// Every attribute that `expression` touches.
pub(crate) fn touches(expression: &str, names: &Names<'_>) -> Result<Vec<Touch>, Unclear> {
    let tokens = lex(expression).map_err(|error| Unclear::Character { position: error.position })?;
    let token = |at: Option<usize>| at.and_then(|at| tokens.get(at)).copied();
    let mut touches = Vec::new();
    for (at, one) in tokens.iter().enumerate() {
        let nested = token(at.checked_sub(1)) == Some(Token::Sign('.'));
        let called = token(at.checked_add(1)) == Some(Token::Sign('('));
        let attribute = match *one {
            Token::Word(word) if nested || called && is_callable(word) || is_keyword(word) => continue,
            Token::Word(word) => word,
            Token::Name(_) if nested => continue,
            Token::Name(name) => {
                names.get(name).ok_or_else(|| Unclear::UndefinedName { name: name.to_owned() })?.as_ref()
            }
            _ => continue,
        };
        let function = (token(at.checked_sub(2)), token(at.checked_sub(1)));
        let presence_only = matches!(
            function,
            (Some(Token::Word("attribute_exists" | "attribute_not_exists")), Some(Token::Sign('(')))
        ) && token(at.checked_add(1)) == Some(Token::Sign(')'));
        touches.push(Touch { attribute: attribute.to_owned(), presence_only });
    }
    Ok(touches)
}

/// The `#names` that an expression uses.
pub(crate) fn used_names(expression: &str) -> Result<impl Iterator<Item = &str>, Unclear> {
    let tokens = lex(expression).map_err(|error| Unclear::Character { position: error.position })?;
    Ok(tokens.into_iter().filter_map(|token| match token {
        Token::Name(name) => Some(name),
        _ => None,
    }))
}

/// What may stand before a bracket: functions, and the keywords around groups and lists.
fn is_callable(word: &str) -> bool {
    const FUNCTIONS: [&str; 8] = [
        "attribute_exists",
        "attribute_not_exists",
        "attribute_type",
        "begins_with",
        "contains",
        "size",
        "if_not_exists",
        "list_append",
    ];
    FUNCTIONS.contains(&word) || is_keyword(word)
}

/// Reserved words of the grammar: none of them can be an attribute without a `#name`.
fn is_keyword(word: &str) -> bool {
    const KEYWORDS: [&str; 9] = ["AND", "OR", "NOT", "BETWEEN", "IN", "SET", "REMOVE", "ADD", "DELETE"];
    KEYWORDS.iter().any(|keyword| keyword.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes(expression: &str) -> Vec<(String, bool)> {
        let names = Names::from([("#s".into(), "size".into()), ("#n".into(), "note".into())]);
        touches(expression, &names).unwrap().into_iter().map(|touch| (touch.attribute, touch.presence_only)).collect()
    }

    #[test]
    fn every_path_counts_by_its_first_name() {
        let touched = attributes("a.b[0].#n = :v AND size(#s) > :w OR NOT contains(order, inspector)");
        let names: Vec<_> = touched.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a", "size", "order", "inspector"]);
    }

    #[test]
    fn presence_is_of_the_attribute_itself() {
        assert_eq!(attributes("attribute_exists(a)"), [("a".into(), true)]);
        assert_eq!(attributes("attribute_not_exists ( #n )"), [("note".into(), true)]);
        assert_eq!(attributes("attribute_exists(a.b)"), [("a".into(), false)]);
        assert_eq!(attributes("attribute_type(a, :t)"), [("a".into(), false)]);
    }

    #[test]
    fn a_newline_hides_nothing() {
        assert_eq!(attributes("plain = :p\nAND\tsecret = :s").len(), 2);
        assert_eq!(touches("a = :b; c", &Names::new()), Err(Unclear::Character { position: 7 }));
        assert_eq!(touches("#q = :b", &Names::new()), Err(Unclear::UndefinedName { name: "#q".into() }));
    }

    #[test]
    fn update_expressions_count_both_sides() {
        let touched = attributes("SET a = if_not_exists(b, :z) + c REMOVE d[1] ADD e :one DELETE f :set");
        let names: Vec<_> = touched.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a", "b", "c", "d", "e", "f"]);
    }
}
