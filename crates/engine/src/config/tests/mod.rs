//! Texts in, tables or faults out; nothing of the machine is read.

mod files;
mod gateway;
mod kms;
mod overlaps;
mod protects;
mod rings;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dynaseal_item::Action;

use super::*;
use crate::table::Plaintext;

/// A test key.
const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// The world of a test.
#[derive(Default)]
struct Map {
    env: HashMap<&'static str, String>,
    files: HashMap<PathBuf, Vec<u8>>,
    open: bool,
    writable: bool,
}

impl Map {
    fn new() -> Self {
        let mut map = Self::default();
        map.env.insert("TEST_KEY", KEY.to_owned());
        map.files.insert("conf/test.key".into(), format!("{KEY}\n").into_bytes());
        map
    }
}

impl Outside for Map {
    fn env(&self, name: &str) -> Option<String> {
        self.env.get(name).cloned()
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.files.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn others_can_read(&self, _: &Path) -> bool {
        self.open
    }

    fn others_can_write(&self, _: &Path) -> bool {
        self.writable
    }
}

fn parse(text: &str) -> Result<Config, ConfigErrors> {
    Config::parse(text, "conf/dynaseal.toml", &Map::new())
}

/// Each fault as `line:column code message`.
fn faults(text: &str) -> Vec<String> {
    let errors = parse(text).expect_err("the configuration has faults");
    errors.iter().map(|f| format!("{}:{} {} {}", f.line, f.column, f.code, f.message)).collect()
}

const MAIN: &str = r#"
[keys.main]
type = "raw-aes"
namespace = "acme"
name = "dev"
key_env = "TEST_KEY"
"#;

fn with_table(rest: &str) -> String {
    format!("{MAIN}[tables.Users]\nkeys = \"main\"\npartition_key = \"id\"\n{rest}")
}

#[test]
fn the_design_s_example_is_right() {
    let text = with_table(
        r#"suite = "hmac"
default_action = "encrypt_and_sign"
unsigned_prefix = ":"
unsigned = ["views"]
plaintext = "read"
[tables.Users.attributes]
id = "sign_only"
email = "encrypt_and_sign"
"#,
    );
    let config = parse(&text).unwrap();
    let table = &config.tables["Users"];
    assert_eq!((table.name(), table.schema().logical_name(), table.plaintext()), ("Users", "Users", Plaintext::Read));
    let actions = ["id", "email", "other", "views", ":x"].map(|name| table.schema().action(name));
    let expected =
        [Action::SignOnly, Action::EncryptAndSign, Action::EncryptAndSign, Action::DoNothing, Action::DoNothing];
    assert_eq!(actions, expected.map(Some));
    assert_eq!(config.gateway, GatewaySection::default());
    assert_eq!(config.warnings.iter().map(|w| (w.line, w.code)).collect::<Vec<_>>(), [(14, "DSL-5203")]);
}

#[test]
fn an_unlisted_key_attribute_gets_the_action_it_must_have() {
    let config = parse(&with_table("sort_key = \"at\"\n")).unwrap();
    let schema = config.tables["Users"].schema();
    assert_eq!([schema.action("id"), schema.action("at")], [Some(Action::SignOnly); 2]);

    let bound = "[tables.Users.attributes]\ntenant = \"sign_and_include_in_encryption_context\"\n";
    let config = parse(&with_table(bound)).unwrap();
    assert_eq!(config.tables["Users"].schema().action("id"), Some(Action::SignAndIncludeInEncryptionContext));
    // A default action never reaches a key attribute.
    let config = parse(&with_table("default_action = \"encrypt_and_sign\"\n")).unwrap();
    assert_eq!(config.tables["Users"].schema().action("id"), Some(Action::SignOnly));
}

#[test]
fn every_fault_of_a_table_has_its_place() {
    let text = with_table(
        r#"sort_key = "id"
sutie = "hmac"
suite = "hmca"
plaintext = true
unsigned_prefix = ""
unsigned = ["email", 3, "aws_dbe_x"]
default_action = "do_nothing"
[tables.Users.attributes]
id = "encrypt_and_sign"
email = "encrypt_and_sign"
card.number = "encrypt_and_sign"
phone = "ENCRYPT_AND_SIGN"
"#,
    );
    let expected = [
        "10:12 DSL-5013 \"id\" is the partition key already",
        "11:1 DSL-5002 unknown key \"sutie\" in [tables.Users]",
        "12:9 DSL-5005 suite in [tables.Users] cannot be \"hmca\"",
        "13:13 DSL-5004 plaintext in [tables.Users] is of type boolean",
        "14:19 DSL-5013 an empty prefix matches every attribute, so nothing would be signed",
        "15:22 DSL-5004 unsigned in [tables.Users] is of type integer",
        "15:25 DSL-5013 \"aws_dbe_x\" starts with aws_dbe_, which belongs to the format",
        "16:18 DSL-5013 do_nothing as a default would leave every unlisted attribute unsigned",
        "18:1 DSL-5013 the key attribute \"id\" is encrypt_and_sign",
        "19:1 DSL-5006 \"email\" is encrypt_and_sign, but unsigned says it is never signed",
        "20:1 DSL-5004 card in [tables.Users.attributes] is of type table",
        "21:9 DSL-5005 the action of \"phone\" in [tables.Users.attributes] cannot be \"ENCRYPT_AND_SIGN\"",
    ];
    assert_eq!(faults(&text), expected);
}

#[test]
fn a_key_attribute_cannot_be_unsigned() {
    let listed = faults(&with_table("unsigned = [\"id\"]\n"));
    assert_eq!(listed, ["9:17 DSL-5006 \"id\" is sign_only, but unsigned says it is never signed"]);
    let prefix = faults(&with_table("unsigned_prefix = \"i\"\n"));
    assert_eq!(prefix, ["9:17 DSL-5006 \"id\" is sign_only, but unsigned_prefix says it is never signed"]);
}

#[test]
fn hints_say_what_was_meant() {
    let errors = parse(&with_table("sutie = \"hmac\"\n[tabels.X]\n")).unwrap_err();
    let hints: Vec<_> = errors.iter().map(|fault| fault.hint.as_str()).collect();
    assert_eq!(hints, ["did you mean suite?", "did you mean tables?"]);
    let text = with_table("").replace("keys = \"main\"", "keys = \"mian\"");
    assert_eq!(parse(&text).unwrap_err().iter().next().unwrap().hint, "did you mean \"main\"?");
}

#[test]
fn keys_must_be_whole_and_usable() {
    let text = r#"
[keys.a]
type = "raw-aes"
key_env = "UNSET"
[keys.b]
type = "aws-kmss"
[keys.c]
type = "raw-eas"
[keys.d]
namespace = "n"
[keys.e]
type = "raw-aes"
namespace = "aws-kms"
name = "x"
key_file = "test.key"
key_env = "TEST_KEY"
[keys.f]
type = "raw-aes"
namespace = "n"
name = "f"
key_file = "missing.key"
[keys.g]
type = "raw-aes"
namespace = "aws-kms"
name = "g"
key_file = "test.key"
[keys]
h = "text"
"#;
    let found = faults(text);
    let expected = [
        "2:7 DSL-5003 [keys.a] has no namespace",
        "2:7 DSL-5003 [keys.a] has no name",
        "4:11 DSL-5010 the environment variable \"UNSET\" is not set",
        "6:8 DSL-5005 type in [keys.b] cannot be \"aws-kmss\"",
        "8:8 DSL-5005 type in [keys.c] cannot be \"raw-eas\"",
        "9:7 DSL-5003 [keys.d] has no type",
        "15:12 DSL-5006 [keys.e] has both key_env and key_file",
        "21:12 DSL-5011 key_file \"missing.key\" cannot be read: entity not found",
        "24:13 DSL-5101 raw-aes: namespace must not be \"aws-kms\", which belongs to AWS KMS",
        "28:5 DSL-5004 h in [keys] is of type string",
    ];
    assert_eq!(found, expected);
}

#[test]
fn what_may_be_a_secret_is_never_repeated() {
    let mut map = Map::new();
    map.env.insert("SHORT", "5ec2e7".to_owned());
    map.env.insert("TEST_KEY", KEY.replace('0', "x"));
    map.files.insert("conf/test.key".into(), b"\xff5ec2e7".to_vec());
    let key = |rest: &str| format!("type = \"raw-aes\"\nnamespace = \"n\"\nname = \"n\"\n{rest}\n");
    let sections = [
        key("key_env = \"SHORT\""),
        key("key_env = \"TEST_KEY\""),
        key("key_file = \"test.key\""),
        key(&format!("key_env = \"{KEY}\"")),
        key(&format!("key_file = \"{KEY}\"")),
        key(&format!("key = \"{KEY}\"")),
        format!("type = \"{KEY}\"\n"),
        format!("{KEY} = 1\n"),
    ];
    let text: String = sections.iter().enumerate().map(|(at, one)| format!("[keys.k{at}]\n{one}")).collect();
    let errors = Config::parse(&text, "conf/dynaseal.toml", &map).unwrap_err();
    assert_eq!(errors.iter().count(), 9, "{errors}");
    let said = format!("{errors} {errors:?}");
    assert!(!said.contains("5ec2e7") && !said.contains("0a0b") && !said.contains("xax"), "{said}");
}

#[test]
fn every_key_bounds_the_data_keys_that_name_it() {
    let text = with_table("").replace("key_env", "max_encrypted_data_keys = 5\nkey_env");
    assert!(parse(&text).unwrap().warnings.is_empty());
    for wrong in ["0", "256"] {
        let wrong = text.replace("= 5", &format!("= {wrong}"));
        assert_eq!(faults(&wrong), ["6:27 DSL-5005 max_encrypted_data_keys in [keys.main] is out of range"]);
    }
}

#[test]
fn multi_keys_are_built_in_any_order_and_cycles_are_refused() {
    let multi = |name: &str, generator: &str, children: &str| {
        format!("[keys.{name}]\ntype = \"multi\"\ngenerator = \"{generator}\"\nchildren = [{children}]\n")
    };
    let good = multi("both", "nested", "\"main\"") + &multi("nested", "main", "") + &with_table("");
    let config = parse(&good.replace("keys = \"main\"", "keys = \"both\"")).unwrap();
    let explained = config.explain();
    let keys = &explained.tables[0].keys;
    assert_eq!((keys.name.as_str(), keys.r#type, keys.children.len()), ("both", "multi", 2));
    assert_eq!(
        keys.children[0].children[0].detail,
        "AES-256 key \"dev\" of \"acme\", from the environment variable TEST_KEY"
    );
    assert!(config.warnings.is_empty());

    let twice = multi("a", "main", "\"main\"") + &with_table("");
    assert_eq!(faults(&twice), ["4:13 DSL-5006 [keys.a] names the key \"main\" twice"]);
    let empty = "[keys.a]\ntype = \"multi\"\n";
    assert_eq!(faults(empty), ["1:7 DSL-5003 [keys.a] has neither generator nor children"]);
    let bad = multi("a", "b", "\"a\", \"nowhere\"") + &multi("b", "c", "") + &multi("c", "a", "");
    let expected = [
        "4:13 DSL-5008 [keys.a] contains itself: a -> a",
        "4:18 DSL-5007 [keys.a] names the key \"nowhere\", which is not defined",
        "11:13 DSL-5008 [keys.c] contains itself: a -> b -> c -> a",
    ];
    assert_eq!(faults(&bad), expected);
}

#[test]
fn two_tables_of_one_logical_name_are_refused() {
    let text = with_table("[tables.Archive]\nkeys = \"main\"\npartition_key = \"id\"\nlogical_name = \"Users\"\n");
    assert_eq!(faults(&text), ["13:16 DSL-5014 [tables.Archive] has the logical name of table Users"]);
}

#[test]
fn every_syntax_fault_is_found_and_nothing_that_only_follows() {
    let text = format!("{MAIN}x = \n[tables.Users]\nkeys = main\npartition_key = \"id\"\nsutie = 1\ny = [1,\n");
    let found: Vec<_> =
        faults(&text).iter().map(|fault| fault.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(found, ["7:5 DSL-5001", "9:8 DSL-5001", "11:1 DSL-5002", "12:8 DSL-5001"]);
}

#[test]
fn a_file_that_is_missing_or_not_text_is_a_fault() {
    let mut map = Map::new();
    map.files.insert("bad.toml".into(), b"a = 1\nb = \"\xff\"".to_vec());
    let place = |path: &str| {
        let errors = Config::load(Path::new(path), &map).unwrap_err().into_faults();
        errors.into_iter().map(|f| (f.file, f.line, f.column, f.code)).collect::<Vec<_>>()
    };
    assert_eq!(place("none.toml"), [("none.toml".to_owned(), 1, 1, "DSL-5000")]);
    assert_eq!(place("bad.toml"), [("bad.toml".to_owned(), 2, 6, "DSL-5001")]);
}

#[test]
fn columns_count_characters() {
    let found = faults("\"é\" = 1 # é\n\"é\\n\" = 1\nx = \"é\" y");
    assert_eq!(found[0], "1:1 DSL-5002 unknown key \"é\" in the configuration");
    assert!(found[1].starts_with("2:1 DSL-5002") && found[2].starts_with("3:9 DSL-5001"), "{found:?}");
}

#[test]
fn explain_tells_each_attribute_once() {
    let text = with_table(
        "sort_key = \"at\"\nunsigned_prefix = \"_\"\nunsigned = [\"views\"]\n[tables.Users.attributes]\nemail = \"encrypt_and_sign\"\nlikes = \"do_nothing\"\n",
    );
    let explained = parse(&text).unwrap().explain();
    let table = &explained.tables[0];
    let rows: Vec<_> =
        table.attributes.iter().map(|a| (a.name.as_str(), a.key, a.action, a.encrypted, a.signed)).collect();
    let expected = [
        ("id", Some("partition"), "sign_only", false, true),
        ("at", Some("sort"), "sign_only", false, true),
        ("email", None, "encrypt_and_sign", true, true),
        ("likes", None, "do_nothing", false, false),
        ("views", None, "do_nothing", false, false),
    ];
    assert_eq!(rows, expected);
    assert_eq!((table.suite, table.version, table.plaintext), ("ecdsa-p384", 1, "forbid"));
    assert_eq!((table.other_attributes, table.unsigned_prefix.as_deref()), (None, Some("_")));
}
