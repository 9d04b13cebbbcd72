//! An AWS KMS in memory, for tests: the operations that key rings and key stores use, key states, and failures on order.
//! It is checked against another implementation of KMS, so that it is not our own imagination.
//!
//! Symmetric keys seal with AES-GCM (`material.rs` has the form); RSA and elliptic-curve keys are those that the test gives.

mod body;
mod material;
mod policy;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dynaseal_item::Context;
use serde_json::{Value, json};

use crate::keyring::{Clock, SystemClock};
use crate::kms::arn::{KeyArn, region_of};
use crate::wire::{Answer, BoxFuture, Call, Service, Wire, WireError};
use body::{base64, blob, context, refuse, reply, text};
use material::{Material, Parts};
pub use policy::Allow;

/// A KMS of one account. Clones share it.
#[derive(Clone)]
pub struct FakeKms(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    clock: Arc<dyn Clock>,
}

#[derive(Default)]
struct State {
    /// By ARN; replicas have entries of their own.
    keys: BTreeMap<String, Key>,
    aliases: BTreeMap<String, String>,
    trouble: Vec<Order>,
    calls: Vec<(String, String)>,
    /// What the caller may do; everything if there is no policy.
    policy: Option<Vec<Allow>>,
}

struct Key {
    material: Material,
    state: KeyState,
}

/// The state of a key, as DescribeKey names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It can be used.
    Enabled,
    /// It cannot be used until it is enabled again.
    Disabled,
    /// It cannot be used, and is gone after a while.
    PendingDeletion,
}

/// What can go wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// ThrottlingException.
    Throttle,
    /// KMSInternalException, status 500.
    Internal,
    /// AccessDeniedException.
    AccessDenied,
    /// No answer.
    Down(WireError),
    /// The answer takes so long.
    Slow(Duration),
    /// A success whose body is not what the API promises.
    Garbage,
}

struct Order {
    trouble: Trouble,
    operation: Option<&'static str>,
    times: usize,
}

impl Default for FakeKms {
    fn default() -> Self {
        Self::with_clock(Arc::new(SystemClock))
    }
}

impl FakeKms {
    /// A KMS whose slow answers take their time on `clock`.
    #[must_use]
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Inner { state: Mutex::default(), clock }))
    }

    /// Adds a symmetric key under an ARN. A multi-Region key gets the material that its replica has, if there is one.
    #[must_use]
    pub fn with_key(self, arn: &str) -> Self {
        let replica = |state: &State| {
            let own = KeyArn::parse(arn)?;
            state
                .keys
                .iter()
                .find(|(other, _)| KeyArn::parse(other).is_some_and(|other| own.matches(&other)))
                .map(|(_, key)| key.material.clone())
        };
        let material = replica(&self.state()).unwrap_or_else(Material::random);
        self.with_material(arn, material)
    }

    /// Adds an RSA key that encrypts, or an elliptic-curve key that agrees, from a private key in PEM (PKCS#8); any other text
    /// adds nothing, so that every call names a key that is not there.
    #[must_use]
    pub fn with_private_key(self, arn: &str, pem: &str) -> Self {
        match Material::from_pem(pem) {
            Some(material) => self.with_material(arn, material),
            None => self,
        }
    }

    fn with_material(self, arn: &str, material: Material) -> Self {
        self.state().keys.insert(arn.to_owned(), Key { material, state: KeyState::Enabled });
        self
    }

    /// Points an alias, such as `alias/app`, at a key.
    pub fn set_alias(&self, alias: &str, arn: &str) {
        self.state().aliases.insert(alias.to_owned(), arn.to_owned());
    }

    /// Changes a key's state.
    pub fn set_state(&self, arn: &str, to: KeyState) {
        if let Some(key) = self.state().keys.get_mut(arn) {
            key.state = to;
        }
    }

    /// Deletes a key for good.
    pub fn delete_key(&self, arn: &str) {
        self.state().keys.remove(arn);
    }

    /// Orders trouble for the next `times` calls of an operation, or of any; `usize::MAX` until [`calm`](Self::calm).
    pub fn trouble(&self, trouble: Trouble, operation: Option<&'static str>, times: usize) {
        self.state().trouble.push(Order { trouble, operation, times });
    }

    /// Takes all trouble back.
    pub fn calm(&self) {
        self.state().trouble.clear();
    }

    /// How often an operation was called, refused calls included.
    #[must_use]
    pub fn count(&self, operation: &str) -> usize {
        self.state().calls.iter().filter(|(called, _)| called == operation).count()
    }

    /// Every call: its operation, and the key that it named.
    #[must_use]
    pub fn calls(&self) -> Vec<(String, String)> {
        self.state().calls.clone()
    }

    /// Answers one call at once, without trouble.
    #[must_use]
    pub fn answer(&self, operation: &str, body: &[u8]) -> Answer {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let result = self.state().carry_out(operation, &body);
        match result {
            Ok(body) => reply(200, &body),
            Err(Refused(name)) => refuse(400, name),
        }
    }

    async fn receive(&self, call: Call) -> Result<Answer, WireError> {
        if call.service != Service::Kms {
            return Err(WireError::Unreachable);
        }
        match self.note(&call) {
            Some(Trouble::Throttle) => return Ok(refuse(400, "ThrottlingException")),
            Some(Trouble::Internal) => return Ok(refuse(500, "KMSInternalException")),
            Some(Trouble::AccessDenied) => return Ok(refuse(400, "AccessDeniedException")),
            Some(Trouble::Garbage) => return Ok(reply(200, &json!({ "KeyId": "garbage" }))),
            Some(Trouble::Down(error)) => return Err(error),
            Some(Trouble::Slow(time)) => self.0.clock.sleep(time).await,
            None => {}
        }
        if is_elsewhere(&call) {
            return Ok(refuse(400, "NotFoundException"));
        }
        Ok(self.answer(&call.operation, &call.body))
    }

    /// Writes a call down and says what is to go wrong with it.
    fn note(&self, call: &Call) -> Option<Trouble> {
        let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
        let key = ["KeyId", "SourceKeyId"].iter().find_map(|name| body.get(name)?.as_str()).unwrap_or_default();
        let mut state = self.state();
        state.calls.push((call.operation.clone().into_owned(), key.to_owned()));
        let due = |order: &&mut Order| order.times > 0 && order.operation.is_none_or(|name| name == call.operation);
        let order = state.trouble.iter_mut().find(due)?;
        order.times = order.times.saturating_sub(usize::from(order.times != usize::MAX));
        Some(order.trouble)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wire for FakeKms {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        Box::pin(self.receive(call))
    }
}

impl std::fmt::Debug for FakeKms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FakeKms({} keys)", self.state().keys.len())
    }
}

/// Whether a call names a key or an alias of another Region than the one it goes to.
fn is_elsewhere(call: &Call) -> bool {
    let Some(here) = call.region.as_deref() else { return false };
    let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
    let named = ["KeyId", "SourceKeyId", "DestinationKeyId"].into_iter().filter_map(|name| body.get(name)?.as_str());
    named.filter_map(region_of).any(|region| region != here)
}

struct Refused(&'static str);

impl State {
    /// Permission comes first, then the key and the parameters; a dry run that would succeed is refused as such.
    fn carry_out(&self, operation: &str, body: &Value) -> Result<Value, Refused> {
        if let Some(policy) = &self.policy
            && !policy::allows(policy, operation, body)
        {
            return Err(Refused("AccessDeniedException"));
        }
        let dry = DRY_RUNS.contains(&operation) && body.get("DryRun") == Some(&Value::Bool(true));
        if !dry {
            return self.answer_to(operation, body);
        }
        if body.get("DryRunModifiers") == Some(&json!(["IGNORE_CIPHERTEXT"])) {
            for name in ["KeyId", "SourceKeyId", "DestinationKeyId"] {
                body.get(name).and_then(Value::as_str).map(|asked| self.key(asked)).transpose()?;
            }
        } else {
            self.answer_to(operation, body)?;
        }
        Err(Refused("DryRunOperationException"))
    }

    fn answer_to(&self, operation: &str, body: &Value) -> Result<Value, Refused> {
        match operation {
            "CreateGrant" => {
                self.key(text(body, "KeyId")?)?;
                text(body, "GranteePrincipal")?;
                let grant = body.get("Operations").and_then(Value::as_array).filter(|may| !may.is_empty());
                grant.map(|_| json!({ "GrantId": "test", "GrantToken": "test" })).ok_or(VALIDATION)
            }
            "GenerateDataKey" => self.generate(body, true),
            "GenerateDataKeyWithoutPlaintext" => self.generate(body, false),
            "Encrypt" => {
                let (arn, key) = self.key(text(body, "KeyId")?)?;
                let plaintext = blob(body, "Plaintext")?;
                let wrapped = key.material.seal(arn, &plaintext, &context(body, "EncryptionContext")?)?;
                Ok(json!({ "KeyId": arn, "CiphertextBlob": base64(&wrapped), "EncryptionAlgorithm": SYMMETRIC }))
            }
            "Decrypt" => {
                let (wrapped, context) = (blob(body, "CiphertextBlob")?, context(body, "EncryptionContext")?);
                let algorithm = body.get("EncryptionAlgorithm").and_then(Value::as_str).unwrap_or(SYMMETRIC);
                let (arn, plaintext) = if algorithm == SYMMETRIC {
                    self.open(&wrapped, body.get("KeyId"), &context)?
                } else if context.is_empty() {
                    let (arn, key) = self.key(text(body, "KeyId")?)?;
                    (arn, key.material.decrypt(algorithm, &wrapped)?)
                } else {
                    return Err(VALIDATION);
                };
                Ok(json!({ "KeyId": arn, "Plaintext": base64(&plaintext), "EncryptionAlgorithm": algorithm }))
            }
            "GetPublicKey" => {
                let (arn, key) = self.key(text(body, "KeyId")?)?;
                let public = key.material.public_key()?;
                let (spec, usage) = (key.material.spec(), key.material.usage());
                Ok(json!({ "KeyId": arn, "PublicKey": base64(&public), "KeySpec": spec, "KeyUsage": usage }))
            }
            "DeriveSharedSecret" => {
                let (arn, key) = self.key(text(body, "KeyId")?)?;
                if text(body, "KeyAgreementAlgorithm")? != "ECDH" {
                    return Err(VALIDATION);
                }
                let secret = key.material.agree(&blob(body, "PublicKey")?)?;
                Ok(json!({ "KeyId": arn, "SharedSecret": base64(&secret), "KeyAgreementAlgorithm": "ECDH" }))
            }
            "ReEncrypt" => {
                let (wrapped, from) = (blob(body, "CiphertextBlob")?, context(body, "SourceEncryptionContext")?);
                let (source, plaintext) = self.open(&wrapped, body.get("SourceKeyId"), &from)?;
                let (arn, key) = self.key(text(body, "DestinationKeyId")?)?;
                let moved = key.material.seal(arn, &plaintext, &context(body, "DestinationEncryptionContext")?)?;
                Ok(json!({
                    "SourceKeyId": source, "KeyId": arn, "CiphertextBlob": base64(&moved),
                    "SourceEncryptionAlgorithm": SYMMETRIC, "DestinationEncryptionAlgorithm": SYMMETRIC
                }))
            }
            "DescribeKey" => {
                let arn = self.resolve(text(body, "KeyId")?)?;
                let key = self.keys.get(arn).ok_or(Refused("NotFoundException"))?;
                let multi_region = KeyArn::parse(arn).is_some_and(|arn| arn.is_multi_region());
                Ok(json!({ "KeyMetadata": {
                    "Arn": arn, "KeyState": format!("{:?}", key.state), "Enabled": key.state == KeyState::Enabled,
                    "KeyUsage": key.material.usage(), "KeySpec": key.material.spec(), "MultiRegion": multi_region
                } }))
            }
            _ => Err(Refused("UnknownOperationException")),
        }
    }

    fn generate(&self, body: &Value, with_plaintext: bool) -> Result<Value, Refused> {
        let (arn, key) = self.key(text(body, "KeyId")?)?;
        let bytes = match (body.get("NumberOfBytes"), body.get("KeySpec").map(Value::as_str)) {
            (None, Some(Some("AES_128"))) => 16,
            (None, Some(Some("AES_256"))) => 32,
            (Some(bytes), None) => bytes.as_u64().and_then(|bytes| usize::try_from(bytes).ok()).ok_or(VALIDATION)?,
            _ => return Err(VALIDATION),
        };
        if !(1..=1024).contains(&bytes) {
            return Err(VALIDATION);
        }
        let mut plaintext = vec![0; bytes];
        aws_lc_rs::rand::fill(&mut plaintext).map_err(|_| Refused("KMSInternalException"))?;
        let wrapped = key.material.seal(arn, &plaintext, &context(body, "EncryptionContext")?)?;
        let mut answer = json!({ "KeyId": arn, "CiphertextBlob": base64(&wrapped) });
        if with_plaintext && let Some(fields) = answer.as_object_mut() {
            fields.insert("Plaintext".to_owned(), base64(&plaintext).into());
        }
        Ok(answer)
    }

    /// Opens a ciphertext with the key it names, which must be the one that was asked for.
    fn open(&self, wrapped: &[u8], asked: Option<&Value>, context: &Context) -> Result<(&str, Vec<u8>), Refused> {
        let parts = Parts::read(wrapped).ok_or(INVALID)?;
        let named = |arn: &str| KeyArn::parse(arn).is_some_and(|arn| arn.id.as_bytes() == parts.id);
        let arn = match asked.and_then(Value::as_str) {
            Some(asked) => self.resolve(asked)?,
            None => self.keys.keys().find(|arn| named(arn)).map(String::as_str).ok_or(INVALID)?,
        };
        let (arn, key) = self.key(arn)?;
        if !named(arn) {
            return Err(Refused("IncorrectKeyException"));
        }
        Ok((arn, key.material.open(&parts, context)?))
    }

    /// A key that can be used.
    fn key(&self, asked: &str) -> Result<(&str, &Key), Refused> {
        let arn = self.resolve(asked)?;
        let (arn, key) = self.keys.get_key_value(arn).ok_or(Refused("NotFoundException"))?;
        match key.state {
            KeyState::Enabled => Ok((arn, key)),
            KeyState::Disabled => Err(Refused("DisabledException")),
            KeyState::PendingDeletion => Err(Refused("KMSInvalidStateException")),
        }
    }

    fn resolve<'a>(&'a self, asked: &'a str) -> Result<&'a str, Refused> {
        let alias = asked.rfind(":alias/").and_then(|at| asked.get(at + 1..)).unwrap_or(asked);
        // Before the alias of an ARN stand Region and account, which are those of the key.
        let place = asked.strip_suffix(alias).unwrap_or_default();
        let found = match self.aliases.get(alias) {
            Some(arn) => Some(arn.as_str()).filter(|arn| arn.starts_with(place)),
            None => {
                self.keys.keys().map(String::as_str).find(|arn| *arn == asked || arn.ends_with(&format!("/{asked}")))
            }
        };
        found.ok_or(Refused("NotFoundException"))
    }
}

const DRY_RUNS: &[&str] = &[
    "CreateGrant",
    "Decrypt",
    "DeriveSharedSecret",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "ReEncrypt",
];
const SYMMETRIC: &str = "SYMMETRIC_DEFAULT";
const VALIDATION: Refused = Refused("ValidationException");
const INVALID: Refused = Refused("InvalidCiphertextException");

#[cfg(test)]
mod tests;
