//! Items that AWS's own libraries sealed, opened with each key ring alone. The files stay outside this repository; where they
//! are absent the tests say so and stop.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "the helpers of a test may stop it; clippy excuses only the test functions themselves"
)]

#[path = "support/stored.rs"]
mod stored;
mod support;

use std::fs;
use std::path::Path;

use dynaseal_item::{Schema, SchemaSpec, Suite, json};
use serde_json::{Value as Json, json};

use stored::{actions, assert_again, assert_same, branch_keys, texts};
use support::IO;

#[test]
fn items_sealed_by_java() {
    decrypt("decrypt_java_32.json");
}

#[test]
fn items_sealed_by_dotnet() {
    decrypt("decrypt_dotnet_32.json");
}

/// Nine tests in each file; #4 must fail.
fn decrypt(file: &str) {
    let (Some(vectors), Some(key)) = (read(file), read("static_branch_key.json")) else { return };
    let provider = branch_keys(&key);
    let (mut positive, mut negative) = (0, 0);
    for (number, test) in vectors["tests"].as_object().unwrap() {
        let schema = reader(&test["config"]);
        let text = dynamodb_item(&test["encrypted"]).to_string();
        let mut item = json::read_item(&text).unwrap();
        let opened = support::open(IO, &schema, &provider, &mut item);
        match test["type"].as_str().unwrap() {
            "positive-decrypt" => {
                let opened = opened.unwrap_or_else(|error| panic!("{file} #{number}: {error}"));
                assert_same(&opened, &dynamodb_item(&test["plaintext"]), &format!("{file} #{number}"));
                assert_again(IO, &schema, &provider, &opened, &format!("{file} #{number}"));
                positive += 1;
            }
            "negative-decrypt" => {
                assert!(opened.is_err(), "{file} #{number} must be refused");
                negative += 1;
            }
            other => panic!("a type this test does not know: {other}"),
        }
    }
    assert_eq!((positive, negative), (8, 1), "{file}");
}

/// The reader's configuration of AWS's decrypt vectors.
fn reader(config: &Json) -> Schema {
    let unsigned = config.get("allowedUnsignedAttributes").map(texts).unwrap_or_default();
    let spec = SchemaSpec {
        logical_name: "GazelleVectorTable".to_owned(),
        partition_key: "RecNum".to_owned(),
        actions: actions(&config["attributeActionsOnEncrypt"]),
        unsigned,
        suite: match config.get("algorithmSuiteId").and_then(Json::as_str) {
            Some("ALG_AES_256_GCM_HKDF_SHA512_COMMIT_KEY_SYMSIG_HMAC_SHA384") => Suite::Hmac,
            _ => Suite::EcdsaP384,
        },
        ..SchemaSpec::default()
    };
    spec.build().unwrap_or_else(|faults| panic!("{faults:?}"))
}

/// AWS's vectors write a bare string for S and a bare number for N, at any depth.
fn dynamodb_item(item: &Json) -> Json {
    item.as_object().unwrap().iter().map(|(name, value)| (name.clone(), dynamodb_value(value))).collect()
}

fn dynamodb_value(value: &Json) -> Json {
    match value {
        Json::String(text) => json!({ "S": text }),
        Json::Number(number) => json!({ "N": number.to_string() }),
        Json::Object(tagged) => match tagged.iter().next().unwrap() {
            (tag, Json::Array(all)) if tag == "L" => json!({ "L": all.iter().map(dynamodb_value).collect::<Vec<_>>() }),
            (tag, all @ Json::Object(_)) if tag == "M" => json!({ "M": dynamodb_item(all) }),
            _ => value.clone(),
        },
        other => panic!("not a value: {other}"),
    }
}

fn read(file: &str) -> Option<Json> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors").join(file);
    let Ok(text) = fs::read_to_string(&path) else {
        println!("skipped: {file} is not beside the repository");
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}
