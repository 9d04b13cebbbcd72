//! Items inside of something, of which all else stays as it is: the line of an export, and answers of DynamoDB.
//!
//! ```text
//!  {"Item": …}                          the line of a full export, an answer of GetItem
//!  {"Items": [item, …], "Count": …}     an answer of Query, Scan and ExecuteStatement
//!  {"Attributes": …}                    what a write gave back
//!  {"Responses": {"Users": [item, …]}}  an answer of BatchGetItem
//!  {"Responses": [{"Item": …}, …]}      an answer of TransactGetItems
//! ```
//!
//! An item may have an attribute of any of these names. No text can be read both ways: in the wrapper, names and types
//! take turns one or two levels deeper.

use std::collections::BTreeMap;

use dynaseal_item::{Error, Item, json};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Failed;
use super::document;

/// What a line holds.
pub(crate) enum Found<'a> {
    Item(Item<'a>),
    Wrapped(Wrapped<'a>),
}

/// A text with items in it.
pub(crate) struct Wrapped<'a> {
    number: u64,
    text: &'a str,
    items: Vec<Inner<'a>>,
}

/// One of them.
pub(crate) struct Inner<'a> {
    text: &'a str,
    /// The table that the text says it is of.
    pub(crate) table: Option<String>,
}

/// Reads the item or items on line `number`.
pub(crate) fn read(number: u64, text: &str) -> Result<Found<'_>, Error> {
    let plain = match json::read_item(text) {
        Ok(item) => return Ok(Found::Item(item)),
        Err(plain) => plain,
    };
    match inner(text) {
        Some(items) => Ok(Found::Wrapped(Wrapped { number, text, items })),
        None => Err(moved(plain, number, "")),
    }
}

/// Reads all items on line `number`.
pub(crate) fn all(number: u64, text: &str) -> Result<Vec<Item<'_>>, Error> {
    match read(number, text)? {
        Found::Item(item) => Ok(vec![item]),
        Found::Wrapped(wrapped) => wrapped.items.iter().map(|inner| wrapped.item(inner)).collect(),
    }
}

impl<'a> Wrapped<'a> {
    /// Appends the text with each item replaced by what `change` appends for it, on one line.
    pub(crate) fn rewrite(
        &self,
        out: &mut Vec<u8>,
        mut change: impl FnMut(&Inner<'a>, &mut Vec<u8>) -> Result<(), Failed>,
    ) -> Result<(), Failed> {
        let mut done = 0;
        for (number, inner) in self.items.iter().enumerate() {
            let start = self.start(inner);
            document::write_line(self.text.get(done..start).unwrap_or_default().as_bytes(), out);
            change(inner, out).map_err(|failed| match self.items.len() {
                1 => failed,
                _ => failed.of_item(number + 1),
            })?;
            done = start + inner.text.len();
        }
        document::write_line(self.text.get(done..).unwrap_or_default().as_bytes(), out);
        Ok(())
    }

    /// One of the items.
    pub(crate) fn item(&self, inner: &Inner<'a>) -> Result<Item<'a>, Error> {
        let before = self.text.get(..self.start(inner)).unwrap_or_default();
        json::read_item(inner.text).map_err(|error| moved(error, self.number, before))
    }

    /// Where it stands in the text, of which it is a part.
    fn start(&self, inner: &Inner<'_>) -> usize {
        inner.text.as_ptr().addr().saturating_sub(self.text.as_ptr().addr())
    }
}

/// The members of an answer that hold items.
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow, rename = "Item")]
    item: Option<&'a RawValue>,
    #[serde(borrow, rename = "Attributes")]
    attributes: Option<&'a RawValue>,
    #[serde(borrow, rename = "Items")]
    items: Option<&'a RawValue>,
    #[serde(borrow, rename = "Responses")]
    responses: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Response<'a> {
    #[serde(borrow, rename = "Item")]
    item: Option<&'a RawValue>,
}

/// The items in a text that is an answer; `None` for any other.
fn inner(text: &str) -> Option<Vec<Inner<'_>>> {
    let answer: Answer<'_> = serde_json::from_str(text).ok()?;
    let one = |raw: &'_ RawValue| raw.get().starts_with('{');
    let mut found = Vec::new();
    let mut is_answer = false;
    for raw in [answer.item, answer.attributes].into_iter().flatten().filter(|raw| one(raw)) {
        is_answer = true;
        found.push(Inner { text: raw.get(), table: None });
    }
    if let Some(list) = answer.items.and_then(|raw| serde_json::from_str::<Vec<&RawValue>>(raw.get()).ok()) {
        is_answer = true;
        found.extend(list.into_iter().map(|raw| Inner { text: raw.get(), table: None }));
    }
    if let Some(responses) = answer.responses {
        if let Ok(list) = serde_json::from_str::<Vec<Response<'_>>>(responses.get()) {
            is_answer = true;
            found.extend(list.into_iter().filter_map(|one| one.item).map(|raw| Inner { text: raw.get(), table: None }));
        } else if let Ok(tables) = serde_json::from_str::<BTreeMap<String, Vec<&RawValue>>>(responses.get()) {
            is_answer = true;
            for (table, list) in tables {
                found.extend(list.into_iter().map(|raw| Inner { text: raw.get(), table: Some(table.clone()) }));
            }
        }
    }
    found.sort_by_key(|inner| inner.text.as_ptr().addr());
    is_answer.then_some(found)
}

/// The error with its place counted in the whole input: `before` stands between the start of line `number` and the text.
fn moved(error: Error, number: u64, before: &str) -> Error {
    match error {
        Error::Json { reason, attribute, line, column } => {
            let start = usize::try_from(number).unwrap_or(usize::MAX);
            let (lines, last) = (before.matches('\n').count(), before.rsplit('\n').next().unwrap_or_default());
            let column = if line == 1 { column + last.len() } else { column };
            let line = start.saturating_add(lines + line.saturating_sub(1));
            Error::Json { reason, attribute, line, column }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many items a wrapper has; `None` for an item.
    fn wrapped(text: &str) -> Result<Option<usize>, Error> {
        Ok(match read(7, text)? {
            Found::Item(_) => None,
            Found::Wrapped(wrapped) => Some(wrapped.items.len()),
        })
    }

    #[test]
    fn the_wrapper_is_told_from_an_attribute_of_its_name() {
        let cases = [
            (r#"{"id":{"S":"1"}}"#, None),
            (r#" { "Item" : {"id":{"S":"1"}}}"#, Some(1)),
            (r#"{"Item":{"S":"1"}}"#, None),
            (r#"{"Item":{"S":{"S":"1"}}}"#, Some(1)),
            (r#"{"Item":{"M":{"k":{"S":"1"}}}}"#, None),
            (r#"{"Item":{"M":{"M":{}}}}"#, Some(1)),
            (r#"{"Item":{"M":{}}}"#, None),
            (r#"{"Item":{"S":"1"},"id":{"S":"1"}}"#, None),
            (r#"{"Item":{}}"#, Some(1)),
            (r#"{"Item":{"id":{"S":"1"}},"ConsumedCapacity":{"TableName":"T","CapacityUnits":0.5}}"#, Some(1)),
            (r#"{"ConsumedCapacity":null,"Item":{"id":{"S":"1"}}}"#, Some(1)),
            (r#"{"Attributes":{"id":{"S":"1"}}}"#, Some(1)),
            (r#"{"Items":[],"Count":0}"#, Some(0)),
            (r#"{"Items":[{"id":{"S":"1"}},{"id":{"S":"2"}}],"Count":2,"ScannedCount":2}"#, Some(2)),
            (r#"{"Items":{"L":[]},"id":{"S":"1"}}"#, None),
            (r#"{"Responses":{"Users":[{"id":{"S":"1"}}]},"UnprocessedKeys":{}}"#, Some(1)),
            (r#"{"Responses":[{"Item":{"id":{"S":"1"}}},{}]}"#, Some(1)),
            (r#"{"Responses":{"L":[{"M":{"Item":{"S":"1"}}}]}}"#, None),
        ];
        for (text, expected) in cases {
            assert_eq!(wrapped(text), Ok(expected), "{text}");
        }
        for neither in [r#"{"Item":1}"#, r#"{"Items":1}"#, r#"{"Item":{"id":{"S":"1"}},"Item":{}}"#, "[]", "{"] {
            assert!(wrapped(neither).is_err(), "{neither}");
        }
    }

    #[test]
    fn what_surrounds_items_stays() {
        let text = "{\n  \"Count\": 2.50, \"Items\": [ {\"a\": {\"S\": \"1\"}} ,{\"a\": {\"S\": \"1\"}}],\r\n \"Last\" : \"x y\"}";
        let Ok(Found::Wrapped(wrapped)) = read(1, text) else { panic!() };
        let mut out = Vec::new();
        let changed = wrapped.rewrite(&mut out, |_, out| {
            out.push(b'!');
            Ok(())
        });
        assert!(changed.is_ok());
        assert_eq!(String::from_utf8(out).unwrap(), r#"{"Count":2.50,"Items":[!,!],"Last":"x y"}"#);
    }

    #[test]
    fn a_fault_has_its_line_and_column_in_the_input() {
        let fault = |text: &str| all(7, text).err();
        let Some(Error::Json { line: 7, column, .. }) = fault(r#"{"Item":{"id":{"S":1}}}"#) else { panic!() };
        assert_eq!(column, r#"{"Item":{"id":{"S":1"#.len());
        assert!(matches!(fault(r#"{"Item":{"id":"#), Some(Error::Json { line: 7, .. })));
        let pretty = "{\n  \"Item\":\n    {\"id\": {\"S\": 1},\n     \"x\": {\"N\": 2}}}";
        let Some(Error::Json { line: 9, column, .. }) = fault(pretty) else { panic!() };
        assert_eq!(column, r#"    {"id": {"S": 1"#.len());
        let Some(Error::Json { line: 10, column, .. }) = fault(&pretty.replace("1", "\"1\"")) else { panic!() };
        assert_eq!(column, r#"     "x": {"N": 2"#.len());
    }
}
