//! The three items that are measured, as the DynamoDB JSON that a caller sends.

use std::ops::Range;

use dynaseal_item::{Action, SchemaSpec, Suite};
use serde_json::{Map, Value, json};

/// One item and its table.
pub struct Shape {
    pub name: &'static str,
    pub what: &'static str,
    /// What its JSON may measure for `what` to be true.
    pub size: Range<usize>,
    /// The bound on the ratio to the floor, seal and open alike, with the hmac suite.
    pub target: f64,
    pub json: Vec<u8>,
    actions: Vec<(String, Action)>,
}

impl Shape {
    /// All three.
    pub fn all() -> [Self; 3] {
        [user(), profile(), blob()]
    }

    /// The item's table.
    pub fn table(&self, suite: Suite) -> SchemaSpec {
        SchemaSpec {
            logical_name: "Users".to_owned(),
            partition_key: "userId".to_owned(),
            actions: self.actions.clone(),
            suite,
            ..SchemaSpec::default()
        }
    }

    fn new(
        name: &'static str,
        what: &'static str,
        size: Range<usize>,
        target: f64,
        attributes: Vec<(&str, Action, Value)>,
    ) -> Self {
        let actions = attributes.iter().map(|(name, action, _)| ((*name).to_owned(), *action)).collect();
        let item: Map<String, Value> =
            attributes.into_iter().map(|(name, _, value)| (name.to_owned(), value)).collect();
        Self { name, what, size, target, json: Value::Object(item).to_string().into_bytes(), actions }
    }
}

/// Half a kilobyte, 4 of 8 attributes encrypted.
fn user() -> Shape {
    let attributes = vec![
        ("userId", SignOnly, json!({"S": "user-00000000000000000001"})),
        ("email", EncryptAndSign, json!({"S": "someone.with.a.name@example.com"})),
        ("name", EncryptAndSign, json!({"S": "Someone With A Longer Name"})),
        ("birthday", EncryptAndSign, json!({"S": "1970-01-01"})),
        ("address", EncryptAndSign, json!({"S": format!("1 Long Street, {}", "Some Town ".repeat(18))})),
        ("created", SignOnly, json!({"N": "1700000000"})),
        ("plan", SignOnly, json!({"S": "standard"})),
        ("active", SignOnly, json!({"BOOL": true})),
    ];
    Shape::new("user", "0.5 KB, 4 of 8 attributes encrypted", 450..600, 2.0, attributes)
}

/// Four kilobytes, 15 of 25 attributes encrypted, some of them nested.
fn profile() -> Shape {
    let mut attributes = vec![("userId", SignOnly, json!({"S": "user-00000000000000000001"}))];
    const SIGNED: [&str; 9] = ["s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9"];
    for (number, name) in SIGNED.into_iter().enumerate() {
        let value = match number % 3 {
            0 => json!({"S": "a value that is signed but not encrypted"}),
            1 => json!({"N": "1234567.89"}),
            _ => json!({"SS": ["red", "green", "blue"]}),
        };
        attributes.push((name, SignOnly, value));
    }
    const ENCRYPTED: [&str; 15] =
        ["e01", "e02", "e03", "e04", "e05", "e06", "e07", "e08", "e09", "e10", "e11", "e12", "e13", "e14", "e15"];
    for (number, name) in ENCRYPTED.into_iter().enumerate() {
        let value = match number % 3 {
            0 => json!({"S": "A sentence of some length that someone wrote about themselves. ".repeat(7)}),
            1 => json!({"M": {
                "street": {"S": "1 Long Street"},
                "town": {"S": "Some Town"},
                "location": {"L": [{"N": "52.520008"}, {"N": "13.404954"}]},
                "current": {"BOOL": true},
                "since": {"N": "1700000000"},
            }}),
            _ => json!({"L": [{"S": "a first entry"}, {"S": "a second entry"}, {"N": "42"}, {"M": {"k": {"S": "v"}}}]}),
        };
        attributes.push((name, EncryptAndSign, value));
    }
    Shape::new("profile", "4 KB, 15 of 25 attributes encrypted, nested", 3800..4500, 2.0, attributes)
}

/// One binary of 100 KB, encrypted.
fn blob() -> Shape {
    let bytes: Vec<u8> = (0..100_000_u32).map(|number| number.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    let attributes = vec![
        ("userId", SignOnly, json!({"S": "user-00000000000000000001"})),
        ("picture", EncryptAndSign, json!({"B": base64_simd::STANDARD.encode_to_string(&bytes)})),
    ];
    Shape::new("blob", "one encrypted binary of 100 KB", 133_000..134_000, 1.3, attributes)
}

use Action::{EncryptAndSign, SignOnly};
