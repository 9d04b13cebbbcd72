//! What cannot be written is an error, and whoever stopped to read is not told that all went well.

use dynaseal_testkit::{Input, Stream};

use super::{LIMIT, TEST_KEY, World, lines};

/// Every command that says something, with what it reads.
fn commands(world: &World) -> Vec<(Vec<&'static str>, String)> {
    let sealed = world.items("seal", "Local", &[], lines(0..500)).stdout;
    let with = |args: &[&'static str], input: &str| (args.to_vec(), input.to_owned());
    let table = ["--config", "dynaseal.toml", "--table", "Local"];
    vec![
        with(&["--help"], ""),
        with(&["--version"], ""),
        with(&["seal", "--help"], ""),
        with(&["keys", "rotate", "--help"], ""),
        with(&["explain", "DSL-3008"], ""),
        with(&["explain", "KEYS.md"], ""),
        with(&["check", "dynaseal.toml"], ""),
        with(&["check", "dynaseal.toml", "--json"], ""),
        with(&["inspect"], &sealed),
        with(&["inspect", "--json"], &sealed),
        with(&["keys", "list"], ""),
        with(&["keys", "list", "--json"], ""),
        with(&["keys", "describe", "acme"], ""),
        with(&["keys", "rotate", "acme"], ""),
        with(&["keys", "rotate", "--older-than", "0m"], ""),
        with(&["keys", "disable", "acme", "--dry-run"], ""),
        with(&[&["seal"], &table[..]].concat(), &lines(0..500)),
        with(&[&["open"], &table[..]].concat(), &sealed),
    ]
}

#[test]
fn an_output_that_cannot_be_written_is_an_error() {
    let world = World::with_store();
    world.create_at("acme", 2020);
    for (args, input) in commands(&world) {
        let run =
            |stream| world.program(&args).input(Input::Bytes(input.clone().into_bytes())).stdout(stream).run(LIMIT);
        assert_eq!(run(Stream::Read).code(), Some(0), "{args:?}");
        let full = run(Stream::Full);
        assert_eq!(full.code(), Some(2), "{args:?}: {}", full.stderr);
        assert!(full.stderr.contains("DSL-8003"), "{args:?}: {}", full.stderr);
        let gone = run(Stream::Gone);
        assert_eq!(gone.code(), Some(141), "{args:?}: {}", gone.stderr);
        // Quietly, but for what was changed.
        let is_change = args.contains(&"rotate") && !args.contains(&"--help");
        assert_eq!(gone.stderr.starts_with("Rotated acme"), is_change, "{args:?}: {}", gone.stderr);
        assert!(is_change || gone.stderr.is_empty(), "{args:?}: {}", gone.stderr);
    }
}

#[test]
fn what_was_changed_is_said_elsewhere_if_stdout_is_full() {
    let world = World::with_store();
    for (args, said) in [
        (&["create"][..], "Created branch key"),
        (&["create", "acme", "--context", "a=b"], "Created branch key acme"),
        (&["rotate", "acme"], "Rotated acme"),
        (&["disable", "acme", "--confirm", "acme"], "acme is disabled"),
        (&["enable", "acme"], "acme is enabled"),
        (&["destroy", "acme", "--confirm", "acme", "--audit-log", "log"], "Destroyed acme"),
    ] {
        let ran = world.program(&[&["keys"], args].concat()).stdout(Stream::Full).run(LIMIT);
        assert!(ran.code() == Some(2) && ran.stderr.contains(said), "{args:?}: {}", ran.stderr);
    }
}

/// A descriptor that is open for reading alone, which the standard library takes for one that can be written.
#[test]
fn a_descriptor_that_is_not_for_writing_is_an_error() {
    let world = World::with_store();
    world.create_at("acme", 2020);
    for (args, input) in commands(&world) {
        let script = ["sh", "-c", "exec \"$0\" \"$@\" 1</dev/null", env!("CARGO_BIN_EXE_dynaseal")];
        let command =
            dynaseal_testkit::Program::new(script[0]).args(&script[1..]).args(&args).folder(world.folder.path());
        let command = command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
        let command = command.env("AWS_REGION", "eu-west-1").env("DYNASEAL_TEST_KEY", TEST_KEY);
        let ran = command.input(Input::Bytes(input.into_bytes())).run(LIMIT);
        assert_eq!(ran.code(), Some(2), "{args:?}: {}", ran.stderr);
    }
}

/// What is closed before the program begins is not there for its output; what throws it away on purpose is.
#[cfg(target_os = "linux")]
#[test]
fn items_do_not_go_to_a_closed_descriptor() {
    let world = World::new();
    let sealed = world.items("seal", "Local", &[], lines(0..3)).stdout;
    for (command, input) in [("seal", lines(0..3)), ("open", sealed.clone()), ("repair", sealed)] {
        let args = [command, "--config", "dynaseal.toml", "--table", "Local"];
        let run =
            |stream| world.program(&args).input(Input::Bytes(input.clone().into_bytes())).stdout(stream).run(LIMIT);
        let closed = run(Stream::Closed);
        assert!(closed.code() == Some(2) && closed.stderr.contains("DSL-8003"), "{command}: {}", closed.stderr);
        assert_eq!(run(Stream::Null).code(), Some(0), "{command}");
    }
}

#[test]
fn failures_that_cannot_be_told_are_an_error() {
    let world = World::new();
    for command in ["seal", "open"] {
        let args = [command, "--config", "dynaseal.toml", "--table", "Local"];
        let ran = world.program(&args).input(Input::Bytes(b"x\n".to_vec())).stderr(Stream::Full).run(LIMIT);
        assert_eq!(ran.code(), Some(2));
    }
    let ran = world.program(&["inspect"]).input(Input::Bytes(b"x\n".to_vec())).stderr(Stream::Full).run(LIMIT);
    assert_eq!(ran.code(), Some(2));
}
