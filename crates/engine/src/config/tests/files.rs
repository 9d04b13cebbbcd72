//! Files and the keys in them: who else can read or write them, and what is no key.

use super::*;

#[test]
fn a_key_file_that_others_can_read_is_a_warning() {
    let text = with_table("").replace("key_env = \"TEST_KEY\"", "key_file = \"test.key\"");
    let map = Map { open: true, ..Map::new() };
    let config = Config::parse(&text, "conf/dynaseal.toml", &map).unwrap();
    assert_eq!(config.warnings.iter().map(|w| (w.line, w.column, w.code)).collect::<Vec<_>>(), [(6, 12, "DSL-5201")]);
    assert!(parse(&text).unwrap().warnings.is_empty());
}

#[test]
fn files_that_others_can_write_to_are_warnings() {
    let text = with_table("").replace("key_env = \"TEST_KEY\"", "key_file = \"test.key\"");
    let mut map = Map { writable: true, ..Map::new() };
    map.files.insert("conf/dynaseal.toml".into(), text.into_bytes());
    let config = Config::load(Path::new("conf/dynaseal.toml"), &map).unwrap();
    let warnings: Vec<_> = config.warnings.iter().map(|w| (w.line, w.column, w.code, w.message.as_str())).collect();
    let message =
        |what: &str| format!("any user of this machine can write to {what}, or put another file in its place");
    let (key, file) = (message("\"test.key\""), message("the configuration"));
    assert_eq!(warnings, [(6, 12, "DSL-5207", &*key), (1, 1, "DSL-5207", &*file)]);
}

#[test]
fn a_key_that_anybody_could_guess_is_refused_or_a_warning() {
    let text = with_table("");
    let of = |key: String| {
        let mut map = Map::new();
        map.env.insert("TEST_KEY", key);
        Config::parse(&text, "conf/dynaseal.toml", &map)
    };
    for digits in [32, 48, 64] {
        let errors = of("0".repeat(digits)).unwrap_err();
        let fault = errors.iter().next().unwrap();
        assert_eq!((fault.line, fault.column, fault.code), (6, 11, "DSL-5101"));
        assert_eq!(fault.message, "raw-aes: key is nothing but zeros");
        let warnings = of("ab".repeat(digits / 2)).unwrap().warnings;
        assert_eq!(warnings.iter().map(|w| (w.line, w.column, w.code)).collect::<Vec<_>>(), [(6, 11, "DSL-5206")]);
        assert!(!warnings[0].message.contains("ab"));
        assert!(of("0".repeat(digits - 1) + "1").unwrap().warnings.is_empty());
    }
}

#[test]
fn a_file_too_long_to_be_a_key_is_not_read_as_one() {
    let text = with_table("").replace("key_env = \"TEST_KEY\"", "key_file = \"test.key\"");
    let mut map = Map::new();
    map.files.insert("conf/test.key".into(), vec![b'0'; (64 << 10) + 1]);
    let errors = Config::parse(&text, "conf/dynaseal.toml", &map).unwrap_err();
    let fault = errors.iter().next().unwrap();
    assert_eq!(fault.code, "DSL-5011");
    assert!(fault.message.ends_with("it is longer than 64 KiB, so it is no key"), "{}", fault.message);
}
