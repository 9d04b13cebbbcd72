//! Single data keys that AWS's Python package wrapped. The file is AWS's and stays outside this repository; where it is
//! absent the test says so and stops.

use std::path::Path;
use std::sync::Arc;

use dynaseal_item::{Context, EncryptedDataKey, Suite};
use dynaseal_keys::testing::{FixedClock, offline};
use dynaseal_keys::{Provider, RawAes};
use serde_json::Value as Json;

#[test]
fn raw_aes_data_keys_open() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors/kat_edks.json");
    let Ok(text) = std::fs::read_to_string(path) else {
        println!("skipped: kat_edks.json is not there");
        return;
    };
    let text: Json = serde_json::from_str(&text).unwrap();
    let bytes = |json: &Json| base64_simd::STANDARD.decode_to_vec(json.as_str().unwrap()).unwrap();
    let cases = text["cases"].as_array().unwrap().iter().filter(|case| case["keyring"]["type"] == "raw-aes");
    let mut opened = 0;
    for case in cases {
        let text = |field: &str| case["keyring"][field].as_str().unwrap();
        let ring = RawAes::new(text("namespace"), text("name"), &bytes(&case["keyring"]["key"])).unwrap();
        let data_key = EncryptedDataKey {
            provider_id: case["provider_id"].as_str().unwrap().as_bytes().into(),
            provider_info: bytes(&case["provider_info"]).into(),
            ciphertext: bytes(&case["ciphertext"]).into(),
        };
        let context = case["context"].as_object().unwrap().iter();
        let context: Context = context.map(|(key, value)| (key.clone(), value.as_str().unwrap().to_owned())).collect();
        let suite = if context.get(dynaseal_item::PUBLIC_KEY).is_some() { Suite::EcdsaP384 } else { Suite::Hmac };
        let clock = FixedClock::default();
        let provider = Provider::new(Arc::new(ring));
        let keys = pollster::block_on(provider.open_keys(suite, &[data_key], &context, offline(&clock))).unwrap();
        assert_eq!(keys.data_key.expose().as_slice(), bytes(&case["data_key"]));
        assert_eq!(keys.tag_key.expose().as_slice(), bytes(&case["tag_key"]));
        opened += 1;
    }
    assert!(opened > 0);
}
