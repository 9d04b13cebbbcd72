//! The key types over AWS KMS.

use super::rings::{detail, faults, key, map};
use super::*;

const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const MRK: &str = "arn:aws:kms:eu-west-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab";

#[test]
fn each_type_says_what_it_does() {
    let cases = [
        (
            format!("type = \"aws-kms\"\nkey_arn = \"{KEY}\"\ngrant_tokens = [\"t\"]"),
            format!("AWS KMS key {KEY}, seals and opens"),
        ),
        (
            "type = \"aws-kms\"\nkey_arn = \"alias/app\"".to_owned(),
            "AWS KMS key alias/app, not named by its ARN: seals, cannot open".to_owned(),
        ),
        (
            format!("type = \"aws-kms-mrk\"\nkey_arn = \"{MRK}\""),
            format!("AWS KMS key {MRK} and its replicas, seals and opens"),
        ),
        (
            format!("type = \"aws-kms-mrk\"\nkey_arn = \"{MRK}\"\nregion = \"us-east-1\""),
            format!("AWS KMS key {MRK} and its replicas; called in us-east-1, seals and opens"),
        ),
        (
            "type = \"aws-kms-discovery\"\naccounts = [\"111122223333\"]".to_owned(),
            "any AWS KMS key of aws account 111122223333, called in the Region of each; opens, cannot seal".to_owned(),
        ),
        (
            "type = \"aws-kms-discovery\"\npartition = \"aws-cn\"\naccounts = [\"111122223333\", \"444455556666\"]\n\
             regions = [\"cn-north-1\"]\ngrant_tokens = [\"t\"]"
                .to_owned(),
            "any AWS KMS key of aws-cn account 111122223333, 444455556666, called in cn-north-1; opens, cannot seal"
                .to_owned(),
        ),
        (
            "type = \"aws-kms-mrk-discovery\"\naccounts = [\"111122223333\"]\nregions = [\"eu-west-1\", \"us-east-1\"]"
                .to_owned(),
            "any AWS KMS key, or a replica of it, of aws account 111122223333, called in eu-west-1, us-east-1; opens, \
             cannot seal"
                .to_owned(),
        ),
    ];
    for (text, said) in cases {
        assert_eq!(detail(&text), said);
    }
}

#[test]
fn faults_have_their_places() {
    let title = "[keys.main]";
    let cases = [
        ("type = \"aws-kms\"", vec![format!("1:7 DSL-5003 {title} has no key_arn")]),
        (
            "type = \"aws-kms\"\nkey_arn = \"arn:aws:s3:::x\"",
            vec![
                "3:11 DSL-5101 aws-kms: key_arn must be the ARN of a key, such as arn:aws:kms:REGION:ACCOUNT:key/ID; to \
                 seal only, an alias will do"
                    .to_owned(),
            ],
        ),
        (
            "type = \"aws-kms\"\nkey_arn = \"alias/x\"\nregion = \"eu-west-1\"",
            vec![format!("4:1 DSL-5002 unknown key \"region\" in {title}")],
        ),
        (
            "type = \"aws-kms-mrk\"\nkey_arn = \"alias/x\"\nregion = \"eu-west-1\"\ngrant_tokens = \"t\"",
            vec![
                "4:10 DSL-5101 aws-kms-mrk: region needs a key_arn of a multi-Region key, whose id begins with mrk-"
                    .to_owned(),
                format!("5:16 DSL-5004 grant_tokens in {title} is of type string"),
            ],
        ),
        (
            "type = \"aws-kms-discovery\"\npartition = \"AWS\"",
            vec![format!("1:7 DSL-5003 {title} has no accounts")],
        ),
        (
            "type = \"aws-kms-discovery\"\naccounts = []",
            vec![
                "3:12 DSL-5101 aws-kms-discovery: accounts is empty; any account's keys could then pass forged items off \
                 as genuine"
                    .to_owned(),
            ],
        ),
        (
            "type = \"aws-kms-discovery\"\naccounts = [111122223333]",
            vec![format!("3:13 DSL-5004 accounts in {title} is of type integer")],
        ),
        (
            "type = \"aws-kms-mrk-discovery\"\naccounts = [\"1\"]",
            vec![format!("1:7 DSL-5003 {title} has no regions")],
        ),
        (
            "type = \"aws-kms-mrk-discovery\"\naccounts = [\"1\"]\nregions = [\"eu-west-1\"]",
            vec!["3:12 DSL-5101 aws-kms-mrk-discovery: accounts must be account numbers of 12 digits".to_owned()],
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(faults(text), expected, "{text}");
    }
}

#[test]
fn a_multi_key_may_hold_them() {
    let text = format!(
        "{MAIN}[keys.cloud]\ntype = \"aws-kms\"\nkey_arn = \"{KEY}\"\n[keys.old]\ntype = \"aws-kms-discovery\"\n\
         accounts = [\"111122223333\"]\n[keys.all]\ntype = \"multi\"\ngenerator = \"cloud\"\n\
         children = [\"main\", \"old\"]\n[tables.Users]\nkeys = \"all\"\npartition_key = \"id\"\n"
    );
    let keys = parse(&text).unwrap().explain().tables.remove(0).keys;
    let types: Vec<_> = keys.children.iter().map(|child| (child.name.as_str(), child.r#type)).collect();
    assert_eq!(types, [("cloud", "aws-kms"), ("main", "raw-aes"), ("old", "aws-kms-discovery")]);
}

#[test]
fn a_multi_key_may_not_hold_two_replicas() {
    let replica = MRK.replace("eu-west-1", "us-east-1");
    let text = |kind: &str, children: &str| {
        format!(
            "{MAIN}[keys.eu]\ntype = \"aws-kms-mrk\"\nkey_arn = \"{MRK}\"\n[keys.us]\ntype = \"{kind}\"\n\
             key_arn = \"{replica}\"\n[keys.nested]\ntype = \"multi\"\nchildren = [\"us\"]\n\
             [keys.all]\ntype = \"multi\"\ngenerator = \"eu\"\nchildren = [\"main\", {children}]\n\
             [tables.Users]\nkeys = \"all\"\npartition_key = \"id\"\n"
        )
    };
    for child in ["us", "nested"] {
        let expected = format!(
            "16:7 DSL-5103 [keys.all] holds a multi-Region key more than once: eu, \"aws-kms\" key \"{MRK}\"; {child}, \
             \"aws-kms\" key \"{replica}\""
        );
        assert_eq!(super::faults(&text("aws-kms-mrk", &format!("\"{child}\""))), [expected]);
    }
    // A ring that does not know of replicas is no second one.
    parse(&text("aws-kms", "\"us\"")).unwrap();
}

const ECDH: &str = "type = \"aws-kms-ecdh\"\ncurve = \"P-256\"";
const RSA: &str = "type = \"aws-kms-rsa\"\npadding = \"OAEP_SHA256\"";

#[test]
fn asymmetric_keys_say_what_they_do() {
    let ecdh = format!("{ECDH}\nkey_arn = \"{KEY}\"\n");
    let peer = "public_key_file = \"b.pem\"\n";
    for (text, said) in [
        (
            format!("{ecdh}{peer}scheme = \"static\""),
            "static: seals and opens, with b.pem; its own public key is asked of KMS",
        ),
        (
            format!("{ecdh}{peer}scheme = \"static\"\nown_public_key_file = \"a-public.pem\"\ngrant_tokens = [\"t\"]"),
            "static: seals and opens, with b.pem; its own public key is from a-public.pem",
        ),
        (format!("{ecdh}scheme = \"discovery\""), "discovery: opens, cannot seal; its own public key is asked of KMS"),
    ] {
        assert_eq!(detail(&text), format!("ECDH on P-256 of AWS KMS key {KEY}, {said}"));
    }
    let rsa = format!("{RSA}\nkey_arn = \"{KEY}\"\n");
    let hmac = |text: &str| {
        let text = key(text).replace("[tables.Users]", "[tables.Users]\nsuite = \"hmac\"");
        let config = Config::parse(&text, "conf/dynaseal.toml", &map()).unwrap();
        config.explain().tables[0].keys.detail.clone()
    };
    let (sealing, opening) = (hmac(&format!("{rsa}public_key_file = \"public.pem\"")), hmac(&rsa));
    assert_eq!(sealing, format!("RSA key {KEY} of AWS KMS, OAEP_SHA256, seals with public.pem and opens"));
    assert_eq!(opening, format!("RSA key {KEY} of AWS KMS, OAEP_SHA256, no public key: opens, cannot seal"));
}

#[test]
fn faults_of_asymmetric_keys_have_their_places() {
    let title = "[keys.main]";
    let ecdh = format!("{ECDH}\nkey_arn = \"{KEY}\"\n");
    let rsa = format!("{RSA}\nkey_arn = \"{KEY}\"\n");
    for (text, expected) in [
        (
            "type = \"aws-kms-ecdh\"".to_owned(),
            vec![
                format!("1:7 DSL-5003 {title} has no key_arn"),
                format!("1:7 DSL-5003 {title} has no scheme"),
                format!("1:7 DSL-5003 {title} has no curve"),
            ],
        ),
        (
            format!("{ecdh}scheme = \"ephemeral\"\nown_public_key_file = \"none.pem\""),
            vec![
                format!("5:10 DSL-5005 scheme in {title} cannot be \"ephemeral\""),
                "6:23 DSL-5011 own_public_key_file \"none.pem\" cannot be read: entity not found".to_owned(),
            ],
        ),
        (
            format!("{ecdh}scheme = \"static\""),
            vec![format!("1:7 DSL-5003 {title} has no public_key_file")],
        ),
        (
            format!("{ecdh}scheme = \"discovery\"\npublic_key_file = \"b.pem\""),
            vec![format!("6:19 DSL-5006 {title} has a public_key_file, which its scheme does not use")],
        ),
        (
            format!("{ecdh}scheme = \"discovery\"\nown_public_key_file = \"a.pem\""),
            vec![
                "6:23 DSL-5101 aws-kms-ecdh: own_public_key_file holds a private key; it must hold the public one".to_owned(),
            ],
        ),
        (
            format!("{ECDH}\nkey_arn = \"alias/app\"\nscheme = \"discovery\""),
            vec![
                "4:11 DSL-5101 aws-kms-ecdh: key_arn must be the ARN of a key, such as arn:aws:kms:REGION:ACCOUNT:key/ID"
                    .to_owned(),
            ],
        ),
        (
            rsa.replace("OAEP_SHA256", "PKCS1"),
            vec![format!("3:11 DSL-5005 padding in {title} cannot be \"PKCS1\"")],
        ),
        (
            rsa.clone(),
            vec!["6:9 DSL-5006 [tables.Users] seals with suite ecdsa-p384, for which the key main cannot be used".to_owned()],
        ),
    ] {
        assert_eq!(faults(&text), expected, "{text}");
    }
}
