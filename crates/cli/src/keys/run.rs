//! `dynaseal keys`.

use std::sync::Arc;
use std::time::Duration;

use dynaseal_engine::{Config, Io, Service, SystemClock, did_you_mean};
use dynaseal_keys::{
    BranchKeyState, BranchKeySummary, CreateKey, CreateTime, Destroyed, Erasure, Error as KeysError, KeyStore as _,
    KeyStoreReady, KeyStoreTable, KeyVersion, Rotation, StoreError, Switched,
};

use super::args::{Action, ConfirmedArgs, CreateArgs, KeysArgs, RotateArgs};
use super::audit::{AuditLog, Record};
use super::confirm::confirmed;
use super::report::{Report, is_to_come};
use super::told::Told;
use crate::args::pairs;
use crate::cmd::{Outcome, gateway};
use crate::error::Error;
use crate::network::Network;
use crate::say;

pub(crate) fn run(args: &KeysArgs) -> Result<Outcome, Error> {
    if matches!(&args.action, Action::Destroy(one) if !one.dry_run) && args.audit_log.is_none() {
        return Err(Error::NoAuditLog);
    }
    let config = gateway::load(&args.config)?;
    let store = chosen(&config, args)?;
    let audit = AuditLog::open(args.audit_log.as_deref())?;
    let services = [Service::DynamoDb, Service::Kms, Service::Vault].into_iter();
    let wire = Network::open(&config.gateway, services.filter(|one| store.needs(*one)).collect())?;
    let io = Io { wire: &wire, clock: &SystemClock };
    let mut session = Session { store, io, audit, report: Report::new(args.json) };
    pollster::block_on(session.carry_out(&args.action))
}

fn chosen<'c>(config: &'c Config, args: &KeysArgs) -> Result<&'c Arc<KeyStoreTable>, Error> {
    let stores = config.key_stores();
    let wrong = |what| Error::KeyStore { file: args.config.clone(), what };
    match &args.keys {
        Some(name) => stores.get(name.as_str()).ok_or_else(|| {
            let near = did_you_mean(name, stores.keys().map(String::as_str));
            wrong(format!("has no key of type hierarchical under the name \"{name}\"{near}"))
        }),
        None if stores.len() > 1 => {
            let names = stores.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            Err(wrong(format!("has several keys of type hierarchical: {names}")))
        }
        None => stores.values().next().ok_or_else(|| wrong("has no key of type hierarchical".to_owned())),
    }
}

struct Session<'a> {
    store: &'a KeyStoreTable,
    io: Io<'a>,
    audit: AuditLog<'a>,
    report: Report,
}

impl Session<'_> {
    async fn carry_out(&mut self, action: &Action) -> Result<Outcome, Error> {
        match action {
            Action::CreateStore => self.create_store().await,
            Action::Create(args) => self.create(args).await,
            Action::Rotate(args) => self.rotate(args).await,
            Action::List => self.list().await,
            Action::Describe(one) => self.describe(&one.id).await,
            Action::Disable(args) => self.disable(args).await,
            Action::Enable(one) => self.enable(&one.id).await,
            Action::Destroy(args) => self.destroy(args).await,
        }
    }

    async fn create_store(&mut self) -> Result<Outcome, Error> {
        let (store, io) = (self.store, self.io);
        let work = async { Did::from(store.create_table(io).await) };
        let say = |report: &Report, ready: &KeyStoreReady, _| report.store(store.table(), ready);
        self.audited(Entry::new("create-store", ""), work, |_| Vec::new(), say).await?;
        Ok(Outcome::Done)
    }

    async fn create(&mut self, args: &CreateArgs) -> Result<Outcome, Error> {
        let (store, io) = (self.store, self.io);
        let planned = store.plan(CreateKey { id: args.id.clone(), context: pairs(&args.context)? })?;
        let id = planned.id.clone();
        let entry = Entry { versions: vec![planned.version], ..Entry::new("create", &id) };
        let work = async { Did::from(store.create_planned(planned, io).await) };
        self.audited(entry, work, |made| vec![made.version], |report, made, _| report.created(made)).await?;
        Ok(Outcome::Done)
    }

    async fn rotate(&mut self, args: &RotateArgs) -> Result<Outcome, Error> {
        let (store, io) = (self.store, self.io);
        let due = match &args.id {
            // Only looked at if it is not changed, so that rotating needs no more rights than it must have.
            Some(id) if !args.dry_run => return self.rotate_one(id, None).await.map(|()| Outcome::Done),
            Some(id) => vec![store.describe(id, io).await?.summary],
            None => {
                let age = args.older_than.unwrap_or_default();
                store.list(io).await?.into_iter().filter(|key| is_due(key, age, io.clock.now())).collect()
            }
        };
        for key in &due {
            if key
                .rotated
                .as_ref()
                .and_then(CreateTime::since_epoch)
                .is_some_and(|time| is_to_come(time, io.clock.now()))
            {
                self.report.dated_ahead(key)?;
            }
            if args.dry_run {
                self.report.would_rotate(key)?;
            }
        }
        self.report.rotations(due.len(), args.dry_run)?;
        if args.dry_run { Ok(Outcome::Done) } else { self.rotate_all(&due).await }
    }

    /// One after the other, each said as soon as it is done. A signal lets the one that is at work come to its end.
    async fn rotate_all(&mut self, due: &[BranchKeySummary]) -> Result<Outcome, Error> {
        let told = Told::watch()?;
        let mut outcome = Outcome::Done;
        for (at, key) in due.iter().enumerate() {
            if told.to_stop() {
                self.report.stopped(due.len() - at, "a signal told it to")?;
                return Ok(Outcome::Later);
            }
            let error = match self.rotate_one(&key.id, key.active).await {
                Ok(()) => continue,
                Err(error @ Error::Keys(_)) => error,
                Err(error) => return Err(error),
            };
            if is_raced(&error) && self.is_another(key).await {
                self.report.rotated_by_another(&key.id)?;
                continue;
            }
            self.report.not_rotated(&key.id, &error)?;
            if error.is_passing() && !is_raced(&error) {
                self.report.stopped(due.len() - at - 1, "the others would meet the same")?;
                return Ok(Outcome::Later);
            }
            // The others are rotated all the same.
            outcome = Outcome::Found;
        }
        Ok(outcome)
    }

    /// Whether another version seals than when the branch key was listed.
    async fn is_another(&self, listed: &BranchKeySummary) -> bool {
        let now = self.store.active_version(&listed.id, self.io).await;
        now.is_ok_and(|now| now != listed.active)
    }

    async fn rotate_one(&mut self, id: &str, from: Option<KeyVersion>) -> Result<(), Error> {
        let (store, io) = (self.store, self.io);
        let to = KeyVersion::random()?;
        let entry = Entry { versions: vec![to], ..Entry::new("rotate", id) };
        let work = async { Did::from(store.rotate_from(Rotation { id, from, to }, io).await) };
        self.audited(entry, work, |rotated| vec![rotated.new], |report, rotated, _| report.rotated(rotated)).await
    }

    async fn list(&mut self) -> Result<Outcome, Error> {
        let (store, io) = (self.store, self.io);
        let all = store.list(io).await?;
        self.report.list(&all, io.clock.now())?;
        let sound = all.iter().all(|key| key.state != BranchKeyState::Unfinished);
        Ok(if sound { Outcome::Done } else { Outcome::Found })
    }

    async fn describe(&mut self, id: &str) -> Result<Outcome, Error> {
        let (store, io) = (self.store, self.io);
        let key = store.describe(id, io).await?;
        self.report.described(&key, io.clock.now())?;
        Ok(Outcome::Done)
    }

    async fn disable(&mut self, args: &ConfirmedArgs) -> Result<Outcome, Error> {
        let (store, io) = (self.store, self.io);
        let key = store.describe(&args.id, io).await?;
        if args.dry_run {
            self.report.would_disable(&key.summary)?;
            return Ok(Outcome::Done);
        }
        confirmed(
            &args.id,
            args.confirm.as_deref(),
            "Nothing under this branch key can be sealed or opened afterwards.",
        )?;
        let work = async { Did::from(store.disable(&args.id, io).await) };
        let say = |report: &Report, switched: &Switched, _| report.disabled(switched);
        self.audited(Entry::new("disable", &args.id), work, |_| Vec::new(), say).await?;
        Ok(Outcome::Done)
    }

    async fn enable(&mut self, id: &str) -> Result<Outcome, Error> {
        let (store, io) = (self.store, self.io);
        let work = async { Did::from(store.enable(id, io).await) };
        let say = |report: &Report, switched: &Switched, _| report.enabled(switched);
        self.audited(Entry::new("enable", id), work, |_| Vec::new(), say).await?;
        Ok(Outcome::Done)
    }

    async fn destroy(&mut self, args: &ConfirmedArgs) -> Result<Outcome, Error> {
        let (store, io) = (self.store, self.io);
        let planned = store.destroy(&args.id, Erasure::DryRun, io).await?;
        if args.dry_run {
            self.report.would_destroy(&planned)?;
            return Ok(Outcome::Done);
        }
        confirmed(&args.id, args.confirm.as_deref(), "What was sealed under this branch key is lost for ever.")?;
        let entry = Entry { versions: planned.version_ids().collect(), ..Entry::new("destroy", &args.id) };
        let work = async {
            let mut gone = Destroyed::nothing_of(&args.id);
            let error = store.destroy_into(&mut gone, Erasure::ForGood, io).await.err();
            Did { value: Some(gone).filter(|gone| !gone.records.is_empty()), error }
        };
        let say = |report: &Report, gone: &Destroyed, is_whole| report.destroyed(gone, is_whole);
        self.audited(entry, work, |gone| gone.version_ids().collect(), say).await?;
        Ok(Outcome::Done)
    }

    /// Does something between two lines of the audit log: what is about to be done is on the disk before it is done. What
    /// was done is said whatever else fails, and of several failures the first is the outcome.
    async fn audited<T>(
        &mut self,
        entry: Entry<'_>,
        work: impl Future<Output = Did<T>>,
        versions: impl FnOnce(&T) -> Vec<KeyVersion>,
        say: impl FnOnce(&Report, &T, bool) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let started = self.record(&entry, "started", &entry.versions, None);
        self.audit.write(&started)?;
        let Did { value, error } = work.await;
        let said = value.as_ref().map_or(Ok(()), |value| say(&self.report, value, error.is_none()));
        let phase = if error.is_none() { "finished" } else { "failed" };
        let versions = value.as_ref().map_or_else(|| entry.versions.clone(), versions);
        let record = self.record(&entry, phase, &versions, error.as_ref().map(KeysError::code));
        let mut failures = [error.map_or(Ok(()), |error| Err(error.into())), self.audit.write(&record), said]
            .into_iter()
            .filter_map(Result::err);
        let Some(first) = failures.next() else { return Ok(()) };
        failures.for_each(|other| say::error(&other));
        Err(first)
    }

    fn record(
        &self,
        entry: &Entry<'_>,
        phase: &'static str,
        versions: &[KeyVersion],
        code: Option<&'static str>,
    ) -> Record {
        Record {
            time: CreateTime::new(self.io.clock.now()).as_str().to_owned(),
            action: entry.action.to_owned(),
            phase,
            key_store: self.store.table().to_owned(),
            branch_key_id: entry.id.to_owned(),
            versions: versions.iter().map(ToString::to_string).collect(),
            code,
            dynaseal: env!("CARGO_PKG_VERSION"),
        }
    }
}

/// What the audit log says of an action before it begins.
struct Entry<'a> {
    action: &'static str,
    id: &'a str,
    versions: Vec<KeyVersion>,
}

impl<'a> Entry<'a> {
    fn new(action: &'static str, id: &'a str) -> Self {
        Self { action, id, versions: Vec::new() }
    }
}

/// What was done, and why no more of it.
struct Did<T> {
    value: Option<T>,
    error: Option<KeysError>,
}

impl<T> From<Result<T, KeysError>> for Did<T> {
    fn from(result: Result<T, KeysError>) -> Self {
        match result {
            Ok(value) => Self { value: Some(value), error: None },
            Err(error) => Self { value: None, error: Some(error) },
        }
    }
}

fn is_raced(error: &Error) -> bool {
    matches!(error, Error::Keys(KeysError::Store(error)) if matches!(**error, StoreError::Raced { .. }))
}

/// Whether a branch key's active version is older than that. One whose time cannot be read is due, and so is one whose time is
/// to come: it would never grow old enough.
fn is_due(key: &BranchKeySummary, age: Duration, now: Duration) -> bool {
    let since = key.rotated.as_ref().and_then(CreateTime::since_epoch);
    let is_old = |since| now.saturating_sub(since) >= age || is_to_come(since, now);
    key.state == BranchKeyState::Enabled && since.is_none_or(is_old)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(rotated: &str, state: BranchKeyState) -> BranchKeySummary {
        BranchKeySummary {
            id: "t".to_owned(),
            state,
            active: None,
            created: None,
            rotated: Some(CreateTime::stored(rotated)),
            versions: 1,
            kms_arn: None,
            hierarchy_version: None,
            strangers: 0,
        }
    }

    #[test]
    fn a_key_is_due_by_its_active_version() {
        let now = CreateTime::stored("2024-04-01T00:00:00.000000Z").since_epoch().unwrap();
        let days = |days: u64| Duration::from_secs(days * 86_400);
        let key = |rotated| key(rotated, BranchKeyState::Enabled);
        assert!(is_due(&key("2024-01-02T00:00:00.000000Z"), days(90), now));
        assert!(!is_due(&key("2024-01-02T00:00:01.000000Z"), days(90), now));
        assert!(is_due(&key("2024-03-31T23:59:59.000000Z"), days(0), now) && is_due(&key("yesterday"), days(90), now));
        // As far ahead as clocks differ it is new, and beyond that it is wrong.
        assert!(!is_due(&key("2024-04-01T00:15:00.000000Z"), days(1), now));
        assert!(
            is_due(&key("2024-04-01T00:15:01.000000Z"), days(1), now)
                && is_due(&key("9999-12-31T23:59:59Z"), days(1), now)
        );
        assert!(!is_due(&self::key("9999-12-31T23:59:59Z", BranchKeyState::Disabled), days(1), now));
        assert!(!is_due(&self::key("2020-01-01T00:00:00.000000Z", BranchKeyState::Disabled), days(1), now));
    }
}
