//! DynamoDB's own limits of a request, looked up before anything of it is built: how many entries its lists have, how long
//! and how deep its expressions and statements are. Who parses such a request pays for what can only be refused, and
//! a parser that calls itself for each bracket ends the process where they are too many.

use std::cell::{Cell, RefCell};

use dynaseal_keys::{Answer, Call};

use crate::answers;
use crate::doc::NotJson;
use crate::expr::error::{Error, Fault, Kind};
use crate::expr::syntax::MAX_BYTES;
use crate::operation::{self, Visit, walk};

mod listed;

pub(crate) use listed::{BATCH, GETS, KEYS, Listed, PUTS, TRANSACTION, WRITES};

/// Refuses a call that is beyond them, in DynamoDB's words. One that cannot be read to its end is refused, too: a parser that
/// skips what it does not know could get further.
///
/// # Errors
/// The answer to the call.
pub fn check_bounds(call: &Call) -> Result<(), Answer> {
    if is_small(&call.body) {
        return Ok(());
    }
    let bounds = Bounds::of(Listed::find(&call.operation));
    let read = walk(operation::find(call.service, &call.operation), &call.body, &bounds);
    match (bounds.beyond(), read) {
        (Some(Beyond::Expression(error)), _) => Err(answers::expression(&call.operation, &error)),
        (Some(Beyond::Other(words)), _) => Err(answers::validation(&words)),
        (None, Err(NotJson(reason))) => Err(answers::unreadable(reason)),
        (None, Ok(())) => Ok(()),
    }
}

/// Whether nothing in a body can be long or deep, which is so of most and quickly seen. Its lists cannot cost much either;
/// whoever carries the call out counts them.
fn is_small(body: &[u8]) -> bool {
    // An escape can stand for a bracket.
    let opens = |byte: &&u8| matches!(**byte, b'(' | b'[' | b'{' | b'O' | b'o' | b'\\');
    body.len() < MAX_BYTES && body.iter().filter(opens).count() < DEEPEST
}

/// What of a request is beyond its limit, and so far how many entries its list has, table by table where it has one for each.
struct Bounds {
    list: Option<Listed>,
    entries: Cell<usize>,
    tables: RefCell<Vec<(String, usize)>>,
    beyond: Cell<Option<Beyond>>,
}

enum Beyond {
    Expression(Error),
    Other(String),
}

impl Bounds {
    fn of(list: Option<Listed>) -> Self {
        Self { list, entries: Cell::new(0), tables: RefCell::default(), beyond: Cell::default() }
    }

    /// What was found.
    fn beyond(&self) -> Option<Beyond> {
        let list = self.list.filter(|list| self.entries.get() > list.most);
        let words = list.map(|list| Beyond::Other(list.beyond(&self.tables.borrow())));
        words.or_else(|| self.beyond.take())
    }

    /// Keeps the first that is found.
    fn note(&self, beyond: Beyond) {
        let first = self.beyond.take().unwrap_or(beyond);
        self.beyond.set(Some(first));
    }
}

impl Visit for Bounds {
    fn expression(&self, member: &'static str, text: &str) {
        let Some(kind) = KINDS.into_iter().find(|kind| kind.member() == member) else { return self.loose(text) };
        if text.len() > MAX_BYTES {
            self.note(Beyond::Expression(Error::of(kind, Fault::TooLong)));
        } else if is_deep(text, false) {
            self.note(Beyond::Expression(Error::of(kind, Fault::TooManyOperators)));
        }
    }

    fn statement(&self, text: &str) {
        if text.chars().count() > LONGEST_STATEMENT {
            let words = "1 validation error detected: Value '(redacted)' at 'statement' failed to satisfy constraint: \
                         Member must have length less than or equal to 8192";
            self.note(Beyond::Other(words.to_owned()));
        } else if is_deep(text, true) {
            self.note(Beyond::Other(TOO_DEEP.to_owned()));
        }
    }

    fn table(&self, name: &str) {
        let most = self.list.map_or(0, |list| list.most);
        let mut tables = self.tables.borrow_mut();
        // More have more entries than there may be.
        if tables.len() <= most {
            tables.push((name.to_owned(), 0));
        }
    }

    fn entry(&self) {
        self.entries.set(self.entries.get().saturating_add(1));
        if let Some((_, entries)) = self.tables.borrow_mut().last_mut() {
            *entries = entries.saturating_add(1);
        }
    }

    /// It may be read as an expression where it stands.
    fn loose(&self, text: &str) {
        if is_deep(text, false) {
            self.note(Beyond::Other(TOO_DEEP.to_owned()));
        }
    }
}

/// Whether brackets, or NOT behind NOT, nest deeper than any expression needs. Text between quotes is left out where the
/// grammar has it.
fn is_deep(text: &str, has_quotes: bool) -> bool {
    let (mut depth, mut nots, mut quoted) = (0_usize, 0_usize, false);
    for word in words(text) {
        quoted ^= has_quotes && word == "'";
        match word {
            _ if quoted => {}
            "(" | "[" | "{" => depth = depth.saturating_add(1),
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ if word.eq_ignore_ascii_case("NOT") => nots = nots.saturating_add(1),
            _ => nots = 0,
        }
        if depth.saturating_add(nots) > DEEPEST {
            return true;
        }
    }
    false
}

/// Words and single signs.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || !byte.is_ascii();
    let mut rest = text.trim_start();
    std::iter::from_fn(move || {
        let length = match rest.bytes().take_while(is_word).count() {
            0 => rest.chars().next()?.len_utf8(),
            length => length,
        };
        let (word, after) = rest.split_at_checked(length)?;
        rest = after.trim_start();
        Some(word)
    })
}

const KINDS: [Kind; 5] = [Kind::Condition, Kind::Filter, Kind::KeyCondition, Kind::Projection, Kind::Update];
/// DynamoDB's longest statement, in characters.
pub(crate) const LONGEST_STATEMENT: usize = 8192;
/// DynamoDB takes 300 operators, and hardly anyone nests ten.
const DEEPEST: usize = 64;
const TOO_DEEP: &str = "Nesting Levels have exceeded supported limits";

#[cfg(test)]
mod tests {
    use dynaseal_keys::Service;
    use serde_json::json;

    use super::*;

    /// What a call is answered with, if it is beyond a limit.
    fn beyond(operation: &'static str, body: &serde_json::Value) -> Option<String> {
        let (kind, message) = refused(operation, &body.to_string())?;
        assert_eq!(kind, "com.amazon.coral.validate#ValidationException");
        Some(message)
    }

    fn refused(operation: &'static str, body: &str) -> Option<(String, String)> {
        let call = Call::new(Service::DynamoDb, operation, body.as_bytes().to_vec());
        let answer = check_bounds(&call).err()?;
        assert_eq!(answer.status, 400);
        let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        let text = |member: &str| body[member].as_str().unwrap().to_owned();
        Some((text("__type"), text("message")))
    }

    #[test]
    fn lists_end_where_dynamodb_ends_them() {
        for list in listed::LISTS {
            let Listed { operation, member, most } = list;
            let body = |count: usize| {
                let all = vec![json!({"padding": "x".repeat(200)}); count];
                match operation {
                    // Also spread over tables.
                    "BatchWriteItem" => json!({member: {"One": all[..count / 2], "Two": all[count / 2..]}}),
                    "BatchGetItem" => {
                        json!({member: {"One": {"Keys": all[..count / 2]}, "Two": {"Keys": all[count / 2..]}}})
                    }
                    _ => json!({member: all}),
                }
            };
            assert_eq!(beyond(operation, &body(most)), None, "{operation}");
            let words = beyond(operation, &body(most + 1)).unwrap();
            assert_eq!(words, list.beyond(&[("One".to_owned(), most / 2), ("Two".to_owned(), most / 2 + 1)]));
            assert!(words.contains(&format!("less than or equal to {most}")), "{words}");
            // Elsewhere it is no list of the call.
            assert_eq!(beyond("PutItem", &body(most + 1)), None);
        }
    }

    #[test]
    fn expressions_and_statements_end_too() {
        let long = "x".repeat(MAX_BYTES + 1);
        for kind in KINDS {
            let member = kind.member();
            // In an action of a transaction, too, where one can be there.
            let bodies = |text: &str| match kind {
                Kind::Condition | Kind::Update => vec![
                    ("UpdateItem", json!({member: text})),
                    ("TransactWriteItems", json!({"TransactItems": [{"Update": {member: text}}]})),
                ],
                Kind::Projection => vec![
                    ("GetItem", json!({member: text})),
                    ("BatchGetItem", json!({"RequestItems": {"Users": {member: text}}})),
                ],
                Kind::KeyCondition => vec![("Query", json!({member: text}))],
                Kind::Filter => vec![("Query", json!({member: text})), ("Scan", json!({member: text}))],
            };
            let all = |text: &str| bodies(text).into_iter().map(|(operation, body)| beyond(operation, &body));
            let too_long = format!("Invalid {member}: Expression size has exceeded the maximum allowed size;");
            let too_deep = format!("Invalid {member}: The expression contains too many operators; operator count: 301");
            assert!(all(&long).all(|words| words.unwrap().ends_with(&too_long)));
            assert!(all(&long[1..]).all(|words| words.is_none()));
            for (open, most) in [("(", 64), ("f(", 64), ("NOT ", 64), ("NOT (", 32)] {
                assert!(all(&open.repeat(most)).all(|words| words.is_none()), "{open}");
                assert!(all(&open.repeat(most + 1)).all(|words| words.unwrap().ends_with(&too_deep)), "{open}");
            }
            // Wide is not deep.
            assert!(all(&"NOT (a = :b) AND ".repeat(200)).all(|words| words.is_none()));
        }
        assert!(beyond("PutItem", &json!({"ConditionExpression": long})).unwrap().starts_with("1 validation error"));
        let statement = |text: String| beyond("ExecuteStatement", &json!({"Statement": text}));
        assert_eq!(statement("é".repeat(8192)), None);
        assert!(statement("é".repeat(8193)).unwrap().ends_with("less than or equal to 8192"));
        assert!(statement("[".repeat(65)).unwrap().starts_with("Nesting Levels"));
        assert_eq!(statement(format!("INSERT INTO T VALUE {{'a': '{}'}}", "(".repeat(100))), None);
    }

    /// A parser that takes a list for an object, or skips what it does not know without looking at it, would get to an
    /// expression that nobody has judged.
    #[test]
    fn an_expression_is_found_wherever_another_parser_could_find_it() {
        let deep = "(".repeat(300);
        for (operation, body) in [
            ("Scan", json!(["Users", null, deep]).to_string()),
            ("TransactWriteItems", json!({"TransactItems": [{"Update": ["Users", deep]}]}).to_string()),
            ("Scan", json!({"FilterExpression": {"inner": [deep]}}).to_string()),
            ("FlyToTheMoon", json!({"Expression": deep}).to_string()),
            ("Scan", format!(r#"{{"FilterExpression":"a = b","FilterExpression":"{deep}"}}"#)),
            ("Scan", format!(r#"{{"FilterExpression":"{}"}}"#, "\\u0028".repeat(300))),
        ] {
            assert!(refused(operation, &body).is_some(), "{operation} {body}");
        }
        for before in ["[".repeat(500) + &"]".repeat(500), r#""\ud800""#.to_owned(), "1e999".to_owned()] {
            let body = format!(r#"{{"Unknown":{before},"FilterExpression":"{deep}"}}"#);
            let (kind, _) = refused("Scan", &body).unwrap();
            assert_eq!(kind, "com.amazon.coral.service#SerializationException", "{body}");
        }
    }

    #[test]
    fn an_item_may_be_named_like_a_member() {
        let long = "x".repeat(10_000);
        let item = json!({"FilterExpression": {"S": long}, "Statement": {"L": vec![json!({"S": "x"}); 200]}});
        assert_eq!(beyond("PutItem", &json!({"Item": item})), None);
        let put = json!({"TransactItems": [{"Put": {"Item": {"TransactItems": {"L": vec![json!({"S": "x"}); 200]}}}}]});
        assert_eq!(beyond("TransactWriteItems", &put), None);
    }
}
