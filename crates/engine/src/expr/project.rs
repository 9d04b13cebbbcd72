//! `ProjectionExpression` and `AttributesToGet`, applied to an opened item: the footer needs the whole item, so the
//! projection is taken out of the request and done here.

use std::borrow::Cow;
use std::collections::BTreeMap;

use dynaseal_item::{Item, Value};

use super::lex::{Token, lex};
use super::touch::{Names, Unclear};

/// The attributes, or parts of them, that a caller asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Projection(BTreeMap<String, Part>);

/// A projection that DynamoDB refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BadProjection {
    Unclear(Unclear),
    /// A word where another was expected.
    Syntax,
    /// One path is part of another, or stands twice.
    Overlap,
    /// One path takes a list where another takes a map.
    Conflict,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Whole,
    Map(BTreeMap<String, Part>),
    List(BTreeMap<usize, Part>),
}

enum Step {
    Name(String),
    Index(usize),
}

impl Projection {
    pub(crate) fn parse(expression: &str, names: &Names<'_>) -> Result<Self, BadProjection> {
        let tokens =
            lex(expression).map_err(|error| BadProjection::Unclear(Unclear::Character { position: error.position }))?;
        let mut projection = Self::default();
        for path in tokens.split(|token| *token == Token::Sign(',')) {
            let (root, steps) = parse_path(path, names)?;
            insert(&mut projection.0, root, &mut steps.into_iter())?;
        }
        Ok(projection)
    }

    /// Names of whole attributes.
    pub(crate) fn of_attributes<'n>(names: impl Iterator<Item = Cow<'n, str>>) -> Self {
        Self(names.map(|name| (name.into_owned(), Part::Whole)).collect())
    }

    pub(crate) fn apply<'a>(&self, item: &mut Item<'a>) -> Item<'a> {
        let mut out = Item::new();
        for (name, part) in &self.0 {
            if let Some((name, value)) = item.take(name)
                && let Some(value) = part.apply(value)
            {
                out.insert(name, value);
            }
        }
        out
    }
}

impl Part {
    /// What is left of a value; a path that leads nowhere leaves nothing.
    fn apply<'a>(&self, value: Value<'a>) -> Option<Value<'a>> {
        match (self, value) {
            (Part::Whole, value) => Some(value),
            (Part::Map(parts), Value::M(entries)) => {
                let kept = entries.into_iter().filter_map(|(key, value)| {
                    let part = parts.get(key.as_ref())?;
                    Some((key, part.apply(value)?))
                });
                let kept: Vec<_> = kept.collect();
                (!kept.is_empty()).then_some(Value::M(kept))
            }
            (Part::List(parts), Value::L(values)) => {
                let kept = values.into_iter().enumerate().filter_map(|(at, value)| parts.get(&at)?.apply(value));
                let kept: Vec<_> = kept.collect();
                (!kept.is_empty()).then_some(Value::L(kept))
            }
            _ => None,
        }
    }
}

/// `name(.name|[index])*`.
fn parse_path(tokens: &[Token<'_>], names: &Names<'_>) -> Result<(String, Vec<Step>), BadProjection> {
    let (first, mut rest) = tokens.split_first().ok_or(BadProjection::Syntax)?;
    let root = name(*first, names)?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        rest = match rest {
            [Token::Sign('.'), next, rest @ ..] => {
                steps.push(Step::Name(name(*next, names)?));
                rest
            }
            [Token::Sign('['), Token::Number(digits), Token::Sign(']'), rest @ ..] => {
                steps.push(Step::Index(digits.parse().map_err(|_| BadProjection::Syntax)?));
                rest
            }
            _ => return Err(BadProjection::Syntax),
        };
    }
    Ok((root, steps))
}

fn name(token: Token<'_>, names: &Names<'_>) -> Result<String, BadProjection> {
    match token {
        Token::Word(word) => Ok(word.to_owned()),
        Token::Name(name) => names
            .get(name)
            .map(|name| name.clone().into_owned())
            .ok_or_else(|| BadProjection::Unclear(Unclear::UndefinedName { name: name.to_owned() })),
        _ => Err(BadProjection::Syntax),
    }
}

fn insert<K: Ord>(
    parts: &mut BTreeMap<K, Part>,
    key: K,
    steps: &mut dyn Iterator<Item = Step>,
) -> Result<(), BadProjection> {
    let next = steps.next();
    match (parts.get_mut(&key), next) {
        (Some(Part::Whole), _) | (Some(_), None) => Err(BadProjection::Overlap),
        (Some(Part::Map(map)), Some(Step::Name(name))) => insert(map, name, steps),
        (Some(Part::List(list)), Some(Step::Index(index))) => insert(list, index, steps),
        (Some(_), Some(_)) => Err(BadProjection::Conflict),
        (None, next) => {
            let part = match next {
                None => Part::Whole,
                Some(Step::Name(name)) => {
                    let mut map = BTreeMap::new();
                    insert(&mut map, name, steps)?;
                    Part::Map(map)
                }
                Some(Step::Index(index)) => {
                    let mut list = BTreeMap::new();
                    insert(&mut list, index, steps)?;
                    Part::List(list)
                }
            };
            parts.insert(key, part);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dynaseal_item::json;

    fn project(expression: &str, item: &str) -> String {
        let names = Names::from([("#n".into(), "a.b".into())]);
        let mut item = json::read_item(item).unwrap();
        let mut out = Vec::new();
        json::write_item(&Projection::parse(expression, &names).unwrap().apply(&mut item), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn paths_keep_their_shape() {
        let item =
            r#"{"a":{"M":{"x":{"S":"1"},"y":{"S":"2"}}},"l":{"L":[{"S":"0"},{"S":"1"},{"S":"2"}]},"a.b":{"S":"dot"}}"#;
        assert_eq!(project("a.x", item), r#"{"a":{"M":{"x":{"S":"1"}}}}"#);
        assert_eq!(project("l[2], l[0]", item), r#"{"l":{"L":[{"S":"0"},{"S":"2"}]}}"#);
        assert_eq!(project("#n", item), r#"{"a.b":{"S":"dot"}}"#);
        assert_eq!(project("a.z, l[9], a.b.c, nothing", item), "{}");
    }

    #[test]
    fn paths_that_dynamodb_refuses_are_refused() {
        let parse = |text| Projection::parse(text, &Names::new()).unwrap_err();
        assert_eq!(
            (parse("a, a"), parse("a.b, a"), parse("a, a[0]")),
            (BadProjection::Overlap, BadProjection::Overlap, BadProjection::Overlap)
        );
        assert_eq!(parse("a.b, a[0]"), BadProjection::Conflict);
        for text in ["", "a,", "a..b", "a[b]", "a b", "size(a)", ".a", ":v"] {
            assert_eq!(parse(text), BadProjection::Syntax, "{text}");
        }
    }
}
