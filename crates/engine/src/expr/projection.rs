//! `ProjectionExpression`, `AttributesToGet` and the parts of an item that an update changed: what of an opened item
//! is shown. The footer needs the whole item, so the projection is taken out of the request and done here.

use std::collections::BTreeMap;

use dynaseal_item::{Item, Value};

use super::ast::{Path, Step, check_paths};
use super::error::{Error, Fault, Kind};
use super::names::Resolve;
use super::resolve::{check_names, check_path, path};
use super::syntax::Cursor;

/// The attributes, or parts of them, that a caller asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Projection {
    paths: Vec<Path>,
    parts: BTreeMap<String, Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Whole,
    Map(BTreeMap<String, Part>),
    List(BTreeMap<usize, Part>),
}

impl Projection {
    /// Reads a projection expression.
    ///
    /// # Errors
    /// What DynamoDB finds wrong with it.
    pub fn parse<R: Resolve>(text: &str, resolver: &mut R) -> Result<Self, Error> {
        read(text, resolver).map(Self::of_paths).map_err(|fault| Error::of(Kind::Projection, fault))
    }

    /// Paths that neither overlap nor conflict.
    #[must_use]
    pub fn of_paths(paths: Vec<Path>) -> Self {
        let mut parts = BTreeMap::new();
        for path in &paths {
            insert(&mut parts, path.root.clone(), &path.steps);
        }
        Self { paths, parts }
    }

    /// The paths, in the order in which they were written.
    #[must_use]
    pub fn paths(&self) -> &[Path] {
        &self.paths
    }

    /// Takes what is asked for out of an item. A path that leads nowhere gives nothing; elements of a list move up.
    pub fn apply<'a>(&self, item: &mut Item<'a>) -> Item<'a> {
        let mut out = Item::new();
        for (name, part) in &self.parts {
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
    /// What is left of a value.
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

fn read<R: Resolve>(text: &str, resolver: &mut R) -> Result<Vec<Path>, Fault> {
    let mut cursor = Cursor::new(text)?;
    let mut written = vec![cursor.path()?];
    while cursor.sign(",") {
        written.push(cursor.path()?);
    }
    cursor.end()?;
    written.iter().try_for_each(|parts| check_path(parts))?;
    written.iter().try_for_each(|parts| check_names(parts, resolver))?;
    let paths = written.iter().map(|parts| path(parts, resolver)).collect::<Result<Vec<_>, _>>()?;
    check_paths(&paths.iter())?;
    Ok(paths)
}

/// Of paths that overlap or conflict, the first wins.
fn insert<K: Ord>(parts: &mut BTreeMap<K, Part>, key: K, steps: &[Step]) {
    let part = parts.entry(key).or_insert_with(|| match steps.first() {
        None => Part::Whole,
        Some(Step::Name(_)) => Part::Map(BTreeMap::new()),
        Some(Step::Index(_)) => Part::List(BTreeMap::new()),
    });
    match (part, steps.split_first()) {
        (Part::Map(map), Some((Step::Name(name), rest))) => insert(map, name.clone(), rest),
        (Part::List(list), Some((Step::Index(index), rest))) => insert(list, *index, rest),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::names::{Names, Scope, Values};
    use super::*;
    use dynaseal_item::json;

    fn parse(text: &str) -> Result<Projection, String> {
        let names = Names::from([("#n".into(), "a.b".into())]);
        Projection::parse(text, &mut Scope::new(&names, &Values::new())).map_err(|error| error.message())
    }

    fn project(text: &str, item: &str) -> String {
        let mut out = Vec::new();
        json::write_item(&parse(text).unwrap().apply(&mut json::read_item(item).unwrap()), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn paths_keep_their_shape() {
        let item =
            r#"{"a":{"M":{"x":{"S":"1"},"y":{"S":"2"}}},"l":{"L":[{"S":"0"},{"S":"1"},{"S":"2"}]},"a.b":{"S":"dot"}}"#;
        assert_eq!(project("a.x", item), r#"{"a":{"M":{"x":{"S":"1"}}}}"#);
        assert_eq!(project("l[2], l[0]", item), r#"{"l":{"L":[{"S":"0"},{"S":"2"}]}}"#);
        assert_eq!(project("#n", item), r#"{"a.b":{"S":"dot"}}"#);
        assert_eq!(project("a.z, l[9], a.b.c, lost", item), "{}");
    }

    #[test]
    fn paths_that_dynamodb_refuses_are_refused() {
        for (text, expected) in [
            ("", "The expression can not be empty;"),
            ("a,", "Syntax error; token: \"<EOF>\", near: \",\""),
            ("a..b", "Syntax error; token: \"(redacted)\", near: \"(redacted)\", position: 2"),
            ("a b", "Syntax error; token: \"(redacted)\", near: \"(redacted)\", position: 2"),
            ("size(a)", "Syntax error; token: \"(\", near: \"size((redacted)\""),
            ("a, data", "Attribute name is a reserved keyword; reserved keyword: data"),
            ("a, #x", "An expression attribute name used in the document path is not defined; attribute name: #x"),
            (
                "a.b, a",
                "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: \
                 [a, b], path two: [a]",
            ),
            (
                "a.b, a[0]",
                "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: \
                 [a, b], path two: [a, [0]]",
            ),
        ] {
            assert_eq!(parse(text).unwrap_err(), format!("Invalid ProjectionExpression: {expected}"), "{text}");
        }
    }
}
