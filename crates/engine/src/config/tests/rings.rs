//! The key types that read files.

use super::*;
use dynaseal_keys::Service;

const PRIVATE: &str = include_str!("../../../../keys/tests/data/test-rsa-private-pkcs8.pem");
const PUBLIC: &str = include_str!("../../../../keys/tests/data/test-rsa-public-spki.pem");
const OTHER: &str = include_str!("../../../../keys/tests/data/test-rsa-public-other.pem");
const EC_PRIVATE: &str = include_str!("../../../../keys/tests/data/test-ec-p256-a-private.pem");
const EC_OWN_PUBLIC: &str = include_str!("../../../../keys/tests/data/test-ec-p256-a-public.pem");
const EC_PUBLIC: &str = include_str!("../../../../keys/tests/data/test-ec-p256-b-public.pem");
/// A test key.
const BRANCH: &str = r#"{
  "branch_key_id": "tenant-1",
  "active_version": "6f3bcd5e-5c1f-4c0c-9d0b-0d2c3f1f7a11",
  "versions": { "6f3bcd5e-5c1f-4c0c-9d0b-0d2c3f1f7a11": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=" }
}"#;

pub(super) fn map() -> Map {
    let mut map = Map::new();
    for (name, text) in [
        ("private.pem", PRIVATE),
        ("public.pem", PUBLIC),
        ("other.pem", OTHER),
        ("a.pem", EC_PRIVATE),
        ("b.pem", EC_PUBLIC),
        ("a-public.pem", EC_OWN_PUBLIC),
        ("branch.json", BRANCH),
    ] {
        map.files.insert(Path::new("conf").join(name), text.into());
    }
    map.files.insert("conf/binary".into(), b"\xff\xfe".to_vec());
    map
}

pub(super) fn key(rest: &str) -> String {
    format!("[keys.main]\n{rest}\n[tables.Users]\nkeys = \"main\"\npartition_key = \"id\"\n")
}

fn parse(rest: &str) -> Result<Config, ConfigErrors> {
    Config::parse(&key(rest), "conf/dynaseal.toml", &map())
}

pub(super) fn detail(rest: &str) -> String {
    parse(rest).unwrap().explain().tables[0].keys.detail.clone()
}

pub(super) fn faults(rest: &str) -> Vec<String> {
    let errors = parse(rest).expect_err("the configuration has faults");
    errors.iter().map(|f| format!("{}:{} {} {}", f.line, f.column, f.code, f.message)).collect()
}

#[test]
fn rsa_keys_seal_and_open_or_only_seal() {
    let rsa = "type = \"raw-rsa\"\nnamespace = \"n\"\nname = \"k\"\n";
    for padding in ["PKCS1", "OAEP_SHA1", "OAEP_SHA256", "OAEP_SHA384", "OAEP_SHA512"] {
        let both = format!(
            "{rsa}padding = \"{padding}\"\nprivate_key_file = \"private.pem\"\npublic_key_file = \"public.pem\""
        );
        let said = detail(&both);
        assert_eq!(
            said,
            format!("RSA key \"k\" of \"n\", {padding}, seals and opens, from private.pem and public.pem")
        );
    }
    let public = detail(&format!("{rsa}padding = \"OAEP_SHA256\"\npublic_key_file = \"public.pem\""));
    assert!(public.contains("public key only: seals, cannot open"), "{public}");
}

#[test]
fn faults_of_rsa_keys_have_their_places() {
    let text = "type = \"raw-rsa\"\nnamespace = \"n\"\nname = \"k\"\npadding = \"OAEP_SHA25\"\nprivate_key_file = \"none.pem\"";
    let expected = [
        "5:11 DSL-5005 padding in [keys.main] cannot be \"OAEP_SHA25\"",
        "6:20 DSL-5011 private_key_file \"none.pem\" cannot be read: entity not found",
    ];
    assert_eq!(faults(text), expected);
    let text = "type = \"raw-rsa\"\nnamespace = \"n\"\nname = \"k\"";
    let expected = [
        "1:7 DSL-5003 [keys.main] has neither private_key_file nor public_key_file",
        "1:7 DSL-5003 [keys.main] has no padding",
    ];
    let mut found = faults(text);
    found.sort();
    assert_eq!(found, expected);
    let text = "type = \"raw-rsa\"\nnamespace = \"n\"\nname = \"k\"\npadding = \"PKCS1\"\n";
    let two = faults(&format!("{text}private_key_file = \"private.pem\"\npublic_key_file = \"other.pem\""));
    assert_eq!(two, ["7:19 DSL-5101 raw-rsa: public_key_file does not belong to private_key_file"]);
    let binary = faults(&format!("{text}private_key_file = \"binary\""));
    assert_eq!(binary, ["6:20 DSL-5012 the file \"binary\" is not text"]);
    let hex = faults(&format!("{text}private_key_file = \"test.key\""));
    assert!(hex.len() == 1 && hex[0].starts_with("6:20 DSL-5101 raw-rsa: private_key_file"), "{hex:?}");
    assert!(!hex[0].contains("0001"), "{hex:?}");
}

#[test]
fn ecdh_keys_have_a_scheme() {
    let ecdh = "type = \"raw-ecdh\"\ncurve = \"P-256\"\n";
    let (own, peer) = ("private_key_file = \"a.pem\"\n", "public_key_file = \"b.pem\"\n");
    for (scheme, files, said) in [
        ("static", format!("{own}{peer}"), "static: seals and opens, from a.pem and b.pem"),
        ("ephemeral", peer.to_owned(), "ephemeral: seals, cannot open, from b.pem"),
        ("discovery", own.to_owned(), "discovery: opens, cannot seal, from a.pem"),
    ] {
        assert_eq!(detail(&format!("{ecdh}scheme = \"{scheme}\"\n{files}")), format!("ECDH on P-256, {said}"));
    }
}

#[test]
fn discovery_is_worth_a_second_look() {
    for (scheme, file, warned) in
        [("discovery", "private_key_file = \"a.pem\"", true), ("ephemeral", "public_key_file = \"b.pem\"", false)]
    {
        let config = parse(&format!("type = \"raw-ecdh\"\ncurve = \"P-256\"\nscheme = \"{scheme}\"\n{file}")).unwrap();
        let codes: Vec<_> = config.warnings.iter().map(|fault| (fault.code, fault.line, fault.column)).collect();
        assert_eq!(codes == [("DSL-5205", 4, 10)], warned, "{codes:?}");
    }
}

#[test]
fn faults_of_ecdh_keys_have_their_places() {
    let nothing = faults("type = \"raw-ecdh\"");
    assert_eq!(nothing, ["1:7 DSL-5003 [keys.main] has no scheme", "1:7 DSL-5003 [keys.main] has no curve"]);
    let wrong = "type = \"raw-ecdh\"\nscheme = \"Static\"\ncurve = \"P-224\"\nprivate_key_file = \"none.pem\"\npublic_key_file = \"binary\"";
    let expected = [
        "3:10 DSL-5005 scheme in [keys.main] cannot be \"Static\"",
        "4:9 DSL-5005 curve in [keys.main] cannot be \"P-224\"",
        "5:20 DSL-5011 private_key_file \"none.pem\" cannot be read: entity not found",
        "6:19 DSL-5012 the file \"binary\" is not text",
    ];
    assert_eq!(faults(wrong), expected);
    let unused = "which its scheme does not use";
    let other = "raw-ecdh: private_key_file holds a key of another curve than curve says";
    let (own, peer) = ("private_key_file = \"a.pem\"\n", "public_key_file = \"b.pem\"\n");
    for (scheme, curve, files, expected) in [
        ("static", "P-256", own.to_owned(), vec!["1:7 DSL-5003 [keys.main] has no public_key_file".to_owned()]),
        (
            "ephemeral",
            "P-256",
            own.to_owned(),
            vec![
                "1:7 DSL-5003 [keys.main] has no public_key_file".to_owned(),
                format!("5:20 DSL-5006 [keys.main] has a private_key_file, {unused}"),
            ],
        ),
        (
            "discovery",
            "P-256",
            format!("{own}{peer}"),
            vec![format!("6:19 DSL-5006 [keys.main] has a public_key_file, {unused}")],
        ),
        ("discovery", "P-384", own.to_owned(), vec![format!("5:20 DSL-5101 {other}")]),
    ] {
        let text = format!("type = \"raw-ecdh\"\nscheme = \"{scheme}\"\ncurve = \"{curve}\"\n{files}");
        assert_eq!(faults(&text), expected, "{text}");
    }
}

#[test]
fn a_branch_key_is_named_or_picked_by_an_attribute() {
    let file = "type = \"branch-key-file\"\nfile = \"branch.json\"\ncache_ttl = 60\n";
    let cached = "cache_capacity = 5\ncache_refresh_early = 0.3\nwhen_unavailable = \"keep\"\nkeep_for = 30\n";
    let said = detail(&format!("{file}{cached}branch_key_id = \"tenant-1\""));
    assert_eq!(said, "branch key tenant-1, from the file branch.json");
    let config = parse(&format!("{file}branch_key_id_attribute = \"id\"")).unwrap();
    let keys = &config.explain().tables[0].keys;
    assert_eq!(keys.branch_key_id_attribute.as_deref(), Some("id"));

    let unbound = faults(&format!("{file}branch_key_id_attribute = \"tenant\""));
    assert_eq!(unbound, ["7:8 DSL-5013 \"tenant\" picks the branch key main, but is not in the encryption context"]);
    let bound = "[tables.Users.attributes]\ntenant = \"sign_and_include_in_encryption_context\"\n";
    let text = key(&format!("{file}branch_key_id_attribute = \"tenant\"")) + bound;
    assert!(Config::parse(&text, "conf/dynaseal.toml", &map()).is_ok());
}

#[test]
fn faults_of_branch_key_files_have_their_places() {
    let file = "type = \"branch-key-file\"\nfile = \"branch.json\"\n";
    let cases = [
        ("branch_key_id = \"tenant-2\"", "4:17 DSL-5005 the file has no branch key \"tenant-2\""),
        ("cache_ttl = 0\nbranch_key_id = \"tenant-1\"", "4:13 DSL-5005 cache_ttl in [keys.main] is out of range"),
        ("cache_ttl = 1.5\nbranch_key_id = \"tenant-1\"", "4:13 DSL-5004 cache_ttl in [keys.main] is of type float"),
        (
            "branch_key_id = \"tenant-1\"\ncache_capacity = 0",
            "5:18 DSL-5005 cache_capacity in [keys.main] is out of range",
        ),
        (
            "branch_key_id = \"tenant-1\"\ncache_refresh_early = 1",
            "5:23 DSL-5005 cache_refresh_early in [keys.main] is out of range",
        ),
        (
            "branch_key_id = \"tenant-1\"\nwhen_unavailable = \"keep\"",
            "5:20 DSL-5003 [keys.main] has when_unavailable = \"keep\" and no keep_for",
        ),
        (
            "branch_key_id = \"tenant-1\"\nkeep_for = 30",
            "5:12 DSL-5006 [keys.main] has keep_for without when_unavailable = \"keep\"",
        ),
        (
            "branch_key_id = \"tenant-1\"\nkeep_for = 30\nwhen_unavailable = \"fail\"",
            "5:12 DSL-5006 [keys.main] has keep_for without when_unavailable = \"keep\"",
        ),
        (
            "branch_key_id = \"tenant-1\"\nkeep_for = 30\nwhen_unavailable = \"kept\"",
            "6:20 DSL-5005 when_unavailable in [keys.main] cannot be \"kept\"",
        ),
        ("", "1:7 DSL-5003 [keys.main] has neither branch_key_id nor branch_key_id_attribute"),
        (
            "branch_key_id = \"tenant-1\"\nbranch_key_id_attribute = \"id\"",
            "5:27 DSL-5006 [keys.main] has both branch_key_id and branch_key_id_attribute",
        ),
    ];
    for (rest, expected) in cases {
        assert_eq!(faults(&format!("{file}{rest}")), [expected]);
    }
    let text = "type = \"branch-key-file\"\nfile = \"test.key\"\nbranch_key_id = \"x\"";
    let found = faults(text);
    assert!(found.len() == 1 && found[0].starts_with("3:8 DSL-5102 the branch key file is not valid"), "{found:?}");
    assert!(!found[0].contains("0001"), "{found:?}");
}

const KMS_KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const MRK: &str = "arn:aws:kms:eu-west-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab";

#[test]
fn a_key_store_is_a_table_and_a_kms_key() {
    let table = "type = \"hierarchical\"\nkey_store_table = \"KeyStore\"\nbranch_key_id_attribute = \"id\"\n";
    let whole = format!("{table}logical_key_store_name = \"First\"\nkms_key_arn = \"{KMS_KEY}\"\ncache_ttl = 60\n");
    let config = parse(&format!("{whole}grant_tokens = [\"a\"]\nwhen_unavailable = \"keep\"\nkeep_for = 300")).unwrap();
    let keys = &config.explain().tables[0].keys;
    let place = format!("from the key store KeyStore (made as First), protected by AWS KMS key {KMS_KEY}");
    assert_eq!(keys.detail, format!("the branch key that attribute \"id\" names, {place}"));
    assert_eq!((keys.r#type, keys.branch_key_id_attribute.as_deref()), ("hierarchical", Some("id")));
    let stores: Vec<_> = config.key_stores().iter().map(|(name, store)| (name.as_str(), store.table())).collect();
    assert_eq!(stores, [("main", "KeyStore")]);

    let discovery = "kms = \"discovery\"\naccounts = [\"111122223333\"]";
    for (kms, said) in [
        (format!("kms_mrk_key_arn = \"{MRK}\""), format!("AWS KMS key {MRK} and its replicas")),
        (discovery.into(), "any AWS KMS key of aws account 111122223333, called in the Region of each".into()),
        (
            format!("{discovery}\npartition = \"aws-cn\"\nregions = [\"cn-north-1\"]"),
            "any AWS KMS key of aws-cn account 111122223333, called in cn-north-1".into(),
        ),
        ("vault_key = \"tenants\"".into(), "Vault's transit key transit/tenants, which DB-ESDK cannot use".into()),
        (
            "vault_key = \"tenants\"\nvault_mount = \"eu/keys\"".into(),
            "Vault's transit key eu/keys/tenants, which DB-ESDK cannot use".into(),
        ),
    ] {
        let config = parse(&format!("{table}{kms}")).unwrap();
        let detail = config.explain().tables[0].keys.detail.clone();
        assert!(detail.ends_with(&format!("from the key store KeyStore, protected by {said}")), "{detail}");
        let vault = kms.starts_with("vault");
        let needed = [Service::DynamoDb, Service::Kms, Service::Vault].map(|service| config.needs(service));
        assert_eq!(needed, [true, !vault, vault]);
    }
    let raw = parse("type = \"raw-aes\"\nnamespace = \"n\"\nname = \"k\"\nkey_file = \"test.key\"").unwrap();
    assert!(raw.key_stores().is_empty() && !raw.needs(Service::Kms));
}

/// What a gateway may do with its key store, its callers may not.
#[test]
fn callers_do_not_reach_the_key_store() {
    use std::future::Future;
    use std::task::{Context, Poll, Waker};

    let table = "type = \"hierarchical\"\nkey_store_table = \"KeyStore\"\nbranch_key_id = \"t\"\n";
    let config = parse(&format!("{table}kms_key_arn = \"{KMS_KEY}\"")).unwrap();
    let engine = config.into_engine(Arc::new(dynaseal_keys::testing::FixedClock::default()));
    let answered = |operation: &'static str, body: &str| {
        let call = dynaseal_keys::Call::new(Service::DynamoDb, operation, body.as_bytes().to_vec());
        let call = engine.call(&dynaseal_keys::testing::NoWire, call);
        let Poll::Ready(result) = std::pin::pin!(call).poll(&mut Context::from_waker(Waker::noop())) else {
            panic!("this network waits for nothing")
        };
        result.unwrap_err().code()
    };
    for operation in ["GetItem", "PutItem", "DeleteItem", "DeleteTable", "Scan", "DescribeTable"] {
        assert_eq!(answered(operation, r#"{"TableName":"KeyStore"}"#), "DSL-2003", "{operation}");
    }
    // Any other table's call is sent, and finds no network.
    assert_eq!(answered("GetItem", r#"{"TableName":"KeyStores"}"#), "DSL-6001");
}

#[test]
fn faults_of_key_stores_have_their_places() {
    let nothing = faults("type = \"hierarchical\"");
    let expected = [
        "1:7 DSL-5003 [keys.main] has no key_store_table",
        "1:7 DSL-5003 [keys.main] has none of kms_key_arn, kms_mrk_key_arn, kms, vault_key",
        "1:7 DSL-5003 [keys.main] has neither branch_key_id nor branch_key_id_attribute",
    ];
    assert_eq!(nothing, expected);
    let table = "type = \"hierarchical\"\nkey_store_table = \"KeyStore\"\nbranch_key_id = \"t\"\n";
    let key = format!("kms_key_arn = \"{KMS_KEY}\"\n");
    let two = |other| format!("[keys.main] has both kms_key_arn and {other}");
    let bad = |what| format!("DSL-5101 {what}");
    for (rest, expected) in [
        (format!("{key}kms_mrk_key_arn = \"{MRK}\""), format!("6:19 DSL-5006 {}", two("kms_mrk_key_arn"))),
        (format!("{key}kms = \"discovery\""), format!("6:7 DSL-5006 {}", two("kms"))),
        (format!("{key}vault_key = \"x\""), format!("6:13 DSL-5006 {}", two("vault_key"))),
        ("kms = \"discovery\"".into(), "1:7 DSL-5003 [keys.main] has no accounts".into()),
        (
            "kms = \"find\"\naccounts = [\"111122223333\"]".into(),
            "5:7 DSL-5005 kms in [keys.main] cannot be \"find\"".into(),
        ),
        (
            "kms = \"discovery\"\naccounts = [\"me\"]".into(),
            format!("6:12 {}", bad("hierarchical: accounts must be account numbers of 12 digits")),
        ),
        (
            "kms_key_arn = \"alias/app\"".into(),
            format!("5:15 {}", bad("hierarchical: kms_key_arn must be the ARN of a KMS key")),
        ),
        (
            format!("kms_mrk_key_arn = \"{KMS_KEY}\""),
            format!("5:19 {}", bad("hierarchical: kms_mrk_key_arn must be the ARN of a multi-Region KMS key")),
        ),
        (
            "vault_key = \"../x\"".into(),
            format!(
                "5:13 {}",
                bad("vault-transit: vault_key must have letters, digits, dots, dashes and underscores only")
            ),
        ),
        (format!("{key}cache_ttl = 0"), "6:13 DSL-5005 cache_ttl in [keys.main] is out of range".into()),
        (format!("{key}accounts = []"), "6:1 DSL-5002 unknown key \"accounts\" in [keys.main]".into()),
    ] {
        assert_eq!(faults(&format!("{table}{rest}")), [expected], "{rest}");
    }
}

/// Two tables, a pattern and a multi key over one branch key file have one cache.
#[test]
fn a_cache_that_tables_share_is_counted_once() {
    use std::future::Future;
    use std::task::{Context, Poll, Waker};

    let text = key("type = \"branch-key-file\"\nfile = \"branch.json\"\nbranch_key_id = \"tenant-1\"")
        + "default_action = \"encrypt_and_sign\"\n[tables.Users.attributes]\nid = \"sign_only\"\n\
           [keys.both]\ntype = \"multi\"\nchildren = [\"main\"]\n\
           [tables.Orders]\nkeys = \"both\"\npartition_key = \"id\"\n\
           [tables.\"*\"]\nkeys = \"main\"\ndefault_action = \"encrypt_and_sign\"\n\
           [tables.\"*\".attributes]\nid = \"sign_only\"\n";
    let config = Config::parse(&text, "conf/dynaseal.toml", &map()).unwrap_or_else(|errors| panic!("{errors:?}"));
    let engine = config.into_engine(Arc::new(dynaseal_keys::testing::FixedClock::default()));
    assert_eq!(engine.cache_stats(), dynaseal_keys::CacheStats::default());
    let clock = dynaseal_keys::testing::FixedClock::default();
    for _ in 0..3 {
        let item = dynaseal_item::json::read_item(r#"{"id":{"S":"1"},"a":{"S":"x"}}"#).unwrap();
        let seal = engine.table("Users").unwrap().seal(dynaseal_keys::testing::offline(&clock), item);
        let Poll::Ready(sealed) = std::pin::pin!(seal).poll(&mut Context::from_waker(Waker::noop())) else {
            panic!("a file waits for nothing")
        };
        sealed.unwrap();
    }
    let stats = engine.cache_stats();
    assert_eq!((stats.misses, stats.hits, stats.fetches, stats.entries), (1, 2, 1, 2));
}
