//! The driver: request, plan, keys, seal, wire, open, reply.

use std::collections::BTreeSet;
use std::sync::Arc;

use dynaseal_item::{Item, json};
use dynaseal_keys::{Answer, BoxFuture, CacheStats, Call, Clock, Io, Service, Wire};

use crate::config::{Named, is_possible};
use crate::cost::to_seal;
use crate::crew::{Aside, Crew, Work};
use crate::error::Error;
use crate::expr::stored::Layer;
use crate::learn::{Directory, Tables};
use crate::modify::{Ledger, Turns};
use crate::pattern::Pattern;
use crate::plan::{self, Edit, OtherTables, Plan, Put, Reply};
use crate::size::{LIMIT, check_key, item_size};
use crate::table::{Failure, Table};
use crate::{answers, index_keys, reply, stale};

/// The protected tables, and all that is needed to carry calls on them out.
pub struct Engine {
    directory: Directory,
    clock: Arc<dyn Clock>,
    turns: Turns,
    ledger: Ledger,
    allows_none: bool,
    crew: Crew,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("tables", &self.directory.names().collect::<Vec<_>>()).finish_non_exhaustive()
    }
}

impl Engine {
    /// An engine for some tables; all others pass through untouched, unless [`Engine::with_other_tables`] says otherwise.
    #[must_use]
    pub fn new(tables: impl IntoIterator<Item = Table>, clock: Arc<dyn Clock>) -> Self {
        let (turns, ledger) = (Turns::new(), Ledger::default());
        Self { directory: Directory::new(tables), clock, turns, ledger, allows_none: false, crew: Crew::default() }
    }

    /// Protects all tables whose names match a pattern too, unless they are configured by name.
    #[must_use]
    pub fn with_patterns(mut self, patterns: impl IntoIterator<Item = Pattern>) -> Self {
        self.directory.add_patterns(patterns);
        self
    }

    /// Keeps callers away from tables, such as the key stores of the keys.
    #[must_use]
    pub fn with_closed_tables(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.directory.close(names);
        self
    }

    /// Says what becomes of calls on tables that are not protected.
    #[must_use]
    pub fn with_other_tables(mut self, others: OtherTables) -> Self {
        self.directory.set_others(others);
        self
    }

    /// Says that it may be meant that no table is protected; otherwise heads that can refuse such an engine do.
    #[must_use]
    pub fn with_no_tables_allowed(mut self, allowed: bool) -> Self {
        self.allows_none = allowed;
        self
    }

    /// Lets so many threads share the items of one call, its own thread among them: for heads that have a core to spare for a
    /// page. Without it, a call is carried out by the thread that polls it.
    #[must_use]
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.crew.set_threads(threads);
        self
    }

    /// Says where long work on the items of a call is done, for heads whose threads carry several calls.
    #[must_use]
    pub fn with_aside(mut self, aside: Arc<dyn Aside>) -> Self {
        self.crew.set_aside(aside);
        self
    }

    /// Who shares the items of a call.
    pub(crate) fn crew(&self) -> &Crew {
        &self.crew
    }

    pub(crate) fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Whether no table is protected, and nothing says that this is meant.
    #[must_use]
    pub fn protects_nothing(&self) -> bool {
        self.directory.is_empty() && !self.allows_none
    }

    /// The name or pattern of a protected table that no table can have, if there is one: it would protect nothing. Those of
    /// a configuration have been looked at.
    #[must_use]
    pub fn impossible_name(&self) -> Option<&str> {
        self.directory.names().find(|name| !is_possible(name, Named::of_section(name)))
    }

    /// The names and patterns of the protected tables, in the order of their letters.
    #[must_use]
    pub fn protected(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.directory.names().collect();
        names.sort_unstable();
        names
    }

    /// What becomes of calls on all other tables.
    #[must_use]
    pub fn other_tables(&self) -> OtherTables {
        self.directory.others()
    }

    /// The configuration of a table that is configured by name, by its name or ARN.
    #[must_use]
    pub fn table(&self, name_or_arn: &str) -> Option<&Table> {
        self.directory.named_table(name_or_arn)
    }

    /// Whether the keys of any table come from a service, so that the wire must lead there.
    #[must_use]
    pub fn needs(&self, service: Service) -> bool {
        self.directory.needs(service)
    }

    /// What the caches of all key rings have done.
    #[must_use]
    pub fn cache_stats(&self) -> CacheStats {
        self.directory.caches().into_values().sum()
    }

    /// Carries one call out.
    ///
    /// # Errors
    /// The call was refused, an item could not be sealed or opened, or no answer came. A failed call of the service is
    /// an [`Answer`].
    pub async fn call(&self, wire: &dyn Wire, call: Call) -> Result<Answer, Error> {
        let operation = call.operation.clone();
        match self.carry_out(wire, call).await {
            // DynamoDB's own words, in DynamoDB's own shape.
            Err(Error::Expression { fault, .. }) => Ok(answers::expression(&operation, &fault)),
            result => result,
        }
    }

    /// What DynamoDB says of the tables that are configured by name and does not fit the configuration: an index on an attribute
    /// that would be encrypted, or another key. Each table is asked for once; one that cannot be described says nothing.
    pub async fn faults_of_tables(&self, wire: &dyn Wire) -> Vec<Error> {
        index_keys::faults(&self.directory, self.io(wire)).await
    }

    /// The tables, as far as they are known now.
    pub(crate) fn known(&self) -> Tables<'_> {
        self.directory.at(self.clock.now())
    }

    /// What the key rings need of the world.
    pub(crate) fn io<'w>(&'w self, wire: &'w dyn Wire) -> Io<'w> {
        Io { wire, clock: self.clock.as_ref() }
    }

    async fn carry_out(&self, wire: &dyn Wire, call: Call) -> Result<Answer, Error> {
        let (io, mut asked_again, mut missing) = (self.io(wire), false, BTreeSet::new());
        loop {
            let tables = self.known().without(missing.clone());
            let plan = plan::of(&tables, &call);
            let unknown = tables.unknown();
            if !unknown.is_empty() {
                // Whatever the plan says, it did not know every table. What is wrong with the request by itself is told first.
                drop(plan);
                self.judge(&call)?;
                match Box::pin(self.directory.learn(&call.operation, unknown, io)).await? {
                    // Told in its statement's place, as DynamoDB does.
                    Some((name, refusal)) if plan::can_go_on(&call, &refusal) => _ = missing.insert(name),
                    Some((_, refusal)) => return reply::refusal(&call.operation, refusal),
                    None => {}
                }
                continue;
            }
            if matches!(plan, Ok(Plan::Forward)) {
                drop(plan);
                return self.forward(call, io).await;
            }
            let planned = plan.is_ok();
            let outcome = match plan {
                Ok(plan) => self.execute(plan, &call, io).await,
                Err(error) => Err(error),
            };
            // Keys that were learned may be those of a table that is gone.
            let met = tables.met();
            if asked_again || met.is_empty() || !stale::may_be(&call, planned, &outcome) {
                return index_keys::explained(&self.directory, &call, outcome);
            }
            if !Box::pin(self.directory.ask_again(&call.operation, met, io)).await? {
                return index_keys::explained(&self.directory, &call, outcome);
            }
            asked_again = true;
        }
    }

    /// Refuses a request that DynamoDB would refuse before it looks for the table.
    fn judge(&self, call: &Call) -> Result<(), Error> {
        let tables = self.directory.with_stand_ins(self.clock.now());
        let operation = &call.operation;
        let fault = match plan::of(&tables, call) {
            Err(error) => Err(error),
            Ok(Plan::Edit(edit)) => check_puts(&edit.puts, operation),
            Ok(Plan::Transact(transact)) => check_puts(&transact.puts, operation),
            Ok(_) => Ok(()),
        };
        match fault {
            Err(Error::Expression { fault, .. }) if !fault.needs_keys() => {
                Err(Error::Expression { operation: operation.clone().into_owned(), fault })
            }
            Err(error @ Error::Request { .. }) => Err(error),
            Err(error @ Error::Item { source: dynaseal_item::Error::Json { .. }, .. }) => Err(error),
            _ => Ok(()),
        }
    }

    async fn forward(&self, call: Call, io: Io<'_>) -> Result<Answer, Error> {
        let operation = call.operation.clone();
        let described = self.directory.describes(&call);
        let failed = |source| Error::Wire { operation: operation.clone().into_owned(), source };
        let answer = io.wire.send(call).await.map_err(failed)?;
        if described.is_some() || operation == "DescribeTable" {
            self.directory.watch(&operation, described.as_deref(), &answer, io.clock.now());
        }
        Ok(answer)
    }

    async fn execute(&self, plan: Plan<'_, '_>, call: &Call, io: Io<'_>) -> Result<Answer, Error> {
        let operation = &call.operation;
        let mut edit = match plan {
            // Boxed, so that the future of the calls that need none of it stays small. `carry_out` forwards without a copy.
            Plan::Forward => return Box::pin(self.forward(call.clone(), io)).await,
            Plan::Modify(modify) => {
                let sent = self.ledger.of(call, modify.table, self.clock.now())?;
                return Box::pin(modify.carry_out(operation, &self.turns, &sent, io)).await;
            }
            Plan::Transact(transact) => return Box::pin(transact.carry_out(io)).await,
            Plan::Statements(job) => return Box::pin(job.carry_out(self, call.invocation.as_ref(), io)).await,
            Plan::Edit(edit) => edit,
        };
        if let Reply::Items(listing) = &mut edit.reply
            && let Some(read) = &mut listing.index
        {
            let index = Box::pin(self.directory.indexes().judge(operation, read, io)).await?;
            read.is_global = index.is_some_and(|index| index.global);
        }
        let body = seal(&edit, operation, io, &self.crew).await?;
        let reply = edit.reply;
        let sent = Call::new(call.service, operation.clone(), body);
        let failed = |source| Error::Wire { operation: operation.clone().into_owned(), source };
        let answer = io.wire.send(sent).await.map_err(failed)?;
        reply::open(operation, &reply, answer, io, &self.crew).await
    }
}

/// The request with its items sealed.
async fn seal(edit: &Edit<'_, '_>, operation: &str, io: Io<'_>, crew: &Crew) -> Result<Vec<u8>, Error> {
    let mut sealed = Vec::with_capacity(edit.puts.len());
    let take = |_, item| {
        sealed.push(item);
        Ok(())
    };
    crew.each(io, &Puts { puts: &edit.puts, operation }, take).await?;
    // Most of a sealed item is its header and base64; growing once too often costs little.
    let room = edit.body_size + edit.body_size / 2 + 1024 * edit.puts.len();
    Ok(edit.body.print(&sealed, room))
}

/// The items of a request, sealed.
struct Puts<'p, 'e, 'a> {
    puts: &'p [Put<'e, 'a>],
    operation: &'p str,
}

impl<'p, 'e, 'a> Work<'p> for Puts<'p, 'e, 'a> {
    type Job = Put<'e, 'a>;
    type Out = Item<'p>;

    fn jobs(&self) -> &'p [Put<'e, 'a>] {
        self.puts
    }

    fn cost(&self) -> usize {
        self.puts.iter().map(|put| to_seal(put.table.schema().suite(), put.text.len())).sum()
    }

    fn one<'s>(&'s self, _: usize, put: &'p Put<'e, 'a>, io: Io<'s>) -> BoxFuture<'s, Result<Item<'p>, Error>>
    where
        'p: 's,
    {
        Box::pin(seal_one(put, self.operation, io))
    }
}

/// What is wrong with items by themselves.
fn check_puts(puts: &[Put<'_, '_>], operation: &str) -> Result<(), Error> {
    puts.iter().try_for_each(|put| {
        let failed = |error| Error::of_item(operation, put.table, put.number, Failure::Item(error));
        let item = json::read_item(&put.text).map_err(failed)?;
        Layer::of(operation).check_item(&item).map_err(|fault| Error::expression(operation, fault))
    })
}

pub(crate) async fn seal_one<'a>(put: &'a Put<'_, '_>, operation: &str, io: Io<'_>) -> Result<Item<'a>, Error> {
    let failed = |failure| Error::of_item(operation, put.table, put.number, failure);
    let item = json::read_item(&put.text).map_err(|error| failed(Failure::Item(error)))?;
    check_item(put.table, &item, put.number, operation)?;
    seal_item(put.table, item, put.number, operation, io).await
}

/// Refuses an item of a caller's that could not be sealed and stored.
pub(crate) fn check_item(table: &Table, item: &Item<'_>, number: Option<usize>, operation: &str) -> Result<(), Error> {
    not_reserved(item).map_err(|error| Error::of_item(operation, table, number, Failure::Item(error)))?;
    let checked = Layer::of(operation).check_item(item).and_then(|()| check_key(item, table.schema()));
    checked.map_err(|fault| Error::expression(operation, fault))
}

/// Refuses an item of a caller's with a name that belongs to the format: it would be dropped without a word.
///
/// # Errors
/// Names the attribute.
pub(crate) fn not_reserved(item: &Item<'_>) -> Result<(), dynaseal_item::Error> {
    match item.iter().find(|(name, _)| name.starts_with("aws_dbe_")) {
        None => Ok(()),
        Some((name, _)) => Err(dynaseal_item::Error::ReservedName { attribute: name.to_owned() }),
    }
}

/// Seals an item, unless it then is larger than DynamoDB stores.
pub(crate) async fn seal_item<'a>(
    table: &Table,
    item: Item<'a>,
    number: Option<usize>,
    operation: &str,
    io: Io<'_>,
) -> Result<Item<'a>, Error> {
    let failed = |failure| Error::of_item(operation, table, number, failure);
    let sealed = table.seal(io, item).await.map_err(failed)?;
    let size = item_size(&sealed);
    if size > LIMIT {
        return Err(Error::too_large(operation, table, size));
    }
    Ok(sealed)
}
