//! DynamoDB's own limits of a request, looked up before anything of it is built: how many entries its lists have, how long
//! and how deep its expressions and statements are. Who parses such a request pays for what can only be refused, and
//! a parser that calls itself for each bracket ends the process where they are too many.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use dynaseal_keys::{Answer, Call};
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::answers;
use crate::expr::error::{Error, Fault, Kind};
use crate::expr::syntax::MAX_BYTES;

/// A list of a request and how many entries DynamoDB takes in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) operation: &'static str,
    pub(crate) member: &'static str,
    pub(crate) most: usize,
}

pub(crate) const WRITES: Listed = Listed { operation: "BatchWriteItem", member: "RequestItems", most: 25 };
pub(crate) const KEYS: Listed = Listed { operation: "BatchGetItem", member: "RequestItems", most: 100 };
pub(crate) const PUTS: Listed = Listed { operation: "TransactWriteItems", member: "TransactItems", most: 100 };
pub(crate) const GETS: Listed = Listed { operation: "TransactGetItems", ..PUTS };
pub(crate) const BATCH: Listed = Listed { operation: "BatchExecuteStatement", member: "Statements", most: 25 };
pub(crate) const TRANSACTION: Listed =
    Listed { operation: "ExecuteTransaction", member: "TransactStatements", most: 100 };
const LISTS: [Listed; 6] = [WRITES, KEYS, PUTS, GETS, BATCH, TRANSACTION];

impl Listed {
    /// DynamoDB's refusal of more. It shows the whole list, and this none of it.
    pub(crate) fn words(self) -> String {
        let Self { operation, member, most } = self;
        let length = format!("Member must have length less than or equal to {most}");
        match operation {
            "BatchWriteItem" => format!(
                "1 validation error detected: Value '(redacted)' at 'requestItems' failed to satisfy constraint: Map \
                 value must satisfy constraint: [{length}, Member must have length greater than or equal to 1]"
            ),
            "BatchGetItem" => "Too many items requested for the BatchGetItem call".to_owned(),
            _ => {
                let mut letters = member.chars();
                let first = letters.next().map(|first| first.to_ascii_lowercase()).into_iter();
                let member: String = first.chain(letters).collect();
                format!(
                    "1 validation error detected: Value '(redacted)' at '{member}' failed to satisfy constraint: {length}"
                )
            }
        }
    }
}

/// Refuses a call that is beyond them, in DynamoDB's words.
///
/// # Errors
/// The answer to the call. What is not JSON is for its reader to refuse.
pub fn check_bounds(call: &Call) -> Result<(), Answer> {
    if is_small(&call.body) {
        return Ok(());
    }
    let found = Cell::new(None);
    let list = LISTS.into_iter().find(|list| list.operation == call.operation);
    let walk = Walk { place: Place::Top, list, counted: &Cell::new(0), found: &found };
    // A text that ends too early was looked through as far as it goes.
    let _ = walk.deserialize(&mut serde_json::Deserializer::from_slice(&call.body));
    match found.take() {
        None => Ok(()),
        Some(Beyond::Expression(error)) => Err(answers::expression(&call.operation, &error)),
        Some(Beyond::Other(words)) => Err(answers::validation(&words)),
    }
}

/// Whether nothing in a body can be long or deep, which is so of most and quickly seen. Its lists cannot cost much either;
/// whoever carries the call out counts them.
fn is_small(body: &[u8]) -> bool {
    let opens = |byte: &&u8| matches!(**byte, b'(' | b'[' | b'{' | b'O' | b'o');
    body.len() < MAX_BYTES && body.iter().filter(opens).count() < DEEPEST
}

/// What is beyond its limit.
enum Beyond {
    Expression(Error),
    Other(String),
}

/// Goes through a whole text without keeping any of it.
#[derive(Clone, Copy)]
struct Walk<'w> {
    place: Place,
    list: Option<Listed>,
    counted: &'w Cell<usize>,
    found: &'w Cell<Option<Beyond>>,
}

/// Where a value stands. In an item each text is under its type, so that no attribute can be taken for a member.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Top,
    /// The tables of a batch.
    Tables,
    /// What a batch asks of one table.
    Table,
    /// Entries that are counted.
    Counted,
    Expression(Kind),
    Statement,
    Other,
}

impl Walk<'_> {
    fn at(self, member: &str) -> Self {
        let listed = self.list.is_some_and(|list| list.member == member);
        let place = match (self.place, member) {
            (Place::Top, "RequestItems") if listed => Place::Tables,
            (Place::Top, _) if listed => Place::Counted,
            (Place::Tables, _) if self.list == Some(WRITES) => Place::Counted,
            (Place::Tables, _) => Place::Table,
            (Place::Table, "Keys") => Place::Counted,
            (_, "Statement") => Place::Statement,
            _ => KINDS.into_iter().find(|kind| kind.member() == member).map_or(Place::Other, Place::Expression),
        };
        Self { place, ..self }
    }

    fn end<E: de::Error>(self, beyond: Beyond) -> Result<(), E> {
        self.found.set(Some(beyond));
        Err(E::custom("beyond a limit"))
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
        match self.place {
            Place::Expression(kind) if text.len() > MAX_BYTES => {
                self.end(Beyond::Expression(Error::of(kind, Fault::TooLong)))
            }
            Place::Expression(kind) if is_deep(text, false) => {
                self.end(Beyond::Expression(Error::of(kind, Fault::TooManyOperators)))
            }
            Place::Statement if text.chars().count() > LONGEST_STATEMENT => {
                let words = "1 validation error detected: Value '(redacted)' at 'statement' failed to satisfy \
                             constraint: Member must have length less than or equal to 8192";
                self.end(Beyond::Other(words.to_owned()))
            }
            Place::Statement if is_deep(text, true) => {
                self.end(Beyond::Other("Nesting Levels have exceeded supported limits".to_owned()))
            }
            _ => Ok(()),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(member) = map.next_key_seed(dynaseal_item::json::Text)? {
            let member: Cow<'_, str> = member;
            map.next_value_seed(self.at(&member))?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let inside = Self { place: Place::Other, ..self };
        while seq.next_element_seed(inside)?.is_some() {
            if self.place != Place::Counted {
                continue;
            }
            self.counted.set(self.counted.get().saturating_add(1));
            if let Some(list) = self.list.filter(|list| self.counted.get() > list.most) {
                return self.end(Beyond::Other(list.words()));
            }
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
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

#[cfg(test)]
mod tests {
    use dynaseal_keys::Service;
    use serde_json::json;

    use super::*;

    /// What a call is answered with, if it is beyond a limit.
    fn beyond(operation: &'static str, body: &serde_json::Value) -> Option<String> {
        let call = Call::new(Service::DynamoDb, operation, body.to_string().into_bytes());
        let answer = check_bounds(&call).err()?;
        let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!((answer.status, &body["__type"]), (400, &json!("com.amazon.coral.validate#ValidationException")));
        Some(body["message"].as_str().unwrap().to_owned())
    }

    #[test]
    fn lists_end_where_dynamodb_ends_them() {
        for list in LISTS {
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
            assert_eq!(words, list.words());
            assert!(words.contains(&most.to_string()) || operation == "BatchGetItem", "{words}");
            // Elsewhere it is no list of the call.
            assert_eq!(beyond("PutItem", &body(most + 1)), None);
        }
    }

    #[test]
    fn expressions_and_statements_end_too() {
        let long = "x".repeat(MAX_BYTES + 1);
        for kind in KINDS {
            let member = kind.member();
            let too_long = format!("Invalid {member}: Expression size has exceeded the maximum allowed size;");
            let too_deep = format!("Invalid {member}: The expression contains too many operators; operator count: 301");
            for body in [json!({member: long}), json!({"TransactItems": [{"Update": {member: long}}]})] {
                assert_eq!(beyond("Scan", &body).as_deref(), Some(&*too_long));
            }
            assert_eq!(beyond("Scan", &json!({member: &long[1..]})), None);
            for (open, most) in [("(", 64), ("f(", 64), ("NOT ", 64), ("NOT (", 32)] {
                assert_eq!(beyond("Scan", &json!({member: open.repeat(most)})), None, "{open}");
                let deep = beyond("Scan", &json!({member: open.repeat(most + 1)}));
                assert_eq!(deep.as_deref(), Some(&*too_deep), "{open}");
            }
            // Wide is not deep.
            assert_eq!(beyond("Scan", &json!({member: "NOT (a = :b) AND ".repeat(200)})), None);
        }
        assert!(beyond("PutItem", &json!({"ConditionExpression": long})).unwrap().starts_with("1 validation error"));
        let statement = |text: String| beyond("ExecuteStatement", &json!({"Statement": text}));
        assert_eq!(statement("é".repeat(8192)), None);
        assert!(statement("é".repeat(8193)).unwrap().ends_with("less than or equal to 8192"));
        assert!(statement("[".repeat(65)).unwrap().starts_with("Nesting Levels"));
        assert_eq!(statement(format!("INSERT INTO T VALUE {{'a': '{}'}}", "(".repeat(100))), None);
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
