//! An outage and a missing right are not told as bad data, and a run goes on where it stopped.

use std::time::Instant;

use dynaseal_keys::testing::Trouble;
use dynaseal_testkit::{Input, Wrong};
use serde_json::{Value, json};

use super::{LIMIT, World, lines, objects};

/// The code of the error that ended it, and the sum.
fn ended(stderr: &str) -> (String, Value) {
    let code = stderr.split("error[").nth(1).and_then(|rest| rest.split(']').next()).unwrap_or_default();
    (code.to_owned(), objects(stderr).pop().unwrap_or_default())
}

fn nothing_done() -> Value {
    json!({"lines": 0, "done": 0, "failed": 0, "go_on_from_line": 1})
}

#[test]
fn an_outage_ends_it_at_once_and_says_where_to_go_on() {
    let world = World::new();
    let sealed = world.items("seal", "Users", &[], lines(0..20)).stdout;
    for (wrong, code) in [
        (Wrong::Closes, "DSL-4112"),
        (Wrong::Says(503, "{}".into()), "DSL-4102"),
        (Wrong::Says(400, "{\"__type\":\"ThrottlingException\"}".into()), "DSL-4101"),
    ] {
        world.stand_in.order(None, wrong, usize::MAX);
        for (command, input) in [("seal", lines(0..1000)), ("open", sealed.clone()), ("repair", sealed.clone())] {
            let ran = world.items(command, "Users", &[], input);
            assert_eq!((ran.code(), ran.stdout.as_str()), (Some(3), ""), "{command}: {}", ran.stderr);
            assert_eq!(ended(&ran.stderr), (code.to_owned(), nothing_done()), "{}", ran.stderr);
        }
        world.stand_in.calm();
    }
    // A line that is wrong is told beside it, and stays told.
    world.stand_in.order(None, Wrong::Closes, usize::MAX);
    let ran = world.items("seal", "Users", &[], format!("x\n{}", lines(0..9)));
    assert_eq!(ran.code(), Some(3));
    let sum = json!({"lines": 1, "done": 0, "failed": 1, "go_on_from_line": 2});
    assert_eq!(objects(&ran.stderr)[1], sum, "{}", ran.stderr);
}

#[test]
fn an_outage_in_the_middle_loses_and_doubles_nothing() {
    let world = World::new();
    let input = lines(0..200);
    let args = ["seal", "--config", "dynaseal.toml", "--table", "Users", "--threads", "4"];
    let calm = world.program(&args).input(Input::Bytes(input.clone().into_bytes())).run(LIMIT).stdout;
    assert_eq!(calm.lines().count(), 200);
    let (mut out, mut first, mut runs) = (String::new(), 1, 0);
    loop {
        world.stand_in.calm();
        let before = world.aws.kms.count("GenerateDataKey");
        let mut child = world.program(&args).args(["--from-line", &first.to_string()]);
        child = child.input(Input::Bytes(input.clone().into_bytes()));
        let mut running = child.start();
        // Every call but the first ones fails, so each run comes a little further.
        while runs < 5 && world.aws.kms.count("GenerateDataKey") < before + 20 && running.is_running() {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        if runs < 5 {
            world.stand_in.order(None, Wrong::Closes, usize::MAX);
        }
        let ran = running.end(LIMIT);
        out.push_str(&ran.stdout);
        runs += 1;
        if ran.code() == Some(0) {
            break;
        }
        let (_, sum) = ended(&ran.stderr);
        assert_eq!((ran.code(), &sum["failed"]), (Some(3), &json!(0)), "{}", ran.stderr);
        assert_eq!(sum["done"], ran.stdout.lines().count());
        assert_eq!(sum["go_on_from_line"], first + ran.stdout.lines().count());
        first = usize::try_from(sum["go_on_from_line"].as_u64().unwrap()).unwrap();
    }
    world.stand_in.calm();
    let opened = world.items("open", "Users", &[], out);
    let ids: Vec<_> = objects(&opened.stdout).iter().map(|item| item["id"]["S"].as_str().unwrap().to_owned()).collect();
    assert!(ids.iter().eq((0..200).map(|number| number.to_string()).collect::<Vec<_>>().iter()), "{ids:?}");
    assert!(runs > 1);
}

#[test]
fn a_right_that_is_missing_ends_it_after_ten_lines() {
    let world = World::new();
    let sealed = world.items("seal", "Users", &[], lines(0..300)).stdout;
    let refusal = |name: &str| Wrong::Says(400, format!("{{\"__type\":\"{name}\"}}"));
    for (name, code) in [
        ("AccessDeniedException", "DSL-4103"),
        ("ExpiredTokenException", "DSL-4104"),
        ("DisabledException", "DSL-4106"),
        ("NotFoundException", "DSL-4105"),
    ] {
        world.stand_in.order(None, refusal(name), usize::MAX);
        for (command, input) in [("seal", lines(0..300)), ("open", sealed.clone())] {
            let began = Instant::now();
            let ran = world.items(command, "Users", &[], input);
            assert_eq!((ran.code(), ran.stdout.as_str()), (Some(2), ""), "{command}: {}", ran.stderr);
            assert_eq!(ended(&ran.stderr), (code.to_owned(), nothing_done()), "{}", ran.stderr);
            assert!(began.elapsed() < LIMIT / 4);
        }
        // One line is enough to say so, as at the end of a longer input.
        let ran = world.items("seal", "Users", &[], lines(0..1));
        assert_eq!((ran.code(), ended(&ran.stderr)), (Some(2), (code.to_owned(), nothing_done())));
        world.stand_in.calm();
    }
}

#[test]
fn rights_that_differ_by_item_fail_those_items_alone() {
    let world = World::new();
    world.aws.kms.trouble(Trouble::AccessDenied, Some("GenerateDataKey"), 3);
    let ran = world.items("seal", "Users", &["--threads", "1"], lines(0..20));
    assert_eq!((ran.code(), ran.stdout.lines().count()), (Some(2), 17), "{}", ran.stderr);
    let said = objects(&ran.stderr);
    assert_eq!(said.iter().filter(|one| one["code"] == "DSL-4103").count(), 3);
    assert_eq!(said.last(), Some(&json!({"lines": 20, "done": 17, "failed": 3})));
}

#[test]
fn no_credentials_are_no_fault_of_the_data() {
    let world = World::new();
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        let args = ["seal", "--config", "dynaseal.toml", "--table", "Users"];
        let none = world.path("none").display().to_string();
        let program = world.program(&args).env(name, "").env("HOME", &none).env("AWS_CONFIG_FILE", &none);
        let program = program.env("AWS_SHARED_CREDENTIALS_FILE", &none);
        let ran = program.input(Input::Bytes(lines(0..1000).into_bytes())).run(LIMIT);
        assert_eq!((ran.code(), ran.stdout.as_str()), (Some(2), ""), "{}", ran.stderr);
    }
}

#[test]
fn a_key_store_is_a_service_too() {
    let world = World::with_store();
    for id in ["0", "1", "2"] {
        world.create_at(id, 2020);
    }
    let stored = world.items("seal", "Tenants", &[], lines(0..3)).stdout;
    assert_eq!(stored.lines().count(), 3);
    world.stand_in.order(Some("GetItem"), Wrong::Says(500, "{}".into()), usize::MAX);
    assert_eq!(world.items("open", "Tenants", &[], &*stored).code(), Some(3));
    world.stand_in.calm();
    let denied = Wrong::Says(400, "{\"__type\":\"AccessDeniedException\"}".into());
    world.stand_in.order(Some("GetItem"), denied, usize::MAX);
    assert_eq!(world.items("open", "Tenants", &[], &*stored).code(), Some(2));
    world.stand_in.calm();
    // A branch key that is gone is its items' own matter.
    let gone = world.keys(&["destroy", "1", "--confirm", "1", "--audit-log", "log"]);
    assert_eq!(gone.code(), Some(0), "{}", gone.stderr);
    let ran = world.items("open", "Tenants", &[], stored);
    assert_eq!((ran.code(), ran.stdout.lines().count()), (Some(1), 2), "{}", ran.stderr);
}
