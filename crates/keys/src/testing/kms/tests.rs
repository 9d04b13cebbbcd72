//! What moto cannot be asked, or says differently. The rest is in the gateway's `tests/moto.rs`.

use super::*;

const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/11111111-1111-4111-8111-111111111111";
const MRK: &str = "arn:aws:kms:eu-west-1:111122223333:key/mrk-33333333333343338333333333333333";
const REPLICA: &str = "arn:aws:kms:us-east-1:111122223333:key/mrk-33333333333343338333333333333333";

fn kms() -> FakeKms {
    let kms = [KEY, MRK, REPLICA].into_iter().fold(FakeKms::default(), FakeKms::with_key);
    kms.set_alias("alias/app", KEY);
    kms
}

/// The answer, or the name of the error.
fn call(kms: &FakeKms, region: Option<&str>, operation: &'static str, body: &Value) -> Result<Value, String> {
    let call = Call::new(Service::Kms, operation, body.to_string().into_bytes()).in_region(region);
    let answer = pollster::block_on(kms.send(call)).unwrap();
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    if answer.ok() { Ok(body) } else { Err(body["__type"].as_str().unwrap().to_owned()) }
}

fn generated(kms: &FakeKms, region: Option<&str>, key: &str) -> Result<Value, String> {
    call(kms, region, "GenerateDataKey", &json!({ "KeyId": key, "NumberOfBytes": 32, "GrantTokens": ["a", "b"] }))
}

#[test]
fn a_key_has_many_names_and_grant_tokens_are_taken() {
    let kms = kms();
    let alias = "arn:aws:kms:eu-west-1:111122223333:alias/app";
    for name in [KEY, "11111111-1111-4111-8111-111111111111", "alias/app", alias] {
        assert_eq!(generated(&kms, None, name).unwrap()["KeyId"], KEY, "{name}");
    }
    let elsewhere = [alias.replace("eu-west-1", "us-east-1"), alias.replace("111122223333", "444455556666")];
    for name in elsewhere.iter().map(String::as_str).chain(["alias/none", "1111", "arn:aws:kms:eu-west-1:1:key/x"]) {
        assert_eq!(generated(&kms, None, name).unwrap_err(), "NotFoundException", "{name}");
    }
}

#[test]
fn a_key_is_found_in_its_region_alone() {
    let kms = kms();
    for (region, name) in [("eu-west-1", KEY), ("eu-west-1", MRK), ("us-east-1", REPLICA), ("eu-west-1", "alias/app")] {
        assert!(generated(&kms, Some(region), name).is_ok(), "{name} in {region}");
    }
    for (region, name) in [("us-east-1", KEY), ("us-east-1", MRK), ("eu-west-1", REPLICA)] {
        assert_eq!(generated(&kms, Some(region), name).unwrap_err(), "NotFoundException", "{name} in {region}");
    }
}

#[test]
fn replicas_share_their_material() {
    let kms = kms();
    let blob = generated(&kms, None, MRK).unwrap()["CiphertextBlob"].clone();
    let open = |key: &str| call(&kms, None, "Decrypt", &json!({ "KeyId": key, "CiphertextBlob": blob }));
    assert_eq!(open(REPLICA).unwrap()["Plaintext"], open(MRK).unwrap()["Plaintext"]);
    assert_eq!(open(KEY).unwrap_err(), "IncorrectKeyException");
}

#[test]
fn a_key_that_cannot_be_used_opens_nothing() {
    let kms = kms();
    let blob = generated(&kms, None, KEY).unwrap()["CiphertextBlob"].clone();
    for (state, error) in
        [(KeyState::Disabled, "DisabledException"), (KeyState::PendingDeletion, "KMSInvalidStateException")]
    {
        kms.set_state(KEY, state);
        for body in [json!({ "KeyId": KEY, "CiphertextBlob": blob }), json!({ "CiphertextBlob": blob })] {
            assert_eq!(call(&kms, None, "Decrypt", &body).unwrap_err(), error);
        }
    }
    kms.set_state(KEY, KeyState::Enabled);
    assert!(call(&kms, None, "Decrypt", &json!({ "KeyId": KEY, "CiphertextBlob": blob })).is_ok());
}

#[test]
fn trouble_comes_as_often_as_it_was_ordered() {
    let kms = kms();
    kms.trouble(Trouble::Throttle, Some("GenerateDataKey"), 2);
    assert!(call(&kms, None, "DescribeKey", &json!({ "KeyId": KEY })).is_ok());
    for _ in 0..2 {
        assert_eq!(generated(&kms, None, KEY).unwrap_err(), "ThrottlingException");
    }
    assert!(generated(&kms, None, KEY).is_ok());
    kms.trouble(Trouble::AccessDenied, None, usize::MAX);
    assert_eq!(generated(&kms, None, KEY).unwrap_err(), "AccessDeniedException");
    kms.calm();
    assert!(generated(&kms, None, KEY).is_ok());
    assert_eq!((kms.count("GenerateDataKey"), kms.count("DescribeKey")), (5, 1));
}

#[test]
fn a_policy_allows_operations_keys_and_contexts() {
    let kms = kms();
    let own = Allow::operations(&["GenerateDataKey", "ReEncrypt"]).on(&[KEY]).bound_to("t", "branch:*");
    kms.allow_only([own, Allow::operations(&["DescribeKey"])]);
    let ask = |key: &str, context: &Value| {
        let body = json!({ "KeyId": key, "NumberOfBytes": 32, "EncryptionContext": context });
        call(&kms, None, "GenerateDataKey", &body)
    };
    let blob = ask(KEY, &json!({ "t": "branch:ACTIVE", "more": "x" })).unwrap()["CiphertextBlob"].clone();
    for (key, context) in [(MRK, json!({ "t": "branch:x" })), (KEY, json!({ "t": "beacon:x" })), (KEY, json!({}))] {
        assert_eq!(ask(key, &context).unwrap_err(), "AccessDeniedException", "{key} {context}");
    }
    // Each side of a ReEncrypt counts.
    let moved = |to: &str, context: Value| {
        let from = json!({ "t": "branch:ACTIVE", "more": "x" });
        let body = json!({
            "CiphertextBlob": blob, "SourceKeyId": KEY, "SourceEncryptionContext": from,
            "DestinationKeyId": to, "DestinationEncryptionContext": context,
        });
        call(&kms, None, "ReEncrypt", &body)
    };
    assert!(moved(KEY, json!({ "t": "branch:y" })).is_ok());
    for (to, context) in [(MRK, json!({ "t": "branch:y" })), (KEY, json!({ "t": "x" }))] {
        assert_eq!(moved(to, context).unwrap_err(), "AccessDeniedException");
    }
    assert!(call(&kms, None, "DescribeKey", &json!({ "KeyId": MRK })).is_ok());
    assert_eq!(call(&kms, None, "Encrypt", &json!({ "KeyId": KEY })).unwrap_err(), "AccessDeniedException");
}
