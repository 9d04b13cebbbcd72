//! Which tables a configuration protects, and what becomes of all others.

use super::*;

#[test]
fn a_pattern_has_all_but_name_and_keys() {
    let text = format!("{MAIN}[tables.\"prod-*\"]\nkeys = \"main\"\ndefault_action = \"encrypt_and_sign\"\n");
    let listed = "[tables.\"prod-*\".attributes]\nid = \"sign_only\"\n";
    let config = parse(&format!("{text}unsigned = [\"views\"]\n{listed}")).unwrap();
    assert!(config.tables.is_empty() && config.warnings.is_empty());
    assert_eq!(config.patterns.iter().map(Pattern::text).collect::<Vec<_>>(), ["prod-*"]);
    let explained = config.explain().tables.remove(0);
    assert_eq!((explained.table.as_str(), explained.logical_name), ("prod-*", None));
    assert_eq!(explained.attributes.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["id", "views"]);
    let engine = config.into_engine(Arc::new(dynaseal_keys::SystemClock));
    assert!(format!("{engine:?}").contains("prod-*"));
    assert_eq!((engine.protected(), engine.other_tables()), (vec!["prod-*"], OtherTables::Pass));

    let found =
        faults(&format!("{text}partition_key = \"id\"\nlogical_name = \"X\"\nunsigned_prefix = \"\"\n{listed}"));
    let said = "in [tables.\"prod-*\"], which stands for several tables";
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[0].ends_with(&format!("DSL-5006 partition_key {said}")), "{found:?}");
    assert!(found[1].ends_with(&format!("DSL-5006 logical_name {said}")), "{found:?}");
    assert!(found[2].contains("an empty prefix matches every attribute"), "{found:?}");

    // Nothing that DynamoDB says makes an attribute readable, so the pattern must say which may be keys.
    let said = "DSL-5013 [tables.\"prod-*\"] stores nothing readable that could be the key of a table";
    for rest in ["", "unsigned = [\"id\"]\n", "[tables.\"prod-*\".attributes]\nid = \"do_nothing\"\n"] {
        assert_eq!(faults(&format!("{text}{rest}")), [format!("7:9 {said}")], "{rest}");
    }
    assert!(parse(&text.replace("encrypt_and_sign", "sign_only")).is_ok());
}

/// The names of a file that the tests of every head read.
#[test]
fn a_name_that_no_table_can_have_is_refused() {
    let names: Vec<serde_json::Value> = serde_json::from_str(include_str!("../../../tests/names/tables.json")).unwrap();
    let toml = |name: &str| -> String { name.chars().map(|one| format!("\\U{:08X}", u32::from(one))).collect() };
    let attributes = "default_action = \"encrypt_and_sign\"\nattributes = { id = \"sign_only\" }\n";
    for entry in &names {
        let (name, possible) = (entry["name"].as_str().unwrap(), entry["possible"] == true);
        let key = if name.contains('*') { "" } else { "partition_key = \"id\"\n" };
        let text = format!("{MAIN}[tables.\"{}\"]\nkeys = \"main\"\n{key}{attributes}", toml(name));
        let store = format!(
            "[keys.k]\ntype = \"hierarchical\"\nkey_store_table = \"{}\"\nbranch_key_id = \"x\"\nkms_key_arn = \"{}\"\n\
             [tables.OfNoKeyStore]\nkeys = \"k\"\npartition_key = \"id\"\n",
            toml(name),
            "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        );
        let store_possible = possible && !name.contains('*');
        for (text, possible, code) in [(text, possible, "DSL-5015"), (store, store_possible, "DSL-5015")] {
            match parse(&text) {
                Ok(_) => assert!(possible, "{name:?} was accepted:\n{text}"),
                Err(errors) => {
                    let faults = errors.into_faults();
                    assert!(!possible, "{name:?}: {faults:?}");
                    // An empty name is a value that must not be empty, where it is a value.
                    let codes: Vec<_> = faults.iter().map(|fault| fault.code).collect();
                    assert!(codes == [code] || name.is_empty() && codes == ["DSL-5005"], "{name:?}: {faults:?}");
                    let said = format!("{} {}", faults[0].message, faults[0].hint);
                    assert!(said.chars().all(|one| one.is_ascii_graphic() || one == ' ' || one == '…'), "{said:?}");
                }
            }
        }
    }
    let arn = format!("{MAIN}[tables.\"arn:aws:dynamodb:eu-west-1:000000000000:table/Unp1\"]\nkeys = \"main\"\n");
    let hint = parse(&arn).unwrap_err().into_faults().remove(0).hint;
    assert!(hint.starts_with("write the name alone, \"Unp1\""), "{hint}");
}

#[test]
fn a_configuration_that_protects_nothing_must_say_so() {
    for text in
        ["", MAIN, "[tables]\n", "tables = {}\n", "[gateway]\nupstream = \"embedded\"\n", "allow_no_tables = false\n"]
    {
        let found = faults(text);
        assert_eq!(found, ["1:1 DSL-5016 no table is protected"], "{text}");
    }
    let config = parse("allow_no_tables = true\n[gateway]\nupstream = \"embedded\"\n").unwrap();
    assert_eq!(config.warnings.iter().map(|fault| fault.code).collect::<Vec<_>>(), ["DSL-5204"]);
    // Nothing else is said of a text that cannot be read, or of tables that have faults of their own.
    assert!(faults("[tables.Users").iter().all(|fault| fault.contains("DSL-5001")));
    assert!(faults(&with_table("suite = 1\n")).iter().all(|fault| fault.contains("DSL-5004")));
}

#[test]
fn other_tables_pass_or_are_refused() {
    for (text, others) in [("", OtherTables::Pass), ("pass", OtherTables::Pass), ("refuse", OtherTables::Refuse)] {
        let first = if text.is_empty() { String::new() } else { format!("other_tables = \"{text}\"\n") };
        let config = parse(&format!("{first}{}", with_table(""))).unwrap();
        assert_eq!((config.other_tables, config.explain().other_tables), (others, others.word()));
        assert_eq!(config.into_engine(Arc::new(dynaseal_keys::SystemClock)).other_tables(), others);
    }
    let text = format!("other_tables = \"refused\"\n{}", with_table(""));
    assert_eq!(faults(&text), ["1:16 DSL-5005 other_tables in the configuration cannot be \"refused\""]);
}
