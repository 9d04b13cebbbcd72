//! Which keys to ask about, and with which encryption context: the one that the real calls have, as far as it is known.

use std::sync::Arc;

use dynaseal_engine::{Config, KmsAsked, Service};
use dynaseal_item::Context;
use dynaseal_keys::{
    BoundRecord, Error as KeysError, Io, KeyStoreTable, KmsKeyUse, KmsPurpose, RecordName, Role, StoreError,
    TableRefusal,
};

use super::{BROADER, Finding, NotAsked, POLICIES, SERVICES, Store};
use crate::args::{AskArgs, CheckArgs, pairs};
use crate::error::Error;

/// Whether a key may be used with an encryption context.
#[derive(Debug)]
pub(super) struct Question {
    /// The key's name in the configuration; none for one that should be out of reach.
    pub(super) name: Option<String>,
    pub(super) used: KmsKeyUse,
    pub(super) context: Context,
    /// The record whose context it is.
    pub(super) record: Option<RecordName>,
}

/// All questions, and what stands in the way of others.
#[derive(Debug, Default)]
pub(super) struct Questions {
    pub(super) asked: Vec<Question>,
    pub(super) stores: Vec<Store>,
    pub(super) not_asked: Vec<NotAsked>,
}

/// Refuses an option that no question comes of: it is a mistake, and would look like an answer.
pub(super) fn refuse_useless(config: &Config, args: &CheckArgs) -> Result<(), Error> {
    let all: Vec<_> = config.kms().collect();
    let useless = |option: String| Err(Error::NoUse { file: args.file.clone(), option });
    for key in &args.ask.key {
        let called = |asked: &KmsAsked<'_>| {
            asked.used.named().is_some_and(|named| named.key == *key) || !asked.used.discovered(key).is_empty()
        };
        if !all.iter().any(called) {
            return useless(format!("--key {key}"));
        }
    }
    if !args.ask.branch_key.is_empty() && all.iter().all(|asked| asked.store.is_none()) {
        return useless("--branch-key".to_owned());
    }
    for name in pairs(&args.ask.context)?.keys() {
        let has = |asked: &KmsAsked<'_>| match asked.used.purpose {
            KmsPurpose::BranchKeys => !is_items(name),
            KmsPurpose::DataKeys { .. } => is_items(name),
            _ => false,
        };
        if !all.iter().any(has) {
            return useless(format!("--context {name}"));
        }
    }
    Ok(())
}

/// The services that the questions need.
pub(super) fn services(config: &Config, args: &CheckArgs) -> Vec<Service> {
    let (mut kms, mut store) = (!args.ask.other_key.is_empty(), false);
    for asked in config.kms() {
        store |= asked.store.is_some() && reads(&asked, &args.ask);
        kms |= store || asked.used.named().is_some() || !args.ask.key.is_empty();
    }
    let needed = |service: &Service| if *service == Service::Kms { kms } else { store };
    SERVICES.into_iter().filter(needed).collect()
}

/// Whether a key store has to be read.
fn reads(asked: &KmsAsked<'_>, args: &AskArgs) -> bool {
    !ids(asked, args).is_empty() || asked.used.named().is_none()
}

/// The branch keys to ask about.
fn ids<'a>(asked: &KmsAsked<'a>, args: &'a AskArgs) -> Vec<&'a str> {
    let given: Vec<_> = args.branch_key.iter().map(String::as_str).collect();
    if given.is_empty() { asked.branch_key_id.into_iter().collect() } else { given }
}

impl Questions {
    pub(super) async fn collect(config: &Config, role: Role, args: &AskArgs, io: Io<'_>) -> Self {
        let mut questions = Self::default();
        for asked in config.kms() {
            match asked.store {
                Some(store) => questions.branch_keys(&asked, store, role, args, io).await,
                None => questions.data_keys(&asked, args),
            }
        }
        questions.out_of_reach(&args.other_key);
        questions
    }

    fn data_keys(&mut self, asked: &KmsAsked<'_>, args: &AskArgs) {
        let mut keys: Vec<_> = asked.used.named().into_iter().collect();
        keys.extend(args.key.iter().flat_map(|key| asked.used.discovered(key)));
        if keys.is_empty() {
            self.not_asked.push(NotAsked {
                name: asked.name.to_owned(),
                why: "each item names its key of AWS KMS, and the configuration names none".to_owned(),
                hint: "name those that items were sealed with: --key ARN",
            });
        }
        for used in keys {
            if !used.has_context("Decrypt") || asked.contexts.is_empty() {
                self.ask(asked, used, Context::new(), None);
                continue;
            }
            for context in &asked.contexts {
                self.ask(asked, used.clone(), given(context.clone(), args, is_items), None);
            }
        }
    }

    async fn branch_keys(
        &mut self,
        asked: &KmsAsked<'_>,
        store: &Arc<KeyStoreTable>,
        role: Role,
        args: &AskArgs,
        io: Io<'_>,
    ) {
        let mut found = Store {
            name: asked.name.to_owned(),
            table: store.table().to_owned(),
            errors: Vec::new(),
            warnings: Vec::new(),
        };
        let ids = ids(asked, args);
        for id in &ids {
            match store.bound(id, io).await {
                Ok(records) => self.records(asked, records, role),
                Err(error) => {
                    found.errors.push(failure(&error));
                    // What is known of the context is asked all the same.
                    if let Some(used) = asked.used.named() {
                        self.ask(asked, used, given(store.context_of(id), args, is_stores), None);
                    }
                }
            }
        }
        match asked.used.named() {
            Some(used) if ids.is_empty() => {
                self.ask(asked, used, given(store.shared_context(), args, is_stores), None);
            }
            None if ids.is_empty() => self.survey(asked, store, role, &mut found, io).await,
            _ => {}
        }
        for used in args.key.iter().flat_map(|key| asked.used.discovered(key)) {
            let is_asked = |question: &Question| {
                question.used == used && question.record.is_some() && question.name.as_deref() == Some(asked.name)
            };
            if !self.asked.iter().any(is_asked) {
                self.ask(asked, used, given(store.shared_context(), args, is_stores), None);
            }
        }
        if !found.errors.is_empty() || !found.warnings.is_empty() {
            self.stores.push(found);
        }
    }

    /// The keys that the records of a key store name, as far as the credentials may look.
    async fn survey(&mut self, asked: &KmsAsked<'_>, store: &KeyStoreTable, role: Role, found: &mut Store, io: Io<'_>) {
        let survey = match store.survey(io).await {
            Ok(survey) => survey,
            Err(KeysError::Store(error)) if is_denied(&error) => {
                return self.not_asked.push(NotAsked {
                    name: asked.name.to_owned(),
                    why: format!("each branch key names its key of AWS KMS, and they cannot be listed: {error}"),
                    hint: "a service needs no Scan: name branch keys with --branch-key ID, or keys with --key ARN",
                });
            }
            Err(error) => return found.errors.push(failure(&error)),
        };
        found.warnings.push(Finding {
            code: BROADER,
            message: format!("Scan of the key store {} is allowed: broader than a service needs", store.table()),
            hint: format!("a service needs GetItem alone; see {POLICIES}"),
            in_context: false,
        });
        if survey.records.is_empty() && survey.refused.is_empty() {
            self.not_asked.push(NotAsked {
                name: asked.name.to_owned(),
                why: format!("the key store {} holds no branch key", store.table()),
                hint: "create one with `dynaseal keys create`, then ask again",
            });
        }
        self.records(asked, survey.records, role);
        found.errors.extend(survey.refused.into_iter().map(|error| failure(&error.into())));
    }

    fn records(&mut self, asked: &KmsAsked<'_>, records: impl IntoIterator<Item = BoundRecord>, role: Role) {
        let unneeded = |record: &BoundRecord| role == if record.seals { Role::Reads } else { Role::Writes };
        for BoundRecord { record, keys, context, .. } in records.into_iter().filter(|record| !unneeded(record)) {
            for key in keys {
                self.ask(asked, asked.used.of(key), context.clone(), Some(record.clone()));
            }
        }
    }

    fn ask(&mut self, asked: &KmsAsked<'_>, used: KmsKeyUse, context: Context, record: Option<RecordName>) {
        self.asked.push(Question { name: Some(asked.name.to_owned()), used, context, record });
    }

    /// Keys that should be out of reach are asked with every context that the others are: a right on every key shows so.
    fn out_of_reach(&mut self, keys: &[String]) {
        let mut contexts: Vec<(Context, Option<RecordName>)> = Vec::new();
        for question in self.asked.iter().filter(|question| question.used.has_context("Decrypt")) {
            if !contexts.iter().any(|(context, _)| *context == question.context) {
                contexts.push((question.context.clone(), question.record.clone()));
            }
        }
        if contexts.is_empty() {
            contexts.push((Context::new(), None));
        }
        for key in keys {
            for (context, record) in contexts.iter().cloned() {
                let used = KmsKeyUse { key: key.clone(), purpose: KmsPurpose::Nothing, grant_tokens: Vec::new() };
                self.asked.push(Question { name: None, used, context, record });
            }
        }
    }
}

/// A context with what the command line adds to it.
fn given(mut context: Context, args: &AskArgs, fits: fn(&str) -> bool) -> Context {
    for (name, value) in args.context.iter().filter(|(name, _)| fits(name)) {
        context.insert(name.as_str(), value.as_str());
    }
    context
}

/// Whether a name is one of an item's encryption context; all others are a branch key's.
fn is_items(name: &str) -> bool {
    name.starts_with("aws-crypto-") && !name.starts_with("aws-crypto-ec:")
}

fn is_stores(name: &str) -> bool {
    !is_items(name)
}

fn is_denied(error: &StoreError) -> bool {
    matches!(error, StoreError::Refused { refusal: TableRefusal::AccessDenied, .. })
}

fn failure(error: &KeysError) -> Finding {
    Finding { code: error.code(), message: error.to_string(), hint: error.hint().to_owned(), in_context: false }
}
