//! Random values for tests that compare a protected table with a plain one, and how answers are compared.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests, not tests themselves"
)]

pub mod compare;
#[path = "../../../engine/tests/support/redaction.rs"]
mod redaction;
pub mod run;
pub mod shrink;
pub mod spoil;

use dynaseal_engine::{Call, Service};
use dynaseal_item::kat;
use serde_json::{Value, json};

/// A small generator of numbers, the same on every machine.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    pub fn pick<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len())]
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

/// A value for an attribute, now and then of another kind than its name says.
pub fn value(random: &mut Random, attribute: &str) -> Value {
    let attribute = if random.chance(8) { random.pick(&["n", "s", "l", "m", "ss", "t"]) } else { attribute };
    exact(random, attribute)
}

/// A value of the kind that an attribute's name says.
pub fn exact(random: &mut Random, attribute: &str) -> Value {
    let numbers = ["0", "1", "-1", "2.50", "1e2", "0.001", "12345678901234567890"];
    let texts = ["", "x", "xy", "yz", "é\u{1f511}"];
    match attribute {
        "g" => json!({"S": random.pick(&["u", "v"])}),
        "r" => json!({"N": random.pick(&["1", "2", "3"])}),
        // In normal form, since dynoxide does not find the number of a set in another form than it was put with.
        "ns" => json!({"NS": &["1", "2", "30"][random.below(3)..]}),
        "b" => json!({"B": random.pick(&["", "AA==", "AAE="])}),
        "n" | "hits" => json!({"N": random.pick(&numbers)}),
        "s" => json!({"S": random.pick(&texts)}),
        "l" => json!({"L": (0..random.below(3)).map(|_| value(random, "n")).collect::<Vec<_>>()}),
        "m" => json!({"M": {"k": value(random, "n"), "j": value(random, "s")}}),
        "ss" | "tags" => {
            let members = &["p", "q", "r"][..=random.below(3)];
            json!({"SS": members})
        }
        _ => json!({"BOOL": random.chance(50)}),
    }
}

/// The same whatever the spelling of numbers and the order of sets.
pub fn normal(value: &Value) -> Value {
    match value {
        Value::Object(map) if map.len() == 1 && map.contains_key("N") => {
            json!({"N": kat::normalize_number(map["N"].as_str().unwrap_or_default()).unwrap_or_default()})
        }
        Value::Object(map) if map.len() == 1 && (map.contains_key("SS") || map.contains_key("NS")) => {
            let (kind, members) = map.iter().next().unwrap();
            let member = |member: &Value| match kind.as_str() {
                "NS" => kat::normalize_number(member.as_str().unwrap_or_default()).unwrap_or_default(),
                _ => member.to_string(),
            };
            let mut all: Vec<_> = members.as_array().into_iter().flatten().map(member).collect();
            all.sort();
            json!({ kind: all })
        }
        Value::Object(map) => {
            map.iter().map(|(name, value)| (name.clone(), normal(value))).collect::<serde_json::Map<_, _>>().into()
        }
        Value::Array(all) => all.iter().map(normal).collect(),
        other => other.clone(),
    }
}

pub fn call(operation: &str, body: &Value) -> Call {
    call_service(Service::DynamoDb, operation, body)
}

pub fn call_service(service: Service, operation: &str, body: &Value) -> Call {
    let body = serde_json::to_vec(body).unwrap();
    Call::new(service, operation.to_owned(), body)
}
