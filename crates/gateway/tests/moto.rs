//! The KMS for tests beside moto's, which others wrote: the same calls to both, as awsJson. It shows that what the tests of
//! key rings and key stores rely on is not our own imagination. `script.rs` has the calls, what AWS documents for each, and
//! where moto is known to differ.
//!
//! `cargo xtask test python` installs moto and names the Python that has it in `MOTO_PYTHON`; without it this test says so
//! and stops.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests, not tests themselves"
)]

#[path = "moto/script.rs"]
mod script;
#[path = "moto/worlds.rs"]
mod worlds;

use script::{LEFT_OUT, Step, steps};
use serde_json::{Map, Value as Json, json};
use worlds::{Fake, Kms, Moto};

#[test]
fn the_kms_for_tests_answers_as_moto_does() {
    let Some(python) = std::env::var_os("MOTO_PYTHON") else {
        println!("skipped: MOTO_PYTHON does not name a Python with moto; cargo xtask test python does");
        return;
    };
    let (mut fake, mut moto) = (World::new(Fake::start()), World::new(Moto::start(&python)));
    let mut faults = Vec::new();
    for step in steps() {
        let (ours, theirs) = (fake.run(&step), moto.run(&step));
        if ours.outcome != step.outcome {
            faults.push(format!("{}: the KMS for tests says {ours:?}, AWS {}", step.name, step.outcome));
        }
        let (expected, why) = step.moto.unwrap_or((step.outcome, "as AWS documents"));
        if theirs.outcome != expected {
            faults.push(format!("{}: moto says {theirs:?}, and was known to say {expected} ({why})", step.name));
        }
        if ours.outcome == theirs.outcome && ours.fields != theirs.fields {
            faults.push(format!("{}: the KMS for tests answers {}, moto {}", step.name, ours.fields, theirs.fields));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// What came of a step: `ok` or the name of the error, and the answer with names in place of what differs by chance.
#[derive(Debug)]
struct Observed {
    outcome: String,
    fields: Json,
}

/// A KMS, and what the steps have named in it.
struct World<K> {
    kms: K,
    names: Map<String, Json>,
}

impl<K: Kms> World<K> {
    fn new(mut kms: K) -> Self {
        let mut names = kms.prepare();
        let bytes = |length| json!(base64(&vec![7; length]));
        for (name, value) in [("$short", bytes(5)), ("$longest", bytes(4096)), ("$too long", bytes(4097))] {
            names.insert(name.to_owned(), value);
        }
        Self { kms, names }
    }

    fn run(&mut self, step: &Step) -> Observed {
        let body = self.fill(&step.body);
        let (status, answer) = self.kms.call(step.region, step.operation, &body);
        if status != 200 {
            let name = answer["__type"].as_str().unwrap_or_default();
            let name =
                if name.is_empty() { format!("status {status}") } else { name.rsplit('#').next().unwrap().to_owned() };
            return Observed { outcome: name, fields: Json::Null };
        }
        let fields = answer.as_object().unwrap().iter().filter(|(field, _)| !LEFT_OUT.contains(&field.as_str()));
        let fields = fields.map(|(field, value)| (field.clone(), self.named(field, value))).collect();
        for (field, name) in step.named {
            self.names.insert((*name).to_owned(), answer[field].clone());
        }
        Observed { outcome: "ok".to_owned(), fields }
    }

    /// A body in which every name stands for its value. `NAME with CHANGE` is a changed ciphertext.
    fn fill(&self, body: &Json) -> Json {
        match body {
            Json::String(text) if text.starts_with('$') => match text.split_once(" with ") {
                Some((name, change)) => changed(self.value(name), change),
                None => self.value(text).clone(),
            },
            Json::Object(fields) => fields.iter().map(|(field, value)| (field.clone(), self.fill(value))).collect(),
            other => other.clone(),
        }
    }

    fn value(&self, name: &str) -> &Json {
        self.names.get(name).unwrap_or_else(|| panic!("no step has named {name}"))
    }

    /// The name of a value; of bytes that have none, how many they are. Ciphertexts have no length that is promised.
    fn named(&self, field: &str, value: &Json) -> Json {
        let known = self.names.iter().find(|(_, known)| *known == value);
        match (known, value.as_str()) {
            (Some((name, _)), _) => json!(name),
            (None, Some(text)) if field == "Plaintext" => json!(bytes(text).len()),
            (None, Some(text)) if field == "CiphertextBlob" => json!(!bytes(text).is_empty()),
            (None, _) => value.clone(),
        }
    }
}

/// A ciphertext after an accident.
fn changed(ciphertext: &Json, change: &str) -> Json {
    let mut bytes = bytes(ciphertext.as_str().unwrap());
    let end = bytes.len() - 1;
    match change {
        "its last byte changed" => bytes[end] ^= 1,
        "a byte of its middle changed" => bytes[end - 20] ^= 0x40,
        "its end cut off" => bytes.truncate(end),
        "a byte more" => bytes.push(0),
        other => panic!("no such change: {other}"),
    }
    json!(base64(&bytes))
}

fn bytes(text: &str) -> Vec<u8> {
    base64_simd::STANDARD.decode_to_vec(text).unwrap()
}

fn base64(bytes: &[u8]) -> String {
    base64_simd::STANDARD.encode_to_string(bytes)
}
