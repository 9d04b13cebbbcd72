//! The tables of the two sides, and the engines that protect one of them.

use std::sync::Arc;

use dynaseal_engine::{Engine, Pattern, Plaintext, Table};
use dynaseal_gateway::{Embedded, RuntimeClock};
use dynaseal_item::{Action, SchemaSpec, Suite};
use dynaseal_keys::{Provider, RawAes};
use serde_json::{Value, json};

use crate::random::call;

/// With a partition key alone.
pub const THINGS: &str = "Things";
/// With a sort key, and indexes of every projection.
pub const RANGES: &str = "Ranges";
/// Without a section in the configuration; a pattern protects it too.
pub const OPEN: &str = "Open";

/// With a sort key that is text, as its partition key.
pub const TEXTS: &str = "Texts";
/// The same of binaries.
pub const BYTES: &str = "Bytes";

pub const ALL: [&str; 3] = [THINGS, RANGES, OPEN];

/// An index of [`RANGES`]: its keys, and whether it has the table's partition key.
pub struct Index {
    pub name: &'static str,
    pub keys: (&'static str, Option<&'static str>),
    pub local: bool,
}

impl Index {
    /// What it holds, unless that is all.
    pub fn held(&self) -> Option<&'static [&'static str]> {
        match self.name {
            "keys" => Some(&["g", "id", "pos"]),
            "some" => Some(&["r", "id", "pos", "n", "t", "hits"]),
            "part" => Some(&["id", "g", "pos", "m", "s"]),
            _ => None,
        }
    }
}

pub const INDEXES: [Index; 5] = [
    Index { name: "all", keys: ("g", Some("r")), local: false },
    Index { name: "keys", keys: ("g", None), local: false },
    Index { name: "some", keys: ("r", Some("id")), local: false },
    Index { name: "near", keys: ("id", Some("r")), local: true },
    Index { name: "part", keys: ("id", Some("g")), local: true },
];

/// What the calls that make the tables say.
pub fn definitions() -> [Value; 3] {
    let key = |hash: &str, range: Option<&str>| {
        let mut key = vec![json!({"AttributeName": hash, "KeyType": "HASH"})];
        key.extend(range.map(|range| json!({"AttributeName": range, "KeyType": "RANGE"})));
        json!(key)
    };
    let attributes = |all: &[(&str, &str)]| -> Value {
        all.iter().map(|(name, kind)| json!({"AttributeName": name, "AttributeType": kind})).collect()
    };
    let indexes = |local: bool| -> Value {
        let these = INDEXES.iter().filter(|index| index.local == local);
        let index = |index: &Index| {
            let projection = match index.name {
                "all" | "near" => json!({"ProjectionType": "ALL"}),
                "some" => json!({"ProjectionType": "INCLUDE", "NonKeyAttributes": ["n", "t", "hits"]}),
                "part" => json!({"ProjectionType": "INCLUDE", "NonKeyAttributes": ["m", "s"]}),
                _ => json!({"ProjectionType": "KEYS_ONLY"}),
            };
            json!({"IndexName": index.name, "KeySchema": key(index.keys.0, index.keys.1), "Projection": projection})
        };
        these.map(index).collect()
    };
    let simple = |name: &str| {
        json!({
            "TableName": name, "BillingMode": "PAY_PER_REQUEST", "KeySchema": key("id", None),
            "AttributeDefinitions": attributes(&[("id", "S")]),
            "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        })
    };
    let ranges = json!({
        "TableName": RANGES, "BillingMode": "PAY_PER_REQUEST", "KeySchema": key("id", Some("pos")),
        "AttributeDefinitions": attributes(&[("id", "S"), ("pos", "N"), ("g", "S"), ("r", "N")]),
        "GlobalSecondaryIndexes": indexes(false), "LocalSecondaryIndexes": indexes(true),
        "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    });
    [simple(THINGS), simple(OPEN), ranges]
}

pub fn database() -> Embedded {
    database_of(&definitions())
}

/// [`TEXTS`] and [`BYTES`] alone.
pub fn database_of_keys() -> Embedded {
    let table = |name: &str, kind: &str| {
        let keys = [("id", "HASH"), ("pos", "RANGE")];
        let schema: Value = keys.iter().map(|(name, part)| json!({"AttributeName": name, "KeyType": part})).collect();
        let types: Value = keys.iter().map(|(name, _)| json!({"AttributeName": name, "AttributeType": kind})).collect();
        json!({"TableName": name, "BillingMode": "PAY_PER_REQUEST", "KeySchema": schema, "AttributeDefinitions": types})
    };
    database_of(&[table(TEXTS, "S"), table(BYTES, "B")])
}

fn database_of(tables: &[Value]) -> Embedded {
    let database = Embedded::open(None).unwrap();
    for table in tables {
        let answer = database.call(&call("CreateTable", table));
        assert!(answer.ok(), "{}", String::from_utf8_lossy(&answer.body));
    }
    database
}

/// Everything encrypted but keys, one attribute that is signed only, and a counter and a set that are neither.
fn spec(suite: Suite) -> SchemaSpec {
    SchemaSpec {
        actions: vec![("t".into(), Action::SignOnly)],
        default_action: Some(Action::EncryptAndSign),
        unsigned: vec!["hits".into(), "tags".into()],
        suite,
        ..SchemaSpec::default()
    }
}

fn provider() -> Provider {
    // A test key.
    Provider::new(Arc::new(RawAes::new("test", "key", &[7; 32]).unwrap()))
}

/// Tables by name.
pub fn named(suite: Suite) -> Engine {
    by_name(&spec(suite))
}

/// The same, but nothing is said of one attribute.
pub fn without(attribute: &str) -> Engine {
    let known = ["n", "s", "l", "m", "ss", "ns", "b", "t", "g", "r", "gone", "copied", "more"];
    let actions = known.into_iter().filter(|name| *name != attribute);
    let actions = actions.map(|name| (name.to_owned(), Action::EncryptAndSign)).collect();
    by_name(&SchemaSpec { actions, default_action: None, ..spec(Suite::Hmac) })
}

fn by_name(spec: &SchemaSpec) -> Engine {
    let table = |name: &str, signed: &[&str]| {
        let mut spec = SchemaSpec {
            logical_name: name.into(),
            partition_key: "id".into(),
            sort_key: (name != THINGS).then(|| "pos".into()),
            ..spec.clone()
        };
        spec.actions.retain(|(name, _)| !signed.contains(&name.as_str()));
        spec.actions.extend(signed.iter().map(|name| ((*name).to_owned(), Action::SignOnly)));
        Table::new(name.into(), spec.build().unwrap(), provider(), Plaintext::Forbid)
    };
    let tables = [
        table(THINGS, &["id"]),
        table(RANGES, &["id", "pos", "g", "r"]),
        table(TEXTS, &["id", "pos"]),
        table(BYTES, &["id", "pos"]),
    ];
    Engine::new(tables, Arc::new(RuntimeClock))
}

/// Every table by one pattern, so that which of the readable attributes are keys must be learned.
pub fn patterned() -> Engine {
    let signed = ["id", "pos", "g", "r"];
    let mut spec = spec(Suite::Hmac);
    spec.actions.retain(|(name, _)| !signed.contains(&name.as_str()));
    spec.actions.extend(signed.map(|name| (name.to_owned(), Action::SignOnly)));
    let pattern = Pattern::new("*".into(), spec, provider(), Plaintext::Forbid);
    Engine::new([], Arc::new(RuntimeClock)).with_patterns([pattern])
}
