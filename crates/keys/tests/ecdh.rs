//! What ECDH key rings say: who opens what whom sealed for, and why not. All keys are test keys.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "the helpers of a test may stop it")]

use std::sync::Arc;

use dynaseal_item::{Context, EncryptedDataKey, Kind, OpenKeys, Suite};
use dynaseal_keys::testing::{FixedClock, offline};
use dynaseal_keys::{Curve, EcdhKeys, Error, Keyring, Multi, Provider, RawAes, RawEcdh};

/// Two key pairs of a curve, in PEM.
struct Pairs {
    curve: Curve,
    private: [&'static str; 2],
    public: [&'static str; 2],
}

const PAIRS: [Pairs; 3] = [
    Pairs {
        curve: Curve::P256,
        private: [include_str!("data/test-ec-p256-a-private.pem"), include_str!("data/test-ec-p256-b-private.pem")],
        public: [include_str!("data/test-ec-p256-a-public.pem"), include_str!("data/test-ec-p256-b-public.pem")],
    },
    Pairs {
        curve: Curve::P384,
        private: [include_str!("data/test-ec-p384-a-private.pem"), include_str!("data/test-ec-p384-b-private.pem")],
        public: [include_str!("data/test-ec-p384-a-public.pem"), include_str!("data/test-ec-p384-b-public.pem")],
    },
    Pairs {
        curve: Curve::P521,
        private: [include_str!("data/test-ec-p521-a-private.pem"), include_str!("data/test-ec-p521-b-private.pem")],
        public: [include_str!("data/test-ec-p521-a-public.pem"), include_str!("data/test-ec-p521-b-public.pem")],
    },
];
const A: usize = 0;
const B: usize = 1;

impl Pairs {
    fn fixed(&self, own: usize, peer: usize) -> Arc<dyn Keyring> {
        self.ring(EcdhKeys::Static { private_pem: self.private[own], public_pem: self.public[peer] })
    }

    fn ephemeral(&self, recipient: usize) -> Arc<dyn Keyring> {
        self.ring(EcdhKeys::Ephemeral { public_pem: self.public[recipient] })
    }

    fn discovery(&self, own: usize) -> Arc<dyn Keyring> {
        self.ring(EcdhKeys::Discovery { private_pem: self.private[own] })
    }

    fn ring(&self, keys: EcdhKeys<'_>) -> Arc<dyn Keyring> {
        Arc::new(RawEcdh::new(self.curve, keys).unwrap())
    }
}

#[test]
fn either_party_opens_what_either_sealed_and_the_recipient_alone_what_a_stranger_did() {
    for pairs in &PAIRS {
        let (a, b, to_self) = (pairs.fixed(A, B), pairs.fixed(B, A), pairs.fixed(A, A));
        for (sealing, opening) in [
            (&a, vec![a.clone(), b.clone(), pairs.discovery(B)]),
            (&b, vec![a.clone(), b.clone(), pairs.discovery(A)]),
            (&to_self, vec![to_self.clone(), pairs.discovery(A)]),
            (&pairs.ephemeral(B), vec![pairs.discovery(B)]),
        ] {
            let sealed = seal(sealing).unwrap();
            for ring in [&a, &b, &to_self, &pairs.discovery(A), &pairs.discovery(B)] {
                let expected = opening.iter().any(|other| other.keys() == ring.keys() && other.seals() == ring.seals());
                match open(ring, &sealed) {
                    Ok(_) => assert!(expected, "{ring:?} opened what {sealing:?} sealed"),
                    Err(error) => assert!(!expected && matches!(error, Error::NotMine { .. }), "{ring:?}: {error}"),
                }
            }
        }
    }
}

#[test]
fn either_provider_id_is_read() {
    let pairs = &PAIRS[0];
    let mut sealed = seal(&pairs.fixed(A, B)).unwrap();
    assert_eq!(&*sealed.provider_id, b"raw-ecdh");
    for (id, opens) in [(&b"aws-kms-ecdh"[..], true), (b"raw-ecdh", true), (b"aws-kms", false), (b"", false)] {
        sealed.provider_id = id.into();
        for ring in [pairs.fixed(B, A), pairs.discovery(B)] {
            assert_eq!(open(&ring, &sealed).is_ok(), opens);
        }
    }
}

#[test]
fn one_sided_rings_say_so_and_make_a_pair_inside_a_multi_ring() {
    let pairs = &PAIRS[1];
    let (ephemeral, discovery) = (pairs.ephemeral(B), pairs.discovery(B));
    let sealed = seal(&ephemeral).unwrap();
    let error = open(&ephemeral, &sealed).unwrap_err();
    assert_eq!((error.code(), error.kind()), ("DSL-4007", Kind::Keys));
    let error = seal(&discovery).unwrap_err();
    assert_eq!((error.code(), error.kind()), ("DSL-4014", Kind::Keys));
    let name = &discovery.keys()[0];
    assert_eq!(error.to_string(), format!("the key ring {name} can only open items"));

    let children = vec![discovery.clone()];
    let both: Arc<dyn Keyring> = Arc::new(Multi::new(Some(ephemeral.clone()), children.clone()).unwrap());
    let sealed = seal_all(&both).unwrap();
    assert_eq!(sealed.len(), 1, "the ring that only opens adds nothing");
    assert!(open(&both, &sealed[0]).is_ok() && open(&discovery, &sealed[0]).is_ok());
    let neither: Arc<dyn Keyring> = Arc::new(Multi::new(None, children).unwrap());
    assert_eq!(seal_all(&neither).unwrap_err().code(), "DSL-4014");
    // A multi ring that seals nothing is left out of another one.
    let outer: Arc<dyn Keyring> = Arc::new(Multi::new(Some(ephemeral), vec![neither]).unwrap());
    assert_eq!(seal_all(&outer).unwrap().len(), 1);
}

#[test]
fn every_ephemeral_item_has_a_sender_of_its_own() {
    for pairs in &PAIRS {
        let ring = pairs.ephemeral(A);
        let [one, other] = [seal(&ring).unwrap(), seal(&ring).unwrap()];
        let half = one.provider_info.len().div_ceil(2);
        assert_eq!(one.provider_info[..half], other.provider_info[..half], "the recipient");
        assert_ne!(one.provider_info[half..], other.provider_info[half..], "the sender");
    }
}

/// Other programs write a public key shorter.
#[test]
fn a_compressed_public_key_is_the_same_key() {
    let compressed = "-----BEGIN PUBLIC KEY-----\nMDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgACTxVtRdQ9reMiD6fTIiQvQOIYlutH\nPLKRzAO8gsQPdgE=\n-----END PUBLIC KEY-----\n";
    let pairs = &PAIRS[0];
    let ring = pairs.ring(EcdhKeys::Static { private_pem: pairs.private[A], public_pem: compressed });
    assert_eq!(ring.keys(), pairs.fixed(A, B).keys());
    assert!(open(&pairs.discovery(B), &seal(&ring).unwrap()).is_ok());
}

#[test]
fn the_parties_cannot_be_exchanged() {
    for pairs in &PAIRS {
        let sealed = seal(&pairs.fixed(A, B)).unwrap();
        let (head, sender) = sealed.provider_info.split_at(sealed.provider_info.len().div_ceil(2));
        let (version, recipient) = head.split_first().unwrap();
        let swapped = [&[*version], sender, recipient].concat();
        let swapped = EncryptedDataKey { provider_info: swapped.into(), ..sealed.clone() };
        for ring in [pairs.fixed(A, B), pairs.fixed(B, A), pairs.discovery(A)] {
            let error = open(&ring, &swapped).unwrap_err();
            assert_eq!(error.code(), "DSL-4003", "{error}");
        }
    }
}

#[test]
fn a_sender_that_is_no_point_of_the_curve_is_refused() {
    for pairs in &PAIRS {
        let sealed = seal(&pairs.ephemeral(B)).unwrap();
        let point = sealed.provider_info.len().div_ceil(2) + 4;
        let mut codes = Vec::new();
        for x in 0..32 {
            let mut changed = sealed.clone();
            let info = changed.provider_info.to_mut();
            info[point + 1..].fill(0);
            *info.last_mut().unwrap() = x;
            let error = open(&pairs.discovery(B), &changed).unwrap_err();
            codes.push(error.code());
            if error.code() == "DSL-4004" {
                assert!(error.to_string().ends_with("is malformed: its sender is no point of the curve"), "{error}");
            }
        }
        // About half of all numbers are the x of a point; those are somebody else's.
        for code in ["DSL-4003", "DSL-4004"] {
            assert!(codes.iter().filter(|other| **other == code).count() > 4, "{codes:?}");
        }
        // Other forms of the sender's point are not written, so they are not read.
        for first in [0, 4, 5, 6, 7] {
            let mut changed = sealed.clone();
            changed.provider_info.to_mut()[point] = first;
            assert_eq!(open(&pairs.discovery(B), &changed).unwrap_err().code(), "DSL-4004");
        }
    }
}

#[test]
fn keys_are_named_by_the_beginnings_of_their_points() {
    let pairs = &PAIRS[0];
    let sealed = seal(&pairs.fixed(A, B)).unwrap();
    let point = |half: &[u8]| half[4..12].iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let info = &sealed.provider_info[1..];
    let (b, a) = info.split_at(info.len() / 2);
    let (a, b) = (point(a), point(b));
    let error = open(&pairs.discovery(A), &sealed).unwrap_err();
    let found = format!("it was sealed for \"raw-ecdh\" key \"P-256 to {b} from {a}\"");
    let configured = format!("configured are \"raw-ecdh\" key \"P-256 to {a}\"");
    assert_eq!(error.to_string(), format!("no configured key ring can open the item: {found}; {configured}"));
    let error = open(&PAIRS[1].discovery(A), &sealed).unwrap_err();
    assert!(error.to_string().contains(&found), "{error}");
    let aes: Arc<dyn Keyring> = Arc::new(RawAes::new("tests", "key", &[1; 32]).unwrap());
    assert!(open(&aes, &sealed).unwrap_err().to_string().contains(&found));
    for ring in [pairs.fixed(A, B), pairs.ephemeral(A), pairs.discovery(A)] {
        let printed = format!("{ring:?}");
        assert!(!printed.contains("PRIVATE KEY--") && !printed.contains("MI"), "{printed}");
    }
}

/// OpenSSL writes the curve before a key in SEC 1's form; other programs mix the labels up.
#[test]
fn a_key_is_read_with_its_parameters_and_under_each_label() {
    let [p256, ..] = &PAIRS;
    let relabelled = |text: &str, label: &str, other: &str| {
        let text = text.replace(&format!("BEGIN {label}"), &format!("BEGIN {other}"));
        text.replace(&format!("END {label}"), &format!("END {other}"))
    };
    let sec1 = relabelled(SEC1, "EC PRIVATE KEY", "PRIVATE KEY");
    let pkcs8 = relabelled(p256.private[A], "PRIVATE KEY", "EC PRIVATE KEY");
    let rsa = relabelled(p256.private[A], "PRIVATE KEY", "RSA PRIVATE KEY");
    let before = format!("{PARAMETERS}{SEC1}");
    let behind = format!("{}{PARAMETERS}", p256.private[A]);
    for private_pem in [SEC1, &sec1, &pkcs8, &rsa, &before, &behind] {
        let keys = EcdhKeys::Discovery { private_pem };
        RawEcdh::new(Curve::P256, keys).unwrap_or_else(|error| panic!("{error}"));
    }
    let public_pem = &relabelled(p256.public[A], "PUBLIC KEY", "EC PUBLIC KEY");
    RawEcdh::new(Curve::P256, EcdhKeys::Ephemeral { public_pem }).unwrap();
}

const SEC1: &str = include_str!("data/test-ec-private.pem");
const RSA_PKCS1: &str = include_str!("data/test-rsa-private-pkcs1.pem");
const PARAMETERS: &str = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

#[test]
fn settings_are_checked() {
    const RSA: &str = include_str!("data/test-rsa-private-pkcs8.pem");
    const RSA_PUBLIC: &str = include_str!("data/test-rsa-public-spki.pem");
    const ENCRYPTED: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let [p256, p384, _] = &PAIRS;
    let (private, public) = (p256.private[A], p256.public[B]);
    let twice = private.repeat(2);
    let no_curve = "must hold a key of the curve P-256, P-384 or P-521";
    let other_curve = "holds a key of another curve than curve says";
    for (private_pem, public_pem, expected) in [
        ("nothing", public, "private_key_file is not PEM".to_owned()),
        (&twice, public, "private_key_file must hold one key".to_owned()),
        (public, public, "private_key_file holds a public key".to_owned()),
        (ENCRYPTED, public, "private_key_file is encrypted; decrypt it first".to_owned()),
        (RSA, public, "private_key_file holds an RSA key; it must hold an EC key".to_owned()),
        (RSA_PKCS1, public, "private_key_file holds an RSA key; it must hold an EC key".to_owned()),
        (PARAMETERS, public, "private_key_file holds the parameters of a curve and no key".to_owned()),
        (CERTIFICATE, public, "private_key_file holds a certificate; it must hold a key".to_owned()),
        (p384.private[A], public, format!("private_key_file {other_curve}")),
        (private, "", "public_key_file is not PEM".to_owned()),
        (private, private, "public_key_file holds a private key; it must hold the public one".to_owned()),
        (private, RSA_PUBLIC, "public_key_file holds an RSA key; it must hold an EC key".to_owned()),
        (private, p384.public[B], format!("public_key_file {other_curve}")),
        (private, &pem_of_a_bare_point(), format!("public_key_file {no_curve}")),
    ] {
        let error = RawEcdh::new(Curve::P256, EcdhKeys::Static { private_pem, public_pem }).unwrap_err();
        assert_eq!(error.to_string(), format!("raw-ecdh: {expected}"));
        assert_eq!((error.code(), error.kind()), ("DSL-5101", Kind::Config));
    }
    for curve in Curve::ALL {
        assert_eq!(Curve::from_name(curve.name()), Some(curve));
    }
    assert_eq!(Curve::from_name("p256"), None);
}

/// A valid point, but without the structure that says what it is.
fn pem_of_a_bare_point() -> String {
    let info = seal(&PAIRS[0].fixed(A, B)).unwrap().provider_info;
    let point = base64_simd::STANDARD.encode_to_string(&info[5..38]);
    format!("-----BEGIN PUBLIC KEY-----\n{point}\n-----END PUBLIC KEY-----\n")
}

fn seal(ring: &Arc<dyn Keyring>) -> Result<EncryptedDataKey<'static>, Error> {
    seal_all(ring).map(|mut sealed| sealed.remove(0))
}

fn seal_all(ring: &Arc<dyn Keyring>) -> Result<Vec<EncryptedDataKey<'static>>, Error> {
    let (clock, provider) = (FixedClock::default(), Provider::new(ring.clone()));
    let keys = pollster::block_on(provider.seal_keys(Suite::Hmac, &Context::new(), offline(&clock)))?;
    Ok(keys.wrapped.into_iter().map(|(data_key, _)| data_key).collect())
}

fn open(ring: &Arc<dyn Keyring>, data_key: &EncryptedDataKey<'_>) -> Result<OpenKeys, Error> {
    let (clock, provider) = (FixedClock::default(), Provider::new(ring.clone()));
    let data_keys = std::slice::from_ref(data_key);
    pollster::block_on(provider.open_keys(Suite::Hmac, data_keys, &Context::new(), offline(&clock)))
}
