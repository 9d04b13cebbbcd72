//! Updates, asked through UpdateItem with `ALL_NEW`, `UPDATED_OLD` and `UPDATED_NEW`; after each success the item is put
//! back.

use dynaseal_engine::expr::apply::apply;
use dynaseal_engine::expr::names::Scope;
use dynaseal_engine::expr::projection::Projection;
use dynaseal_engine::expr::update;
use dynaseal_item::{Item, json as item_json};
use serde_json::{Map, Value, json};

use crate::conditions::{names, values};
use crate::exceptions::Outcome;
use crate::generate::{ATTRIBUTES, Writer};
use crate::oracle::TABLE;
use crate::pairs::{Given, Pair, compare};
use crate::random::Random;

#[test]
fn updates() {
    compare("updates", 40_000, 0x0dd, |random, given| {
        let Given { oracle, stored, opened } = *given;
        // Now and then the item is not there.
        let there = !random.once_in(8);
        let returns = *random.pick(&[&"ALL_NEW", &"ALL_NEW", &"UPDATED_OLD", &"UPDATED_NEW"]);
        let (request, update) = request(random, stored, there, returns);
        let ours = ours(&request, &update, there.then_some(opened), returns);
        let theirs = oracle.update(&request);
        if matches!(theirs, Outcome::Done(_)) {
            if there {
                oracle.put(json!({"TableName": TABLE, "Item": stored}))
            } else {
                oracle.delete("other")
            };
        }
        Pair { asked: format!("{returns} there={there} {update:?} over {request}"), ours, theirs }
    });
}

fn request(random: &mut Random, stored: &Map<String, Value>, there: bool, returns: &str) -> (Value, String) {
    let mutated = random.once_in(6);
    let mut writer = Writer::new(random, stored);
    let mut text = update(&mut writer);
    if mutated {
        text = writer.mutate(&text);
    }
    let key = if there { "key" } else { "other" };
    let mut request =
        json!({"TableName": TABLE, "Key": {"k": {"S": key}}, "UpdateExpression": text, "ReturnValues": returns});
    writer.members(&mut request);
    (request, text)
}

fn update(writer: &mut Writer<'_>) -> String {
    let mut sections = Vec::new();
    let mut taken = Vec::new();
    for section in ["SET", "REMOVE", "ADD", "DELETE"] {
        if writer.random.once_in(if section == "SET" { 3 } else { 2 }) && !(section == "DELETE" && sections.is_empty())
        {
            continue;
        }
        let count = 1 + writer.random.below(2);
        let actions: Vec<_> = (0..count).map(|_| action(writer, section, &mut taken)).collect();
        sections.push(format!("{section} {}", actions.join(" , ")));
    }
    if writer.random.once_in(3) {
        sections.reverse();
    }
    sections.join(" ")
}

fn action(writer: &mut Writer<'_>, section: &str, taken: &mut Vec<String>) -> String {
    let kinds: &[&str] = match section {
        "ADD" => &["N", "SS", "NS", "BS"],
        "DELETE" => &["SS", "NS", "BS"],
        _ => &[],
    };
    let (target, kind) = target(writer, kinds, taken);
    let operands: Vec<&str> = kind.as_deref().filter(|_| !writer.random.once_in(20)).into_iter().collect();
    let operands = if operands.is_empty() { kinds } else { &operands };
    match section {
        "SET" => format!("{target} = {}", set_value(writer, 2)),
        "REMOVE" => target,
        _ if writer.random.once_in(30) => format!("{target} {}", writer.value()),
        _ => format!("{target} {}", writer.scalar(operands)),
    }
}

/// A path, mostly one that leads somewhere and does not overlap with others; with the type of what is there.
fn target(writer: &mut Writer<'_>, kinds: &[&str], taken: &mut Vec<String>) -> (String, Option<String>) {
    if writer.random.once_in(100) {
        return (writer.name("k"), None);
    }
    if writer.random.once_in(25) {
        return (writer.path(), None);
    }
    let free: Vec<_> = ATTRIBUTES.into_iter().filter(|name| !taken.iter().any(|taken| taken == name)).collect();
    let (root, path, kind) = match writer.place(kinds, taken) {
        Some((path, kind)) if !writer.random.once_in(4) => (String::new(), path, Some(kind)),
        _ => {
            let root = free[writer.random.below(free.len())];
            (root.to_owned(), writer.name(root), None)
        }
    };
    let root = if root.is_empty() { path.trim_start_matches('#')[..1].to_owned() } else { root };
    taken.push(root);
    // Now and then an element or member beside what is there.
    match kind.as_deref() {
        Some("L") if writer.random.once_in(2) => (format!("{path}[{}]", writer.random.below(5)), None),
        Some("M") if kinds.is_empty() && writer.random.once_in(2) => (format!("{path}.zz"), None),
        _ => (path, kind),
    }
}

/// A path that mostly leads to a value of one type.
fn source(writer: &mut Writer<'_>, kinds: &[&str]) -> String {
    match writer.place(kinds, &[]) {
        Some((path, _)) if !writer.random.once_in(10) => path,
        _ => writer.path(),
    }
}

fn set_value(writer: &mut Writer<'_>, depth: usize) -> String {
    match writer.random.below(if depth == 0 { 3 } else { 8 }) {
        0 | 3 => writer.value(),
        1 | 2 => source(writer, &[]),
        4 | 5 => {
            let sign = writer.random.pick(&["+", "-"]);
            let left = match writer.random.below(3) {
                0 => source(writer, &["N"]),
                1 => writer.scalar(&["N"]),
                _ => {
                    let path = source(writer, &["N"]);
                    format!("if_not_exists( {path} , {} )", writer.scalar(&["N"]))
                }
            };
            let right = if writer.random.once_in(3) { source(writer, &["N"]) } else { writer.scalar(&["N"]) };
            format!("{left} {sign} {right}")
        }
        6 => format!("if_not_exists( {} , {} )", writer.path(), set_value(writer, 0)),
        _ => {
            let left = source(writer, &["L"]);
            let left = match writer.random.below(3) {
                0 => left,
                _ => format!("if_not_exists( {left} , {} )", writer.list()),
            };
            format!("list_append( {left} , {} )", writer.list())
        }
    }
}

fn ours(request: &Value, text: &str, old: Option<&Item<'_>>, returns: &str) -> Outcome {
    let (names, values) = (names(request), values(request));
    let mut scope = Scope::new(&names, &values);
    let read = update::parse(text, &mut scope).and_then(|update| scope.check_unused().map(|()| update));
    let key_text = request["Key"].to_string();
    let key = item_json::read_item(&key_text).unwrap();
    let applied = match read.and_then(|update| apply(&update, old, &key)) {
        Ok(applied) => applied,
        Err(error) => return Outcome::of(&error),
    };
    let written = Projection::of_paths(applied.written);
    let mut new = applied.item.unwrap_or_default();
    let shown = match returns {
        "ALL_NEW" => new,
        "UPDATED_NEW" => written.apply(&mut new),
        _ => old.map_or_else(Item::new, |old| written.apply(&mut old.clone())),
    };
    let mut out = Vec::new();
    item_json::write_item(&shown, &mut out);
    Outcome::Done(serde_json::from_slice(&out).unwrap())
}
