//! What several targets share: one small sealed item under fixed keys, the same bytes in every run.

mod engine;
mod json;

use std::borrow::Cow;

use dynaseal_item::{
    Action, DataKey, Draft, EncryptedDataKey, Item, OpenKeys, PUBLIC_KEY, Schema, SchemaSpec, SealKeys, SigningKey,
    Suite, TagKey, Value,
};

pub use engine::{TABLE, engine, ready};
pub use json::Json;

/// The schema of [`sealed`].
pub fn schema(suite: Suite) -> Schema {
    SchemaSpec {
        logical_name: "Fuzz".into(),
        partition_key: "id".into(),
        actions: vec![
            ("id".into(), Action::SignOnly),
            ("kind".into(), Action::SignOnly),
            ("secret".into(), Action::EncryptAndSign),
            ("tags".into(), Action::EncryptAndSign),
        ],
        unsigned: vec!["views".into()],
        suite,
        ..SchemaSpec::default()
    }
    .build()
    .expect("a valid schema")
}

/// The plaintext of [`sealed`].
pub fn plain() -> Item<'static> {
    let mut item = Item::new();
    item.insert("id", Value::S("1".into()));
    item.insert("kind", Value::N("7".into()));
    item.insert("secret", Value::S("attack at dawn".into()));
    item.insert("tags", Value::Ss(vec!["a".into(), "b".into()]));
    item.insert("views", Value::N("0".into()));
    item
}

/// One item sealed for two recipients. With the hmac suite it is the same in every run.
pub fn sealed(suite: Suite) -> Item<'static> {
    let schema = schema(suite);
    let draft = Draft::new(&schema, plain()).expect("a valid item");
    let mut context = draft.context().clone();
    let signing_key = suite.signs().then(|| SigningKey::generate().expect("randomness"));
    if let Some(key) = &signing_key {
        context.insert(PUBLIC_KEY, key.public_key().expect("a public key"));
    }
    let wrapped = vec![recipient("first", TEST_TAG_KEY), recipient("second", [0x33; 32])];
    let keys = SealKeys { data_key: DataKey::new(TEST_DATA_KEY), wrapped, context, signing_key };
    draft.seal(keys, &[0x44; 32]).expect("a sealed item")
}

/// What the first recipient's key ring would find.
pub fn open_keys() -> OpenKeys {
    OpenKeys { data_key: DataKey::new(TEST_DATA_KEY), tag_key: TagKey::new(TEST_TAG_KEY) }
}

/// The bytes of a binary attribute.
pub fn binary<'i>(item: &'i Item<'_>, name: &str) -> &'i [u8] {
    match item.get(name) {
        Some(Value::B(bytes)) => bytes,
        _ => panic!("{name} is binary"),
    }
}

fn recipient(name: &'static str, tag_key: [u8; 32]) -> (EncryptedDataKey<'static>, TagKey) {
    let part = |text: &'static str| Cow::Borrowed(text.as_bytes());
    let key = EncryptedDataKey { provider_id: part("fuzz"), provider_info: part(name), ciphertext: part("wrapped") };
    (key, TagKey::new(tag_key))
}

/// Test keys: they protect nothing.
const TEST_DATA_KEY: [u8; 32] = [0x11; 32];
const TEST_TAG_KEY: [u8; 32] = [0x22; 32];
