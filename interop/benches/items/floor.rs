//! The floor: the calls to aws-lc-rs that the format forces for an item of these sizes, and nothing else.
//! No JSON, no sorting, no copies, no checks.

use std::hint::black_box;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::encoding::{AsBigEndian, EcPublicKeyCompressedBin};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::rand::{self, SystemRandom};
use aws_lc_rs::signature::{
    ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair, UnparsedPublicKey,
};
use aws_lc_rs::{digest, hmac};
use dynaseal_item::{Draft, Item, Schema, Suite, Value, json, kat};

/// What the calls work on.
pub struct Floor {
    suite: Suite,
    wrapping_key: LessSafeKey,
    /// Header without commitment.
    header: Vec<u8>,
    /// The context as key rings bind it.
    context: Vec<u8>,
    /// Everything that is hashed.
    record: Vec<u8>,
    /// Value bytes of each encrypted attribute, with its path.
    fields: Vec<(Vec<u8>, Vec<u8>)>,
    /// For opening: a key pair's point and a signature over `SIGNED`.
    point: Vec<u8>,
    signature: Vec<u8>,
}

impl Floor {
    /// Takes the sizes from an item in the clear and as it was sealed.
    pub fn of(schema: &Schema, plain: &[u8], sealed: &[u8]) -> Self {
        let plain = json::read_item(std::str::from_utf8(plain).expect("JSON is text")).expect("an item");
        let sealed = json::read_item(std::str::from_utf8(sealed).expect("JSON is text")).expect("an item");
        let Some(Value::B(head)) = sealed.get("aws_dbe_head") else { unreachable!("a sealed item has a header") };
        let context = Draft::new(schema, plain.clone()).expect("a draft").context().keyring_bytes().expect("a context");
        let pair = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).expect("a key pair");
        let point: EcPublicKeyCompressedBin<'_> = pair.public_key().as_be_bytes().expect("a point");
        let signer = EcdsaKeyPair::generate(&aws_lc_rs::signature::ECDSA_P384_SHA384_ASN1_SIGNING).expect("a key pair");
        let signer_point: EcPublicKeyCompressedBin<'_> = signer.public_key().as_be_bytes().expect("a point");
        assert_eq!(point.as_ref().len(), signer_point.as_ref().len());
        Self {
            suite: schema.suite(),
            wrapping_key: gcm(&[7; 32]),
            header: head[..head.len() - 32].to_vec(),
            record: vec![1; record_length(&plain, &sealed, head.len(), context.len())],
            context,
            fields: fields(&plain, &sealed),
            point: signer_point.as_ref().to_vec(),
            signature: signer.sign(&SystemRandom::new(), &SIGNED).expect("a signature").as_ref().to_vec(),
        }
    }

    /// What sealing cannot do without.
    pub fn seal(&mut self) {
        let data_key: [u8; 32] = random();
        let message_id: [u8; 32] = random();
        let signing = (self.suite == Suite::EcdsaP384).then(|| {
            let pair = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).expect("a key pair");
            let point: EcPublicKeyCompressedBin<'_> = pair.public_key().as_be_bytes().expect("a point");
            black_box(point.as_ref());
            pair
        });
        let (intermediate, iv): ([u8; 32], [u8; 12]) = (random(), random());
        let [wrap, tag] = hkdf(&intermediate);
        black_box(seal(&gcm(&wrap), [0; 12], &self.context, &mut data_key.clone()));
        black_box(seal(&self.wrapping_key, iv, &self.context, &mut intermediate.clone()));
        let root = self.item_keys(&data_key, &message_id);
        let stream = self.key_stream(&root);
        for ((plain, path), keys) in self.fields.iter_mut().zip(stream.chunks_exact(44)) {
            let nonce = keys[32..].try_into().expect("12 bytes");
            black_box(seal(&gcm(&keys[..32]), nonce, path, plain));
        }
        let hash = digest::digest(&digest::SHA384, &self.record);
        black_box(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA384, &tag), hash.as_ref()));
        if let Some(pair) = signing {
            black_box(pair.sign(&SystemRandom::new(), hash.as_ref()).expect("a signature"));
        }
    }

    /// What opening cannot do without. Decryption is counted as encryption, which does the same work.
    pub fn open(&mut self) {
        let (intermediate, data_key, message_id) = ([1; 32], [2; 32], [3; 32]);
        black_box(seal(&self.wrapping_key, [0; 12], &self.context, &mut intermediate.clone()));
        let [wrap, tag] = hkdf(&intermediate);
        black_box(seal(&gcm(&wrap), [0; 12], &self.context, &mut data_key.clone()));
        let root = self.item_keys(&data_key, &message_id);
        let hash = digest::digest(&digest::SHA384, &self.record);
        black_box(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA384, &tag), hash.as_ref()));
        if self.suite == Suite::EcdsaP384 {
            let key = UnparsedPublicKey::new(&ECDSA_P384_SHA384_ASN1, &self.point);
            key.verify(&SIGNED, &self.signature).expect("a good signature");
        }
        let stream = self.key_stream(&root);
        for ((sealed, path), keys) in self.fields.iter_mut().zip(stream.chunks_exact(44)) {
            let nonce = keys[32..].try_into().expect("12 bytes");
            black_box(seal(&gcm(&keys[..32]), nonce, path, sealed));
        }
    }

    /// Field root and commitment.
    fn item_keys(&self, data_key: &[u8; 32], message_id: &[u8; 32]) -> [u8; 32] {
        black_box(message_id);
        let [root, commit] = hkdf(data_key);
        black_box(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA512, &commit), &self.header));
        root
    }

    fn key_stream(&self, root: &[u8; 32]) -> Vec<u8> {
        let mut stream = vec![0; 44 * self.fields.len()];
        let key = EncryptingKey::ctr(UnboundCipherKey::new(&AES_256, root).expect("a key")).expect("a key");
        let counter = EncryptionContext::Iv128(FixedLength::from(&[0; 16]));
        key.less_safe_encrypt(&mut stream, counter).expect("a key stream");
        stream
    }
}

/// The length of header, context and all signed attributes as they are hashed (FORMAT 9.1).
fn record_length(plain: &Item<'_>, sealed: &Item<'_>, header: usize, context: usize) -> usize {
    let one = |(name, stored): (&str, &Value<'_>)| match plain.get(name) {
        Some(value) if value == stored => {
            kat::path(TABLE, name).len() + 17 + kat::serialize(value).expect("bytes").len()
        }
        Some(_) => kat::path(TABLE, name).len() + 17 + bytes(stored).len(),
        None => 0,
    };
    header + 8 + context + sealed.iter().map(one).sum::<usize>()
}

fn fields(plain: &Item<'_>, sealed: &Item<'_>) -> Vec<(Vec<u8>, Vec<u8>)> {
    let encrypted = |(name, stored): (&str, &Value<'_>)| {
        let value = plain.get(name).filter(|value| *value != stored)?;
        let value_bytes = kat::serialize(value).expect("bytes")[2..].to_vec();
        Some((value_bytes, kat::path(TABLE, name)))
    };
    sealed.iter().filter_map(encrypted).collect()
}

fn bytes<'a>(value: &'a Value<'_>) -> &'a [u8] {
    let Value::B(bytes) = value else { unreachable!("an encrypted attribute is binary") };
    bytes
}

/// Two keys of one secret, as the format always needs them: one extract, two expands.
fn hkdf(secret: &[u8; 32]) -> [[u8; 32]; 2] {
    let extracted = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA512, &[0; 64]), secret);
    let key = hmac::Key::new(hmac::HMAC_SHA512, extracted.as_ref());
    [b"first", b"other"].map(|info| hmac::sign(&key, info).as_ref()[..32].try_into().expect("32 bytes"))
}

fn gcm(key: &[u8]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("a key"))
}

fn seal(key: &LessSafeKey, nonce: [u8; 12], aad: &[u8], buffer: &mut [u8]) -> impl AsRef<[u8]> {
    let nonce = Nonce::assume_unique_for_key(nonce);
    key.seal_in_place_separate_tag(nonce, Aad::from(aad), buffer).expect("a tag")
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).expect("randomness");
    bytes
}

const SIGNED: [u8; 48] = [5; 48];
const TABLE: &str = "Users";
