//! The items of `vectors/`: those of `valid/` open with each of their key rings alone and are sealed again, those of `faults/` are
//! refused with the code that the file names.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers of a test may stop it; clippy excuses only the test functions themselves"
)]

#[path = "support/stored.rs"]
mod stored;
mod support;
#[path = "support/table.rs"]
mod table;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dynaseal_item::{Schema, SchemaSpec, Suite, json};
use dynaseal_keys::testing::FakeKms;
use dynaseal_keys::{AwsKmsRing, AwsKmsRsa, Io, Keyring, Padding, Provider, RawAes, RawRsa, Wire};
use serde_json::{Value as Json, json};

use stored::{actions, assert_again, assert_same, branch_keys, texts};
use support::IO;
use table::Table;

#[test]
fn valid_items_open_with_each_key_ring() {
    let (mut items, mut opened) = (0, 0);
    for (name, vector) in vectors("valid") {
        // What the item is sealed with again.
        let suite = if name.contains("hmac") { Suite::Hmac } else { Suite::default() };
        let schema = schema(&vector["config"], suite);
        for ring in rings(&vector) {
            let (provider, wire) = (provider(&ring), kms(&ring));
            let io = wire.as_deref().map_or(IO, |wire| Io { wire, ..IO });
            let text = vector["encrypted"].to_string();
            let mut item = json::read_item(&text).unwrap();
            let plain = support::open(io, &schema, &provider, &mut item);
            let plain = plain.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_same(&plain, &vector["plaintext"], &name);
            assert_again(io, &schema, &provider, &plain, &name);
            opened += 1;
        }
        items += 1;
    }
    assert_eq!((items, opened), (41, 49));
}

#[test]
fn each_fault_has_its_code() {
    let (mut items, mut wrong) = (0, Vec::new());
    for (name, vector) in vectors("faults") {
        let schema = schema(&vector["config"], Suite::default());
        let ring = rings(&vector).remove(0);
        let text = vector["encrypted"].to_string();
        let mut item = json::read_item(&text).unwrap();
        let code = match support::open(IO, &schema, &provider(&ring), &mut item) {
            Ok(_) => "opened",
            Err(refused) => refused.code,
        };
        if code != vector["code"] {
            wrong.push(format!("{name}: {code}, and the file says {}", vector["code"]));
        }
        items += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(items, 42);
}

/// The files of a folder, by name.
fn vectors(folder: &str) -> impl Iterator<Item = (String, Json)> {
    let mut files: Vec<_> = fs::read_dir(path(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), read(&path)))
}

/// The key rings of an item: described where they stand, or by name in `keys.json`.
fn rings(vector: &Json) -> Vec<Json> {
    let keys = read(&path("keys.json"));
    let ring = |ring: &Json| ring.as_str().map_or_else(|| ring.clone(), |name| keys[name].clone());
    vector["keyrings"].as_array().unwrap().iter().map(ring).collect()
}

fn read(path: &Path) -> Json {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors").join(name)
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
