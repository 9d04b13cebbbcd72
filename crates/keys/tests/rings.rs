//! What holds for every key ring: what it wraps it opens, and nothing else. Entries are changed bit by bit, cut, and
//! lengthened, and contexts are changed; none of it may open.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "the helpers of a test may stop it")]

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use dynaseal_item::{Context, EncryptedDataKey, Kind, OpenKeys, PUBLIC_KEY, SealKeys, Suite};
use dynaseal_keys::testing::{FakeKms, FixedClock};
use dynaseal_keys::{
    AwsKmsRing, BranchKeyFile, BranchKeyId, CacheOptions, Curve, EcdhKeys, Error, Hierarchical, Io, Keyring, Multi,
    Padding, Provider, RawAes, RawEcdh, RawRsa,
};
use proptest::prelude::*;

#[test]
fn raw_aes() {
    for length in [16, 24, 32] {
        check(Arc::new(RawAes::new("tests", "a test key", &vec![7; length]).unwrap()), 2 * 48, 1);
    }
}

#[test]
fn raw_rsa_pkcs1() {
    check(rsa(Padding::Pkcs1), 48 + 256, 1);
}

#[test]
fn raw_rsa_oaep_sha1() {
    check(rsa(Padding::OaepSha1), 48 + 256, 1);
}

#[test]
fn raw_rsa_oaep_sha256() {
    check(rsa(Padding::OaepSha256), 48 + 256, 1);
}

#[test]
fn raw_rsa_oaep_sha384() {
    check(rsa(Padding::OaepSha384), 48 + 256, 1);
}

#[test]
fn raw_rsa_oaep_sha512() {
    check(rsa(Padding::OaepSha512), 48 + 256, 1);
}

#[test]
fn raw_ecdh_static() {
    for (curve, private_pem, public_pem) in ECDH {
        let ring = RawEcdh::new(curve, EcdhKeys::Static { private_pem, public_pem }).unwrap();
        check(Arc::new(ring), 48 + 112, 1);
    }
}

#[test]
fn raw_ecdh_ephemeral_and_discovery() {
    for (curve, private_pem, public_pem) in ECDH {
        let sealing = Arc::new(RawEcdh::new(curve, EcdhKeys::Ephemeral { public_pem }).unwrap());
        let opening = Arc::new(RawEcdh::new(curve, EcdhKeys::Discovery { private_pem }).unwrap());
        check(Arc::new(Multi::new(Some(sealing), vec![opening]).unwrap()), 48 + 112, 1);
    }
}

#[test]
fn hierarchical() {
    check(branch(BranchKeyId::Fixed("tenant-é".into())), 140, 1);
    check(branch(BranchKeyId::Attribute("pk".into())), 140, 1);
}

#[test]
fn aws_kms() {
    // The ciphertext of the KMS for tests names the key: 6 bytes, its id, an IV, and a key with a tag.
    check(kms(), 48 + 6 + 36 + 12 + 48, 1);
}

#[test]
fn multi() {
    let children: Vec<Arc<dyn Keyring>> = vec![branch(BranchKeyId::Fixed("tenant-é".into())), kms(), aes(2)];
    check(Arc::new(Multi::new(Some(aes(1)), children).unwrap()), 96, 4);
}

/// Everything that must hold for a ring that writes `entries` data keys, the first with a ciphertext of `length` bytes.
fn check(ring: Arc<dyn Keyring>, length: usize, entries: usize) {
    assert!(!format!("{ring:?}").contains("7, 7"), "{ring:?}");
    let provider = &Provider::new(ring);
    for suite in [Suite::Hmac, Suite::EcdsaP384] {
        let sealed = seal(provider, suite);
        assert_eq!((sealed.wrapped.len(), sealed.wrapped[0].0.ciphertext.len()), (entries, length));
        let data_keys: Vec<_> = sealed.wrapped.iter().map(|(data_key, _)| data_key.clone()).collect();
        for (data_key, (_, tag_key)) in data_keys.iter().zip(&sealed.wrapped) {
            let opened = open(provider, suite, std::slice::from_ref(data_key), &sealed.context).unwrap();
            assert_eq!(opened.data_key.expose(), sealed.data_key.expose());
            assert_eq!(opened.tag_key.expose(), tag_key.expose());
        }
        let opened = open(provider, suite, &data_keys, &sealed.context).unwrap();
        assert_eq!(opened.tag_key.expose(), sealed.wrapped[0].1.expose(), "the first that opens is taken");
        let again = seal(provider, suite);
        assert_ne!(again.data_key.expose(), sealed.data_key.expose());
        assert_ne!(again.wrapped[0].0, sealed.wrapped[0].0);

        for context in changed_contexts(&sealed.context) {
            refused(&open(provider, suite, &data_keys, &context));
        }
        for (other, _) in &again.wrapped {
            refused(&open(provider, suite, std::slice::from_ref(other), &Context::new()));
        }
    }
    let sealed = seal(provider, Suite::Hmac);
    for (data_key, _) in &sealed.wrapped {
        let mut count = 0;
        for changed in changed(data_key) {
            refused(&open(provider, Suite::Hmac, &[changed], &sealed.context));
            count += 1;
        }
        let bytes = data_key.provider_id.len() + data_key.provider_info.len() + data_key.ciphertext.len();
        assert_eq!(count, 8 * bytes + 2 * bytes);
    }
}

/// Every entry with one bit changed, every one with one field cut short, and as many with one field lengthened.
fn changed<'a>(data_key: &'a EncryptedDataKey<'static>) -> impl Iterator<Item = EncryptedDataKey<'static>> + 'a {
    (0..3).flat_map(move |field| {
        let bytes = match field {
            0 => &data_key.provider_id,
            1 => &data_key.provider_info,
            _ => &data_key.ciphertext,
        };
        let flips = (0..bytes.len() * 8).map(|bit| {
            let mut bytes = bytes.to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            bytes
        });
        let cuts = (0..bytes.len()).map(|length| bytes[..length].to_vec());
        let longer = (0..bytes.len()).map(|more| [bytes, &bytes[..=more]].concat());
        let all: Vec<_> = flips.chain(cuts).chain(longer).collect();
        all.into_iter().map(move |bytes| {
            let mut changed = data_key.clone();
            *match field {
                0 => &mut changed.provider_id,
                1 => &mut changed.provider_info,
                _ => &mut changed.ciphertext,
            } = Cow::Owned(bytes);
            changed
        })
    })
}

fn changed_contexts(context: &Context) -> Vec<Context> {
    let pairs: Vec<(String, String)> = context.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    let without = |place| pairs.iter().enumerate().filter(move |(at, _)| *at != place).map(|(_, pair)| pair.clone());
    let mut all = vec![pairs.iter().cloned().chain([("more".to_owned(), String::new())]).collect()];
    for (place, (key, value)) in pairs.iter().enumerate() {
        all.push(without(place).collect());
        all.push(without(place).chain([(key.clone(), format!("{value}."))]).collect());
        all.push(without(place).chain([(format!("{key}."), value.clone())]).collect());
    }
    all
}

/// Not opened, and neither an accident of the program nor an outage.
fn refused(opened: &Result<OpenKeys, Error>) {
    match opened {
        Ok(_) => panic!("it opened"),
        Err(error) => assert!(matches!(error.kind(), Kind::Keys | Kind::Data | Kind::Config | Kind::Caller), "{error}"),
    }
}

proptest! {
    /// Any names, keys and contexts, the empty context and empty values included.
    #[test]
    fn raw_aes_opens_what_it_wraps(
        namespace in "[^/]{1,8}",
        name in ".{1,8}",
        key in prop_oneof![Just(16), Just(24), Just(32)].prop_flat_map(|length| prop::collection::vec(any::<u8>(), length)),
        pairs in prop::collection::btree_map(".{0,8}", ".{0,8}", 0..4),
    ) {
        let provider = Provider::new(Arc::new(RawAes::new(&namespace, &name, &key).unwrap()));
        let context: Context = pairs.into_iter().collect();
        let clock = FixedClock::default();
        let sealed = pollster::block_on(provider.seal_keys(Suite::Hmac, &context, over(&clock))).unwrap();
        let opened = open(&provider, Suite::Hmac, &[sealed.wrapped[0].0.clone()], &context).unwrap();
        prop_assert_eq!(opened.data_key.expose(), sealed.data_key.expose());
        // A key of the same length under the same name is not enough.
        let other = Provider::new(Arc::new(RawAes::new(&namespace, &name, &key.iter().map(|byte| !byte).collect::<Vec<_>>()).unwrap()));
        refused(&open(&other, Suite::Hmac, &[sealed.wrapped[0].0.clone()], &context));
    }

    /// Entries of nobody's making.
    #[test]
    fn any_entry_is_refused(
        id in prop_oneof![Just(b"tests".to_vec()), Just(b"aws-kms".to_vec()), Just(b"aws-kms-hierarchy".to_vec()), prop::collection::vec(any::<u8>(), 0..8)],
        info in prop_oneof![Just("tenant-é".as_bytes().to_vec()), Just(b"rsa".to_vec()), Just(KMS_KEY.into()), prop::collection::vec(any::<u8>(), 0..40)],
        ciphertext in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        let rings: Vec<Arc<dyn Keyring>> =
            vec![aes(1), kms(), branch(BranchKeyId::Fixed("tenant-é".into())), rsa(Padding::Pkcs1)];
        let provider = Provider::new(Arc::new(Multi::new(None, rings).unwrap()));
        let entry = EncryptedDataKey { provider_id: id.into(), provider_info: info.into(), ciphertext: ciphertext.into() };
        refused(&open(&provider, Suite::Hmac, &[entry], &context()));
    }
}

/// A context of version 1 with a partition key `pk` of the string `tenant-é`.
fn context() -> Context {
    let pairs = [
        ("aws-crypto-table-name", "Users"),
        ("aws-crypto-partition-name", "pk"),
        ("aws-crypto-attr.pk", "AAF0ZW5hbnQtw6k="),
    ];
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

fn seal(provider: &Provider, suite: Suite) -> SealKeys {
    let clock = FixedClock::default();
    let keys = pollster::block_on(provider.seal_keys(suite, &context(), over(&clock))).unwrap();
    assert_eq!(keys.signing_key.is_some(), suite.signs());
    assert_eq!(keys.context.get(PUBLIC_KEY).is_some(), suite.signs());
    keys
}

fn open(
    provider: &Provider,
    suite: Suite,
    data_keys: &[EncryptedDataKey<'_>],
    context: &Context,
) -> Result<OpenKeys, Error> {
    let clock = FixedClock::default();
    pollster::block_on(provider.open_keys(suite, data_keys, context, over(&clock)))
}

/// Rings that need no network find this one useless.
fn over(clock: &FixedClock) -> Io<'_> {
    static KMS: LazyLock<FakeKms> = LazyLock::new(|| FakeKms::default().with_key(KMS_KEY));
    Io { wire: &*KMS, clock }
}

fn kms() -> Arc<dyn Keyring> {
    Arc::new(AwsKmsRing::single(KMS_KEY, Vec::new()).unwrap())
}

fn aes(byte: u8) -> Arc<dyn Keyring> {
    Arc::new(RawAes::new("tests", &format!("a test key {byte}"), &[byte; 32]).unwrap())
}

fn rsa(padding: Padding) -> Arc<dyn Keyring> {
    let pem = include_str!("data/test-rsa-private-pkcs8.pem");
    Arc::new(RawRsa::new("tests", "rsa", padding, Some(pem), None).unwrap())
}

/// A test key pair of each curve.
const ECDH: [(Curve, &str, &str); 3] = [
    (Curve::P256, include_str!("data/test-ec-p256-a-private.pem"), include_str!("data/test-ec-p256-a-public.pem")),
    (Curve::P384, include_str!("data/test-ec-p384-a-private.pem"), include_str!("data/test-ec-p384-a-public.pem")),
    (Curve::P521, include_str!("data/test-ec-p521-a-private.pem"), include_str!("data/test-ec-p521-a-public.pem")),
];

fn branch(id: BranchKeyId) -> Arc<dyn Keyring> {
    // A test key: 32 bytes of 7.
    let file = r#"{
        "branch_key_id": "tenant-é",
        "active_version": "00000000-0000-4000-8000-000000000001",
        "versions": { "00000000-0000-4000-8000-000000000001": "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=" }
    }"#;
    let store = Arc::new(BranchKeyFile::parse(file).unwrap());
    Arc::new(Hierarchical::new(store, id, CacheOptions::new(Duration::from_secs(60))).unwrap())
}

const KMS_KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/11111111-1111-4111-8111-111111111111";
