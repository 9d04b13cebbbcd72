//! The transit engine of Vault in memory, for tests: encrypt and decrypt with named keys, and troubles on order.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use serde_json::{Value, json};

use crate::secret::random;
use crate::wire::{Answer, BoxFuture, Call, Service, Wire, WireError};

/// A server with the engine mounted at `transit`, and KV engines of version 1 at `kv` and of version 2 at `secret`.
#[derive(Default)]
pub struct FakeTransit(Mutex<State>);

#[derive(Default)]
struct State {
    keys: BTreeMap<String, [u8; 32]>,
    /// A server from before associated data leaves it out unasked.
    is_old: bool,
    trouble: Option<u16>,
    calls: usize,
    /// What the KV engine was told to keep.
    stored: BTreeMap<String, Value>,
    /// The plaintexts that were encrypted.
    encrypted: Vec<Vec<u8>>,
}

impl FakeTransit {
    /// Adds a key.
    #[must_use]
    pub fn with_key(self, name: &str) -> Self {
        self.state().keys.insert(name.to_owned(), random().unwrap_or_default());
        self
    }

    /// Makes it a server that does not know associated data.
    #[must_use]
    pub fn old(self) -> Self {
        self.state().is_old = true;
        self
    }

    /// Answers every call with a status, until it is told `None`.
    pub fn trouble(&self, status: Option<u16>) {
        self.state().trouble = status;
    }

    /// How many calls came.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.state().calls
    }

    /// What the KV engine keeps, by path.
    #[must_use]
    pub fn stored(&self) -> BTreeMap<String, Value> {
        self.state().stored.clone()
    }

    /// Every plaintext that was encrypted.
    #[must_use]
    pub fn encrypted(&self) -> Vec<Vec<u8>> {
        self.state().encrypted.clone()
    }

    fn answer(&self, call: &Call) -> Answer {
        let mut state = self.state();
        state.calls += 1;
        match state.trouble {
            Some(status) => refuse(status, "trouble"),
            None => state.carry_out(&call.operation, &serde_json::from_slice(&call.body).unwrap_or_default()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for FakeTransit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FakeTransit({} keys)", self.state().keys.len())
    }
}

impl Wire for FakeTransit {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        let answer = if call.service == Service::Vault { Ok(self.answer(&call)) } else { Err(WireError::Unreachable) };
        Box::pin(std::future::ready(answer))
    }
}

impl State {
    fn carry_out(&mut self, path: &str, body: &Value) -> Answer {
        let mut parts = path.split('/');
        if path.starts_with("kv/") {
            self.stored.insert(path.to_owned(), body.clone());
            return Answer::new(204, Vec::new());
        }
        if path.starts_with("secret/") {
            let warning =
                "Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API endpoints";
            return Answer::new(404, json!({ "errors": [], "warnings": [warning] }).to_string().into());
        }
        let (Some("transit"), Some(operation), Some(name), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return refuse(404, "no handler for route");
        };
        let Some(key) = self.keys.get(name).copied() else { return refuse(400, "encryption key not found") };
        let key = &key;
        let bytes = |member: &str| {
            let text = body.get(member).and_then(Value::as_str).unwrap_or_default();
            base64_simd::STANDARD.decode_to_vec(text).unwrap_or_default()
        };
        let bound = if self.is_old { Vec::new() } else { bytes("associated_data") };
        let data = match operation {
            "encrypt" => {
                let plaintext = bytes("plaintext");
                self.encrypted.push(plaintext.clone());
                seal(key, &bound, plaintext).map(|text| json!({ "ciphertext": text, "key_version": 1 }))
            }
            "decrypt" => body
                .get("ciphertext")
                .and_then(Value::as_str)
                .and_then(|text| open(key, &bound, text))
                .map(|plaintext| json!({ "plaintext": base64_simd::STANDARD.encode_to_string(plaintext) })),
            _ => return refuse(404, "no handler for route"),
        };
        match data {
            Some(data) => Answer::new(200, json!({ "data": data }).to_string().into()),
            // With the status that some versions have, and which alone would look like an outage.
            None => refuse(500, "cipher: message authentication failed"),
        }
    }
}

fn seal(key: &[u8; 32], bound: &[u8], mut message: Vec<u8>) -> Option<String> {
    let iv: [u8; 12] = random().ok()?;
    cipher(key)?.seal_in_place_append_tag(Nonce::assume_unique_for_key(iv), Aad::from(bound), &mut message).ok()?;
    Some(format!("vault:v1:{}", base64_simd::STANDARD.encode_to_string([&iv, message.as_slice()].concat())))
}

fn open(key: &[u8; 32], bound: &[u8], text: &str) -> Option<Vec<u8>> {
    let bytes = base64_simd::STANDARD.decode_to_vec(text.strip_prefix("vault:v1:")?).ok()?;
    let (iv, sealed) = bytes.split_first_chunk()?;
    let mut message = sealed.to_vec();
    let opened = cipher(key)?.open_in_place(Nonce::assume_unique_for_key(*iv), Aad::from(bound), &mut message).ok()?;
    Some(opened.to_vec())
}

fn cipher(key: &[u8; 32]) -> Option<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, key).ok().map(LessSafeKey::new)
}

fn refuse(status: u16, error: &str) -> Answer {
    Answer::new(status, json!({ "errors": [error] }).to_string().into())
}
