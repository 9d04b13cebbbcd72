//! What stands in for KMS where AWS's vectors were made: it opens what is in a table, under the key and context it was made
//! with. What it generates it writes into the table.

use std::collections::BTreeMap;
use std::sync::Mutex;

use dynaseal_keys::{Answer, BoxFuture, Call, Service, Wire, WireError, message_id};
use serde_json::{Value as Json, json};

pub(crate) struct Table {
    arn: String,
    /// By ciphertext: plaintext and encryption context.
    blobs: Mutex<BTreeMap<String, Json>>,
}

impl Table {
    /// The layout of the vectors: `{arn, blobs: {ciphertext: {plaintext, context}}}`.
    pub(crate) fn new(ring: &Json) -> Self {
        let blobs = serde_json::from_value(ring["blobs"].clone()).unwrap();
        Self { arn: ring["arn"].as_str().unwrap().to_owned(), blobs: Mutex::new(blobs) }
    }

    fn answer(&self, operation: &str, body: &Json) -> Option<Json> {
        let mut blobs = self.blobs.lock().unwrap();
        (body["KeyId"] == self.arn.as_str()).then_some(())?;
        match operation {
            "Decrypt" => {
                let blob = blobs.get(body["CiphertextBlob"].as_str()?)?;
                let plaintext = (blob["context"] == body["EncryptionContext"]).then_some(&blob["plaintext"])?;
                Some(json!({ "KeyId": self.arn, "Plaintext": plaintext }))
            }
            "GenerateDataKey" => {
                let fresh = || base64_simd::STANDARD.encode_to_string(message_id().unwrap());
                let (plaintext, blob) = (fresh(), fresh());
                let entry = json!({ "plaintext": plaintext, "context": body["EncryptionContext"] });
                blobs.insert(blob.clone(), entry);
                Some(json!({ "KeyId": self.arn, "Plaintext": plaintext, "CiphertextBlob": blob }))
            }
            _ => None,
        }
    }
}

impl Wire for Table {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        assert_eq!(call.service, Service::Kms);
        let body = serde_json::from_slice(&call.body).unwrap();
        let (status, body) = match self.answer(&call.operation, &body) {
            Some(body) => (200, body),
            None => (400, json!({ "__type": "InvalidCiphertextException" })),
        };
        let body = body.to_string().into_bytes();
        Box::pin(std::future::ready(Ok(Answer::new(status, body))))
    }
}
