//! The key rings over asymmetric keys of AWS KMS, against a KMS in memory: who opens what whom sealed for, how often KMS is
//! asked, and what each refusal says. All keys are test keys.

#![expect(clippy::unwrap_used, reason = "the helpers of a test may stop it")]

use std::sync::Arc;

use dynaseal_item::{Context, EncryptedDataKey, Kind, OpenKeys, PUBLIC_KEY, Suite};
use dynaseal_keys::testing::{FakeKms, FixedClock, KeyState, Trouble};
use dynaseal_keys::{
    AwsKmsEcdh, AwsKmsRsa, Curve, EcdhKeys, Error, Io, Keyring, KmsEcdhKey, Multi, Padding, Provider, RawEcdh, Service,
    WireError,
};
use serde_json::Value as Json;

const ECC: &str = "arn:aws:kms:eu-west-1:111122223333:key/aaaaaaaa-0000-4000-8000-000000000001";
const RSA: &str = "arn:aws:kms:eu-west-1:111122223333:key/aaaaaaaa-0000-4000-8000-000000000002";
const SYMMETRIC: &str = "arn:aws:kms:eu-west-1:111122223333:key/aaaaaaaa-0000-4000-8000-000000000003";

const RSA_PRIVATE: &str = include_str!("data/test-rsa-private-pkcs8.pem");
const RSA_PUBLIC: &str = include_str!("data/test-rsa-public-spki.pem");

/// The pair `a` is in KMS, the pair `b` with the other party.
struct Pairs {
    curve: Curve,
    a_private: &'static str,
    a_public: &'static str,
    b_private: &'static str,
    b_public: &'static str,
}

const PAIRS: [Pairs; 3] = [
    Pairs {
        curve: Curve::P256,
        a_private: include_str!("data/test-ec-p256-a-private.pem"),
        a_public: include_str!("data/test-ec-p256-a-public.pem"),
        b_private: include_str!("data/test-ec-p256-b-private.pem"),
        b_public: include_str!("data/test-ec-p256-b-public.pem"),
    },
    Pairs {
        curve: Curve::P384,
        a_private: include_str!("data/test-ec-p384-a-private.pem"),
        a_public: include_str!("data/test-ec-p384-a-public.pem"),
        b_private: include_str!("data/test-ec-p384-b-private.pem"),
        b_public: include_str!("data/test-ec-p384-b-public.pem"),
    },
    Pairs {
        curve: Curve::P521,
        a_private: include_str!("data/test-ec-p521-a-private.pem"),
        a_public: include_str!("data/test-ec-p521-a-public.pem"),
        b_private: include_str!("data/test-ec-p521-b-private.pem"),
        b_public: include_str!("data/test-ec-p521-b-public.pem"),
    },
];

impl Pairs {
    fn kms(&self) -> FakeKms {
        FakeKms::default().with_private_key(ECC, self.a_private)
    }

    fn key(&self) -> KmsEcdhKey<'static> {
        KmsEcdhKey { key_arn: ECC, curve: self.curve, public_pem: None }
    }

    fn fixed(&self) -> Arc<dyn Keyring> {
        Arc::new(AwsKmsEcdh::with_peer(self.key(), self.b_public, Vec::new()).unwrap())
    }

    fn discovery(&self) -> Arc<dyn Keyring> {
        Arc::new(AwsKmsEcdh::discovery(self.key(), Vec::new()).unwrap())
    }

    fn raw(&self, keys: EcdhKeys<'_>) -> Arc<dyn Keyring> {
        Arc::new(RawEcdh::new(self.curve, keys).unwrap())
    }
}

#[test]
fn a_key_in_kms_and_a_raw_one_open_what_either_sealed() {
    for pairs in &PAIRS {
        let kms = pairs.kms();
        let raw = pairs.raw(EcdhKeys::Static { private_pem: pairs.b_private, public_pem: pairs.a_public });
        let stranger = pairs.raw(EcdhKeys::Ephemeral { public_pem: pairs.a_public });
        let recipient = pairs.raw(EcdhKeys::Discovery { private_pem: pairs.b_private });
        let (fixed, discovery) = (pairs.fixed(), pairs.discovery());

        let sealed = seal(&kms, &fixed).unwrap();
        assert_eq!(&*sealed.provider_id, b"aws-kms-ecdh");
        for (ring, opens) in [(&fixed, true), (&raw, true), (&recipient, true), (&discovery, false)] {
            assert_eq!(open(&kms, ring, &sealed).is_ok(), opens, "{ring:?}");
        }
        let sealed = seal(&kms, &raw).unwrap();
        for (ring, opens) in [(&fixed, true), (&raw, true), (&recipient, false), (&discovery, true)] {
            assert_eq!(open(&kms, ring, &sealed).is_ok(), opens, "{ring:?}");
        }
        let sealed = seal(&kms, &stranger).unwrap();
        for (ring, opens) in [(&fixed, false), (&raw, false), (&recipient, false), (&discovery, true)] {
            assert_eq!(open(&kms, ring, &sealed).is_ok(), opens, "{ring:?}");
        }
        let error = seal(&kms, &discovery).unwrap_err();
        assert_eq!(error.to_string(), format!("the key ring \"aws-kms-ecdh\" key \"{ECC}\" can only open items"));
    }
}

#[test]
fn what_awss_python_package_wrapped_opens() {
    let file: Json = serde_json::from_str(include_str!("data/kms-ecdh-data-keys.json")).unwrap();
    let bytes = |json: &Json| base64_simd::STANDARD.decode_to_vec(json.as_str().unwrap()).unwrap();
    let cases = file["cases"].as_array().unwrap();
    for case in cases {
        let curve = Curve::from_name(case["curve"].as_str().unwrap()).unwrap();
        let pairs = PAIRS.iter().find(|pairs| pairs.curve == curve).unwrap();
        let data_key = EncryptedDataKey {
            provider_id: case["provider_id"].as_str().unwrap().as_bytes().into(),
            provider_info: bytes(&case["provider_info"]).into(),
            ciphertext: bytes(&case["ciphertext"]).into(),
        };
        let context = case["context"].as_object().unwrap().iter();
        let context: Context = context.map(|(key, value)| (key.clone(), value.as_str().unwrap().to_owned())).collect();
        let suite = if context.get(PUBLIC_KEY).is_some() { Suite::EcdsaP384 } else { Suite::Hmac };
        let of_b = FakeKms::default().with_private_key(ECC, pairs.b_private);
        for (kms, ring) in [(pairs.kms(), pairs.fixed()), (of_b, pairs.discovery())] {
            let opened = open_with(&kms, &ring, &data_key, suite, &context).unwrap();
            assert_eq!(opened.data_key.expose().as_slice(), bytes(&case["data_key"]));
            assert_eq!(opened.tag_key.expose().as_slice(), bytes(&case["tag_key"]));
        }
    }
    assert_eq!(cases.len(), 6);
}

#[test]
fn kms_is_asked_once_for_the_public_key_and_once_for_each_item() {
    let pairs = &PAIRS[0];
    let (kms, ring) = (pairs.kms(), pairs.fixed());
    let counts = |kms: &FakeKms| (kms.count("GetPublicKey"), kms.count("DeriveSharedSecret"));
    // A failure is not kept.
    kms.trouble(Trouble::Throttle, Some("GetPublicKey"), 1);
    assert_eq!(seal(&kms, &ring).unwrap_err().kind(), Kind::Outage);
    assert_eq!(counts(&kms), (1, 0));
    for items in 1..4 {
        let sealed = seal(&kms, &ring).unwrap();
        assert!(open(&kms, &ring, &sealed).is_ok());
        assert_eq!(counts(&kms), (2, 2 * items));
    }
    assert!(kms.calls().iter().all(|(_, key)| key == ECC));

    // With its public half at hand KMS is not asked for it.
    let kms = pairs.kms();
    let key = KmsEcdhKey { public_pem: Some(pairs.a_public), ..pairs.key() };
    let ring: Arc<dyn Keyring> = Arc::new(AwsKmsEcdh::with_peer(key, pairs.b_public, Vec::new()).unwrap());
    let sealed = seal(&kms, &ring).unwrap();
    assert!(open(&kms, &pairs.fixed(), &sealed).is_ok() && counts(&kms) == (1, 2));

    // What is another curve's or another party's is not asked about.
    let kms = pairs.kms();
    let others = [
        PAIRS[1].raw(EcdhKeys::Ephemeral { public_pem: PAIRS[1].a_public }),
        pairs.raw(EcdhKeys::Static { private_pem: pairs.a_private, public_pem: pairs.a_public }),
    ];
    for other in others {
        let sealed = seal(&kms, &other).unwrap();
        assert!(matches!(open(&kms, &pairs.fixed(), &sealed), Err(Error::NotMine { .. })));
        assert_eq!(counts(&kms), (0, 0));
    }
    assert!(pairs.fixed().needs(Service::Kms) && !pairs.fixed().needs(Service::DynamoDb));
}

#[test]
fn what_kms_refuses_is_told() {
    let pairs = &PAIRS[1];
    let kms = pairs.kms().with_private_key(RSA, RSA_PRIVATE).with_key(SYMMETRIC);
    let (ecc, rsa) = (pairs.fixed(), rsa(Padding::OaepSha256));
    let (sealed_ecc, sealed_rsa) = (seal(&kms, &ecc).unwrap(), seal(&kms, &rsa).unwrap());
    let both = |code: &str, kind: Kind| {
        for (ring, sealed) in [(&ecc, &sealed_ecc), (&rsa, &sealed_rsa)] {
            let error = open(&kms, ring, sealed).unwrap_err();
            assert_eq!((error.code(), error.kind()), (code, kind), "{error}");
        }
    };
    for (state, code) in [(KeyState::Disabled, "DSL-4106"), (KeyState::PendingDeletion, "DSL-4107")] {
        [ECC, RSA].into_iter().for_each(|key| kms.set_state(key, state));
        both(code, Kind::Keys);
        [ECC, RSA].into_iter().for_each(|key| kms.set_state(key, KeyState::Enabled));
    }
    for (trouble, code, kind) in [
        (Trouble::Throttle, "DSL-4101", Kind::Outage),
        (Trouble::Internal, "DSL-4102", Kind::Outage),
        (Trouble::AccessDenied, "DSL-4103", Kind::Keys),
        (Trouble::Down(WireError::Timeout), "DSL-4112", Kind::Outage),
        (Trouble::Garbage, "DSL-4113", Kind::Internal),
    ] {
        kms.trouble(trouble, None, 2);
        both(code, kind);
    }
    [ECC, RSA].into_iter().for_each(|key| kms.delete_key(key));
    both("DSL-4105", Kind::Keys);

    // Keys of other kinds and curves.
    let key = KmsEcdhKey { key_arn: SYMMETRIC, public_pem: Some(pairs.a_public), ..pairs.key() };
    let symmetric: Arc<dyn Keyring> = Arc::new(AwsKmsEcdh::with_peer(key, pairs.b_public, Vec::new()).unwrap());
    assert_eq!(seal(&kms, &symmetric).unwrap_err().code(), "DSL-4110");
    let error = seal(&PAIRS[0].kms(), &pairs.fixed()).unwrap_err();
    assert_eq!(error.to_string(), "aws-kms-ecdh: curve is not the curve of the key in AWS KMS");
    assert_eq!((error.code(), error.kind()), ("DSL-5101", Kind::Config));
}

#[test]
fn rsa_seals_without_a_call_and_opens_with_one() {
    for padding in [Padding::OaepSha1, Padding::OaepSha256] {
        let (kms, ring) = (rsa_kms(), rsa(padding));
        let sealed = seal(&kms, &ring).unwrap();
        assert_eq!((&*sealed.provider_id, &*sealed.provider_info), (&b"aws-kms-rsa"[..], RSA.as_bytes()));
        assert_eq!((kms.calls().len(), sealed.ciphertext.len()), (0, 48 + 256));
        assert!(open(&kms, &ring, &sealed).is_ok());
        assert_eq!(kms.calls(), [("Decrypt".to_owned(), RSA.to_owned())]);
    }
    let (kms, sealed) = (rsa_kms(), seal(&rsa_kms(), &rsa(Padding::OaepSha1)).unwrap());
    assert_eq!(open(&kms, &rsa(Padding::OaepSha256), &sealed).unwrap_err().code(), "DSL-4108");
}

#[test]
fn rsa_binds_the_context() {
    let (kms, ring) = (rsa_kms(), rsa(Padding::OaepSha256));
    let sealed = seal(&kms, &ring).unwrap();
    let moved: Context = [("aws-crypto-table-name".to_owned(), "Others".to_owned())].into_iter().collect();
    for context in [moved, Context::new()] {
        let error = open_with(&kms, &ring, &sealed, Suite::Hmac, &context).unwrap_err();
        let text =
            format!("the encrypted data key of \"aws-kms-rsa\" key \"{RSA}\" failed to open at the intermediate key");
        assert_eq!(error.to_string(), text);
    }
}

#[test]
fn rsa_is_not_for_items_that_are_signed() {
    let (kms, ring) = (rsa_kms(), rsa(Padding::OaepSha256));
    let sealed = seal(&kms, &ring).unwrap();
    let expected = |error: Error| {
        let text =
            format!("the key ring \"aws-kms-rsa\" key \"{RSA}\" cannot be used for items that are signed with ECDSA");
        assert_eq!((error.to_string(), error.code(), error.kind()), (text, "DSL-4016", Kind::Config));
    };
    expected(seal_with(&kms, &ring, Suite::EcdsaP384).unwrap_err());
    let mut signed = context();
    signed.insert(PUBLIC_KEY, "x");
    expected(open_with(&kms, &ring, &sealed, Suite::EcdsaP384, &signed).unwrap_err());
    assert!(ring.accepts(Suite::Hmac) && !ring.accepts(Suite::EcdsaP384));

    // In a multi ring that counts only where it seals.
    let reading: Arc<dyn Keyring> = Arc::new(AwsKmsRsa::new(RSA, Padding::OaepSha256, None, Vec::new()).unwrap());
    let multi = |ring: &Arc<dyn Keyring>| Multi::new(Some(PAIRS[0].fixed()), vec![ring.clone()]).unwrap();
    assert!(multi(&reading).accepts(Suite::EcdsaP384) && !multi(&ring).accepts(Suite::EcdsaP384));
    assert!(!reading.seals() && open(&kms, &reading, &sealed).is_ok());
    assert_eq!(seal(&kms, &reading).unwrap_err().code(), "DSL-4014");
}

#[test]
fn every_changed_bit_is_refused() {
    for (kms, sealing, opening) in [
        (PAIRS[0].kms(), PAIRS[0].fixed(), PAIRS[0].fixed()),
        (PAIRS[0].kms(), PAIRS[0].raw(EcdhKeys::Ephemeral { public_pem: PAIRS[0].a_public }), PAIRS[0].discovery()),
        (rsa_kms(), rsa(Padding::OaepSha256), rsa(Padding::OaepSha256)),
    ] {
        let sealed = seal(&kms, &sealing).unwrap();
        assert!(open(&kms, &opening, &sealed).is_ok());
        let mut bits = 0;
        for field in 0..3 {
            let length = [&sealed.provider_id, &sealed.provider_info, &sealed.ciphertext][field].len();
            for bit in 0..8 * length {
                let mut changed = sealed.clone();
                let EncryptedDataKey { provider_id, provider_info, ciphertext } = &mut changed;
                [provider_id, provider_info, ciphertext][field].to_mut()[bit / 8] ^= 1 << (bit % 8);
                match open(&kms, &opening, &changed) {
                    Err(error) => assert!(matches!(error.kind(), Kind::Keys | Kind::Data), "{error}"),
                    Ok(_) => panic!("{opening:?}: bit {bit} of field {field}"),
                }
                bits += 1;
            }
        }
        assert!(bits > 1000);
    }
}

#[test]
fn settings_are_checked() {
    let pairs = &PAIRS[0];
    let ecdh = |key, peer, tokens| AwsKmsEcdh::with_peer(key, peer, tokens).map(drop).unwrap_err().to_string();
    let no_arn = "key_arn must be the ARN of a key, such as arn:aws:kms:REGION:ACCOUNT:key/ID";
    let key = pairs.key();
    for (key, peer, tokens, expected) in [
        (KmsEcdhKey { key_arn: "alias/app", ..key }, pairs.b_public, vec![], no_arn),
        (key, pairs.b_private, vec![], "public_key_file holds a private key; it must hold the public one"),
        (key, PAIRS[1].b_public, vec![], "public_key_file holds a key of another curve than curve says"),
        (
            KmsEcdhKey { public_pem: Some(pairs.a_private), ..key },
            pairs.b_public,
            vec![],
            "own_public_key_file holds a private key; it must hold the public one",
        ),
        (
            KmsEcdhKey { public_pem: Some(RSA_PUBLIC), ..key },
            pairs.b_public,
            vec![],
            "own_public_key_file holds an RSA key; it must hold an EC key",
        ),
        (key, pairs.b_public, vec![String::new()], "grant_tokens holds an empty one"),
    ] {
        assert_eq!(ecdh(key, peer, tokens), format!("aws-kms-ecdh: {expected}"));
    }
    let rsa =
        |arn, padding, public| AwsKmsRsa::new(arn, padding, public, Vec::new()).map(drop).unwrap_err().to_string();
    let padding = "padding must be OAEP_SHA1 or OAEP_SHA256, which are those of AWS KMS";
    for (arn, other, public, expected) in [
        ("1234", Padding::OaepSha1, RSA_PUBLIC, no_arn),
        (RSA, Padding::Pkcs1, RSA_PUBLIC, padding),
        (RSA, Padding::OaepSha384, RSA_PUBLIC, padding),
        (RSA, Padding::OaepSha512, RSA_PUBLIC, padding),
        (RSA, Padding::OaepSha1, RSA_PRIVATE, "public_key_file holds a private key; it must hold the public one"),
        (RSA, Padding::OaepSha1, pairs.a_public, "public_key_file holds an EC key; it must hold an RSA key"),
    ] {
        assert_eq!(rsa(arn, other, Some(public)), format!("aws-kms-rsa: {expected}"));
    }
}

fn rsa_kms() -> FakeKms {
    FakeKms::default().with_private_key(RSA, RSA_PRIVATE)
}

fn rsa(padding: Padding) -> Arc<dyn Keyring> {
    Arc::new(AwsKmsRsa::new(RSA, padding, Some(RSA_PUBLIC), Vec::new()).unwrap())
}

fn context() -> Context {
    [("aws-crypto-table-name".to_owned(), "Users".to_owned())].into_iter().collect()
}

fn seal(kms: &FakeKms, ring: &Arc<dyn Keyring>) -> Result<EncryptedDataKey<'static>, Error> {
    seal_with(kms, ring, Suite::Hmac)
}

fn seal_with(kms: &FakeKms, ring: &Arc<dyn Keyring>, suite: Suite) -> Result<EncryptedDataKey<'static>, Error> {
    let (clock, provider) = (FixedClock::default(), Provider::new(ring.clone()));
    let keys = pollster::block_on(provider.seal_keys(suite, &context(), Io { wire: kms, clock: &clock }))?;
    assert_eq!(keys.wrapped.len(), 1);
    Ok(keys.wrapped.into_iter().next().unwrap().0)
}

fn open(kms: &FakeKms, ring: &Arc<dyn Keyring>, data_key: &EncryptedDataKey<'_>) -> Result<OpenKeys, Error> {
    open_with(kms, ring, data_key, Suite::Hmac, &context())
}

fn open_with(
    kms: &FakeKms,
    ring: &Arc<dyn Keyring>,
    data_key: &EncryptedDataKey<'_>,
    suite: Suite,
    context: &Context,
) -> Result<OpenKeys, Error> {
    let (clock, provider) = (FixedClock::default(), Provider::new(ring.clone()));
    let (data_keys, io) = (std::slice::from_ref(data_key), Io { wire: kms, clock: &clock });
    pollster::block_on(provider.open_keys(suite, data_keys, context, io))
}
