//! `dynaseal explain CODE`: the row of `docs/ERRORS.md`, which the program has with it, as it has the documents to which
//! the rows and other messages lead: `dynaseal explain KEYS.md`.

use dynaseal_engine::did_you_mean;

use super::Outcome;
use crate::args::ExplainArgs;
use crate::error::Error;
use crate::say;

pub(crate) fn run(args: &ExplainArgs) -> Result<Outcome, Error> {
    let code = written(&args.code);
    if let Some((_, document)) = DOCUMENTS.iter().find(|(name, _)| name.eq_ignore_ascii_case(&args.code)) {
        return say::page(document.as_bytes()).map(|()| Outcome::Done);
    }
    let Some([_, cause, remedy]) = rows().find(|[other, ..]| *other == code) else {
        let near = did_you_mean(&code, rows().map(|[code, ..]| code).collect::<Vec<_>>().into_iter());
        return Err(Error::NoCode { code: args.code.clone(), near });
    };
    let mut out = Vec::new();
    say::wrap(&format!("{code}: {}", plain(cause)), "    ", &mut out);
    say::wrap(&format!("  help: {}", plain(remedy)), "        ", &mut out);
    for (name, _) in DOCUMENTS.iter().filter(|(name, _)| [cause, remedy].iter().any(|cell| cell.contains(name))) {
        say::wrap(&format!("  more: `dynaseal explain {name}`"), "        ", &mut out);
    }
    say::page(&out).map(|()| Outcome::Done)
}

/// A code as errors show it: `3008` and `dsl-3008` are typed sooner.
fn written(code: &str) -> String {
    let code = code.trim().to_ascii_uppercase();
    if !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_digit()) { format!("DSL-{code}") } else { code }
}

/// Code, cause and remedy of each.
fn rows() -> impl Iterator<Item = [&'static str; 3]> {
    let rows = ERRORS.lines().filter(|line| line.starts_with("| DSL-"));
    rows.filter_map(|row| {
        let mut cells = row.trim_matches('|').split('|').map(str::trim);
        Some([cells.next()?, cells.next()?, cells.next()?])
    })
}

/// Without the marks of Markdown: of a link its text stays.
fn plain(cell: &str) -> String {
    let mut out = String::with_capacity(cell.len());
    let mut rest = cell;
    while let Some((before, link)) = rest.split_once('[') {
        let parts = link.split_once("](").and_then(|(text, link)| Some((text, link.split_once(')')?.1)));
        out.push_str(before);
        match parts.filter(|(text, _)| !text.contains('[')) {
            Some((text, after)) => {
                out.push_str(text);
                rest = after;
            }
            None => {
                out.push('[');
                rest = link;
            }
        }
    }
    out.push_str(rest);
    out
}

const ERRORS: &str = include_str!("../../../../docs/ERRORS.md");
const DOCUMENTS: [(&str, &str); 4] = [
    ("KEYS.md", include_str!("../../../../docs/KEYS.md")),
    ("COMPAT.md", include_str!("../../../../docs/COMPAT.md")),
    ("GATEWAY.md", include_str!("../../../../docs/GATEWAY.md")),
    ("ERRORS.md", ERRORS),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_told_without_marks() {
        assert!(rows().count() > 100);
        for [code, cause, remedy] in rows() {
            let told = format!("{} {}", plain(cause), plain(remedy));
            assert!(!told.contains("](") && !told.trim().is_empty(), "{code}: {told}");
            // A document that a row leads to is one that the program has.
            for word in told.split(|one: char| !one.is_ascii_alphanumeric() && one != '.') {
                let is_document = word.trim_end_matches('.').ends_with(".md");
                let known = DOCUMENTS.iter().any(|(name, _)| *name == word.trim_end_matches('.'));
                assert!(!is_document || known, "{code} leads to {word}");
            }
        }
    }

    #[test]
    fn links_lose_their_target_and_brackets_stay() {
        assert_eq!(plain("see [KEYS.md](KEYS.md#a) or [tables.NAME], [b](c)."), "see KEYS.md or [tables.NAME], b.");
        assert_eq!(plain("`[tables.\"*\"]` and [x"), "`[tables.\"*\"]` and [x");
        assert_eq!(plain("`[tables.NAME]`: [KEYS.md](KEYS.md)"), "`[tables.NAME]`: KEYS.md");
    }

    #[test]
    fn a_code_is_typed_in_several_ways() {
        for code in ["DSL-3008", "dsl-3008", " 3008 "] {
            assert_eq!(written(code), "DSL-3008");
        }
        assert_eq!(written(""), "");
    }
}
