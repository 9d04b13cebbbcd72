//! Key rings over a key that the caller holds.

pub(crate) mod aes;
pub(crate) mod ecdh;
pub(crate) mod rsa;

use crate::error::Error;

/// Checks namespace and key name, which become the provider id and the provider info.
fn named(ring: &'static str, namespace: &str, name: &str) -> Result<(), Error> {
    let config = |field, what| Err(Error::Config { ring, field, what });
    for (field, text) in [("namespace", namespace), ("name", name)] {
        if text.is_empty() {
            return config(field, "is empty");
        }
        if text.len() > LONGEST {
            return config(field, "is longer than 60,000 bytes");
        }
    }
    if namespace == "aws-kms" {
        return config("namespace", "must not be \"aws-kms\", which belongs to AWS KMS");
    }
    Ok(())
}

/// A header field holds 65,535 bytes, and the raw AES key ring adds 20 to the name.
const LONGEST: usize = 60_000;
