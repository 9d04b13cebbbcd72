//! The engine's calls of KMS with the application's own client: its credentials, endpoint, retries and time limits hold.
//!
//! A call is JSON and the SDK's client is typed, so each operation that keys need is read, sent and written here. A member
//! that would be lost on the way is refused: nothing is sent that says less than it was asked to.

use std::collections::HashMap;

use aws_sdk_kms::Client;
use aws_sdk_kms::config::{Config, Region};
use aws_sdk_kms::primitives::Blob;
use dynaseal_engine::{Answer, BoxFuture, Call, Service, Wire, WireError};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::sdk::Failure;

/// A wire to KMS alone.
pub(crate) struct KmsWire(pub(crate) Client);

impl Wire for KmsWire {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        Box::pin(async move {
            if call.service != Service::Kms {
                return Err(WireError::Unreachable);
            }
            let body = Zeroizing::new(call.body);
            let asked = serde_json::from_slice(&body).map_err(|_| WireError::Unreachable)?;
            match carry_out(&self.0, &call.operation, asked, call.region.as_deref()).await {
                Ok(said) => answer(&said),
                Err(Failure::Answer(answer)) => Ok(answer),
                Err(Failure::Wire(error)) => Err(error),
            }
        })
    }
}

/// What operations are asked with. Each takes its own members; one that is left over is refused.
#[derive(Default, Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
struct Asked {
    key_id: Option<String>,
    source_key_id: Option<String>,
    destination_key_id: Option<String>,
    ciphertext_blob: Option<Bytes>,
    plaintext: Option<Bytes>,
    public_key: Option<Bytes>,
    encryption_context: Option<HashMap<String, String>>,
    source_encryption_context: Option<HashMap<String, String>>,
    destination_encryption_context: Option<HashMap<String, String>>,
    encryption_algorithm: Option<String>,
    source_encryption_algorithm: Option<String>,
    destination_encryption_algorithm: Option<String>,
    key_agreement_algorithm: Option<String>,
    number_of_bytes: Option<i32>,
    grant_tokens: Option<Vec<String>>,
}

/// What is answered with.
#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Said {
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_key_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ciphertext_blob: Option<Bytes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plaintext: Option<Bytes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shared_secret: Option<Bytes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_key: Option<Bytes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_usage: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_spec: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_agreement_algorithm: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_metadata: Option<Described>,
}

/// What DescribeKey says of a key.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Described {
    arn: Option<String>,
    enabled: bool,
    key_state: Option<String>,
    key_usage: Option<String>,
    key_spec: Option<String>,
    multi_region: Option<bool>,
}

async fn carry_out(client: &Client, operation: &str, mut a: Asked, region: Option<&str>) -> Result<Said, Failure> {
    let here = region.map(|region| Config::builder().region(Region::new(region.to_owned()))).unwrap_or_default();
    let said = match operation {
        "GenerateDataKey" => {
            let call =
                client.generate_data_key().set_key_id(a.key_id.take()).set_number_of_bytes(a.number_of_bytes.take());
            let call = call.set_encryption_context(a.encryption_context.take()).set_grant_tokens(a.grant_tokens.take());
            all_taken(&a)?;
            let out = call.customize().config_override(here).send().await?;
            Said {
                key_id: out.key_id,
                plaintext: out.plaintext.map(Bytes::from),
                ciphertext_blob: out.ciphertext_blob.map(Bytes::from),
                ..Said::default()
            }
        }
        "GenerateDataKeyWithoutPlaintext" => {
            let call = client.generate_data_key_without_plaintext().set_key_id(a.key_id.take());
            let call = call.set_number_of_bytes(a.number_of_bytes.take()).set_grant_tokens(a.grant_tokens.take());
            let call = call.set_encryption_context(a.encryption_context.take());
            all_taken(&a)?;
            let out = call.customize().config_override(here).send().await?;
            Said { key_id: out.key_id, ciphertext_blob: out.ciphertext_blob.map(Bytes::from), ..Said::default() }
        }
        "Decrypt" => {
            let call = client.decrypt().set_key_id(a.key_id.take()).set_ciphertext_blob(blob(a.ciphertext_blob.take()));
            let call = call.set_encryption_context(a.encryption_context.take()).set_grant_tokens(a.grant_tokens.take());
            let call = call.set_encryption_algorithm(a.encryption_algorithm.take().map(|name| name.as_str().into()));
            all_taken(&a)?;
            let out = call.customize().config_override(here).send().await?;
            Said { key_id: out.key_id, plaintext: out.plaintext.map(Bytes::from), ..Said::default() }
        }
        "Encrypt" => {
            let call = client.encrypt().set_key_id(a.key_id.take()).set_plaintext(blob(a.plaintext.take()));
            let call = call.set_encryption_context(a.encryption_context.take()).set_grant_tokens(a.grant_tokens.take());
            let call = call.set_encryption_algorithm(a.encryption_algorithm.take().map(|name| name.as_str().into()));
            all_taken(&a)?;
            let out = call.customize().config_override(here).send().await?;
            Said { key_id: out.key_id, ciphertext_blob: out.ciphertext_blob.map(Bytes::from), ..Said::default() }
        }
        "ReEncrypt" => {
            let call = client.re_encrypt().set_ciphertext_blob(blob(a.ciphertext_blob.take()));
            let call = call.set_source_key_id(a.source_key_id.take()).set_grant_tokens(a.grant_tokens.take());
            let call = call.set_source_encryption_context(a.source_encryption_context.take());
            let call = call.set_destination_key_id(a.destination_key_id.take());
            let call = call.set_destination_encryption_context(a.destination_encryption_context.take());
            let from = a.source_encryption_algorithm.take().map(|name| name.as_str().into());
            let to = a.destination_encryption_algorithm.take().map(|name| name.as_str().into());
            let call = call.set_source_encryption_algorithm(from).set_destination_encryption_algorithm(to);
            all_taken(&a)?;
            let out = call.customize().config_override(here).send().await?;
            Said {
                key_id: out.key_id,
                source_key_id: out.source_key_id,
                ciphertext_blob: out.ciphertext_blob.map(Bytes::from),
                ..Said::default()
            }
        }
        "DeriveSharedSecret" => {
            let call =
                client.derive_shared_secret().set_key_id(a.key_id.take()).set_grant_tokens(a.grant_tokens.take());
            let algorithm = a.key_agreement_algorithm.take().map(|name| name.as_str().into());
            let call = call.set_public_key(blob(a.public_key.take())).set_key_agreement_algorithm(algorithm);
            all_taken(&a)?;
            let out = call.customize().config_override(here).send().await?;
            Said {
                key_id: out.key_id,
                shared_secret: out.shared_secret.map(Bytes::from),
                key_agreement_algorithm: out.key_agreement_algorithm.map(|name| name.as_str().to_owned()),
                ..Said::default()
            }
        }
        "GetPublicKey" => {
            let call = client.get_public_key().set_key_id(a.key_id.take()).set_grant_tokens(a.grant_tokens.take());
            all_taken(&a)?;
            let out = call.customize().config_override(here).send().await?;
            Said {
                key_id: out.key_id,
                public_key: out.public_key.map(Bytes::from),
                key_usage: out.key_usage.map(|name| name.as_str().to_owned()),
                key_spec: out.key_spec.map(|name| name.as_str().to_owned()),
                ..Said::default()
            }
        }
        "DescribeKey" => {
            let call = client.describe_key().set_key_id(a.key_id.take()).set_grant_tokens(a.grant_tokens.take());
            all_taken(&a)?;
            let out = call.customize().config_override(here).send().await?;
            let described = out.key_metadata.map(|key| Described {
                arn: key.arn,
                enabled: key.enabled,
                key_state: key.key_state.map(|name| name.as_str().to_owned()),
                key_usage: key.key_usage.map(|name| name.as_str().to_owned()),
                key_spec: key.key_spec.map(|name| name.as_str().to_owned()),
                multi_region: key.multi_region,
            });
            Said { key_metadata: described, ..Said::default() }
        }
        _ => return Err(Failure::Wire(WireError::Unreachable)),
    };
    Ok(said)
}

fn all_taken(left: &Asked) -> Result<(), Failure> {
    if *left == Asked::default() { Ok(()) } else { Err(Failure::Wire(WireError::Unreachable)) }
}

fn answer(said: &Said) -> Result<Answer, WireError> {
    // Long enough not to be moved while a key is written into it; who reads it wipes it.
    let mut body = Vec::with_capacity(LONGEST);
    serde_json::to_writer(&mut body, said).map_err(|_| WireError::Broken)?;
    Ok(Answer::new(200, body))
}

/// Bytes that JSON has as base64; wiped when dropped.
#[derive(PartialEq)]
struct Bytes(Zeroizing<Vec<u8>>);

impl From<Blob> for Bytes {
    fn from(blob: Blob) -> Self {
        Self(Zeroizing::new(blob.into_inner()))
    }
}

fn blob(bytes: Option<Bytes>) -> Option<Blob> {
    bytes.map(|mut bytes| Blob::new(std::mem::take(&mut *bytes.0)))
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        let bytes = base64_simd::STANDARD.decode_to_vec(text.as_bytes());
        bytes.map(Zeroizing::new).map(Self).map_err(|_| serde::de::Error::custom("a member is not base64"))
    }
}

impl Serialize for Bytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Zeroizing::new(base64_simd::STANDARD.encode_to_string(&**self.0)))
    }
}

/// More than any answer that carries a key has: 6 KB of ciphertext, 4 KB of plaintext, both as base64, and names.
const LONGEST: usize = 16 << 10;
