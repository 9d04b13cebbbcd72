//! What `dynaseal keys` says on stdout: text, or one JSON object a line.

use std::time::Duration;

use dynaseal_keys::{
    BranchKeyDescription, BranchKeyState, BranchKeySummary, CreateTime, Created, Destroyed, KeyStoreReady, Rotated,
    Switched,
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::error::Error;
use crate::say;

/// The words of one command.
pub(crate) struct Report {
    json: bool,
    out: Vec<u8>,
}

impl Report {
    pub(crate) fn new(json: bool) -> Self {
        Self { json, out: Vec::new() }
    }

    pub(crate) fn print(&self) -> Result<(), Error> {
        say::page(&self.out).map(drop)
    }

    pub(crate) fn store(&mut self, table: &str, ready: &KeyStoreReady) {
        let made = if ready.created { "was created" } else { "is there already, and its keys are right" };
        let protected = if ready.deletion_protection {
            "It is protected from being deleted."
        } else {
            "It is NOT protected from being deleted; enable DeletionProtectionEnabled."
        };
        self.say(
            || object("create-store", &json!({ "table": table, "created": ready.created, "deletion_protection": ready.deletion_protection })),
            || {
                format!(
                    "The key store's table {table} {made}. {protected} Whoever can restore a backup of it can undo an erasure: \
                     `dynaseal explain KEYS.md`."
                )
            },
        );
    }

    pub(crate) fn created(&mut self, made: &Created) {
        self.say(
            || object("create", made),
            || format!("Created branch key {}, version {}.", say::printable(&made.id), made.version),
        );
    }

    pub(crate) fn rotated(&mut self, rotated: &Rotated) {
        self.say(
            || object("rotate", rotated),
            || format!("Rotated {}: version {} seals from now on.", say::printable(&rotated.id), rotated.new),
        );
    }

    pub(crate) fn would_rotate(&mut self, key: &BranchKeySummary) {
        self.say(
            || object("would-rotate", key),
            || format!("Would rotate {}, last rotated {}.", say::printable(&key.id), day(key.rotated.as_ref())),
        );
    }

    pub(crate) fn failed(&mut self, id: &str, error: &Error) {
        self.say(
            || object("failed", &json!({ "id": id, "code": error.code(), "message": error.to_string() })),
            || format!("NOT rotated: {}: [{}] {error}", say::printable(id), error.code()),
        );
    }

    pub(crate) fn rotations(&mut self, due: usize, dry_run: bool) {
        if !self.json && (due == 0 || dry_run) {
            let nothing = if due == 0 { "No branch key is due." } else { "Nothing was changed." };
            say::wrap(nothing, "", &mut self.out);
        }
    }

    pub(crate) fn disabled(&mut self, switched: &Switched) {
        self.switched("disable", "disabled", switched);
    }

    pub(crate) fn enabled(&mut self, switched: &Switched) {
        self.switched("enable", "enabled", switched);
    }

    pub(crate) fn would_disable(&mut self, key: &BranchKeySummary) {
        self.say(
            || object("would-disable", key),
            || {
                format!(
                    "Would disable {} with {}. Nothing was changed.",
                    say::printable(&key.id),
                    versions(key.versions)
                )
            },
        );
    }

    pub(crate) fn would_destroy(&mut self, planned: &Destroyed) {
        self.say(
            || object("would-destroy", planned),
            || {
                let (id, records) = (say::printable(&planned.id), planned.records.len());
                format!(
                    "Would destroy {id}: {} in {records} records. All that was sealed under it would be lost. Nothing was \
                     changed.",
                    versions(planned.versions)
                )
            },
        );
    }

    pub(crate) fn destroyed(&mut self, destroyed: &Destroyed) {
        self.say(
            || object("destroy", destroyed),
            || {
                let (id, records) = (say::printable(&destroyed.id), destroyed.records.len());
                format!(
                    "Destroyed {id}: {} in {records} records. What was sealed under it opens nowhere once caches have expired \
                     (cache_ttl); backups of the key store can bring it back until they are deleted.",
                    versions(destroyed.versions)
                )
            },
        );
    }

    pub(crate) fn list(&mut self, all: &[BranchKeySummary], now: Duration) {
        if self.json {
            all.iter().for_each(|key| self.line(&object("list", key)));
            return;
        }
        if all.is_empty() {
            say::wrap("The key store has no branch keys. Make one: dynaseal keys create", "", &mut self.out);
            return;
        }
        let head = ["branch key", "versions", "created", "last rotation", "state", "KMS key"].map(str::to_owned);
        let row = |key: &BranchKeySummary| {
            [
                say::printable(&key.id),
                key.versions.to_string(),
                day(key.created.as_ref()),
                aged(key.rotated.as_ref(), now),
                state(key.state).to_owned(),
                say::printable(key.kms_arn.as_deref().unwrap_or("?")),
            ]
        };
        columns(&[vec![head], all.iter().map(row).collect()].concat(), &mut self.out);
        if all.iter().any(|key| key.state == BranchKeyState::Unfinished) {
            self.out.push(b'\n');
            say::wrap(
                "A branch key is unfinished: run the disable, enable or destroy that was interrupted again.",
                "",
                &mut self.out,
            );
        }
    }

    pub(crate) fn described(&mut self, key: &BranchKeyDescription, now: Duration) {
        if self.json {
            self.line(&object("describe", key));
            return;
        }
        let summary = &key.summary;
        let out = &mut self.out;
        say::wrap(&format!("branch key {}", say::printable(&summary.id)), "  ", out);
        let mut line = |name: &str, text: &str| say::wrap_columns(&format!("  {name:15}"), &say::printable(text), out);
        line("state", state(summary.state));
        line("active version", &summary.active.map_or_else(|| "none".to_owned(), |version| version.to_string()));
        line("last rotation", &aged(summary.rotated.as_ref(), now));
        line("KMS key", summary.kms_arn.as_deref().unwrap_or("?"));
        line("beacon key", if key.has_beacon_key { "yes" } else { "none" });
        for (name, value) in &key.context {
            line("context", &format!("{name} = {value}"));
        }
        say::wrap("  versions, the oldest first", "", out);
        for one in &key.history {
            say::wrap(
                &format!("    {}  {}", one.version, one.create_time.as_ref().map_or("?", CreateTime::as_str)),
                "      ",
                out,
            );
        }
        if summary.strangers > 0 {
            say::wrap(
                &format!("  {} items under this id are no records of a branch key.", summary.strangers),
                "  ",
                out,
            );
        }
    }

    fn switched(&mut self, action: &'static str, to: &str, switched: &Switched) {
        self.say(
            || object(action, switched),
            || match switched.moved {
                0 => format!("{} is {to} already.", say::printable(&switched.id)),
                _ => format!("{} is {to}; caches notice within cache_ttl.", say::printable(&switched.id)),
            },
        );
    }

    fn say(&mut self, json: impl FnOnce() -> Value, text: impl FnOnce() -> String) {
        if self.json {
            self.line(&json());
        } else {
            say::wrap(&text(), "", &mut self.out);
        }
    }

    fn line(&mut self, object: &Value) {
        // Writing plain data into memory cannot fail.
        let _ = say::json(object, false, &mut self.out);
    }
}

/// An object that says what was done.
fn object(action: &str, what: &impl Serialize) -> Value {
    let mut object = json!({ "action": action });
    if let (Some(all), Ok(Value::Object(more))) = (object.as_object_mut(), serde_json::to_value(what)) {
        all.extend(more);
    }
    object
}

fn columns<const N: usize>(rows: &[[String; N]], out: &mut Vec<u8>) {
    let widths: [usize; N] = std::array::from_fn(|at| {
        rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    });
    for row in rows {
        let cells: Vec<_> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        out.extend_from_slice(cells.join("  ").trim_end().as_bytes());
        out.push(b'\n');
    }
}

fn state(state: BranchKeyState) -> &'static str {
    match state {
        BranchKeyState::Enabled => "enabled",
        BranchKeyState::Disabled => "disabled",
        BranchKeyState::Unfinished => "UNFINISHED",
    }
}

fn versions(count: usize) -> String {
    if count == 1 { "1 version".to_owned() } else { format!("{count} versions") }
}

fn day(time: Option<&CreateTime>) -> String {
    let day = time.and_then(|time| time.as_str().get(..10)).unwrap_or("?");
    say::printable(day)
}

fn aged(time: Option<&CreateTime>, now: Duration) -> String {
    match time.and_then(CreateTime::since_epoch) {
        Some(since) => format!("{} ({} d ago)", day(time), now.saturating_sub(since).as_secs() / 86_400),
        None => day(time),
    }
}
