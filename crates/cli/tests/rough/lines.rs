//! Each line that went in is accounted for, whatever stands before it.

use serde_json::json;

use super::{World, lines, objects};

const CUT: [&str; 7] =
    [r#"{"id":{"S":"cut"},"#, r#"{"id":{"S":"#, r#"{"id":"#, "{", "[", r#"{"Items":["#, r#"{"id":{"S":"cut"}},"#];

#[test]
fn a_line_that_is_cut_off_costs_no_other() {
    let world = World::new();
    let sealed = world.items("seal", "Local", &[], lines(0..300)).stdout;
    let sealed: String = sealed.lines().map(|line| format!("  {line}\n")).collect();
    for (command, good) in [("seal", lines(0..300)), ("open", sealed)] {
        for cut in CUT {
            for input in [format!("{cut}\n{good}"), format!("{good}{cut}\n"), format!("{good}{cut}\n{good}")] {
                let went_in = input.lines().count();
                let ran = world.items(command, "Local", &[], input);
                assert_eq!((ran.code(), ran.stdout.lines().count()), (Some(1), went_in - 1), "{command} {cut}");
                let said = objects(&ran.stderr);
                assert_eq!((said.len(), &said[0]["code"]), (2, &json!("DSL-1006")), "{}", ran.stderr);
                assert_eq!(said[1], json!({"lines": went_in, "done": went_in - 1, "failed": 1}));
            }
        }
    }
}

#[test]
fn an_item_that_dynamodb_would_refuse_is_told() {
    let world = World::new();
    let item = |size: usize| format!("{{\"id\":{{\"S\":\"1\"}},\"note\":{{\"S\":\"{}\"}}}}\n", "x".repeat(size));
    // 400 KB count sealed, with header, footer and what encryption adds.
    for (size, fits) in [(1_000, true), (409_000, true), (409_600 - 20, false), (500_000, false)] {
        let ran = world.items("seal", "Local", &[], item(size) + &lines(0..1));
        assert_eq!((ran.code(), ran.stdout.lines().count()), if fits { (Some(0), 2) } else { (Some(1), 1) }, "{size}");
        let told = objects(&ran.stderr);
        assert_eq!(
            told.first().map(|one| (&one["line"], &one["code"])),
            (!fits).then_some((&json!(1), &json!("DSL-2004")))
        );
        assert!(fits || ran.stderr.contains("--any-size"), "{}", ran.stderr);
        let anywhere = world.items("seal", "Local", &["--any-size"], item(size));
        assert_eq!((anywhere.code(), anywhere.stdout.lines().count()), (Some(0), 1));
    }
    let wrapped = format!("{{\"Item\":{}}}\n", item(500_000).trim_end());
    assert_eq!(world.items("seal", "Local", &[], wrapped).code(), Some(1));
}

#[test]
fn a_run_goes_on_from_a_line() {
    let world = World::new();
    let whole = world.items("seal", "Local", &[], lines(0..50)).stdout;
    let open = |more: &[&str]| world.items("open", "Local", more, &*whole).stdout;
    let all = open(&[]);
    for first in [1, 2, 49, 50] {
        let rest: String = all.lines().skip(first - 1).map(|line| format!("{line}\n")).collect();
        assert_eq!(open(&["--from-line", &first.to_string()]), rest);
    }
    for beyond in ["52", "18446744073709551615"] {
        let ran = world.items("open", "Local", &["--from-line", beyond], &*whole);
        assert!(ran.code() == Some(2) && ran.stderr.contains("it has 50 lines"), "{}", ran.stderr);
    }
    assert_eq!(world.items("open", "Local", &["--from-line", "51"], &*whole).code(), Some(0));
    let failed = world.items("seal", "Local", &["--from-line", "3"], "x\nx\nx\n");
    assert_eq!(objects(&failed.stderr)[0]["line"], 3, "lines are counted from the first");
}
