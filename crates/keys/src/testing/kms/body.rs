//! Requests taken apart member by member, and answers.

use dynaseal_item::Context;
use serde_json::{Map, Value, json};

use super::{Refused, VALIDATION};
use crate::wire::Answer;

pub(super) fn text<'a>(body: &'a Value, name: &str) -> Result<&'a str, Refused> {
    body.get(name).and_then(Value::as_str).ok_or(VALIDATION)
}

pub(super) fn blob(body: &Value, name: &str) -> Result<Vec<u8>, Refused> {
    let blob = base64_simd::STANDARD.decode_to_vec(text(body, name)?).ok().filter(|blob| !blob.is_empty());
    blob.ok_or(VALIDATION)
}

pub(super) fn base64(bytes: &[u8]) -> String {
    base64_simd::STANDARD.encode_to_string(bytes)
}

pub(super) fn context(body: &Value, name: &str) -> Result<Context, Refused> {
    let empty = Map::new();
    let pairs = match body.get(name) {
        None | Some(Value::Null) => &empty,
        Some(pairs) => pairs.as_object().ok_or(VALIDATION)?,
    };
    let pair = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
    pairs.iter().map(pair).collect::<Option<Context>>().ok_or(VALIDATION)
}

pub(super) fn reply(status: u16, body: &Value) -> Answer {
    Answer::new(status, body.to_string().into_bytes())
}

pub(super) fn refuse(status: u16, name: &str) -> Answer {
    reply(status, &json!({ "__type": name, "message": "refused by the KMS for tests" }))
}
