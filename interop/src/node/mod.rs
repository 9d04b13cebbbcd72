//! The Node package beside AWS's crate. A script of the package is given a folder:
//!
//! ```text
//!  cases.jsonl    configuration, item, what AWS sealed ──> crates/node/test/aws/exchange.mjs
//!  answers.jsonl  what Node sealed and opened         <──    by itself, and through a sealed client over a real store
//! ```
//!
//! AWS's own round trip says what must come out. A case without an answer, or an answer without a part, fails.

mod config;
mod storable;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;

use dynaseal_item::{Action, SchemaSpec, Suite};
use serde_json::{Map, Value, json};

use crate::generate::{self, Case};
use crate::report::{Report, Section};
use crate::rings::{Ring, RsaPair};
use crate::run::{Sides, open_aws};
use crate::values::{self, Attributes};

/// Runs `script` on `count` cases of `seed` in `folder`, and judges what it answers.
pub fn exchange(
    sides: &Sides,
    rsa: &RsaPair,
    seed: u64,
    count: u64,
    script: &Path,
    folder: &Path,
) -> Result<Report, String> {
    let mut report = Report::default();
    let cases: Vec<Asked> = (0..count).filter_map(|number| asked(sides, seed, number, &mut report)).collect();
    write(&cases, rsa, folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let status = Command::new("node").arg(script).arg(folder).status();
    let status = status.map_err(|error| format!("node could not be started: {error}"))?;
    if !status.success() {
        return Err(format!("{} ended with {status}", script.display()));
    }
    let answers = read(&folder.join(ANSWERS))?;
    for case in &cases {
        match answers.get(&case.number) {
            Some(answer) => judge(sides, case, answer, &mut report),
            None => report.fail(Section::Node, case.name(), case.place(), "not answered"),
        }
    }
    if answers.len() != cases.len() {
        let what = format!("{} cases, {} answers", cases.len(), answers.len());
        report.fail(Section::Node, "an answer for each case", "all", what);
    }
    Ok(report)
}

/// Key rings, versions and suites take turns, so these many cases have each combination once.
pub const TURN: u64 = Ring::LOCAL.len() as u64 * 4;

/// A case, what AWS sealed of it, and what must come out.
struct Asked {
    number: u64,
    table: SchemaSpec,
    ring: Ring,
    item: Attributes,
    sealed: Attributes,
    opened: Attributes,
    /// As a store hands it out: numbers and sets in normal form.
    normal: Attributes,
}

impl Asked {
    fn name(&self) -> String {
        let in_context = |(_, action): &(String, Action)| *action == Action::SignAndIncludeInEncryptionContext;
        let version = if self.table.actions.iter().any(in_context) { 2 } else { 1 };
        let suite = if self.table.suite == Suite::Hmac { "hmac" } else { "ecdsa-p384" };
        format!("{:?}, {suite}, version {version}", self.ring)
    }

    fn place(&self) -> String {
        format!("node case {}", self.number)
    }
}

fn asked(sides: &Sides, seed: u64, number: u64, report: &mut Report) -> Option<Asked> {
    let Case { mut table, ring, item, .. } = generate::case(seed, number, &Ring::LOCAL);
    let item = storable::item(&table, ring, item);
    if table.logical_name.is_empty() {
        // A configuration has no empty names.
        table.logical_name = "Orders".to_owned();
    }
    let sealed = sides.aws.encryptor(&table, ring).and_then(|aws| aws.seal(&item));
    let opened = sealed.clone().and_then(|sealed| open_aws(sides, &table, ring, &sealed));
    let normal = opened.clone().and_then(|opened| storable::normal(sides, &opened));
    match (sealed, opened, normal) {
        (Ok(sealed), Ok(opened), Ok(normal)) => Some(Asked { number, table, ring, item, sealed, opened, normal }),
        (sealed, opened, normal) => {
            let what = format!("AWS's own: {:?}, {:?}, {:?}", sealed.err(), opened.err(), normal.err());
            report.fail(Section::Node, format!("{ring:?}"), format!("node case {number}"), what);
            None
        }
    }
}

fn write(cases: &[Asked], rsa: &RsaPair, folder: &Path) -> Result<(), std::io::Error> {
    // Answers of an earlier run must not be taken for those of this one.
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    config::write_keys(rsa, folder)?;
    let mut file = BufWriter::new(File::create(folder.join(CASES))?);
    for case in cases {
        let name = format!("case-{}", case.number);
        let line = json!({
            "number": case.number,
            "table": name,
            "config": config::of(&name, &case.table, case.ring, folder),
            "item": values::to_value(&case.item),
            "sealed": values::to_value(&case.sealed),
        });
        writeln!(file, "{line}")?;
    }
    file.flush()
}

fn read(path: &Path) -> Result<BTreeMap<u64, Map<String, Value>>, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let answer = |line: &str| -> Result<_, String> {
        let answer: Map<String, Value> = serde_json::from_str(line).map_err(|error| error.to_string())?;
        Ok((answer.get("number").and_then(Value::as_u64).ok_or("an answer without a number")?, answer))
    };
    text.lines().map(answer).collect()
}

fn judge(sides: &Sides, case: &Asked, answer: &Map<String, Value>, report: &mut Report) {
    let part = |name: &str| match (answer.get(name), answer.get("failures").and_then(|all| all.get(name))) {
        (Some(Value::Object(item)), None) => values::from_value(item.clone()),
        (_, Some(failure)) => Err(failure.to_string()),
        _ => Err("missing".to_owned()),
    };
    let aws = |item: Attributes| open_aws(sides, &case.table, case.ring, &item);
    let normal = |item: Attributes| storable::normal(sides, &item);
    let parts = [
        ("sealItem, AWS opens", part("sealed").and_then(aws), &case.opened),
        ("AWS seals, openItem", part("opened"), &case.opened),
        ("a sealed client puts, AWS opens", part("put").and_then(aws).and_then(normal), &case.normal),
        ("AWS's item is put, a sealed client gets", part("got").and_then(normal), &case.normal),
    ];
    for (what, outcome, expected) in parts {
        match outcome {
            Ok(item) if item == *expected => report.pass(Section::Node, case.name()),
            Ok(_) => report.fail(Section::Node, case.name(), case.place(), format!("{what}: the item differs")),
            Err(error) => report.fail(Section::Node, case.name(), case.place(), format!("{what}: {error}")),
        }
    }
}

const CASES: &str = "cases.jsonl";
const ANSWERS: &str = "answers.jsonl";
