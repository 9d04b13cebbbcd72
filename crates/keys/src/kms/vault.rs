//! The transit secrets engine of HashiCorp Vault and OpenBao, as a key management service for a key store. DB-ESDK knows
//! nothing of it, so branch keys under it are for Dynaseal alone.
//!
//! ```text
//!  plaintext that transit encrypts
//!  field     bytes
//!  key       32
//!  digest    48     SHA-384 of the encryption context's bytes
//! ```
//!
//! The context's bytes go along as associated data, too. The digest makes the binding hold where a server is too old to
//! know associated data and leaves it out unasked.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA384, digest};
use dynaseal_item::Context;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::keyring::Io;
use crate::kms::asked::Asked;
use crate::kms::body::{Reply, Request};
use crate::kms::error::Refusal;
use crate::kms::{KeyBytes, Kms};
use crate::secret::Secret;
use crate::wire::{Answer, BoxFuture, Call, Service};
use crate::wrap::context_bytes;

/// Calls the transit secrets engine. A key is named `vault-transit:MOUNT/NAME`; see [`VaultTransit::key`].
#[derive(Clone, Copy, Debug, Default)]
pub struct VaultTransit;

impl VaultTransit {
    /// The name under which a key store knows a key of the engine that is mounted at `mount`.
    ///
    /// # Errors
    /// A part that is empty or holds what must not stand in a path.
    pub fn key(mount: &str, name: &str) -> Result<String, Error> {
        let part = |text: &str| {
            let known = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
            !text.is_empty() && text.bytes().all(known) && !text.bytes().all(|b| b == b'.')
        };
        let wrong = |field, what| Err(Error::Config { ring: "vault-transit", field, what });
        if !mount.split('/').all(part) {
            return wrong("vault_mount", "must be a path of letters, digits, dots, dashes and underscores");
        }
        if !part(name) {
            return wrong("vault_key", "must have letters, digits, dots, dashes and underscores only");
        }
        Ok(format!("{PREFIX}{mount}/{name}"))
    }

    async fn seal(self, key: &str, plaintext: &[u8; 32], context: &Context, io: Io<'_>) -> Result<Vec<u8>, Error> {
        let bound = context_bytes(context)?;
        let message = Zeroizing::new([plaintext.as_slice(), digest(&SHA384, &bound).as_ref()].concat());
        let transit = Transit::new("encrypt", key)?;
        let request = Request::new().bytes("plaintext", &message).bytes("associated_data", &bound);
        let data = transit.send(request, io).await?;
        let ciphertext = data.text("ciphertext").filter(|text| text.starts_with("vault:v"));
        ciphertext.map(|text| text.as_bytes().to_vec()).ok_or_else(|| transit.asked.refused(Refusal::NotTransit))
    }

    async fn open(self, key: &str, wrapped: &[u8], context: &Context, io: Io<'_>) -> Result<KeyBytes, Error> {
        let bound = context_bytes(context)?;
        let transit = Transit::new("decrypt", key)?;
        let asked = transit.asked;
        let ciphertext = std::str::from_utf8(wrapped).map_err(|_| asked.refused(Refusal::InvalidCiphertext))?;
        let request = Request::new().text("ciphertext", ciphertext).bytes("associated_data", &bound);
        let data = transit.send(request, io).await?;
        let message = data.bytes("plaintext").ok_or_else(|| asked.unusable("it has no plaintext"))?;
        let (plaintext, found) =
            message.split_first_chunk::<32>().ok_or_else(|| asked.unusable("its plaintext is too short"))?;
        // Another context, or another tenant's record in the place of this one.
        verify_slices_are_equal(found, digest(&SHA384, &bound).as_ref())
            .map_err(|_| asked.refused(Refusal::InvalidCiphertext))?;
        Ok(KeyBytes::new(*plaintext))
    }
}

impl Kms for VaultTransit {
    fn service(&self) -> Service {
        Service::Vault
    }

    /// The key is made here: transit's own data keys cannot be bound to a context.
    ///
    /// Another engine may be mounted there, and a KV engine of version 1 stores whatever is sent to it. So the same is asked first
    /// with a key that is thrown away. It takes no right that the call itself does not take, as reading what is mounted would,
    /// and keys are made rarely. Whatever else is encrypted was decrypted there a moment before.
    fn generate<'a>(&'a self, key: &'a str, context: &'a Context, io: Io<'a>) -> BoxFuture<'a, Result<Vec<u8>, Error>> {
        Box::pin(async move {
            let (thrown_away, fresh) = (Secret::random()?, Secret::random()?);
            self.seal(key, thrown_away.expose(), context, io).await?;
            self.seal(key, fresh.expose(), context, io).await
        })
    }

    fn re_encrypt<'a>(
        &'a self,
        key: &'a str,
        wrapped: &'a [u8],
        from: &'a Context,
        to: &'a Context,
        io: Io<'a>,
    ) -> BoxFuture<'a, Result<Vec<u8>, Error>> {
        Box::pin(async move {
            let opened = self.open(key, wrapped, from, io).await?;
            self.seal(key, &opened, to, io).await
        })
    }

    fn decrypt<'a>(
        &'a self,
        key: &'a str,
        wrapped: &'a [u8],
        context: &'a Context,
        io: Io<'a>,
    ) -> BoxFuture<'a, Result<KeyBytes, Error>> {
        Box::pin(self.open(key, wrapped, context, io))
    }
}

/// One call.
#[derive(Clone, Copy)]
struct Transit<'a> {
    asked: Asked<'a>,
    mount: &'a str,
    name: &'a str,
}

impl<'a> Transit<'a> {
    /// A key that a record names is checked like one that is configured: it becomes part of a path.
    fn new(operation: &'static str, key: &'a str) -> Result<Self, Error> {
        let path = key.strip_prefix(PREFIX);
        let asked = Asked { operation, provider: PROVIDER, key: path.unwrap_or(key) };
        let parts = path.and_then(|path| path.rsplit_once('/'));
        let parts = parts.filter(|(mount, name)| VaultTransit::key(mount, name).is_ok());
        let (mount, name) = parts.ok_or_else(|| asked.refused(Refusal::IncorrectKey))?;
        Ok(Self { asked, mount, name })
    }

    async fn send(self, request: Request, io: Io<'_>) -> Result<Reply, Error> {
        let Self { asked, mount, name } = self;
        let path = format!("{mount}/{}/{name}", asked.operation);
        let reply = asked.answer(Call::new(Service::Vault, path, request.finish()), refusal, io).await?;
        reply.into_object("data").ok_or_else(|| asked.refused(Refusal::NotTransit))
    }
}

/// Transit tells faults apart by status and by the text of its errors, which holds nothing of the request.
pub(super) fn refusal(answer: &Answer) -> Refusal {
    let text = String::from_utf8_lossy(&answer.body);
    let says = |part: &str| text.contains(part);
    match answer.status {
        // What stores or does something on request, and has nothing to say of it.
        200..300 => Refusal::NotTransit,
        404 if says("versioned K/V") => Refusal::NotTransit,
        429 => Refusal::Throttled,
        // A token that may not, is wrong or has expired gets the same answer.
        401 | 403 => Refusal::AccessDenied,
        404 => Refusal::NotFound,
        // By the text first: some versions answer 500 to a ciphertext that was changed, and that is no outage.
        400 | 500 if says("encryption key not found") => Refusal::NotFound,
        400 | 500 if says("soft-deleted key") => Refusal::Disabled,
        400 | 500 if UNFIT.iter().any(|part| says(part)) => Refusal::InvalidKeyUsage,
        400 | 500 if says("version is disallowed by policy (too old)") => Refusal::Other(TOO_OLD.to_owned()),
        400 | 500 if CHANGED.iter().any(|part| says(part)) => Refusal::InvalidCiphertext,
        500.. => Refusal::Unavailable,
        status => Refusal::Other(match reason(&text) {
            Some(reason) => format!("status {status}: {reason}"),
            None => format!("status {status}"),
        }),
    }
}

/// The reason that an answer gives, if it can hold nothing of the request: plain words, of which none is long enough for a
/// key or a part of one, as base64, hex or numbers.
fn reason(body: &str) -> Option<String> {
    let parsed: serde_json::Value = serde_json::from_str(body).ok()?;
    let errors: Vec<_> = parsed.get("errors")?.as_array()?.iter().filter_map(|error| error.as_str()).collect();
    let text = errors.join("; ");
    let words: Vec<_> = text.split_whitespace().filter(|word| *word != "*").collect();
    let is_word = |word: &&str| {
        let letters = word.trim_matches(|one: char| !one.is_ascii_alphanumeric());
        letters.len() <= WORD && word.bytes().all(|byte| byte.is_ascii_graphic())
    };
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let is_plain = !words.is_empty() && words.len() <= WORDS && digits <= DIGITS && words.iter().all(is_word);
    is_plain.then(|| words.join(" "))
}

/// What the engine says of a ciphertext that is not its own, or not under this associated data.
const CHANGED: [&str; 6] = [
    "authentication failed",
    "invalid ciphertext",
    "cannot decrypt",
    "unable to decrypt",
    "failed to decrypt",
    "illegal base64 data",
];
/// What it says of a key that cannot encrypt what we send: of a type for signatures, or one that derives others.
const UNFIT: [&str; 3] =
    ["non-AEAD cipher suite", "not supported for key type", "missing 'context' for key derivation"];
pub(super) const TOO_OLD: &str = "the version of the key is below its min_decryption_version";
/// The longest word that is shown; a key of 16 bytes has 22 characters as base64.
const WORD: usize = 20;
const WORDS: usize = 40;
const DIGITS: usize = 12;
/// As errors name it.
pub(super) const PROVIDER: &str = "vault-transit";
/// Before a key's name in a key store.
const PREFIX: &str = "vault-transit:";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_path_of_plain_names() {
        assert_eq!(VaultTransit::key("transit", "app").unwrap(), "vault-transit:transit/app");
        assert_eq!(VaultTransit::key("teams/a", "app.v2").unwrap(), "vault-transit:teams/a/app.v2");
        for (mount, name) in
            [("", "a"), ("a", ""), ("a//b", "c"), ("..", "c"), ("a", "../sys/seal"), ("a", "b?c"), ("a b", "c")]
        {
            assert!(VaultTransit::key(mount, name).is_err(), "{mount} {name}");
        }
        for key in ["vault-transit:a", "arn:aws:kms:eu-west-1:1:key/x", "vault-transit:a/../b", ""] {
            assert!(Transit::new("decrypt", key).is_err(), "{key}");
        }
    }

    #[test]
    fn refusals_are_told_apart() {
        let of = |status, body: &str| refusal(&Answer::new(status, body.into()));
        assert_eq!(of(400, r#"{"errors":["cipher: message authentication failed"]}"#), Refusal::InvalidCiphertext);
        assert_eq!(of(400, r#"{"errors":["invalid ciphertext: version is too new"]}"#), Refusal::InvalidCiphertext);
        assert_eq!(of(400, r#"{"errors":["encryption key not found"]}"#), Refusal::NotFound);
        for status in [400, 500] {
            let changed = r#"{"errors":["1 error occurred:\n\t* cipher: message authentication failed\n\n"]}"#;
            assert_eq!(of(status, changed), Refusal::InvalidCiphertext);
            assert_eq!(of(status, r#"{"errors":["unable to decrypt ciphertext"]}"#), Refusal::InvalidCiphertext);
            assert_eq!(of(status, r#"{"errors":["encryption key not found"]}"#), Refusal::NotFound);
        }
        // As OpenBao 2.7 words it.
        for (body, expected) in [
            (r#"{"errors":["refusing to use soft-deleted key"]}"#, Refusal::Disabled),
            (r#"{"errors":["1 error occurred:\n\t* refusing to use soft-deleted key\n\n"]}"#, Refusal::Disabled),
            (
                r#"{"errors":["'[0].associated_data' provided for non-AEAD cipher suite ecdsa-p256"]}"#,
                Refusal::InvalidKeyUsage,
            ),
            (r#"{"errors":["missing 'context' for key derivation; the key was created"]}"#, Refusal::InvalidKeyUsage),
            (
                r#"{"errors":["ciphertext or signature version is disallowed by policy (too old)"]}"#,
                Refusal::Other(TOO_OLD.to_owned()),
            ),
        ] {
            assert_eq!(of(400, body), expected, "{body}");
        }
        let said = "status 400: 1 error occurred: the key cannot be used here";
        assert_eq!(
            of(400, r#"{"errors":["1 error occurred:\n\t* the key cannot be used here\n\n"]}"#),
            Refusal::Other(said.to_owned())
        );
        // What could be a part of the request, or a command to a terminal, is not shown.
        for hidden in [
            r#"{"errors":["cannot use AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="]}"#,
            r#"{"errors":["cannot use [1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16]"]}"#,
            r#"{"errors":["cannot use 000102030405060708090a0b0c0d0e0f"]}"#,
            "{\"errors\":[\"caf\u{e9} \\u001b[31m\"]}",
            r#"{"errors":[]}"#,
            r#"{"message":"no"}"#,
            "<p>no</p>",
        ] {
            assert_eq!(of(400, hidden), Refusal::Other("status 400".to_owned()), "{hidden}");
        }
        // Whoever else answers in its place knows nothing of ciphertexts.
        assert_eq!(of(502, "<p>invalid ciphertext</p>"), Refusal::Unavailable);
        assert_eq!(of(500, r#"{"errors":["internal error"]}"#), Refusal::Unavailable);
        assert_eq!(of(403, r#"{"errors":["permission denied"]}"#), Refusal::AccessDenied);
        assert_eq!(of(503, r#"{"errors":["Vault is sealed"]}"#), Refusal::Unavailable);
        assert_eq!((of(429, ""), of(418, "")), (Refusal::Throttled, Refusal::Other("status 418".to_owned())));
        // As a KV engine answers a write, of version 1 and of version 2.
        let versioned =
            r#"{"errors":[],"warnings":["Invalid path for a versioned K/V secrets engine. See the API docs"]}"#;
        assert_eq!((of(204, ""), of(404, versioned)), (Refusal::NotTransit, Refusal::NotTransit));
        assert_eq!(of(404, r#"{"errors":["no handler for route \"kv/encrypt/app\""]}"#), Refusal::NotFound);
    }
}
