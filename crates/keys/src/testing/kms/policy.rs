//! What a caller of the KMS in memory may do: the part of IAM's policies that key policies for Dynaseal use.

use serde_json::Value;

use super::FakeKms;

impl FakeKms {
    /// Allows the caller these operations and no other, as a policy does.
    pub fn allow(&self, operations: &[&'static str]) {
        self.allow_only([Allow::operations(operations)]);
    }

    /// Allows the caller what one of the statements allows, and nothing else.
    pub fn allow_only(&self, policy: impl IntoIterator<Item = Allow>) {
        self.state().policy = Some(policy.into_iter().collect());
    }
}

/// A statement that allows operations, with every key and context unless it says more.
#[derive(Clone, Debug)]
pub struct Allow {
    operations: Vec<&'static str>,
    keys: Option<Vec<String>>,
    context: Vec<(String, String)>,
}

impl Allow {
    /// These operations.
    #[must_use]
    pub fn operations(operations: &[&'static str]) -> Self {
        Self { operations: operations.to_vec(), keys: None, context: Vec::new() }
    }

    /// Only with these keys, named as in the call.
    #[must_use]
    pub fn on(self, keys: &[&str]) -> Self {
        Self { keys: Some(keys.iter().map(|key| (*key).to_owned()).collect()), ..self }
    }

    /// Only where the encryption context has this pair; the value may end in `*`. A call that has no encryption context is
    /// not allowed then.
    #[must_use]
    pub fn bound_to(mut self, name: &str, value: &str) -> Self {
        self.context.push((name.to_owned(), value.to_owned()));
        self
    }

    fn allows(&self, operation: &str, key: &str, context: &Value) -> bool {
        let bound = |(name, wanted): &(String, String)| {
            let value = context.get(name).and_then(Value::as_str);
            value.is_some_and(|value| match wanted.strip_suffix('*') {
                Some(start) => value.starts_with(start),
                None => value == wanted,
            })
        };
        self.operations.contains(&operation)
            && self.keys.as_ref().is_none_or(|keys| keys.iter().any(|one| one == key))
            && self.context.iter().all(bound)
    }
}

/// Whether a policy allows a call. A ReEncrypt is checked twice, for the key and the context that it leaves and for those that
/// it takes.
pub(super) fn allows(policy: &[Allow], operation: &str, body: &Value) -> bool {
    let sides: &[_] = match operation {
        "ReEncrypt" => {
            &[("SourceKeyId", "SourceEncryptionContext"), ("DestinationKeyId", "DestinationEncryptionContext")]
        }
        _ => &[("KeyId", "EncryptionContext")],
    };
    sides.iter().all(|(key, context)| {
        let key = body.get(key).and_then(Value::as_str).unwrap_or_default();
        let context = body.get(context).unwrap_or(&Value::Null);
        policy.iter().any(|statement| statement.allows(operation, key, context))
    })
}
