//! Answers in PartiQL's shape.

use dynaseal_item::{Item, Value, json};
use dynaseal_keys::Answer;

use crate::answers;
use crate::doc::{Node, NotJson, Object, array};
use crate::error::Error;
use crate::expr::ast::{Path, Step};
use crate::expressions::Parsed;

/// What a statement's answer is made of.
pub(super) struct Shape<'s> {
    pub(super) operation: &'s str,
    pub(super) paths: &'s [Path],
}

impl Shape<'_> {
    /// Opened items as the statement shows them, if they pass what is still asked of them.
    pub(super) fn items(&self, items: &str, filter: Option<&Parsed<'_>>) -> Result<Vec<Vec<u8>>, Error> {
        let mut shown = Vec::new();
        for text in array(items).map_err(|error| self.bad(error))? {
            if let Some(filter) = filter {
                let item = self.item(text)?;
                if !filter.holds(Some(&item)).map_err(|fault| Error::expression(self.operation, fault))? {
                    continue;
                }
            }
            shown.push(self.shown(text)?);
        }
        Ok(shown)
    }

    /// What a statement shows of an opened item: each path under its last name.
    pub(super) fn shown(&self, text: &str) -> Result<Vec<u8>, Error> {
        if self.paths.is_empty() {
            return Ok(text.as_bytes().to_vec());
        }
        let item = self.item(text)?;
        let mut shown = Item::new();
        for path in self.paths {
            if let Some(value) = path.get(&item) {
                shown.insert(last_name(path), value.clone());
            }
        }
        let mut out = Vec::new();
        json::write_item(&shown, &mut out);
        Ok(out)
    }

    fn item<'t>(&self, text: &'t str) -> Result<Item<'t>, Error> {
        json::read_item(text).map_err(|_| self.bad(NotJson("an item in it is malformed")))
    }

    pub(super) fn body<'t>(&self, answer: &'t Answer) -> Result<Object<'t>, Error> {
        let text = std::str::from_utf8(&answer.body).map_err(|_| self.bad(NotJson("it is not UTF-8")))?;
        Object::parse(text).map_err(|error| self.bad(error))
    }

    pub(super) fn bad(&self, NotJson(reason): NotJson) -> Error {
        Error::answer(self.operation, reason)
    }
}

/// A path's last name with the indexes after it.
fn last_name(path: &Path) -> String {
    let mut name = path.root.clone();
    for step in &path.steps {
        match step {
            Step::Name(next) => name.clone_from(next),
            Step::Index(index) => name.push_str(&format!("[{index}]")),
        }
    }
    name
}

/// A list of printed parts.
pub(super) fn list(parts: impl IntoIterator<Item = Vec<u8>>) -> Node<'static> {
    let parts: Vec<_> = parts.into_iter().map(Node::Printed).collect();
    Node::Array(parts)
}

/// The members of an answer that PartiQL has too.
pub(super) fn capacity(body: &Object<'_>) -> Option<String> {
    body.raw("ConsumedCapacity").map(str::to_owned)
}

/// A failed call as the statement's own failure: without the names of expressions that the caller did not write, and with
/// an INSERT's own failure.
pub(super) fn failure(answer: Answer, is_insert: bool) -> Answer {
    if is_insert && answers::failed(&answer) == Some(answers::Failed::Condition) {
        return answers::duplicate();
    }
    let Some(mut body) = std::str::from_utf8(&answer.body).ok().and_then(|text| Object::parse(text).ok()) else {
        return answer;
    };
    for member in ["message", "Message"] {
        let Some(bare) = body.text(member).ok().flatten().and_then(|text| bare(&text).map(str::to_owned)) else {
            continue;
        };
        let mut out = Vec::new();
        json::write_text(&bare, &mut out);
        body.replace(member, Node::Printed(out));
        return Answer { body: body.print(&[], answer.body.len()), ..answer };
    }
    answer
}

/// A message as PartiQL words it: without what a call puts in front of the fault of an expression.
pub(super) fn bare(message: &str) -> Option<&str> {
    let counted = message.strip_prefix("1 validation error detected: ");
    // The fault of a member is worded alike in all calls.
    let counted = counted.filter(|text| !text.starts_with("Value '"));
    let named = counted.unwrap_or(message).strip_prefix("Invalid ").and_then(|text| text.split_once(": "));
    named.filter(|(expression, _)| expression.ends_with("Expression")).map(|(_, text)| text).or(counted)
}

/// The sum of what several calls consumed: numbers are added, everything else is the first's.
pub(super) fn sum(all: &[String]) -> Option<String> {
    let mut sum: Option<serde_json::Value> = None;
    for one in all {
        let one = serde_json::from_str(one).ok()?;
        match &mut sum {
            None => sum = Some(one),
            Some(sum) => add(sum, &one),
        }
    }
    sum.map(|sum| sum.to_string())
}

fn add(sum: &mut serde_json::Value, one: &serde_json::Value) {
    use serde_json::Value::{Number, Object};
    match (sum, one) {
        (Number(sum), Number(one)) => {
            let total = sum.as_f64().unwrap_or_default() + one.as_f64().unwrap_or_default();
            if let Some(total) = serde_json::Number::from_f64(total) {
                *sum = total;
            }
        }
        (Object(sum), Object(one)) => {
            for (name, value) in one {
                match sum.get_mut(name) {
                    Some(known) => add(known, value),
                    None => {
                        sum.insert(name.clone(), value.clone());
                    }
                }
            }
        }
        _ => {}
    }
}

/// What several statements consumed, one entry for each table.
pub(super) fn by_table(all: &[String]) -> Option<String> {
    let mut tables: Vec<serde_json::Value> = Vec::new();
    for one in all {
        let one: serde_json::Value = serde_json::from_str(one).ok()?;
        let entries = match one {
            serde_json::Value::Array(entries) => entries,
            one => vec![one],
        };
        for entry in entries {
            match tables.iter_mut().find(|table| table.get("TableName") == entry.get("TableName")) {
                Some(table) => add(table, &entry),
                None => tables.push(entry),
            }
        }
    }
    (!tables.is_empty()).then(|| serde_json::Value::Array(tables).to_string())
}

/// Whether two keys of one table name the same item.
pub(super) fn same_key(one: &Item<'_>, two: &Item<'_>) -> bool {
    let same = |name: &str, value: &Value<'_>| {
        two.get(name).is_some_and(|other| crate::expr::compare::equal(value, other) == Ok(true))
    };
    !one.is_empty() && one.len() == two.len() && one.iter().all(|(name, value)| same(name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_calls_consumed_is_added_up_table_by_table() {
        let all = [
            r#"{"TableName":"A","CapacityUnits":0.5,"Table":{"CapacityUnits":0.5}}"#.to_owned(),
            r#"[{"TableName":"B","CapacityUnits":1.0},{"TableName":"A","CapacityUnits":2.0}]"#.to_owned(),
        ];
        let sum: serde_json::Value = serde_json::from_str(&by_table(&all).unwrap()).unwrap();
        assert_eq!(
            sum,
            serde_json::json!([
                {"TableName": "A", "CapacityUnits": 2.5, "Table": {"CapacityUnits": 0.5}},
                {"TableName": "B", "CapacityUnits": 1.0},
            ])
        );
        assert_eq!(by_table(&[]), None);
    }

    #[test]
    fn messages_name_no_expression_that_the_caller_did_not_write() {
        assert_eq!(bare("Invalid FilterExpression: x: y"), Some("x: y"));
        assert_eq!(bare("1 validation error detected: Invalid UpdateExpression: x"), Some("x"));
        assert_eq!(bare("1 validation error detected: Number overflow"), Some("Number overflow"));
        assert_eq!(bare("1 validation error detected: Value '0' at 'limit' failed"), None);
        assert_eq!(bare("Invalid NextToken"), None);
        assert_eq!(bare("Invalid key: x"), None);
    }

    #[test]
    fn a_path_is_shown_under_its_last_name() {
        let paths = [
            Path { root: "m".into(), steps: vec![Step::Name("k".into())] },
            Path { root: "l".into(), steps: vec![Step::Index(1)] },
            Path::attribute("gone"),
        ];
        let shape = Shape { operation: "ExecuteStatement", paths: &paths };
        let item = r#"{"m":{"M":{"k":{"S":"x"}}},"l":{"L":[{"N":"1"},{"N":"2"}]}}"#;
        assert_eq!(shape.shown(item).unwrap(), br#"{"k":{"S":"x"},"l[1]":{"N":"2"}}"#);
    }
}
