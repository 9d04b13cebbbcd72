//! The AWS KMS key rings: which data keys each takes for its own, what it asks KMS, and what it makes of the answer.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "the helpers of a test may stop it")]

#[path = "support/kms.rs"]
mod world;

use std::borrow::Cow;
use std::sync::Arc;

use dynaseal_item::{Context, EncryptedDataKey, Kind};
use dynaseal_keys::testing::{KeyState, Trouble};
use dynaseal_keys::{AtMost, AwsKmsRing, Error, KeyName, Keyring, KmsError, Multi, Service, WireError};
use serde_json::{Value as Json, json};

use world::{ALIAS, KEY, MRK, OTHER, REPLICA, Seen, aes, discovery, keys, mrk, mrk_discovery, of, single};

#[test]
fn one_call_seals_and_one_opens() {
    let (kms, ring) = (Seen::new(), single(KEY));
    let sealed = kms.seal(&ring).unwrap();
    assert_eq!((&*sealed[0].provider_id, &*sealed[0].provider_info), (&b"aws-kms"[..], KEY.as_bytes()));
    kms.open(&ring, &sealed).unwrap();

    let bound = json!({ "aws-crypto-table-name": "Users", "tenant": "é" });
    let blob = base64_simd::STANDARD.encode_to_string(&sealed[0].ciphertext[48..]);
    let expected = [
        ("GenerateDataKey", json!({ "KeyId": KEY, "NumberOfBytes": 32, "EncryptionContext": bound })),
        ("Decrypt", json!({ "KeyId": KEY, "CiphertextBlob": blob, "EncryptionContext": bound })),
    ];
    let calls = kms.calls();
    assert_eq!(calls.len(), 2);
    for ((call, body), (operation, expected)) in calls.iter().zip(&expected) {
        assert_eq!((&*call.operation, call.region.as_deref(), body), (*operation, Some("eu-west-1"), expected));
    }
}

#[test]
fn grant_tokens_go_with_every_call() {
    let ring = AwsKmsRing::single(KEY, vec!["one".into(), "two".into()]).unwrap();
    let (kms, ring) = (Seen::new(), Arc::new(ring) as Arc<dyn Keyring>);
    let sealed = kms.seal(&ring).unwrap();
    kms.open(&ring, &sealed).unwrap();
    assert!(kms.calls().iter().all(|(_, body)| body["GrantTokens"] == json!(["one", "two"])));
}

#[test]
fn the_context_must_be_the_one_it_was_sealed_with() {
    let (kms, ring) = (Seen::new(), single(KEY));
    let sealed = kms.seal(&ring).unwrap();
    for other in [vec![], vec![("tenant", "é")], vec![("aws-crypto-table-name", "Users"), ("tenant", "e")]] {
        let error = kms.open_bound(&ring, &sealed, &of(&other)).unwrap_err();
        assert_eq!((error.code(), error.kind()), ("DSL-4108", Kind::Keys), "{error}");
    }
    // Without any context KMS is told of none.
    let sealed = kms.seal_bound(&ring, &Context::new()).unwrap();
    kms.open_bound(&ring, &sealed, &Context::new()).unwrap();
    assert!(kms.calls().last().unwrap().1.get("EncryptionContext").is_none());
}

#[test]
fn an_alias_only_seals() {
    let kms = Seen::new();
    for (name, region) in
        [(ALIAS, Some("eu-west-1")), ("alias/app", None), ("11111111-1111-4111-8111-111111111111", None)]
    {
        let ring = single(name);
        let sealed = kms.seal(&ring).unwrap();
        assert_eq!(&*sealed[0].provider_info, KEY.as_bytes());
        let calls = kms.calls();
        assert_eq!((calls[0].0.region.as_deref(), calls[0].1["KeyId"].as_str()), (region, Some(name)));

        let error = kms.open(&ring, &sealed).unwrap_err();
        assert_eq!((error.code(), error.kind()), ("DSL-4007", Kind::Keys));
        assert_eq!(
            error.to_string(),
            format!(
                "the key ring \"aws-kms\" key \"{name}\" can only seal items: its key is not configured by its ARN, and \
                 items name keys by ARN"
            )
        );
        assert!(kms.calls().is_empty());
        kms.open(&single(KEY), &sealed).unwrap();
        kms.calls();
        // What other rings sealed is not its own even so.
        let foreign = kms.seal(&aes()).unwrap();
        assert_eq!(kms.open(&ring, &foreign).unwrap_err().code(), "DSL-4001");
    }
}

#[test]
fn other_keys_are_left_alone() {
    let kms = Seen::new();
    let sealed = kms.seal(&single(OTHER)).unwrap();
    kms.calls();
    let elsewhere = KEY.replace("eu-west-1", "us-east-1");
    for ring in [single(KEY), mrk(KEY, None), mrk(MRK, None), single(MRK), single(&elsewhere)] {
        assert_eq!(kms.open(&ring, &sealed).unwrap_err().code(), "DSL-4001");
    }
    let sealed = kms.seal(&single(KEY)).unwrap();
    kms.calls();
    // Without replicas a key of the same id in another Region or account is another key.
    for ring in [single(&elsewhere), mrk(&elsewhere, None), mrk(&KEY.replace("1111222", "4444555"), None)] {
        assert_eq!(kms.open(&ring, &sealed).unwrap_err().code(), "DSL-4001");
    }
    assert!(kms.calls().is_empty());
}

#[test]
fn replicas_open_what_any_of_them_sealed() {
    let kms = Seen::new();
    let (here, there) = (mrk(MRK, None), mrk(MRK, Some("us-east-1")));
    for (ring, arn, region) in [(&here, MRK, "eu-west-1"), (&there, REPLICA, "us-east-1")] {
        let sealed = kms.seal(ring).unwrap();
        assert_eq!(&*sealed[0].provider_info, arn.as_bytes());
        kms.calls();
        kms.open(&here, &sealed).unwrap();
        kms.open(&there, &sealed).unwrap();
        let asked: Vec<_> = kms.calls().into_iter().map(|(call, body)| (call.region, body["KeyId"].clone())).collect();
        assert_eq!(asked, [(Some("eu-west-1".into()), json!(MRK)), (Some("us-east-1".into()), json!(REPLICA))]);
        // A ring that knows nothing of replicas takes its own ARN only.
        assert!(kms.open(&single(arn), &sealed).is_ok(), "{region}");
        let other = if arn == MRK { REPLICA } else { MRK };
        assert_eq!(kms.open(&single(other), &sealed).unwrap_err().code(), "DSL-4001");
    }
    let sealed = kms.seal(&here).unwrap();
    for (from, to) in [("111122223333", "444455556666"), ("arn:aws:", "arn:aws-cn:"), ("mrk-3", "mrk-4")] {
        let error = kms.open(&mrk(&MRK.replace(from, to), None), &sealed).unwrap_err();
        assert_eq!(error.code(), "DSL-4001", "{to}");
    }
}

#[test]
fn discovery_opens_what_its_accounts_sealed() {
    let kms = Seen::new();
    let sealed = kms.seal(&single(KEY)).unwrap();
    kms.calls();
    for ring in
        [discovery("aws", &["111122223333"], &[]), discovery("aws", &["444455556666", "111122223333"], &["eu-west-1"])]
    {
        kms.open(&ring, &sealed).unwrap();
        let calls = kms.calls();
        assert_eq!(
            (calls.len(), calls[0].0.region.as_deref(), calls[0].1["KeyId"].as_str()),
            (1, Some("eu-west-1"), Some(KEY))
        );
    }
    let refusing = [
        discovery("aws-cn", &["111122223333"], &[]),
        discovery("aws", &["444455556666"], &[]),
        discovery("aws", &["111122223333"], &["us-east-1", "eu-west-2"]),
        mrk_discovery("aws-cn", &["111122223333"], &["eu-west-1"]),
        mrk_discovery("aws", &["444455556666"], &["eu-west-1"]),
        mrk_discovery("aws", &["111122223333"], &["us-east-1"]),
    ];
    for ring in refusing {
        let error = kms.open(&ring, &sealed).unwrap_err();
        assert_eq!(error.code(), "DSL-4001", "{ring:?}");
        assert!(error.to_string().contains("configured are \"aws-kms\" key \"<any key of aws"), "{error}");
    }
    assert!(kms.calls().is_empty(), "a key of another account or Region is never asked");
}

#[test]
fn discovery_of_replicas_calls_only_its_regions() {
    let kms = Seen::new();
    let sealed = kms.seal(&single(MRK)).unwrap();
    kms.calls();
    // There is no replica in ap-south-1, so the next Region is asked.
    let ring = mrk_discovery("aws", &["111122223333"], &["ap-south-1", "us-east-1", "eu-west-1"]);
    kms.open(&ring, &sealed).unwrap();
    let asked: Vec<_> =
        kms.calls().into_iter().map(|(call, body)| (call.region.unwrap(), body["KeyId"].clone())).collect();
    let expected = [
        ("ap-south-1".to_owned(), json!(MRK.replace("eu-west-1", "ap-south-1"))),
        ("us-east-1".to_owned(), json!(REPLICA)),
    ];
    assert_eq!(asked, expected);
    // A key without replicas is asked where it is.
    let sealed = kms.seal(&single(KEY)).unwrap();
    kms.calls();
    kms.open(&ring, &sealed).unwrap();
    assert_eq!(kms.calls()[0].1["KeyId"], KEY);
    // Without replicas in mind, the Region of the ARN decides.
    let sealed = kms.seal(&single(MRK)).unwrap();
    assert_eq!(kms.open(&discovery("aws", &["111122223333"], &["us-east-1"]), &sealed).unwrap_err().code(), "DSL-4001");
}

#[test]
fn discovery_cannot_seal() {
    let kms = Seen::new();
    for ring in [discovery("aws", &["111122223333"], &[]), mrk_discovery("aws", &["111122223333"], &["eu-west-1"])] {
        let error = kms.seal(&ring).unwrap_err();
        assert_eq!((error.code(), error.kind(), ring.seals()), ("DSL-4014", Kind::Keys, false));
        // Beside a ring that can, it is for reading.
        let multi: Arc<dyn Keyring> = Arc::new(Multi::new(Some(single(KEY)), vec![ring.clone()]).unwrap());
        assert_eq!(kms.seal(&multi).unwrap().len(), 1);
        kms.open(&multi, &kms.seal(&single(OTHER)).unwrap()).unwrap();
    }
}

#[test]
fn an_entry_that_names_no_key_is_an_error() {
    let kms = Seen::new();
    let sealed = kms.seal(&single(KEY)).unwrap();
    kms.calls();
    let named = |info: &[u8]| EncryptedDataKey { provider_info: Cow::Owned(info.to_vec()), ..sealed[0].clone() };
    let rings = [
        single(KEY),
        mrk(MRK, None),
        discovery("aws", &["111122223333"], &[]),
        mrk_discovery("aws", &["111122223333"], &["eu-west-1"]),
    ];
    for info in
        [ALIAS.as_bytes(), b"", b"alias/app", b"\xff", &KEY.as_bytes()[4..], b"arn:aws:kms:eu-west-1:111122223333:key/"]
    {
        for ring in &rings {
            let error = kms.open(ring, &[named(info)]).unwrap_err();
            assert_eq!((error.code(), error.kind()), ("DSL-4004", Kind::Data), "{error}");
            // Also beside one that would open: no ring of KMS writes this.
            assert_eq!(kms.open(ring, &[sealed[0].clone(), named(info)]).unwrap_err().code(), "DSL-4004");
        }
    }
    assert!(kms.calls().is_empty());
    // Of another provider it may say what it likes.
    let foreign = EncryptedDataKey { provider_id: Cow::Borrowed(b"aws-kms-else"), ..named(b"x") };
    kms.open(&rings[0], &[foreign, sealed[0].clone()]).unwrap();
}

#[test]
fn data_keys_are_tried_in_order_until_one_opens() {
    let (kms, ring) = (Seen::new(), discovery("aws", &["111122223333"], &[]));
    let (first, second) = (kms.seal(&single(KEY)).unwrap().remove(0), kms.seal(&single(OTHER)).unwrap().remove(0));
    kms.calls();
    let both = [first.clone(), second.clone()];
    let asked = |kms: &Seen| {
        kms.calls().into_iter().map(|(_, body)| body["KeyId"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    kms.open(&ring, &both).unwrap();
    assert_eq!(asked(&kms), [KEY]);
    kms.fake.set_state(KEY, KeyState::Disabled);
    kms.open(&ring, &both).unwrap();
    assert_eq!(asked(&kms), [KEY, OTHER]);
    kms.fake.set_state(OTHER, KeyState::PendingDeletion);
    let error = kms.open(&ring, &both).unwrap_err();
    assert_eq!((error.code(), error.kind()), ("DSL-4002", Kind::Keys));
    let Error::Several { errors } = error else { unreachable!() };
    assert_eq!(errors.iter().map(Error::code).collect::<Vec<_>>(), ["DSL-4106", "DSL-4107"]);
    // One that is broken in itself is no reason not to try the next.
    kms.fake.set_state(OTHER, KeyState::Enabled);
    kms.calls();
    let short = EncryptedDataKey { ciphertext: Cow::Owned(first.ciphertext[..48].to_vec()), ..first };
    kms.open(&ring, &[short, second]).unwrap();
    assert_eq!(asked(&kms), [OTHER]);
}

#[test]
fn failures_say_what_they_are_and_nothing_is_tried_again() {
    let (kms, ring) = (Seen::new(), single(KEY));
    let sealed = kms.seal(&ring).unwrap();
    kms.calls();
    let cases = [
        (Trouble::Throttle, "DSL-4101", Kind::Outage),
        (Trouble::Internal, "DSL-4102", Kind::Outage),
        (Trouble::AccessDenied, "DSL-4103", Kind::Keys),
        (Trouble::Down(WireError::Timeout), "DSL-4112", Kind::Outage),
        (Trouble::Garbage, "DSL-4113", Kind::Internal),
    ];
    for (trouble, code, kind) in cases {
        kms.fake.trouble(trouble, None, 2);
        let (sealing, opening) = (kms.seal(&ring).unwrap_err(), kms.open(&ring, &sealed).unwrap_err());
        for error in [sealing, opening] {
            assert_eq!((error.code(), error.kind()), (code, kind), "{error}");
            assert!(error.to_string().contains(KEY) && !error.hint().is_empty());
        }
        assert_eq!(kms.calls().len(), 2);
    }
    for (state, code) in [(KeyState::Disabled, "DSL-4106"), (KeyState::PendingDeletion, "DSL-4107")] {
        kms.fake.set_state(KEY, state);
        assert_eq!(kms.seal(&ring).unwrap_err().code(), code);
        assert_eq!(kms.open(&ring, &sealed).unwrap_err().code(), code);
    }
    kms.fake.delete_key(KEY);
    assert_eq!(kms.open(&ring, &sealed).unwrap_err().code(), "DSL-4105");
    // An outage of one is an outage of all: the next try may succeed.
    let both = [sealed[0].clone(), kms.seal(&single(OTHER)).unwrap().remove(0)];
    kms.fake.trouble(Trouble::Throttle, Some("Decrypt"), 2);
    let error = kms.open(&discovery("aws", &["111122223333"], &[]), &both).unwrap_err();
    assert_eq!((error.code(), error.kind()), ("DSL-4002", Kind::Outage));
}

#[test]
fn answers_are_checked() {
    let (genuine, ring) = (Seen::new(), single(KEY));
    let sealed = genuine.seal(&ring).unwrap();
    let short = base64_simd::STANDARD.encode_to_string([7; 31]);
    let long = base64_simd::STANDARD.encode_to_string([7; 33]);
    let both = [
        ("KeyId", json!(OTHER)),
        ("KeyId", json!(REPLICA)),
        ("KeyId", json!(ALIAS)),
        ("KeyId", json!("11111111-1111-4111-8111-111111111111")),
        ("KeyId", Json::Null),
        ("Plaintext", json!(short)),
        ("Plaintext", json!(long)),
        ("Plaintext", json!("")),
        ("Plaintext", json!("not base64")),
        ("Plaintext", Json::Null),
    ];
    for (field, value) in both {
        let kms = genuine.changed(field, value.clone());
        let errors = [kms.seal(&ring).unwrap_err(), kms.open(&ring, &sealed).unwrap_err()];
        for error in errors {
            assert!(matches!(error, Error::Kms(KmsError::Answer { .. })), "{field} {value}: {error}");
            assert!(!error.to_string().contains("BwcH"), "{error}");
        }
    }
    for value in [json!(""), json!("not base64"), Json::Null] {
        assert_eq!(genuine.changed("CiphertextBlob", value).seal(&ring).unwrap_err().code(), "DSL-4113");
    }
    // Another key for the right one: the data key does not open with it.
    let kms = genuine.changed("Plaintext", json!(base64_simd::STANDARD.encode_to_string([7; 32])));
    assert_eq!(kms.open(&ring, &sealed).unwrap_err().code(), "DSL-4003");
}

#[test]
fn settings_are_checked() {
    let field = |ring: Result<AwsKmsRing, Error>| match ring.unwrap_err() {
        Error::Config { ring, field, .. } => format!("{ring} {field}"),
        other => other.to_string(),
    };
    for key in ["", "a b", "arn:aws:s3:eu-west-1:1:key/x", "arn:aws:kms:eu-west-1:1:key"] {
        assert_eq!(field(AwsKmsRing::single(key, vec![])), "aws-kms key_arn");
        assert_eq!(field(AwsKmsRing::multi_region(key, None, vec![])), "aws-kms-mrk key_arn");
    }
    assert_eq!(field(AwsKmsRing::single(KEY, vec![String::new()])), "aws-kms grant_tokens");
    assert_eq!(field(AwsKmsRing::single(KEY, vec!["t".to_owned(); 11])), "aws-kms grant_tokens");
    for (key, region) in [(KEY, "us-east-1"), ("alias/x", "us-east-1"), (MRK, ""), (MRK, "evil.example/")] {
        assert_eq!(field(AwsKmsRing::multi_region(key, Some(region), vec![])), "aws-kms-mrk region");
    }
    let wrong = [
        ("", &["111122223333"][..], &[][..], "partition"),
        ("aws", &[], &[], "accounts"),
        ("aws", &["11112222333"], &[], "accounts"),
        ("aws", &["*"], &[], "accounts"),
        ("aws", &["111122223333"], &["EU"], "regions"),
        ("aws", &["111122223333"], &[""], "regions"),
        ("aws", &["111122223333"], &["eu-west-1", "eu-west-1"], "regions"),
    ];
    for (partition, accounts, regions, name) in wrong {
        let keys = keys(partition, accounts, regions);
        assert_eq!(field(AwsKmsRing::discovery(keys.clone(), vec![])), format!("aws-kms-discovery {name}"));
        assert_eq!(field(AwsKmsRing::multi_region_discovery(keys, vec![])), format!("aws-kms-mrk-discovery {name}"));
    }
    let nowhere = AwsKmsRing::multi_region_discovery(keys("aws", &["111122223333"], &[]), vec![]);
    assert_eq!(field(nowhere), "aws-kms-mrk-discovery regions");
}

/// Spec: `framework/aws-kms/aws-kms-mrk-are-unique.md#implementation`.
#[test]
fn a_multi_ring_has_one_ring_for_each_multi_region_key() {
    let new = |rings: &[&Arc<dyn Keyring>]| Multi::new(None, rings.iter().map(|&ring| ring.clone()).collect());
    let (first, replica) = (mrk(MRK, None), mrk(REPLICA, None));
    let (_, bare) = MRK.split_once("key/").unwrap();
    let moved = mrk(MRK, Some("us-east-1"));
    let nested: Arc<dyn Keyring> = Arc::new(new(&[&aes(), &replica]).unwrap());
    for (rings, expected) in [
        (vec![&first, &replica], vec![(0, MRK), (1, REPLICA)]),
        (vec![&first, &aes(), &first], vec![(0, MRK), (2, MRK)]),
        (vec![&first, &moved], vec![(0, MRK), (1, REPLICA)]),
        (vec![&nested, &first], vec![(0, REPLICA), (1, MRK)]),
        (vec![&mrk(bare, None), &first, &moved], vec![(0, bare), (1, MRK), (2, REPLICA)]),
    ] {
        let (places, keys) = expected.into_iter().map(|(place, key)| (place, KeyName::new("aws-kms", key))).unzip();
        let error = new(&rings).unwrap_err();
        assert_eq!((&error, error.code(), error.kind()), (&Error::Replicas { keys, places }, "DSL-5103", Kind::Config));
    }
    // Every one that is there twice is named, and nothing else.
    let second = MRK.replace("mrk-3", "mrk-4");
    let other = second.replace("eu-west-1", "us-east-1");
    let error = new(&[&first, &mrk(&second, None), &mrk(KEY, None), &replica, &mrk(&other, None)]).unwrap_err();
    let text = error.to_string();
    assert!([MRK, REPLICA, &second, &other].iter().all(|key| text.contains(*key)) && !text.contains(KEY), "{text}");

    // A ring that opens with its own key alone, or with any, is no second one; nor are keys that have no replicas.
    let (any, alone) = (mrk_discovery("aws", &["111122223333"], &["us-east-1"]), single(REPLICA));
    new(&[&first, &alone, &single(MRK), &any, &mrk(KEY, None), &mrk(KEY, None), &mrk(&second, None)]).unwrap();
}

#[test]
fn only_kms_is_needed() {
    let multi = Multi::new(None, vec![aes(), single(KEY)]).unwrap();
    assert!(multi.needs(Service::Kms) && !multi.needs(Service::DynamoDb) && !aes().needs(Service::Kms));
}

/// Whoever writes to the table can put 255 data keys into one item that name the configured key, and each could cost a call.
#[test]
fn an_item_with_many_data_keys_of_the_ring_costs_no_call() {
    let kms = Seen::new();
    let planted = |key: &str, count: usize| {
        let data_key = EncryptedDataKey {
            provider_id: Cow::Borrowed(b"aws-kms"),
            provider_info: Cow::Owned(key.as_bytes().to_vec()),
            ciphertext: Cow::Owned(vec![7; 200]),
        };
        vec![data_key; count]
    };
    let at_most = |ring, most| Arc::new(AtMost::new(ring, most)) as Arc<dyn Keyring>;
    let any = || discovery("aws", &["111122223333"], &[]);
    let both = Multi::new(Some(single(KEY)), vec![single(OTHER)]).unwrap();
    for (ring, most) in [
        (single(KEY), 3),
        (mrk(MRK, None), 3),
        (any(), 10),
        (mrk_discovery("aws", &["111122223333"], &["eu-west-1"]), 10),
        (at_most(single(KEY), 1), 1),
        (at_most(any(), 254), 254),
        (Arc::new(both) as Arc<dyn Keyring>, 3),
    ] {
        let key = if ring.multi_region_keys().is_empty() { KEY } else { MRK };
        for count in [most + 1, 255] {
            let error = kms.open(&ring, &planted(key, count)).unwrap_err();
            assert_eq!((error.code(), error.kind()), ("DSL-4017", Kind::Data), "{error}");
            assert!(error.to_string().contains(&format!("more than {most} encrypted data keys")), "{error}");
            assert!(kms.calls().is_empty(), "{ring:?}");
        }
        // As many as may be are tried, and those of other keys count for nothing.
        let mut data_keys =
            [planted("arn:aws:kms:eu-west-1:999999999999:key/a", 255 - most), planted(key, most)].concat();
        kms.open(&ring, &data_keys).unwrap_err();
        assert!((most..=most * 2).contains(&kms.calls().len()), "{ring:?}");
        let opens = data_keys.len() - 1;
        data_keys[opens] = kms.seal(&single(key)).unwrap().remove(0);
        kms.open(&ring, &data_keys).unwrap();
        kms.calls();
    }
}
