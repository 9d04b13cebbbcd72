//! The calls, in order, and what comes of each.

use serde_json::{Value as Json, json};

pub(crate) const HERE: &str = "eu-west-1";
pub(crate) const ELSEWHERE: &str = "us-east-1";

pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) region: &'static str,
    pub(crate) operation: &'static str,
    /// A text that begins with `$` stands for what a step or the preparation has named.
    pub(crate) body: Json,
    /// What AWS documents: `ok`, or the name of the error.
    pub(crate) outcome: &'static str,
    /// What moto says instead, and why AWS does not.
    pub(crate) moto: Option<(&'static str, &'static str)>,
    /// Fields of the answer to name.
    pub(crate) named: &'static [(&'static str, &'static str)],
}

impl Step {
    fn moto_says(self, outcome: &'static str, why: &'static str) -> Self {
        Self { moto: Some((outcome, why)), ..self }
    }

    fn naming(self, named: &'static [(&'static str, &'static str)]) -> Self {
        Self { named, ..self }
    }

    fn elsewhere(self) -> Self {
        Self { region: ELSEWHERE, ..self }
    }
}

fn step(name: &'static str, operation: &'static str, body: Json, outcome: &'static str) -> Step {
    Step { name, region: HERE, operation, body, outcome, moto: None, named: &[] }
}

pub(crate) fn steps() -> Vec<Step> {
    [generating(), encrypting(), decrypting(), moving(), states(), replicas(), dry_runs(), nonsense()]
        .into_iter()
        .flatten()
        .collect()
}

fn generating() -> Vec<Step> {
    let generate = |name, body, outcome| step(name, "GenerateDataKey", body, outcome);
    vec![
        generate(
            "a data key",
            json!({ "KeyId": "$key", "NumberOfBytes": 32, "EncryptionContext": { "a": "1", "b": "é" } }),
            "ok",
        )
        .naming(&[("CiphertextBlob", "$wrapped"), ("Plaintext", "$data key")]),
        generate("without a context", json!({ "KeyId": "$key", "NumberOfBytes": 32 }), "ok")
            .naming(&[("CiphertextBlob", "$unbound"), ("Plaintext", "$unbound key")]),
        generate("by spec", json!({ "KeyId": "$key", "KeySpec": "AES_256" }), "ok"),
        generate("by the smaller spec", json!({ "KeyId": "$key", "KeySpec": "AES_128" }), "ok"),
        generate("by the key's id", json!({ "KeyId": "$key's id", "NumberOfBytes": 32 }), "ok"),
        generate("by alias", json!({ "KeyId": "alias/app", "NumberOfBytes": 32 }), "ok"),
        generate("by the alias's ARN", json!({ "KeyId": "$alias", "NumberOfBytes": 32 }), "ok"),
        generate("of any length", json!({ "KeyId": "$key", "NumberOfBytes": 1024 }), "ok"),
        generate("too long", json!({ "KeyId": "$key", "NumberOfBytes": 1025 }), VALIDATION),
        generate("of no length", json!({ "KeyId": "$key", "NumberOfBytes": 0 }), VALIDATION),
        generate("without a length", json!({ "KeyId": "$key" }), VALIDATION),
        generate("with two lengths", json!({ "KeyId": "$key", "NumberOfBytes": 32, "KeySpec": "AES_256" }), VALIDATION),
        generate("of an unknown spec", json!({ "KeyId": "$key", "KeySpec": "AES_512" }), VALIDATION),
        generate("of an unknown key", json!({ "KeyId": UNKNOWN, "NumberOfBytes": 32 }), NOT_FOUND),
        generate("of an unknown alias", json!({ "KeyId": "alias/none", "NumberOfBytes": 32 }), NOT_FOUND),
        step(
            "no plaintext",
            "GenerateDataKeyWithoutPlaintext",
            json!({ "KeyId": "$key", "NumberOfBytes": 32, "EncryptionContext": { "a": "1" } }),
            "ok",
        )
        .naming(&[("CiphertextBlob", "$unseen")]),
        step(
            "what was not seen",
            "Decrypt",
            json!({ "KeyId": "$key", "CiphertextBlob": "$unseen", "EncryptionContext": { "a": "1" } }),
            "ok",
        ),
    ]
}

fn encrypting() -> Vec<Step> {
    let encrypt = |name, body, outcome| step(name, "Encrypt", body, outcome);
    vec![
        encrypt("a text", json!({ "KeyId": "$key", "Plaintext": "$short" }), "ok")
            .naming(&[("CiphertextBlob", "$text")]),
        step("the text", "Decrypt", json!({ "CiphertextBlob": "$text" }), "ok"),
        encrypt("the longest", json!({ "KeyId": "$key", "Plaintext": "$longest" }), "ok"),
        encrypt("too long", json!({ "KeyId": "$key", "Plaintext": "$too long" }), VALIDATION),
        encrypt("nothing", json!({ "KeyId": "$key", "Plaintext": "" }), VALIDATION),
        encrypt("by an unknown key", json!({ "KeyId": UNKNOWN, "Plaintext": "$short" }), NOT_FOUND),
    ]
}

fn decrypting() -> Vec<Step> {
    let bound = |context: Json| json!({ "KeyId": "$key", "CiphertextBlob": "$wrapped", "EncryptionContext": context });
    let named =
        |key: &str| json!({ "KeyId": key, "CiphertextBlob": "$wrapped", "EncryptionContext": { "a": "1", "b": "é" } });
    let blob =
        |blob: &str| json!({ "KeyId": "$key", "CiphertextBlob": blob, "EncryptionContext": { "a": "1", "b": "é" } });
    let decrypt = |name, body, outcome| step(name, "Decrypt", body, outcome);
    vec![
        decrypt("with its key", named("$key"), "ok"),
        decrypt("with its key's id", named("$key's id"), "ok"),
        decrypt("with its alias", named("alias/app"), "ok"),
        decrypt("with its alias's ARN", named("$alias"), "ok"),
        decrypt(
            "with no key named",
            json!({ "CiphertextBlob": "$wrapped", "EncryptionContext": { "b": "é", "a": "1" } }),
            "ok",
        ),
        decrypt(
            "with an empty context for none",
            json!({ "CiphertextBlob": "$unbound", "EncryptionContext": {} }),
            "ok",
        ),
        decrypt("with another key", named("$other"), "IncorrectKeyException")
            .moto_says("AccessDeniedException", "IncorrectKeyException is what Decrypt documents"),
        decrypt("with an unknown key", named(UNKNOWN), NOT_FOUND),
        decrypt("without its context", json!({ "KeyId": "$key", "CiphertextBlob": "$wrapped" }), INVALID),
        decrypt("with an empty context", bound(json!({})), INVALID),
        decrypt("with half its context", bound(json!({ "a": "1" })), INVALID),
        decrypt("with more context", bound(json!({ "a": "1", "b": "é", "c": "" })), INVALID),
        decrypt("with another value", bound(json!({ "a": "1", "b": "e" })), INVALID),
        decrypt("with another name", bound(json!({ "a": "1", "B": "é" })), INVALID),
        decrypt("with values changed about", bound(json!({ "a": "é", "b": "1" })), INVALID),
        decrypt(
            "with a context where there was none",
            json!({ "CiphertextBlob": "$unbound", "EncryptionContext": { "a": "1" } }),
            INVALID,
        ),
        decrypt("its end changed", blob("$wrapped with its last byte changed"), INVALID),
        decrypt("its middle changed", blob("$wrapped with a byte of its middle changed"), INVALID),
        decrypt("cut", blob("$wrapped with its end cut off"), INVALID),
        decrypt("lengthened", blob("$wrapped with a byte more"), INVALID),
        decrypt("what no KMS wrote", blob("bm9uc2Vuc2U="), INVALID),
        decrypt("nothing", blob(""), VALIDATION).moto_says(INVALID, LENGTH),
    ]
}

fn moving() -> Vec<Step> {
    let from = json!({ "a": "1", "b": "é" });
    let body = |source: Option<&str>, context: &Json, destination: &str| {
        let mut body = json!({
            "CiphertextBlob": "$wrapped", "SourceEncryptionContext": context, "DestinationKeyId": destination,
            "DestinationEncryptionContext": { "moved": "yes" }
        });
        if let Some(source) = source {
            body["SourceKeyId"] = json!(source);
        }
        body
    };
    let opened = |context: Json| json!({ "KeyId": "$other", "CiphertextBlob": "$moved", "EncryptionContext": context });
    let re_encrypt = |name, body, outcome| step(name, "ReEncrypt", body, outcome);
    vec![
        re_encrypt("to another key and context", body(Some("$key"), &from, "$other"), "ok")
            .naming(&[("CiphertextBlob", "$moved")]),
        step("under the new", "Decrypt", opened(json!({ "moved": "yes" })), "ok"),
        step("under the old", "Decrypt", opened(from.clone()), INVALID),
        re_encrypt("with no source named", body(None, &from, "$key"), "ok"),
        re_encrypt("from another context", body(Some("$key"), &json!({ "a": "2" }), "$other"), INVALID),
        re_encrypt("from another key", body(Some("$other"), &from, "$other"), "IncorrectKeyException")
            .moto_says("ok", "SourceKeyId is not looked at; ReEncrypt documents IncorrectKeyException"),
        re_encrypt("to an unknown key", body(Some("$key"), &from, UNKNOWN), NOT_FOUND),
    ]
}

fn states() -> Vec<Step> {
    vec![
        step(
            "a disabled key",
            "GenerateDataKey",
            json!({ "KeyId": "$disabled", "NumberOfBytes": 32 }),
            "DisabledException",
        )
        .moto_says("ok", STATE),
        step(
            "a key that waits to be deleted",
            "GenerateDataKey",
            json!({ "KeyId": "$deleted", "NumberOfBytes": 32 }),
            "KMSInvalidStateException",
        )
        .moto_says("ok", STATE),
        step(
            "to a disabled key",
            "ReEncrypt",
            json!({ "CiphertextBlob": "$unbound", "DestinationKeyId": "$disabled" }),
            "DisabledException",
        )
        .moto_says("ok", STATE),
    ]
}

fn replicas() -> Vec<Step> {
    let decrypt =
        |name, key: &str, outcome| step(name, "Decrypt", json!({ "KeyId": key, "CiphertextBlob": "$here" }), outcome);
    vec![
        step("under one replica", "GenerateDataKey", json!({ "KeyId": "$replicated", "NumberOfBytes": 32 }), "ok")
            .naming(&[("CiphertextBlob", "$here"), ("Plaintext", "$shared key")]),
        decrypt("here", "$replicated", "ok").moto_says("AccessDeniedException", IDS),
        decrypt("with the other, there", "$replica", "ok").elsewhere().moto_says("AccessDeniedException", IDS),
        decrypt("with the other, here", "$replica", NOT_FOUND).moto_says("AccessDeniedException", IDS),
        decrypt("with this one, there", "$replicated", NOT_FOUND).elsewhere().moto_says("AccessDeniedException", IDS),
        step("a key that is only here", "GenerateDataKey", json!({ "KeyId": "$key", "NumberOfBytes": 32 }), NOT_FOUND)
            .elsewhere(),
    ]
}

fn dry_runs() -> Vec<Step> {
    let ignoring = json!({ "KeyId": "$key", "DryRun": true, "DryRunModifiers": ["IGNORE_CIPHERTEXT"] });
    let dry = |key: &str| json!({ "KeyId": key, "NumberOfBytes": 32, "DryRun": true });
    vec![
        step("a dry run", "GenerateDataKey", dry("$key"), DRY).moto_says("ok", NO_DRY_RUNS),
        step("a dry run without a ciphertext", "Decrypt", ignoring, DRY).moto_says(INVALID, NO_DRY_RUNS),
        step("a dry run with a disabled key", "GenerateDataKey", dry("$disabled"), "DisabledException")
            .moto_says("ok", STATE),
    ]
}

fn nonsense() -> Vec<Step> {
    vec![
        step("no key", "GenerateDataKey", json!({ "NumberOfBytes": 32 }), VALIDATION).moto_says("status 500", REQUIRED),
        step("no ciphertext", "Decrypt", json!({ "KeyId": "$key" }), VALIDATION).moto_says(INVALID, REQUIRED),
        step("no operation of KMS", "Seal", json!({}), "UnknownOperationException")
            .moto_says("status 500", "an operation that is not there is UnknownOperationException in awsJson"),
    ]
}

/// Fields that AWS answers with and moto does not.
pub(crate) const LEFT_OUT: &[&str] =
    &["EncryptionAlgorithm", "SourceEncryptionAlgorithm", "DestinationEncryptionAlgorithm"];

const UNKNOWN: &str = "99999999-9999-4999-8999-999999999999";
const REQUIRED: &str = "the API reference marks the field as required";
const LENGTH: &str = "the API reference gives a CiphertextBlob 1 to 6144 bytes";
const STATE: &str =
    "moto keeps a key's state and never looks at it; \"Key states of AWS KMS keys\" says what each allows";
const IDS: &str = "moto's ciphertexts have room for ids of 36 characters, and its multi-Region keys have longer ones";
const DRY: &str = "DryRunOperationException";
const NO_DRY_RUNS: &str =
    "moto has dry runs of none of the operations that are asked here; \"Testing your permissions\" has their answer";
const VALIDATION: &str = "ValidationException";
const NOT_FOUND: &str = "NotFoundException";
const INVALID: &str = "InvalidCiphertextException";
