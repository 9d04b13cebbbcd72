//! The lines of a DynamoDB export: an item in a wrapper, `{"Item": …}`.

use dynaseal_item::{Error, Item, json};
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Export<'a> {
    #[serde(borrow, rename = "Item")]
    item: &'a RawValue,
}

/// Reads the item on line `number`, and says whether it came in the wrapper of an export.
///
/// An item may have an attribute of the name `Item`. No line can be read both ways: in the wrapper, names and types
/// take turns one level deeper.
pub(crate) fn read_item(number: u64, text: &str) -> Result<(Item<'_>, bool), Error> {
    let Some(inner) = unwrap(text) else { return Ok((read_plain(number, text)?, false)) };
    match json::read_item(inner) {
        Ok(item) => Ok((item, true)),
        Err(wrapped) => match json::read_item(text) {
            Ok(item) => Ok((item, false)),
            Err(_) => Err(moved(wrapped, number, text.get(..text.find(inner).unwrap_or_default()).unwrap_or_default())),
        },
    }
}

/// Reads the item on line `number`, without a wrapper.
pub(crate) fn read_plain(number: u64, text: &str) -> Result<Item<'_>, Error> {
    json::read_item(text).map_err(|error| moved(error, number, ""))
}

/// Appends an item in the wrapper, as an export writes it.
pub(crate) fn write_item(item: &Item<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"Item\":");
    json::write_item(item, out);
    out.push(b'}');
}

fn unwrap(text: &str) -> Option<&str> {
    let rest = text.trim_start().strip_prefix('{')?.trim_start().strip_prefix("\"Item\"")?;
    rest.trim_start().strip_prefix(':')?;
    serde_json::from_str::<Export<'_>>(text).ok().map(|export| export.item.get())
}

/// The error with its place counted in the whole input: `before` stands between the start of line `number` and the text.
fn moved(error: Error, number: u64, before: &str) -> Error {
    match error {
        Error::Json { reason, line, column } => {
            let start = usize::try_from(number).unwrap_or(usize::MAX);
            let (lines, last) = (before.matches('\n').count(), before.rsplit('\n').next().unwrap_or_default());
            let column = if line == 1 { column + last.len() } else { column };
            Error::Json { reason, line: start.saturating_add(lines + line.saturating_sub(1)), column }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(text: &str) -> Result<bool, Error> {
        read_item(7, text).map(|(_, wrapped)| wrapped)
    }

    #[test]
    fn the_wrapper_is_told_from_an_attribute_of_its_name() {
        let cases = [
            (r#"{"id":{"S":"1"}}"#, false),
            (r#" { "Item" : {"id":{"S":"1"}}}"#, true),
            (r#"{"Item":{"S":"1"}}"#, false),
            (r#"{"Item":{"S":{"S":"1"}}}"#, true),
            (r#"{"Item":{"M":{"k":{"S":"1"}}}}"#, false),
            (r#"{"Item":{"M":{"M":{}}}}"#, true),
            (r#"{"Item":{"M":{}}}"#, false),
            (r#"{"Item":{"S":"1"},"id":{"S":"1"}}"#, false),
            (r#"{"Item":{}}"#, true),
        ];
        for (text, expected) in cases {
            assert_eq!(wrapped(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_fault_has_its_line_and_column_in_the_input() {
        let Err(Error::Json { line: 7, column, .. }) = wrapped(r#"{"Item":{"id":{"S":1}}}"#) else { panic!() };
        assert_eq!(column, r#"{"Item":{"id":{"S":1"#.len());
        assert!(matches!(wrapped(r#"{"Item":{"id":"#), Err(Error::Json { line: 7, .. })));
        let pretty = "{\n  \"Item\":\n    {\"id\": {\"S\": 1},\n     \"x\": {\"N\": 2}}}";
        let Err(Error::Json { line: 9, column, .. }) = wrapped(pretty) else { panic!() };
        assert_eq!(column, r#"    {"id": {"S": 1"#.len());
        let Err(Error::Json { line: 10, column, .. }) = wrapped(&pretty.replace("1", "\"1\"")) else { panic!() };
        assert_eq!(column, r#"     "x": {"N": 2"#.len());
    }
}
