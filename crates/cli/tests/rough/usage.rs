//! Arguments that no command can do anything with.

use dynaseal_testkit::Wrong;
use serde_json::json;

use super::{STORE, World, objects};

#[test]
fn numbers_have_bounds() {
    let world = World::new();
    let table = ["--config", "dynaseal.toml", "--table", "Local"];
    for (option, numbers) in [
        ("--threads", &["0", "257", "20000", "18446744073709551615", "18446744073709551616", "-1", "1.5", "x", ""][..]),
        ("--from-line", &["0", "18446744073709551616", "-1", "x", ""]),
    ] {
        for command in ["seal", "open", "repair"] {
            for number in numbers {
                let ran = world.run(&[&[command], &table[..], &[&*format!("{option}={number}")]].concat());
                assert_eq!(ran.code(), Some(2), "{command} {option} {number}: {}", ran.stderr);
                assert!(ran.stderr.contains(option) && !ran.stderr.contains("panicked"), "{}", ran.stderr);
            }
        }
    }
    for (option, number) in [("--threads", "1"), ("--threads", "256"), ("--from-line", "1")] {
        assert_eq!(
            world.run(&[&["seal"], &table[..], &[&*format!("{option}={number}")]].concat()).code(),
            Some(0),
            "{option} {number}"
        );
    }
    for args in [
        &["keys", "rotate", "--older-than", "18446744073709551615d"][..],
        &["keys", "rotate", "--older-than=-1d"],
        &["dev", "--port", "70000"],
        &["dev", "--port=-1"],
        &["gateway", "--listen", "127.0.0.1:99999"],
    ] {
        assert_eq!(world.run(args).code(), Some(2), "{args:?}");
    }
}

#[test]
fn an_id_is_what_it_looks_like() {
    let world = World::with_store();
    for id in
        ["", " ", "  ", " lead", "trail ", "\u{a0}x", "a\nb", "a\tb", "\u{feff}acme", "\u{202e}emca", "ac\u{200b}me"]
    {
        let ran = world.keys(&["create", "--context", "a=b", "--", id]);
        let code = if id.is_empty() { "DSL-5101" } else { "DSL-4142" };
        assert!(ran.code() == Some(2) && ran.stderr.contains(code), "{id:?}: {} {}", ran.stdout, ran.stderr);
    }
    assert!(world.aws.table.items(STORE).is_empty());
    let ran = world.keys(&["create", "acme corp", "--context", "a=b"]);
    assert!(ran.code() == Some(0) && ran.stdout.contains("acme corp,"), "{}", ran.stderr);
}

/// Those that are there already are shown as they are, and can be taken away.
#[test]
fn an_old_id_is_shown_with_its_blanks() {
    let world = World::with_store();
    world.create_at("x", 2020);
    for (id, shown) in [("  lead", r"\u{20}\u{20}lead"), ("a  b", r"a \u{20}b"), ("x\u{202e}", r"x\u{202e}")] {
        world.aws.table.edit(STORE, |items| {
            let copies: Vec<_> = items.iter().filter(|item| item["branch-key-id"]["S"] == "x").cloned().collect();
            items.extend(copies.into_iter().map(|mut item| {
                item["branch-key-id"]["S"] = json!(id);
                item
            }));
        });
        for args in [
            &["list"][..],
            &["describe", id],
            &["disable", id, "--confirm", id],
            &["enable", id],
            &["destroy", id, "--dry-run"],
            &["destroy", id, "--confirm", id, "--audit-log", "log"],
        ] {
            let ran = world.keys(args);
            assert!(ran.code() == Some(0) && ran.stdout.contains(shown), "{args:?}: {} {}", ran.stdout, ran.stderr);
        }
        assert_eq!(world.versions(id), 0);
    }
}

#[test]
fn a_pair_of_the_context_has_one_value() {
    let world = World::with_store();
    for second in ["a=2", "a=1", "a="] {
        let ran = world.keys(&["create", "acme", "--context", "a=1", "--context", second]);
        assert!(ran.code() == Some(2) && ran.stderr.contains("DSL-8015"), "{}", ran.stderr);
    }
    assert!(world.aws.table.items(STORE).is_empty());
    assert_eq!(world.keys(&["create", "acme", "--context", "a=1", "--context", "b=1"]).code(), Some(0));
    let asked = world.run(&["check", "dynaseal.toml", "--credentials", "--context", "a=1", "--context", "a=2"]);
    assert!(asked.code() == Some(2) && asked.stderr.contains("DSL-8015"), "{}", asked.stderr);
}

#[test]
fn a_list_whose_pages_lead_in_a_circle_ends() {
    let world = World::with_store();
    let page = |last: &str| {
        json!({"Items": [], "LastEvaluatedKey": {"branch-key-id": {"S": last}, "type": {"S": "t"}}}).to_string()
    };
    for circle in [&["a"][..], &["a", "b", "c"]] {
        for args in [&["list"][..], &["rotate", "--older-than", "1d"]] {
            for last in circle.iter().chain(circle) {
                world.stand_in.order(Some("Scan"), Wrong::Says(200, page(last)), 1);
            }
            let ran = world.keys(args);
            assert!(ran.code() == Some(2) && ran.stderr.contains("DSL-4128"), "{circle:?}: {}", ran.stderr);
            world.stand_in.calm();
        }
    }
    assert_eq!(objects(&world.keys(&["list", "--json"]).stdout).len(), 0);
}
