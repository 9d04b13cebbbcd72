//! `docs/ERRORS.md` has every code that stands in the sources, and no other.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where codes stand: each crate, and the TypeScript half of the Node package.
const SOURCES: [&str; 9] =
    ["item/src", "keys/src", "engine/src", "http/src", "gateway/src", "cli/src", "node/src", "node/ts", "dynaseal/src"];

#[test]
fn the_document_and_the_sources_have_the_same_codes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let document = fs::read_to_string(root.join("docs/ERRORS.md")).unwrap();
    let rows: Vec<Vec<&str>> = document
        .lines()
        .filter(|line| line.starts_with("| DSL-"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let documented: BTreeSet<&str> = rows.iter().filter_map(|row| row.first().copied()).collect();
    assert_eq!(documented.len(), rows.len(), "a code has two rows");
    for row in &rows {
        assert!(row.len() == 3 && row.iter().all(|cell| !cell.is_empty()), "{row:?} needs a cause and a remedy");
    }

    let mut used = BTreeSet::new();
    for name in SOURCES {
        let before = used.len();
        for file in sources(&root.join("crates").join(name)) {
            used.extend(codes(&fs::read_to_string(file).unwrap()));
        }
        assert!(used.len() > before, "{name} has no code of its own");
    }
    let used: BTreeSet<&str> = used.iter().map(String::as_str).collect();
    let missing: Vec<_> = used.difference(&documented).collect();
    let unused: Vec<_> = documented.difference(&used).collect();
    assert!(missing.is_empty() && unused.is_empty(), "not in the document: {missing:?}; in no source: {unused:?}");
}

/// What users of the program have instead of the document.
#[test]
fn each_code_is_explained() {
    let explain = |code: &str| {
        let run = Command::new(env!("CARGO_BIN_EXE_dynaseal")).args(["explain", code]).output().unwrap();
        (run.status.code(), String::from_utf8(run.stdout).unwrap(), String::from_utf8(run.stderr).unwrap())
    };
    for code in ["DSL-3008", "dsl-3008", "3008"] {
        let (status, said, _) = explain(code);
        assert!(status == Some(0) && said.starts_with("DSL-3008: ") && said.contains("\n  help: "), "{said}");
        assert!(said.lines().all(|line| line.chars().count() <= 80), "{said}");
    }
    let (status, said, _) = explain("8201");
    assert!(status == Some(0) && said.contains("more: `dynaseal explain KEYS.md`"), "{said}");
    let (status, said, _) = explain("keys.md");
    assert!(status == Some(0) && said.starts_with("# Keys\n"), "{}", said.len());
    let (status, said, words) = explain("DSL-30O8");
    assert_eq!((status, said.as_str()), (Some(2), ""));
    assert!(words.contains("error[DSL-8013]") && words.contains("did you mean"), "{words}");
    let (status, _, words) = explain("\u{1b}[31mnothing");
    assert!(status == Some(2) && !words.contains('\u{1b}') && !words.contains("did you mean"), "{words}");
}

/// Every Rust and TypeScript file below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs" || extension == "ts") {
            found.push(path);
        }
    }
    found
}

/// Every code in a text: `DSL-` and four digits, in quotes.
fn codes(text: &str) -> impl Iterator<Item = String> {
    text.split("\"DSL-").skip(1).filter_map(|rest| {
        let (digits, rest) = rest.split_at_checked(4)?;
        let whole = digits.bytes().all(|byte| byte.is_ascii_digit()) && rest.starts_with('"');
        whole.then(|| format!("DSL-{digits}"))
    })
}
