//! Known answers of AWS's unit tests: numbers, value bytes, paths, contexts, field keys.
//! The files are AWS's facts and stay outside this repository; where they are absent the tests say so and stop.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "the helpers of a test may stop it; clippy excuses only the test functions themselves"
)]

use std::fs;
use std::path::Path;

use dynaseal_item::{Context, ValueFault, json, kat};
use serde_json::Value as Json;

#[test]
fn numbers() {
    let Some(cases) = cases("kat_numbers.json") else { return };
    for case in &cases {
        assert_eq!(case["op"], "normalize");
        let text = case["in"].as_str().unwrap();
        let expected = expected(case, "out");
        assert_eq!(kat::normalize_number(text).ok().as_deref(), expected, "{text:?}");
    }
    assert_eq!(cases.len(), 197);
}

#[test]
fn values() {
    let Some(cases) = cases("kat_values.json") else { return };
    let mut count = Counts::default();
    for case in &cases {
        match case["op"].as_str().unwrap() {
            "serialize" => serialize(case, &mut count),
            "deserialize" => deserialize(case, &mut count),
            "path" => {
                let path = kat::path(case["table"].as_str().unwrap(), case["name"].as_str().unwrap());
                assert_eq!(to_hex(&path), case["hex"].as_str().unwrap());
                count.other += 1;
            }
            "context" => {
                let pairs = case["context"].as_object().unwrap().iter();
                let context: Context =
                    pairs.map(|(key, value)| (key.clone(), value.as_str().unwrap().to_owned())).collect();
                assert_eq!(to_hex(&context.serialize().unwrap()), case["hex"].as_str().unwrap());
                count.other += 1;
            }
            "legend_order" => {
                let mut names = texts(&case["names"]);
                kat::sort_canonically(&mut names);
                assert_eq!(names, texts(&case["order"]));
                count.other += 1;
            }
            other => panic!("an operation this test does not know: {other}"),
        }
    }
    assert_eq!(count, Counts { serialized: 21, not_serialized: 5, deserialized: 30, not_deserialized: 19, other: 4 });
}

#[test]
fn field_keys() {
    let Some(cases) = cases("kat_field_keys.json") else { return };
    for case in &cases {
        assert_eq!(case["op"], "field_key");
        let root = from_hex(case["root"].as_str().unwrap()).try_into().unwrap();
        let index = usize::try_from(case["index"].as_u64().unwrap()).unwrap();
        assert_eq!(to_hex(&kat::field_key(&root, index).unwrap()), case["hex"].as_str().unwrap(), "field {index}");
    }
    assert_eq!(cases.len(), 40);
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    serialized: usize,
    not_serialized: usize,
    deserialized: usize,
    not_deserialized: usize,
    other: usize,
}

fn serialize(case: &Json, count: &mut Counts) {
    let text = case["value"].to_string();
    // A value that JSON reading refuses never reaches the format, and that is a refusal too.
    let bytes = json::read_value(&text).ok().and_then(|value| kat::serialize(&value).ok());
    let expected = expected(case, "hex");
    assert_eq!(bytes.map(|bytes| to_hex(&bytes)).as_deref(), expected, "{text}");
    *(if expected.is_some() { &mut count.serialized } else { &mut count.not_serialized }) += 1;
}

/// Some cases state the value, others only that the bytes are accepted; those must come back as they were.
fn deserialize(case: &Json, count: &mut Counts) {
    let hex = case["hex"].as_str().unwrap();
    let bytes = from_hex(hex);
    let read = kat::deserialize(&bytes);
    if case["error"] == true {
        assert!(read.is_err(), "{hex}");
        count.not_deserialized += 1;
        return;
    }
    let value = read.unwrap_or_else(|fault| panic!("{hex}: {fault}"));
    match case.get("value") {
        Some(expected) => assert!(value == json::read_value(&expected.to_string()).unwrap(), "{hex}"),
        // The syntax of a number is not checked on reading, so an empty one is read but cannot be written.
        None if hex == "0002" => assert_eq!(kat::serialize(&value), Err(ValueFault::Number)),
        None => assert_eq!(to_hex(&kat::serialize(&value).unwrap()), hex),
    }
    count.deserialized += 1;
}

/// What a case expects under `key`; `None` means that it must be refused.
fn expected<'a>(case: &'a Json, key: &str) -> Option<&'a str> {
    let expected = case.get(key).and_then(Json::as_str);
    assert_eq!(expected.is_none(), case["error"] == true, "a case states either an answer or an error");
    expected
}

fn cases(file: &str) -> Option<Vec<Json>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors").join(file);
    let Ok(text) = fs::read_to_string(&path) else {
        println!("skipped: {file} is not beside the repository");
        return None;
    };
    let file: Json = serde_json::from_str(&text).unwrap();
    Some(file["cases"].as_array().unwrap().clone())
}

fn texts(list: &Json) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(hex: &str) -> Vec<u8> {
    assert_eq!(hex.len() % 2, 0);
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}
