//! docs/BENCHMARKS.md: every benchmark writes its own section and leaves the others alone.

use std::path::Path;
use std::{fs, io};

/// Whether the command line has a word.
pub(crate) fn wanted(asked: &str) -> bool {
    std::env::args().any(|word| word == asked)
}

/// Replaces the section under `## heading`, or adds it at the end.
pub(crate) fn write(heading: &str, body: &str) -> io::Result<()> {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/BENCHMARKS.md"));
    let page = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => TITLE.to_owned(),
        page => page?,
    };
    let title = format!("\n## {heading}\n");
    let (before, after) = match page.split_once(&title) {
        Some((before, rest)) => (before, rest.find("\n## ").map_or("", |next| &rest[next..])),
        None => (page.as_str(), ""),
    };
    fs::write(path, format!("{before}{title}\n{}\n{after}", body.trim_end()))
}

const TITLE: &str = "# Benchmarks\n\nEach section is written by the command it names. Ratios carry over to another machine, times do not.\n";
