//! Items that AWS's own libraries sealed, opened with each key ring alone. The files stay outside this repository; where they
//! are absent the tests say so and stop.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "the helpers of a test may stop it; clippy excuses only the test functions themselves"
)]

mod support;
#[path = "support/table.rs"]
mod table;

use std::borrow::Cow;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use dynaseal_item::{Action, Item, Schema, SchemaSpec, Suite, Value, json, kat};
use dynaseal_keys::testing::FakeKms;
use dynaseal_keys::{
    AwsKmsRing, AwsKmsRsa, BranchKeyFile, BranchKeyId, CacheOptions, Hierarchical, Io, Keyring, Padding, Provider,
    RawAes, RawRsa, Wire,
};
use serde_json::{Value as Json, json};

use support::IO;
use table::Table;

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

/// Each key ring alone must open the item.
#[test]
fn items_sealed_by_the_rust_crate() {
    let Some(vectors) = read("items_interop.json") else { return };
    let mut counts = Counts::default();
    for case in vectors["cases"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        // `f` is the flavor: what the item is sealed with again.
        let suite = if name.contains(" f0 ") { Suite::Hmac } else { Suite::default() };
        let schema = schema(&case["config"], suite);
        let rings: Vec<&Json> = match &case["keyrings"] {
            Json::Array(rings) => rings.iter().map(|ring| shared(&vectors, ring)).collect(),
            _ => vec![shared(&vectors, &case["keyring"])],
        };
        for ring in rings {
            let (provider, wire) = (provider(ring), kms(ring));
            let io = wire.as_deref().map_or(IO, |wire| Io { wire, ..IO });
            let text = case["encrypted"].to_string();
            let mut item = json::read_item(&text).unwrap();
            match (support::open(io, &schema, &provider, &mut item), &case["error"]) {
                (Ok(opened), Json::Null) => {
                    assert_same(&opened, &case["plaintext"], name);
                    assert_again(io, &schema, &provider, &opened, name);
                    counts.opened += 1;
                }
                (Err(_), Json::Bool(true)) => counts.refused += 1,
                (Ok(_), _) => panic!("{name} must be refused"),
                (Err(error), _) => panic!("{name}: {error}"),
            }
        }
        counts.cases += 1;
    }
    assert_eq!(counts, Counts { cases: 41, opened: 49, refused: 0 });
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    cases: usize,
    opened: usize,
    refused: usize,
}

/// What a key ring finds in KMS's place.
fn kms(ring: &Json) -> Option<Box<dyn Wire>> {
    match ring["type"].as_str().unwrap() {
        "kms-table" => Some(Box::new(Table::new(ring))),
        "kms-rsa" => Some(Box::new(rsa_kms(ring))),
        _ => None,
    }
}

fn rsa_kms(ring: &Json) -> FakeKms {
    let text = |key: &str| ring[key].as_str().unwrap();
    FakeKms::default().with_private_key(text("arn"), text("private_pem"))
}

fn provider(ring: &Json) -> Provider {
    let text = |key: &str| ring[key].as_str().unwrap();
    let ring: Arc<dyn Keyring> = match text("type") {
        "hierarchy" => return branch_keys(ring),
        "raw-aes" => {
            let key = base64_simd::STANDARD.decode_to_vec(text("key")).unwrap();
            Arc::new(RawAes::new(text("namespace"), text("name"), &key).unwrap())
        }
        "raw-rsa" => {
            let padding = padding(text("padding"));
            let private = Some(text("private_pem"));
            Arc::new(RawRsa::new(text("namespace"), text("name"), padding, private, None).unwrap())
        }
        "kms-table" if text("arn").contains("key/mrk-") => {
            Arc::new(AwsKmsRing::multi_region(text("arn"), None, Vec::new()).unwrap())
        }
        "kms-table" => Arc::new(AwsKmsRing::single(text("arn"), Vec::new()).unwrap()),
        "kms-rsa" => {
            let answer = rsa_kms(ring).answer("GetPublicKey", json!({ "KeyId": text("arn") }).to_string().as_bytes());
            let answer: Json = serde_json::from_slice(&answer.body).unwrap();
            let public = answer["PublicKey"].as_str().unwrap();
            let public = format!("-----BEGIN PUBLIC KEY-----\n{public}\n-----END PUBLIC KEY-----\n");
            let ring = AwsKmsRsa::new(text("arn"), padding(text("padding")), Some(&public), Vec::new());
            Arc::new(ring.unwrap())
        }
        other => panic!("a key ring this test does not know: {other}"),
    };
    Provider::new(ring)
}

fn padding(name: &str) -> Padding {
    Padding::from_name(name.trim_end_matches("_MGF1")).unwrap()
}

/// A hierarchical key ring. The vectors add a `type` to the layout of a key file.
fn branch_keys(file: &Json) -> Provider {
    let mut file = file.clone();
    file.as_object_mut().unwrap().remove("type");
    let id = BranchKeyId::Fixed(file["branch_key_id"].as_str().unwrap().to_owned());
    let store = BranchKeyFile::parse(&file.to_string()).unwrap();
    Provider::new(Arc::new(
        Hierarchical::new(Arc::new(store), id, CacheOptions::new(Duration::from_secs(600))).unwrap(),
    ))
}

/// A string `@@x` stands for `shared.x` of the file.
fn shared<'a>(vectors: &'a Json, ring: &'a Json) -> &'a Json {
    match ring.as_str() {
        Some(name) => &vectors["shared"][name.strip_prefix("@@").unwrap()],
        None => ring,
    }
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

/// The configuration in our own layout.
fn schema(config: &Json, suite: Suite) -> Schema {
    let text = |key: &str| config[key].as_str().map(str::to_owned);
    let spec = SchemaSpec {
        logical_name: text("table").unwrap(),
        partition_key: text("pk").unwrap(),
        sort_key: text("sk"),
        actions: actions(&config["actions"]),
        unsigned: config.get("unsigned").map(texts).unwrap_or_default(),
        unsigned_prefix: text("unsigned_prefix"),
        suite,
        ..SchemaSpec::default()
    };
    spec.build().unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn actions(actions: &Json) -> Vec<(String, Action)> {
    let action = |name: &str| match name {
        "ENCRYPT_AND_SIGN" => Action::EncryptAndSign,
        "SIGN_ONLY" => Action::SignOnly,
        "SIGN_AND_INCLUDE_IN_ENCRYPTION_CONTEXT" => Action::SignAndIncludeInEncryptionContext,
        "DO_NOTHING" => Action::DoNothing,
        other => panic!("an action this test does not know: {other}"),
    };
    let pair = |(name, value): (&String, &Json)| (name.clone(), action(value.as_str().unwrap()));
    actions.as_object().unwrap().iter().map(pair).collect()
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

/// Sealed by us and opened again, it is still the same item.
fn assert_again(io: Io<'_>, schema: &Schema, provider: &Provider, item: &Item<'_>, what: &str) {
    let mut again = support::seal(io, schema, provider, item.clone()).unwrap_or_else(|error| panic!("{what}: {error}"));
    let again = support::open(io, schema, provider, &mut again).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(again.len() == item.len(), "{what}");
    for (name, value) in item.iter() {
        assert!(again.get(name).cloned().map(normal) == Some(normal(value.clone())), "{what}: {name} differs");
    }
}

fn assert_same(opened: &Item<'_>, expected: &Json, what: &str) {
    let expected = expected.to_string();
    let expected = json::read_item(&expected).unwrap();
    assert!(
        opened.iter().map(|(name, _)| name).all(|name| expected.get(name).is_some()),
        "{what}: too many attributes"
    );
    for (name, value) in expected.iter() {
        let opened = opened.get(name).unwrap_or_else(|| panic!("{what}: {name} is missing"));
        assert!(normal(opened.clone()) == normal(value.clone()), "{what}: {name} differs");
    }
}

/// The value with its numbers in normal form and its sets and maps sorted: only their content is compared.
fn normal(value: Value<'_>) -> Value<'_> {
    let number = |text: Cow<'_, str>| Cow::Owned(kat::normalize_number(&text).unwrap());
    match value {
        Value::N(text) => Value::N(number(text)),
        Value::Ss(mut all) => {
            all.sort();
            Value::Ss(all)
        }
        Value::Ns(all) => {
            let mut all: Vec<Cow<'_, str>> = all.into_iter().map(number).collect();
            all.sort();
            Value::Ns(all)
        }
        Value::Bs(mut all) => {
            all.sort();
            Value::Bs(all)
        }
        Value::L(all) => Value::L(all.into_iter().map(normal).collect()),
        Value::M(mut all) => {
            all.sort_by(|(left, _), (right, _)| left.cmp(right));
            Value::M(all.into_iter().map(|(key, value)| (key, normal(value))).collect())
        }
        other => other,
    }
}

fn texts(list: &Json) -> Vec<String> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn read(file: &str) -> Option<Json> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors").join(file);
    let Ok(text) = fs::read_to_string(&path) else {
        println!("skipped: {file} is not beside the repository");
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}
