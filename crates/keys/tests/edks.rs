//! Known answers: single data keys that others wrapped. One file is ours, made by the format's Python reference; the other is
//! AWS's and stays outside this repository, and where it is absent its test says so and stops.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of a test may stop it; clippy excuses only the test functions themselves"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use dynaseal_item::{Context, EncryptedDataKey, PUBLIC_KEY, Suite};
use dynaseal_keys::testing::{FixedClock, offline};
use dynaseal_keys::{
    BranchKeyFile, BranchKeyId, CacheOptions, Curve, EcdhKeys, Hierarchical, Keyring, Padding, Provider, RawAes,
    RawEcdh, RawRsa,
};
use serde_json::Value as Json;

/// Catches what a round trip cannot: a mistake that wrapping and unwrapping share.
#[test]
fn of_every_ring_made_by_the_reference() {
    let file: Json = serde_json::from_str(include_str!("data/encrypted-data-keys.json")).unwrap();
    let cases = file["cases"].as_array().unwrap();
    for case in cases {
        opens(case, ring(&case["ring"]), bytes(&case["provider_id"]));
    }
    assert_eq!(cases.len(), 2 * (3 + 5 + 1 + 3 * 3));
}

#[test]
fn of_raw_aes_and_raw_ecdh_made_by_awss_python_package() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors/kat_edks.json");
    let Ok(text) = std::fs::read_to_string(path) else {
        println!("skipped: kat_edks.json is not there");
        return;
    };
    let file: Json = serde_json::from_str(&text).unwrap();
    let cases = file["cases"].as_array().unwrap();
    for case in cases {
        opens(case, ring(&case["keyring"]), text_of(&case["provider_id"]).as_bytes().to_vec());
    }
    assert_eq!(cases.len(), 1 + 3 * 2 * 2);
}

/// The case's entry opens to its data key and tag key.
fn opens(case: &Json, ring: Arc<dyn Keyring>, provider_id: Vec<u8>) {
    let data_key = EncryptedDataKey {
        provider_id: provider_id.into(),
        provider_info: bytes(&case["provider_info"]).into(),
        ciphertext: bytes(&case["ciphertext"]).into(),
    };
    let pairs = case["context"].as_object().unwrap().iter();
    let context: Context = pairs.map(|(key, value)| (key.clone(), text_of(value).to_owned())).collect();
    let suite = if context.get(PUBLIC_KEY).is_some() { Suite::EcdsaP384 } else { Suite::Hmac };
    let (clock, provider) = (FixedClock::default(), Provider::new(ring));
    let opened = pollster::block_on(provider.open_keys(suite, &[data_key], &context, offline(&clock)));
    let opened = opened.unwrap_or_else(|error| panic!("{case}: {error}"));
    assert_eq!(opened.data_key.expose().as_slice(), bytes(&case["data_key"]));
    assert_eq!(opened.tag_key.expose().as_slice(), bytes(&case["tag_key"]));
}

fn ring(ring: &Json) -> Arc<dyn Keyring> {
    let text = |field: &str| text_of(&ring[field]);
    match text("type") {
        "raw-aes" => Arc::new(RawAes::new(text("namespace"), text("name"), &bytes(&ring["key"])).unwrap()),
        "raw-rsa" => {
            let (padding, pem) = (Padding::from_name(text("padding")), include_str!("data/test-rsa-private-pkcs8.pem"));
            Arc::new(RawRsa::new(text("namespace"), text("name"), padding.unwrap(), Some(pem), None).unwrap())
        }
        "raw-ecdh" => {
            let curve = text("curve").strip_prefix("ECC_NIST_P").map(|size| format!("P-{size}")).unwrap();
            let private_pem = text("private_pem");
            let keys = match ring.get("peer_public_pem") {
                Some(public) => EcdhKeys::Static { private_pem, public_pem: text_of(public) },
                None => EcdhKeys::Discovery { private_pem },
            };
            Arc::new(RawEcdh::new(Curve::from_name(&curve).unwrap(), keys).unwrap())
        }
        "hierarchy" => {
            let mut file = ring.clone();
            file.as_object_mut().unwrap().remove("type");
            let store = Arc::new(BranchKeyFile::parse(&file.to_string()).unwrap());
            let id = BranchKeyId::Fixed(text("branch_key_id").to_owned());
            Arc::new(Hierarchical::new(store, id, CacheOptions::new(Duration::from_secs(1))).unwrap())
        }
        other => panic!("a key ring this test does not know: {other}"),
    }
}

fn text_of(json: &Json) -> &str {
    json.as_str().unwrap()
}

fn bytes(json: &Json) -> Vec<u8> {
    base64_simd::STANDARD.decode_to_vec(text_of(json)).unwrap()
}
