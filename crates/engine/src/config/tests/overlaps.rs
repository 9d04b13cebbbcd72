//! Sections that stand for the same table.

use super::*;

const OTHER: &str = "[keys.other]\ntype = \"raw-aes\"\nnamespace = \"n\"\nname = \"o\"\nkey_env = \"TEST_KEY\"\n";

/// Sections of `[tables]`, each with its name, its default action and what else it has.
fn sections(sections: &[(&str, &str, &str)]) -> String {
    let section = |(name, action, more): &(&str, &str, &str)| {
        let key = if name.contains('*') { "" } else { "partition_key = \"id\"\n" };
        let keys = if more.contains("keys =") { "" } else { "keys = \"main\"\n" };
        format!(
            "[tables.\"{name}\"]\n{keys}{key}default_action = \"{action}\"\n{more}\n\
             [tables.\"{name}\".attributes]\nid = \"sign_only\"\n"
        )
    };
    MAIN.to_owned() + &sections.iter().map(section).collect::<String>()
}

const ALL: &str = "encrypt_and_sign";
const READABLE: &str = "sign_only";

#[test]
fn two_patterns_of_the_same_tables_are_an_error_whatever_they_do() {
    for (one, other) in [("app*", "app**"), ("*", "***"), ("a*b", "a***b"), ("**x*", "*x**")] {
        let found = faults(&sections(&[(one, ALL, ""), (other, ALL, "")]));
        let said = format!("DSL-5017 [tables.\"{other}\"] stands for the same tables as [tables.\"{one}\"]");
        assert!(found.len() == 1 && found[0].ends_with(&said), "{found:?}");
    }
}

#[test]
fn patterns_that_cross_must_protect_alike_or_leave_what_both_match_to_a_section() {
    let crossed = [("app*", ALL, ""), ("*prod", READABLE, "")];
    let found = parse(&sections(&crossed)).unwrap_err().into_faults().remove(0);
    assert_eq!(found.code, "DSL-5018");
    let said = "[tables.\"*prod\"] and [tables.\"app*\"] both stand for table \"app-prod\" and protect it differently: any other \
                attribute (sign_only instead of encrypt_and_sign)";
    assert_eq!(found.message, said);
    assert!(found.hint.contains("[tables.\"app*prod\"]"), "{}", found.hint);

    for more in [
        "plaintext = \"read\"",
        "keys = \"other\"",
        "suite = \"hmac\"",
        "unsigned = [\"x\"]",
        "unsigned_prefix = \":\"",
    ] {
        let text = format!("{}{OTHER}", sections(&[("app*", ALL, ""), ("*prod", ALL, more)]));
        assert!(faults(&text).iter().any(|fault| fault.contains("DSL-5018")), "{more}");
    }
    // Alike, or of different names, or settled by a section of what both match, all is well.
    assert!(parse(&sections(&[("app*", ALL, ""), ("*prod", ALL, "")])).unwrap().warnings.is_empty());
    assert!(parse(&sections(&[("app*", ALL, ""), ("web*", READABLE, "")])).unwrap().warnings.is_empty());
    let settled = [crossed[0], crossed[1], ("app*prod", ALL, "")];
    let found = faults(&sections(&settled));
    assert!(found.len() == 1 && found[0].contains("both stand for table \"approd\""), "{found:?}");
    let settled = [crossed[0], crossed[1], ("app*prod", ALL, ""), ("approd", ALL, "")];
    let config = parse(&sections(&settled)).unwrap();
    assert_eq!(config.section("app-prod").section.as_deref(), Some("[tables.\"app*prod\"]"));
    assert_eq!(config.section("app-prod").others, ["[tables.\"*prod\"]", "[tables.\"app*\"]"]);
}

#[test]
fn a_pattern_inside_another_holds_and_says_so() {
    let warned = |inner, outer| {
        let config = parse(&sections(&[("*", outer, ""), ("prod-*", inner, "")])).unwrap();
        config.warnings.into_iter().map(|fault| format!("{} {}", fault.code, fault.message)).collect::<Vec<_>>()
    };
    assert!(warned(ALL, ALL).is_empty());
    let less = warned(READABLE, ALL);
    assert!(
        less.len() == 1 && less[0].starts_with("DSL-5209 [tables.\"prod-*\"] holds for its tables, not [tables.\"*\"]")
    );
    assert!(less[0].contains("LESS") && less[0].contains("sign_only instead of encrypt_and_sign"), "{less:?}");
    let more = warned(ALL, READABLE);
    assert!(more.len() == 1 && !more[0].contains("LESS"), "{more:?}");
    // As many fixed characters: the one that is inside the other holds all the same.
    let config = parse(&sections(&[("*ab*", ALL, ""), ("ab*", READABLE, "")])).unwrap();
    assert_eq!(config.section("abc").section.as_deref(), Some("[tables.\"ab*\"]"));
}

#[test]
fn a_name_that_protects_less_than_its_pattern_says_so() {
    let warned = |action, more| {
        let config = parse(&sections(&[("*", ALL, ""), ("Users", action, more)])).unwrap();
        config.warnings.into_iter().map(|fault| (fault.code, fault.message)).collect::<Vec<_>>()
    };
    assert!(warned(ALL, "sort_key = \"at\"").is_empty(), "its own keys are readable, as keys must be");
    assert!(warned(ALL, "suite = \"hmac\"").is_empty());
    let found = warned(READABLE, "");
    assert!(
        found.len() == 1 && found[0].0 == "DSL-5209" && found[0].1.contains("[tables.Users] protects less"),
        "{found:?}"
    );
    let found = warned(ALL, "unsigned = [\"visits\"]");
    assert!(
        found.len() == 1 && found[0].1.contains("\"visits\" (do_nothing instead of encrypt_and_sign)"),
        "{found:?}"
    );
    let found = warned(ALL, "plaintext = \"read\"");
    assert!(found.iter().any(|(code, text)| *code == "DSL-5209" && text.contains("plaintext")), "{found:?}");
}

#[test]
fn the_table_of_a_key_store_has_no_section() {
    let text = "[keys.k]\ntype = \"hierarchical\"\nkey_store_table = \"Keys\"\nbranch_key_id = \"x\"\nkms_key_arn = \
                \"arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab\"\n[tables.Users]\nkeys = \"k\"\n\
                partition_key = \"id\"\ndefault_action = \"encrypt_and_sign\"\n";
    let config = parse(text).unwrap();
    let held = config.section("Keys");
    assert_eq!((held.section, held.key_store_of.as_deref()), (None, Some("k")));
    let found = faults(&format!("{text}[tables.Keys]\nkeys = \"k\"\npartition_key = \"id\"\n"));
    assert!(found.len() == 1 && found[0].contains("DSL-5006 [tables.Keys] is the key store of the key k"), "{found:?}");
    // A pattern does not reach it.
    let all =
        "[tables.\"*\"]\nkeys = \"k\"\ndefault_action = \"encrypt_and_sign\"\nattributes = { id = \"sign_only\" }\n";
    assert_eq!(parse(&format!("{text}{all}")).unwrap().section("Keys").section, None);
}

#[test]
fn the_section_of_a_table_is_that_of_its_name_or_the_closest() {
    let config = parse(&sections(&[("*", ALL, ""), ("prod-*", ALL, ""), ("prod-Users", ALL, "")])).unwrap();
    for (table, section, others) in [
        ("prod-Users", Some("[tables.prod-Users]"), 2),
        ("prod-Orders", Some("[tables.\"prod-*\"]"), 1),
        ("Users", Some("[tables.\"*\"]"), 0),
    ] {
        let held = config.section(table);
        assert_eq!((held.section.as_deref(), held.others.len()), (section, others), "{table}");
        assert!(held.protection.is_some());
    }
}

/// Time and memory grow with the faults, and not with their square; some hundred are told.
#[test]
fn many_faults_are_counted() {
    let timed = |count: usize| {
        let unknown: String = (0..count)
            .map(|number| {
                format!("[tables.Table{number}]\nkeys = \"k{number}\"\npartition_key = \"id\"\nunknown = 1 # ü\n")
            })
            .collect();
        let started = std::time::Instant::now();
        let errors = parse(&(MAIN.to_owned() + &unknown)).unwrap_err();
        assert_eq!((errors.iter().count(), errors.more()), (200, 2 * count - 200));
        assert!(errors.to_string().ends_with(&format!("\nand {} more", 2 * count - 200)));
        started.elapsed()
    };
    let (few, many) = (timed(1000), timed(8000));
    println!("1,000 tables: {few:?}, 8,000: {many:?}");
    // Eight times as many took sixty-four times as long; the rest is room for a machine that does other work.
    assert!(many < few * 30 + Duration::from_secs(1), "{few:?} and {many:?}");
}

/// Of keys inside keys a few levels are enough for everybody; more would be a walk that ends the process.
#[test]
fn multi_keys_nest_to_a_stated_depth() {
    let chain = |count: usize| {
        let key = |number| {
            let next = if number + 1 < count { format!("k{}", number + 1) } else { "main".to_owned() };
            format!("[keys.k{number}]\ntype = \"multi\"\ngenerator = \"{next}\"\n")
        };
        let keys: String = (0..count).map(key).collect();
        format!(
            "{MAIN}{keys}[tables.Users]\nkeys = \"k0\"\npartition_key = \"id\"\ndefault_action = \"encrypt_and_sign\"\n"
        )
    };
    assert!(parse(&chain(16)).is_ok());
    let found = faults(&chain(17));
    assert!(found.len() == 1 && found[0].contains("DSL-5005 [keys.k16] stands 16 multi keys deep in k0"), "{found:?}");
    assert!(parse(&chain(16_000)).is_err());
}

#[test]
fn places_are_told_in_characters() {
    let line = "x".repeat(300);
    for text in
        [format!("# {line}é{line}\n\"é\u{1F600}\" = 1\n"), format!("\n\n{}\"é\u{1F600}\" = 1", "# ü\n".repeat(200))]
    {
        let found = parse(&format!("{text}\n[tables.Tab]\nkeys = \"main\"\n")).unwrap_err().into_faults();
        let place = found.iter().find(|fault| fault.code == "DSL-5002").map(|fault| (fault.line, fault.column));
        let line = text.lines().position(|line| line.starts_with('"')).unwrap() + 1;
        assert_eq!(place, Some((line, 1)), "{found:?}");
    }
    let found = parse("[tables]\nTab = { \"é\u{1F600}\" = 1, nope = 2 }\n").unwrap_err().into_faults();
    assert!(found.iter().any(|fault| (fault.line, fault.column) == (2, 19)), "{found:?}");
}
