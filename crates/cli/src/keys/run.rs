//! `dynaseal keys`.

use std::sync::Arc;
use std::time::Duration;

use dynaseal_engine::{Config, Io, Service, SystemClock, did_you_mean};
use dynaseal_keys::{
    BranchKeyState, BranchKeySummary, CreateKey, CreateTime, Erasure, Error as KeysError, KeyStore as _, KeyStoreTable,
    KeyVersion,
};

use super::args::{Action, ConfirmedArgs, CreateArgs, KeysArgs, RotateArgs};
use super::audit::{AuditLog, Record};
use super::confirm::confirmed;
use super::report::Report;
use crate::cmd::{Outcome, gateway};
use crate::error::Error;
use crate::network::Network;

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
    let outcome = pollster::block_on(session.carry_out(&args.action));
    // What was done before a failure is said, too.
    session.report.print()?;
    outcome
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
        let ready = store.create_table(io).await?;
        self.report.store(store.table(), &ready);
        Ok(Outcome::Done)
    }

    async fn create(&mut self, args: &CreateArgs) -> Result<Outcome, Error> {
        let (store, io) = (self.store, self.io);
        let id = args.id.clone().unwrap_or_default();
        let new = CreateKey { id: args.id.clone(), context: args.context.iter().cloned().collect() };
        let made = self
            .audited("create", &id, Vec::new(), store.create(new, io), |made| (made.id.clone(), vec![made.version]));
        let made = made.await?;
        self.report.created(&made);
        Ok(Outcome::Done)
    }

    async fn rotate(&mut self, args: &RotateArgs) -> Result<Outcome, Error> {
        let (store, io) = (self.store, self.io);
        let due = match &args.id {
            // Only looked at if it is not changed, so that rotating needs no more rights than it must have.
            Some(id) if !args.dry_run => return self.rotate_one(id).await.map(|()| Outcome::Done),
            Some(id) => vec![store.describe(id, io).await?.summary],
            None => {
                let age = args.older_than.unwrap_or_default();
                store.list(io).await?.into_iter().filter(|key| is_due(key, age, io.clock.now())).collect()
            }
        };
        let mut outcome = Outcome::Done;
        for key in &due {
            if args.dry_run {
                self.report.would_rotate(key);
                continue;
            }
            match self.rotate_one(&key.id).await {
                Ok(()) => {}
                // The others are rotated all the same.
                Err(error @ Error::Keys(_)) => {
                    self.report.failed(&key.id, &error);
                    outcome = Outcome::Found;
                }
                Err(error) => return Err(error),
            }
        }
        self.report.rotations(due.len(), args.dry_run);
        Ok(outcome)
    }

    async fn rotate_one(&mut self, id: &str) -> Result<(), Error> {
        let (store, io) = (self.store, self.io);
        let rotated = self
            .audited("rotate", id, Vec::new(), store.rotate(id, io), |rotated| (rotated.id.clone(), vec![rotated.new]));
        let rotated = rotated.await?;
        self.report.rotated(&rotated);
        Ok(())
    }

    async fn list(&mut self) -> Result<Outcome, Error> {
        let (store, io) = (self.store, self.io);
        let all = store.list(io).await?;
        self.report.list(&all, io.clock.now());
        let sound = all.iter().all(|key| key.state != BranchKeyState::Unfinished);
        Ok(if sound { Outcome::Done } else { Outcome::Found })
    }

    async fn describe(&mut self, id: &str) -> Result<Outcome, Error> {
        let (store, io) = (self.store, self.io);
        let key = store.describe(id, io).await?;
        self.report.described(&key, io.clock.now());
        Ok(Outcome::Done)
    }

    async fn disable(&mut self, args: &ConfirmedArgs) -> Result<Outcome, Error> {
        let (store, io) = (self.store, self.io);
        let key = store.describe(&args.id, io).await?;
        if args.dry_run {
            self.report.would_disable(&key.summary);
            return Ok(Outcome::Done);
        }
        confirmed(
            &args.id,
            args.confirm.as_deref(),
            "Nothing under this branch key can be sealed or opened afterwards.",
        )?;
        let switched = self.audited("disable", &args.id, Vec::new(), store.disable(&args.id, io), |switched| {
            (switched.id.clone(), Vec::new())
        });
        let switched = switched.await?;
        self.report.disabled(&switched);
        Ok(Outcome::Done)
    }

    async fn enable(&mut self, id: &str) -> Result<Outcome, Error> {
        let (store, io) = (self.store, self.io);
        let switched =
            self.audited("enable", id, Vec::new(), store.enable(id, io), |switched| (switched.id.clone(), Vec::new()));
        let switched = switched.await?;
        self.report.enabled(&switched);
        Ok(Outcome::Done)
    }

    async fn destroy(&mut self, args: &ConfirmedArgs) -> Result<Outcome, Error> {
        let (store, io) = (self.store, self.io);
        let planned = store.destroy(&args.id, Erasure::DryRun, io).await?;
        if args.dry_run {
            self.report.would_destroy(&planned);
            return Ok(Outcome::Done);
        }
        confirmed(&args.id, args.confirm.as_deref(), "What was sealed under this branch key is lost for ever.")?;
        let versions = store.describe(&args.id, io).await?.history.iter().map(|one| one.version).collect::<Vec<_>>();
        let destroyed = self.audited(
            "destroy",
            &args.id,
            versions.clone(),
            store.destroy(&args.id, Erasure::ForGood, io),
            |done| (done.id.clone(), versions),
        );
        let destroyed = destroyed.await?;
        self.report.destroyed(&destroyed);
        Ok(Outcome::Done)
    }

    /// Does something between two lines of the audit log: what is about to be done is on the disk before it is done.
    async fn audited<T>(
        &mut self,
        action: &str,
        id: &str,
        versions: Vec<KeyVersion>,
        work: impl Future<Output = Result<T, KeysError>>,
        done: impl FnOnce(&T) -> (String, Vec<KeyVersion>),
    ) -> Result<T, Error> {
        let (store, io) = (self.store, self.io);
        let record = |phase, id: &str, versions: &[KeyVersion], code| Record {
            time: CreateTime::new(io.clock.now()).as_str().to_owned(),
            action: action.to_owned(),
            phase,
            key_store: store.table().to_owned(),
            branch_key_id: id.to_owned(),
            versions: versions.iter().map(ToString::to_string).collect(),
            code,
            dynaseal: env!("CARGO_PKG_VERSION"),
        };
        self.audit.write(&record("started", id, &versions, None))?;
        let result = work.await;
        match &result {
            Ok(value) => {
                let (id, versions) = done(value);
                self.audit.write(&record("finished", &id, &versions, None))?;
            }
            Err(error) => self.audit.write(&record("failed", id, &versions, Some(error.code())))?,
        }
        Ok(result?)
    }
}

/// Whether a branch key's active version is older than that. One whose time cannot be read is due.
fn is_due(key: &BranchKeySummary, age: Duration, now: Duration) -> bool {
    let since = key.rotated.as_ref().and_then(CreateTime::since_epoch);
    key.state == BranchKeyState::Enabled && since.is_none_or(|since| now.saturating_sub(since) >= age)
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
        assert!(!is_due(&key("2025-01-01T00:00:00.000000Z"), days(1), now));
        assert!(!is_due(&self::key("2020-01-01T00:00:00.000000Z", BranchKeyState::Disabled), days(1), now));
    }
}
