//! The three answers of key rings, what is refused when they are built, and the words for all of it.

#![expect(clippy::unwrap_used, reason = "the helpers of a test may stop it")]

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use dynaseal_item::{Context, DataKey, EncryptedDataKey, Kind, OpenKeys, PUBLIC_KEY, Suite, TagKey};
use dynaseal_keys::testing::{FixedClock, offline};
use dynaseal_keys::{
    Bound, BoxFuture, BranchKeyFile, BranchKeyId, CacheOptions, Error, Hierarchical, Io, KeyName, Keyring, Layer,
    Multi, Padding, Provider, RawAes, RawRsa, Wrapped,
};

const PKCS1: &str = include_str!("data/test-rsa-private-pkcs1.pem");
const PKCS8: &str = include_str!("data/test-rsa-private-pkcs8.pem");
const PUBLIC: &str = include_str!("data/test-rsa-public-spki.pem");
const PUBLIC_PKCS1: &str = include_str!("data/test-rsa-public-pkcs1.pem");
const OTHER: &str = include_str!("data/test-rsa-public-other.pem");
const ENCRYPTED: &str = include_str!("data/test-rsa-private-encrypted.pem");
const SMALL: &str = include_str!("data/test-rsa-private-1024.pem");
const EC: &str = include_str!("data/test-ec-private.pem");

#[test]
fn not_mine_names_both_sides() {
    let sealed = entries(&aes("acme", "prod", 1));
    let error = open(&Provider::new(aes("acme", "dev", 1)), &sealed).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no configured key ring can open the item: it was sealed for \"acme\" key \"prod\"; \
         configured are \"acme\" key \"dev\""
    );
    assert_eq!((error.code(), error.kind()), ("DSL-4001", Kind::Keys));
}

#[test]
fn what_an_item_says_of_its_keys_is_printed_with_care() {
    let entry = |id: &[u8], info: Vec<u8>| EncryptedDataKey {
        provider_id: Cow::Owned(id.to_vec()),
        provider_info: Cow::Owned(info),
        ciphertext: Cow::Borrowed(&[]),
    };
    let hostile = vec![entry(b"a\x1b[31m\n", vec![b'x'; 5000]), entry(&[0xff], vec![])];
    let error = open(&Provider::new(aes("acme", "dev", 1)), &hostile).unwrap_err().to_string();
    assert!(error.contains("\"a\\u{1b}[31m\\n\" key \"xxx") && error.contains("xxx…\""), "{error}");
    assert!(error.len() < 600 && !error.contains(char::is_control), "{error}");
    let many = vec![entry(b"p", b"k".to_vec()); 255];
    let error = open(&Provider::new(aes("acme", "dev", 1)), &many).unwrap_err().to_string();
    assert!(error.contains("; and 247 more") && error.len() < 600, "{error}");
}

#[test]
fn mine_but_broken_says_where_and_never_why() {
    let sealed = entries(&aes("acme", "dev", 1));
    let error = open(&Provider::new(aes("acme", "dev", 2)), &sealed).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the encrypted data key of \"acme\" key \"dev\" failed to open at the intermediate key"
    );
    assert_eq!((error.code(), error.kind()), ("DSL-4003", Kind::Keys));

    let mut changed = sealed;
    *changed[0].ciphertext.to_mut().first_mut().unwrap() ^= 1;
    let error = open(&Provider::new(aes("acme", "dev", 1)), &changed).unwrap_err();
    let Error::Unwrap { at, .. } = error else { panic!("{error}") };
    assert_eq!(at, Layer::DataKey);

    let whole = changed[0].ciphertext.clone();
    for (length, text) in [(47, "its ciphertext is too short"), (95, "its ciphertext must have 96 bytes")] {
        changed[0].ciphertext = Cow::Owned(whole.iter().copied().take(length).collect());
        let error = open(&Provider::new(aes("acme", "dev", 1)), &changed).unwrap_err();
        assert!(error.to_string().ends_with(text), "{error}");
        assert_eq!((error.code(), error.kind()), ("DSL-4004", Kind::Data));
    }
}

#[test]
fn one_of_mine_that_opens_is_enough_and_all_failures_are_told() {
    let good = entries(&aes("acme", "dev", 1));
    let mut broken = good.clone();
    *broken[0].ciphertext.to_mut().last_mut().unwrap() ^= 1;
    let provider = Provider::new(aes("acme", "dev", 1));
    let [good, broken] = [&good[0], &broken[0]].map(Clone::clone);
    assert!(open(&provider, &[broken.clone(), good.clone()]).is_ok());
    let error = open(&provider, &[broken.clone(), broken.clone()]).unwrap_err();
    assert_eq!((error.code(), error.kind()), ("DSL-4002", Kind::Keys));
    assert_eq!(error.to_string().matches("failed to open").count(), 2, "{error}");

    // In a multi ring too, with the failures of several rings laid flat.
    let rings = vec![aes("acme", "dev", 1), aes("acme", "dev", 2)];
    let multi = Provider::new(Arc::new(Multi::new(None, rings).unwrap()));
    let Error::Several { errors } = open(&multi, &[broken.clone(), broken]).unwrap_err() else { panic!("one error") };
    assert_eq!(errors.len(), 4);
    assert!(open(&multi, &[good]).is_ok());
}

#[test]
fn a_multi_ring_writes_generator_first_and_opens_with_any() {
    let (first, second, third) = (aes("acme", "first", 1), aes("acme", "second", 2), aes("acme", "third", 3));
    let ring: Arc<dyn Keyring> =
        Arc::new(Multi::new(Some(first.clone()), vec![second.clone(), third.clone()]).unwrap());
    let sealed = entries(&ring);
    let names: Vec<_> = sealed.iter().map(KeyName::of).collect();
    assert_eq!(names, ring.keys());
    assert_eq!(names, ["first", "second", "third"].map(|name| KeyName::new("acme", name)));
    for ring in [first, second, third, ring] {
        assert!(open(&Provider::new(ring), &sealed).is_ok());
    }
    let error = Multi::new(None, Vec::new()).unwrap_err();
    assert_eq!(error.to_string(), "multi: children is empty, and there is no generator");
}

#[test]
fn rsa_keys_in_every_form_are_the_same_key() {
    let new = |private, public| {
        let ring = RawRsa::new("acme", "rsa", Padding::OaepSha256, private, public).unwrap();
        Arc::new(ring) as Arc<dyn Keyring>
    };
    let sealing = [
        new(None, Some(PUBLIC)),
        new(None, Some(PUBLIC_PKCS1)),
        new(Some(PKCS1), None),
        new(Some(PKCS8), None),
        new(Some(PKCS1), Some(PUBLIC)),
        new(Some(PKCS8), Some(PUBLIC_PKCS1)),
    ];
    for ring in &sealing {
        for opening in sealing.iter().skip(2) {
            assert!(open(&Provider::new(opening.clone()), &entries(ring)).is_ok());
        }
        let error = open(&Provider::new(sealing[0].clone()), &entries(ring)).unwrap_err();
        assert_eq!(error.to_string(), "the key ring \"acme\" key \"rsa\" can only seal items: it has no private key");
        assert_eq!(error.code(), "DSL-4007");
    }
}

#[test]
fn a_padding_opens_only_its_own() {
    let ring =
        |padding| -> Arc<dyn Keyring> { Arc::new(RawRsa::new("acme", "rsa", padding, Some(PKCS8), None).unwrap()) };
    for sealing in Padding::ALL {
        assert_eq!(Padding::from_name(sealing.name()), Some(sealing));
        for opening in Padding::ALL {
            let opened = open(&Provider::new(ring(opening)), &entries(&ring(sealing)));
            assert_eq!(opened.is_ok(), sealing == opening);
            if let Err(error) = opened {
                // Nothing tells whether RSA failed: see `wrap/rsa.rs`.
                let text = "the encrypted data key of \"acme\" key \"rsa\" failed to open at the data key";
                assert_eq!(error.to_string(), text);
            }
        }
    }
    assert_eq!(Padding::from_name("OAEP"), None);
}

/// Programs mix the labels up; the bytes tell which form a key has.
#[test]
fn a_key_is_read_under_each_label() {
    for (text, label, others) in [
        (PKCS8, "PRIVATE KEY", ["RSA PRIVATE KEY", "EC PRIVATE KEY"]),
        (PKCS1, "RSA PRIVATE KEY", ["PRIVATE KEY", "EC PRIVATE KEY"]),
        (PUBLIC, "PUBLIC KEY", ["RSA PUBLIC KEY", "EC PUBLIC KEY"]),
        (PUBLIC_PKCS1, "RSA PUBLIC KEY", ["PUBLIC KEY", "EC PUBLIC KEY"]),
    ] {
        for other in others {
            let text = text.replace(&format!("BEGIN {label}"), &format!("BEGIN {other}"));
            let text = text.replace(&format!("END {label}"), &format!("END {other}"));
            let (private, public) =
                if label.ends_with("PRIVATE KEY") { (Some(&*text), None) } else { (None, Some(&*text)) };
            RawRsa::new("tests", "key", Padding::OaepSha256, private, public).unwrap_or_else(|error| panic!("{error}"));
        }
    }
}

const OPENSSH: &str = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n";
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
const EC_PUBLIC: &str = include_str!("data/test-ec-p256-a-public.pem");

#[test]
fn rsa_settings_are_checked() {
    let not_rsa = "must hold an RSA key of 2048 to 8192 bits";
    let twice = format!("{PKCS8}{PKCS8}");
    for (private, public, expected) in [
        (None, None, "private_key_file and public_key_file are both missing; one is needed"),
        (Some(PKCS8), Some(OTHER), "public_key_file does not belong to private_key_file"),
        (Some("nothing"), None, "private_key_file is not PEM"),
        (Some(&*twice), None, "private_key_file must hold one key"),
        (Some(PUBLIC), None, "private_key_file holds a public key"),
        (Some(ENCRYPTED), None, "private_key_file is encrypted; decrypt it first"),
        (Some(EC), None, "private_key_file holds an EC key; it must hold an RSA key"),
        (
            Some(OPENSSH),
            None,
            "private_key_file is in OpenSSH's own form; `ssh-keygen -p -m PKCS8` writes it as PKCS#8",
        ),
        (Some(CERTIFICATE), None, "private_key_file holds a certificate; it must hold a key"),
        (None, Some(CERTIFICATE), "public_key_file holds a certificate; it must hold a key"),
        (None, Some(EC_PUBLIC), "public_key_file holds an EC key; it must hold an RSA key"),
        (Some(SMALL), None, &*format!("private_key_file {not_rsa}")),
        (None, Some(PKCS8), "public_key_file holds a private key; it must hold the public one"),
        (None, Some(EC), "public_key_file holds a private key; it must hold the public one"),
        (
            None,
            Some("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"),
            &*format!("public_key_file {not_rsa}"),
        ),
    ] {
        let error = RawRsa::new("acme", "rsa", Padding::Pkcs1, private, public).unwrap_err();
        assert_eq!(error.to_string(), format!("raw-rsa: {expected}"));
        assert_eq!((error.code(), error.kind()), ("DSL-5101", Kind::Config));
    }
}

#[test]
fn aes_settings_are_checked() {
    let long = "x".repeat(60_001);
    for (namespace, name, length, expected) in [
        ("aws-kms", "n", 32, "namespace must not be \"aws-kms\", which belongs to AWS KMS"),
        ("", "n", 32, "namespace is empty"),
        ("n", "", 32, "name is empty"),
        ("n", &long, 32, "name is longer than 60,000 bytes"),
        ("n", "n", 0, "key must have 16, 24 or 32 bytes"),
        ("n", "n", 31, "key must have 16, 24 or 32 bytes"),
        ("n", "n", 64, "key must have 16, 24 or 32 bytes"),
    ] {
        let error = RawAes::new(namespace, name, &vec![1; length]).unwrap_err();
        assert_eq!(error.to_string(), format!("raw-aes: {expected}"));
    }
}

#[test]
fn hierarchical_settings_are_checked() {
    let new = |id, ttl| Hierarchical::new(store(), id, CacheOptions::new(ttl)).map(|_| ());
    let fixed = || BranchKeyId::Fixed("id".into());
    let whole = "cache_ttl must be a whole number of seconds, at least 1";
    for (id, ttl, expected) in [
        (fixed(), Duration::ZERO, whole),
        (fixed(), Duration::from_millis(1500), whole),
        (BranchKeyId::Fixed(String::new()), Duration::from_secs(1), "branch_key_id must have 1 to 65,535 bytes"),
        (BranchKeyId::Attribute(String::new()), Duration::from_secs(1), "branch_key_id_attribute is empty"),
    ] {
        assert_eq!(new(id, ttl).unwrap_err().to_string(), format!("aws-kms-hierarchy: {expected}"));
    }
    assert_eq!(new(fixed(), Duration::from_secs(1)), Ok(()));
}

#[test]
fn a_branch_key_of_another_id_is_not_mine() {
    let ring = |id: &str| -> Arc<dyn Keyring> {
        Arc::new(
            Hierarchical::new(store(), BranchKeyId::Fixed(id.into()), CacheOptions::new(Duration::from_secs(1)))
                .unwrap(),
        )
    };
    let error = open(&Provider::new(ring("b")), &entries(&ring("a"))).unwrap_err();
    assert!(matches!(error, Error::NotMine { .. }), "{error}");
    let error = seal(&Provider::new(ring("c")), Suite::Hmac, &Context::new()).unwrap_err();
    assert_eq!((error.to_string().as_str(), error.code()), ("the key store has no branch key \"c\"", "DSL-4005"));

    // A version that the store lost; salt and IV come before it.
    let mut lost = entries(&ring("a"));
    let version = 48 + 16 + 12;
    lost[0].ciphertext.to_mut()[version..version + 16].fill(9);
    let error = open(&Provider::new(ring("a")), &lost).unwrap_err();
    assert_eq!(error.code(), "DSL-4006");
    assert!(
        error.to_string().contains("no version 09090909-0909-0909-0909-090909090909 of branch key \"a\""),
        "{error}"
    );
}

#[test]
fn an_attribute_that_picks_the_branch_key_must_be_a_bound_string() {
    let ring = |attribute: &str| {
        let id = BranchKeyId::Attribute(attribute.into());
        Provider::new(Arc::new(Hierarchical::new(store(), id, CacheOptions::new(Duration::from_secs(1))).unwrap()))
    };
    let mut context = Context::new();
    context.insert("aws-crypto-attr.tenant", "a");
    context.insert("aws-crypto-attr.age", "7");
    context.insert("aws-crypto-legend", "NS");
    let sealed = seal(&ring("tenant"), Suite::Hmac, &context).unwrap();
    assert_eq!(KeyName::of(&sealed[0]), KeyName::new("aws-kms-hierarchy", "a"));
    let error = seal(&ring("age"), Suite::Hmac, &context).unwrap_err();
    assert_eq!(
        error.to_string(),
        "attribute \"age\" picks the branch key, so it must be a string (S) that is not empty"
    );
    assert_eq!((error.code(), error.kind()), ("DSL-4009", Kind::Caller));
    let error = seal(&ring("other"), Suite::Hmac, &context).unwrap_err();
    assert_eq!((error.code(), error.kind()), ("DSL-4008", Kind::Config));
    // An item of another kind of ring need not name a branch key.
    let error = open(&ring("other"), &entries(&aes("acme", "dev", 1))).unwrap_err();
    assert!(matches!(error, Error::NotMine { .. }), "{error}");
}

#[test]
fn the_provider_guards_the_public_key_and_the_count() {
    let provider = Provider::new(aes("acme", "dev", 1));
    let mut context = Context::new();
    context.insert(PUBLIC_KEY, "x");
    let error = seal(&provider, Suite::Hmac, &context).unwrap_err();
    assert_eq!((&error, error.code(), error.kind()), (&Error::ReservedContext, "DSL-4010", Kind::Caller));
    let sealed = entries(&aes("acme", "dev", 1));
    let clock = FixedClock::default();
    for (suite, context) in [(Suite::Hmac, context), (Suite::EcdsaP384, Context::new())] {
        let opened = pollster::block_on(provider.open_keys(suite, &sealed, &context, offline(&clock)));
        assert_eq!(opened.unwrap_err(), Error::PublicKey);
    }
    for (count, fits) in [(0, false), (1, true), (255, true), (256, false)] {
        let sealed = seal(&Provider::new(Arc::new(Fixed(count))), Suite::Hmac, &Context::new());
        match sealed {
            Ok(sealed) => assert!(fits && sealed.len() == count),
            Err(error) => assert!(!fits && error == Error::Count { count }),
        }
    }
}

#[test]
fn keys_print_redacted() {
    let rings: Vec<Arc<dyn Keyring>> = vec![
        aes("acme", "dev", 0xab),
        Arc::new(RawRsa::new("acme", "rsa", Padding::Pkcs1, Some(PKCS8), None).unwrap()),
        Arc::new(
            Hierarchical::new(store(), BranchKeyId::Fixed("a".into()), CacheOptions::new(Duration::from_secs(1)))
                .unwrap(),
        ),
    ];
    let printed = format!("{:?}", Provider::new(Arc::new(Multi::new(None, rings).unwrap())));
    assert!(printed.contains("redacted") && printed.contains("dev") && printed.contains("2048 bits"), "{printed}");
    for secret in ["171", "q6ur", "abab", "MII", "BEGIN"] {
        assert!(!printed.contains(secret), "{secret} in {printed}");
    }
}

fn aes(namespace: &str, name: &str, byte: u8) -> Arc<dyn Keyring> {
    Arc::new(RawAes::new(namespace, name, &[byte; 32]).unwrap())
}

/// Two branch keys, `a` and `b`; test keys of 32 bytes of 0xab.
fn store() -> Arc<BranchKeyFile> {
    let entry = |id: &str| {
        let version = "00000000-0000-4000-8000-000000000001";
        let key = base64_simd::STANDARD.encode_to_string([0xab; 32]);
        format!(r#"{{"branch_key_id":"{id}","active_version":"{version}","versions":{{"{version}":"{key}"}}}}"#)
    };
    Arc::new(BranchKeyFile::parse(&format!("[{},{}]", entry("a"), entry("b"))).unwrap())
}

fn entries(ring: &Arc<dyn Keyring>) -> Vec<EncryptedDataKey<'static>> {
    seal(&Provider::new(ring.clone()), Suite::Hmac, &Context::new()).unwrap()
}

fn seal(provider: &Provider, suite: Suite, context: &Context) -> Result<Vec<EncryptedDataKey<'static>>, Error> {
    let clock = FixedClock::default();
    let keys = pollster::block_on(provider.seal_keys(suite, context, offline(&clock)))?;
    Ok(keys.wrapped.into_iter().map(|(data_key, _)| data_key).collect())
}

fn open(provider: &Provider, data_keys: &[EncryptedDataKey<'_>]) -> Result<OpenKeys, Error> {
    let clock = FixedClock::default();
    pollster::block_on(provider.open_keys(Suite::Hmac, data_keys, &Context::new(), offline(&clock)))
}

/// A ring that breaks the rules: it gives any number of data keys.
#[derive(Debug)]
struct Fixed(usize);

impl Keyring for Fixed {
    fn wrap<'a>(&'a self, _: &'a DataKey, _: &'a Bound<'a>, _: Io<'a>) -> BoxFuture<'a, Result<Wrapped, Error>> {
        let empty = || Cow::Borrowed(&[][..]);
        let entry = || EncryptedDataKey { provider_id: empty(), provider_info: empty(), ciphertext: empty() };
        Box::pin(std::future::ready(Ok((0..self.0).map(|_| (entry(), TagKey::new([0; 32]))).collect())))
    }

    fn unwrap<'a>(
        &'a self,
        _: &'a [EncryptedDataKey<'a>],
        _: &'a Bound<'a>,
        _: Io<'a>,
    ) -> BoxFuture<'a, Result<Option<OpenKeys>, Error>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    fn keys(&self) -> Vec<KeyName> {
        Vec::new()
    }
}
