//! What `dynaseal keys` says: text, or one JSON object a line. What was done stands on stdout as soon as it is done, what was
//! not done on stderr.

use std::time::Duration;

use dynaseal_keys::{
    BranchKeyDescription, BranchKeyState, BranchKeySummary, CreateTime, Created, Destroyed, KeyStoreReady, Rotated,
    Switched,
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::error::Error;
use crate::output::Stream;
use crate::say;

/// The words of one command.
pub(crate) struct Report {
    json: bool,
}

impl Report {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    pub(crate) fn store(&self, table: &str, ready: &KeyStoreReady) -> Result<(), Error> {
        let made = if ready.created { "was created" } else { "is there already, and its keys are right" };
        let protected = if ready.deletion_protection {
            "It is protected from being deleted."
        } else {
            "It is NOT protected from being deleted; enable DeletionProtectionEnabled."
        };
        self.say_done(
            || object("create-store", &json!({ "table": table, "created": ready.created, "deletion_protection": ready.deletion_protection })),
            || {
                format!(
                    "The key store's table {table} {made}. {protected} Whoever can restore a backup of it can undo an erasure: \
                     `dynaseal explain KEYS.md`."
                )
            },
        )
    }

    pub(crate) fn created(&self, made: &Created) -> Result<(), Error> {
        self.say_done(
            || object("create", made),
            || format!("Created branch key {}, version {}.", say::id(&made.id), made.version),
        )
    }

    pub(crate) fn rotated(&self, rotated: &Rotated) -> Result<(), Error> {
        self.say_done(
            || object("rotate", rotated),
            || format!("Rotated {}: version {} seals from now on.", say::id(&rotated.id), rotated.new),
        )
    }

    pub(crate) fn would_rotate(&self, key: &BranchKeySummary) -> Result<(), Error> {
        self.say(
            || object("would-rotate", key),
            || format!("Would rotate {}, last rotated {}.", say::id(&key.id), day(key.rotated.as_ref())),
        )
    }

    pub(crate) fn not_rotated(&self, id: &str, error: &Error) -> Result<(), Error> {
        self.warn(
            || object("failed", &json!({ "id": id, "code": error.code(), "message": error.to_string() })),
            || format!("NOT rotated: {}: [{}] {error}; {}", say::id(id), error.code(), error.hint()),
        )
    }

    /// Another was faster with a key that was due.
    pub(crate) fn rotated_by_another(&self, id: &str) -> Result<(), Error> {
        self.say(
            || object("changed-meanwhile", &json!({ "id": id })),
            || format!("Left {}: another has rotated it, or taken it out of use, since it was listed.", say::id(id)),
        )
    }

    /// The active version is dated later than now.
    pub(crate) fn dated_ahead(&self, key: &BranchKeySummary) -> Result<(), Error> {
        let time = key.rotated.as_ref().map_or("?", CreateTime::as_str);
        self.warn(
            || object("from-the-future", &json!({ "id": key.id, "rotated": time })),
            || {
                format!(
                    "The active version of {} is dated {time}, which is to come: the clock was wrong where it was made, or is \
                     wrong here. It counts as due.",
                    say::id(&key.id)
                )
            },
        )
    }

    /// The rotation of several ended before all had their turn.
    pub(crate) fn stopped(&self, left: usize, why: &str) -> Result<(), Error> {
        self.warn(
            || object("stopped", &json!({ "left": left, "why": why })),
            || format!("Stopped: {why}. {} had no turn; run the command again.", keys(left)),
        )
    }

    pub(crate) fn rotations(&self, due: usize, dry_run: bool) -> Result<(), Error> {
        if self.json || (due > 0 && !dry_run) {
            return Ok(());
        }
        say::page(if due == 0 { b"No branch key is due.\n" } else { b"Nothing was changed.\n" })
    }

    pub(crate) fn disabled(&self, switched: &Switched) -> Result<(), Error> {
        self.switched("disable", "disabled", switched)
    }

    pub(crate) fn enabled(&self, switched: &Switched) -> Result<(), Error> {
        self.switched("enable", "enabled", switched)
    }

    pub(crate) fn would_disable(&self, key: &BranchKeySummary) -> Result<(), Error> {
        self.say(
            || object("would-disable", key),
            || format!("Would disable {} with {}. Nothing was changed.", say::id(&key.id), versions(key.versions)),
        )
    }

    pub(crate) fn would_destroy(&self, planned: &Destroyed) -> Result<(), Error> {
        self.say(
            || object("would-destroy", planned),
            || {
                let (id, records) = (say::id(&planned.id), planned.records.len());
                format!(
                    "Would destroy {id}: {} in {records} records. All that was sealed under it would be lost. Nothing was \
                     changed.",
                    versions(planned.versions)
                )
            },
        )
    }

    /// What was destroyed; all that there was, unless it failed in between.
    pub(crate) fn destroyed(&self, destroyed: &Destroyed, is_whole: bool) -> Result<(), Error> {
        self.say_done(
            || object(if is_whole { "destroy" } else { "destroy-in-part" }, destroyed),
            || {
                let (id, records) = (say::id(&destroyed.id), destroyed.records.len());
                if !is_whole {
                    return format!(
                        "Destroyed a PART of {id}: {} in {records} records. Run the command again to destroy the rest.",
                        versions(destroyed.versions)
                    );
                }
                format!(
                    "Destroyed {id}: {} in {records} records. What was sealed under it opens nowhere once caches have expired \
                     (cache_ttl); backups of the key store can bring it back until they are deleted.",
                    versions(destroyed.versions)
                )
            },
        )
    }

    pub(crate) fn list(&self, all: &[BranchKeySummary], now: Duration) -> Result<(), Error> {
        let mut out = Vec::new();
        if self.json {
            all.iter().try_for_each(|key| say::json(&object("list", key), false, &mut out))?;
            return say::page(&out);
        }
        if all.is_empty() {
            return say::page(b"The key store has no branch keys. Make one: dynaseal keys create\n");
        }
        let head = ["branch key", "versions", "created", "last rotation", "state", "KMS key"].map(str::to_owned);
        let row = |key: &BranchKeySummary| {
            [
                say::id(&key.id),
                key.versions.to_string(),
                day(key.created.as_ref()),
                aged(key.rotated.as_ref(), now),
                state(key.state).to_owned(),
                say::printable(key.kms_arn.as_deref().unwrap_or("?")),
            ]
        };
        columns(&[vec![head], all.iter().map(row).collect()].concat(), &mut out);
        if all.iter().any(|key| key.state == BranchKeyState::Unfinished) {
            out.push(b'\n');
            say::wrap(
                "A branch key is unfinished: run the disable, enable or destroy that was interrupted again.",
                "",
                &mut out,
            );
        }
        say::page(&out)
    }

    pub(crate) fn described(&self, key: &BranchKeyDescription, now: Duration) -> Result<(), Error> {
        let mut page = Vec::new();
        let out = &mut page;
        if self.json {
            say::json(&object("describe", key), false, out)?;
            return say::page(out);
        }
        let summary = &key.summary;
        say::wrap(&format!("branch key {}", say::id(&summary.id)), "  ", out);
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
        say::page(&page)
    }

    fn switched(&self, action: &'static str, to: &str, switched: &Switched) -> Result<(), Error> {
        self.say_done(
            || object(action, switched),
            || match switched.moved {
                0 => format!("{} is {to} already.", say::id(&switched.id)),
                _ => format!("{} is {to}; caches notice within cache_ttl.", say::id(&switched.id)),
            },
        )
    }

    fn say(&self, json: impl FnOnce() -> Value, text: impl FnOnce() -> String) -> Result<(), Error> {
        say::page(&self.words(json, text)?)
    }

    /// What was changed, which is said even where stdout cannot be written any more.
    fn say_done(&self, json: impl FnOnce() -> Value, text: impl FnOnce() -> String) -> Result<(), Error> {
        let words = self.words(json, text)?;
        say::page(&words).inspect_err(|_| {
            // Nothing can be said when stderr is gone, too.
            let _ = Stream::Err.write(&words);
        })
    }

    fn warn(&self, json: impl FnOnce() -> Value, text: impl FnOnce() -> String) -> Result<(), Error> {
        Stream::Err.write(&self.words(json, text)?)
    }

    fn words(&self, json: impl FnOnce() -> Value, text: impl FnOnce() -> String) -> Result<Vec<u8>, Error> {
        let mut out = Vec::new();
        if self.json {
            say::json(&json(), false, &mut out)?;
        } else {
            say::wrap(&text(), "", &mut out);
        }
        Ok(out)
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

fn keys(count: usize) -> String {
    if count == 1 { "1 branch key".to_owned() } else { format!("{count} branch keys") }
}

fn day(time: Option<&CreateTime>) -> String {
    let day = time.and_then(|time| time.as_str().get(..10)).unwrap_or("?");
    say::printable(day)
}

/// Whether a time is later than now by more than clocks differ. AWS refuses the calls of machines whose clocks are that far off.
pub(super) fn is_to_come(time: Duration, now: Duration) -> bool {
    time.saturating_sub(now) > Duration::from_secs(15 * 60)
}

fn aged(time: Option<&CreateTime>, now: Duration) -> String {
    match time.and_then(CreateTime::since_epoch) {
        Some(since) if is_to_come(since, now) => format!("{} (in the FUTURE)", day(time)),
        Some(since) => format!("{} ({} d ago)", day(time), now.saturating_sub(since).as_secs() / 86_400),
        None => day(time),
    }
}
