use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::testing::{FixedClock, offline};

const ONE: &str = "00000000-0000-4000-8000-000000000001";
const TWO: &str = "00000000-0000-4000-8000-000000000002";

/// A test key: base64 of 32 bytes of `byte`.
fn key(byte: u8) -> String {
    base64_simd::STANDARD.encode_to_string([byte; 32])
}

fn entry(id: &str) -> Json {
    json!({ "branch_key_id": id, "active_version": TWO, "versions": { ONE: key(1), TWO: key(2) } })
}

fn faults(file: &Json) -> Vec<String> {
    match BranchKeyFile::parse(&file.to_string()) {
        Err(Error::KeyFile { faults }) => faults.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

/// `entry("id")` with one field set, or removed.
fn with(field: &str, value: Option<Json>) -> Json {
    let mut entry = entry("id");
    let fields = entry.as_object_mut().unwrap();
    match value {
        Some(value) => fields.insert(field.to_owned(), value),
        None => fields.remove(field),
    };
    entry
}

#[test]
fn gives_the_active_version_and_every_other() {
    let clock = FixedClock::default();
    let io = offline(&clock);
    let file = BranchKeyFile::parse(&json!([entry("a"), entry("b")]).to_string()).unwrap();
    assert_eq!(file.ids().collect::<Vec<_>>(), ["a", "b"]);
    let version = |text| KeyVersion::parse(text).unwrap();
    assert_eq!(pollster::block_on(file.active("a", io)).unwrap().version(), version(TWO));
    assert_eq!(pollster::block_on(file.version("b", version(ONE), io)).unwrap().version(), version(ONE));
    let missing = pollster::block_on(file.active("c", io)).unwrap_err();
    assert_eq!(missing.to_string(), "the key store has no branch key \"c\"");
    let missing = pollster::block_on(file.version("a", KeyVersion::from_bytes([7; 16]), io)).unwrap_err();
    let text = "the key store has no version 07070707-0707-0707-0707-070707070707 of branch key \"a\"";
    assert_eq!(missing.to_string(), text);
}

#[test]
fn takes_the_optional_fields() {
    let mut entry = entry("id");
    for (field, value) in [
        ("about", json!("a test key")),
        ("source", json!("none")),
        ("beacon_key", json!(key(3))),
        ("custom_encryption_context", json!({ "department": "tests" })),
    ] {
        entry[field] = value;
    }
    assert!(BranchKeyFile::parse(&entry.to_string()).is_ok());
}

#[test]
fn says_what_is_wrong_and_where() {
    let uuid = "must be a UUID such as 00000000-0000-4000-8000-000000000000";
    let fields = "has a field that is not branch_key_id, active_version, versions, beacon_key, \
                  custom_encryption_context, about or source";
    for (file, expected) in [
        (json!([]), "the file: holds no branch key".to_owned()),
        (json!(7), "the branch key: must be an object".to_owned()),
        (json!([entry("id"), "x"]), "entry 2: must be an object".to_owned()),
        (json!([entry("id"), entry("id")]), "entry 2: repeats the branch_key_id of an entry before it".to_owned()),
        (with("branch_key_id", None), "the branch key, branch_key_id: is missing".to_owned()),
        (
            with("branch_key_id", Some(json!(""))),
            "the branch key, branch_key_id: must have 1 to 65,535 bytes".to_owned(),
        ),
        (with("active_version", Some(json!("new"))), format!("the branch key, active_version: {uuid}")),
        (with("active_version", Some(json!(null))), "the branch key, active_version: must be a string".to_owned()),
        (
            with("versions", Some(json!({ ONE: key(1) }))),
            "the branch key, active_version: is not one of versions".to_owned(),
        ),
        (with("versions", Some(json!([]))), "the branch key, versions: must be an object".to_owned()),
        (with("versions", Some(json!({ TWO: 7 }))), format!("the branch key, versions, {TWO}: must be a string")),
        (
            with("versions", Some(json!({ TWO: "c2hvcnQ=" }))),
            format!("the branch key, versions, {TWO}: must be base64 of 32 bytes"),
        ),
        (
            with("versions", Some(json!({ TWO: "*" }))),
            format!("the branch key, versions, {TWO}: must be base64 of 32 bytes"),
        ),
        (
            with("versions", Some(json!({ TWO: key(2), "v": key(1) }))),
            "the branch key, versions, number 2: must have a UUID as its name".to_owned(),
        ),
        (with("beacon_key", Some(json!("AA=="))), "the branch key, beacon_key: must be base64 of 32 bytes".to_owned()),
        (
            with("custom_encryption_context", Some(json!({ "a": 1 }))),
            "the branch key, custom_encryption_context: must be an object of strings".to_owned(),
        ),
        (with("extra", Some(json!(1))), format!("the branch key: {fields}")),
    ] {
        assert_eq!(faults(&file), [expected], "{file}");
    }
}

#[test]
fn says_everything_at_once() {
    let file = json!([with("versions", None), with("active_version", None)]);
    assert_eq!(faults(&file), ["entry 1, versions: is missing", "entry 2, active_version: is missing"]);
}

#[test]
fn names_that_stand_twice_are_refused() {
    for text in [
        format!(
            r#"{{"branch_key_id":"a","branch_key_id":"b","active_version":"{ONE}","versions":{{"{ONE}":"{}"}}}}"#,
            key(1)
        ),
        format!(
            r#"{{"branch_key_id":"a","active_version":"{ONE}","versions":{{"{ONE}":"{}","{ONE}":"{}"}}}}"#,
            key(1),
            key(2)
        ),
    ] {
        let error = BranchKeyFile::parse(&text).unwrap_err().to_string();
        assert!(error.ends_with("stands there twice"), "{error}");
    }
}

#[test]
fn syntax_errors_have_a_place() {
    for (text, expected) in [
        ("", "line 1, column 0: the JSON ends too early"),
        ("{\n \"a\": nonsense}", "line 2, column 8: is not JSON"),
        ("[] []", "line 1, column 4: is not JSON"),
    ] {
        let error = BranchKeyFile::parse(text).unwrap_err();
        assert_eq!(error.to_string(), format!("the branch key file is not valid: {expected}"));
        assert_eq!((error.code(), error.kind()), ("DSL-5102", dynaseal_item::Kind::Config));
    }
}

/// Whatever is wrong with the file, neither its keys nor its other texts may be printed.
#[test]
fn errors_and_debug_hold_no_key() {
    let canary = base64_simd::STANDARD.encode_to_string([0xab; 33]);
    for file in [
        json!(canary),
        json!([canary]),
        json!({ &canary: 1 }),
        with("versions", Some(json!({ TWO: canary }))),
        with("versions", Some(json!({ &canary: key(1) }))),
        with("versions", Some(json!(canary))),
        with("active_version", Some(json!(canary))),
        with("beacon_key", Some(json!(canary))),
        with("custom_encryption_context", Some(json!(canary))),
    ] {
        let error = BranchKeyFile::parse(&file.to_string()).unwrap_err();
        assert!(!format!("{error} {error:?} {}", error.hint()).contains("q6ur"), "{error}");
    }
    let text = with("versions", Some(json!({ TWO: key(0xab) }))).to_string();
    let printed = format!("{:?}", BranchKeyFile::parse(&text).unwrap());
    assert!(printed.contains("redacted") && !printed.contains("q6ur") && !printed.contains("171"), "{printed}");
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let _either = BranchKeyFile::parse(&text);
    }

    /// Files that are nearly right reach the checks behind the JSON reader.
    #[test]
    fn a_damaged_file_is_read_or_refused(place in 0_usize..400, byte in 0_u8..128, cut in any::<bool>()) {
        let mut text = json!([entry("a"), entry("b")]).to_string().into_bytes();
        let place = place.min(text.len() - 1);
        if cut { text.truncate(place) } else { text[place] = byte };
        let _either = BranchKeyFile::parse(&String::from_utf8(text).unwrap());
    }

    #[test]
    fn deep_nesting_is_refused(depth in 200_usize..5000) {
        prop_assert!(BranchKeyFile::parse(&"[".repeat(depth)).is_err());
    }
}
