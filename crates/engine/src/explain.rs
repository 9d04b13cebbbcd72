//! A plan in plain data, for `dynaseal check --explain`: what of a request DynamoDB gets as it came, what is worked out
//! here and why, what is sealed, what is opened, and how many calls that takes. It is read off the plan that
//! [`Engine::call`] would carry out. It names attributes and holds no value.

use std::cell::RefCell;

use dynaseal_item::{Draft, Schema, json};
use dynaseal_keys::Call;
use serde::Serialize;
use serde_json::Value;

use crate::config::{action_word, title};
use crate::doc::Object;
use crate::error::Error;
use crate::expr::ast::Condition;
use crate::expr::touch::{Usage, of_condition, of_update};
use crate::expressions::Parsed;
use crate::learn::Tables;
use crate::modify::{Change, Entry, Modify, Split, Transact};
use crate::operation::{Visit, find, walk};
use crate::pattern::Pattern;
use crate::plan::{self, Plan, Put};
use crate::run::{Engine, not_reserved};
use crate::table::{Failure, Plaintext, Table};

mod answer;
mod calls;

pub use answer::OpenedExplanation;
pub use calls::CallsExplanation;

/// What becomes of one request.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct PlanExplanation {
    /// The operation.
    pub operation: String,
    /// What is done with it.
    pub plan: PlanKind,
    /// Which section of the configuration holds for each protected table that the request names.
    pub sections: Vec<SectionExplanation>,
    /// The members of the request that DynamoDB gets as they came.
    pub passes: Vec<String>,
    /// Those that it gets in another form.
    pub rewritten: Vec<String>,
    /// Those that it does not get, since they are worked out on the opened answer.
    pub taken_out: Vec<String>,
    /// The writes on protected tables that are sealed or decided here, in the order of the request.
    pub writes: Vec<WriteExplanation>,
    /// The calls as which statements are carried out.
    pub statements: Vec<StatementExplanation>,
    /// What is opened in the answer, where it is there.
    pub opened: Vec<OpenedExplanation>,
    /// The calls to DynamoDB.
    pub calls: CallsExplanation,
}

/// The section of the configuration that holds for a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SectionExplanation {
    /// The table's name.
    pub table: String,
    /// The section, as the configuration writes it.
    pub section: String,
}

/// What is done with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanKind {
    /// It goes as it came, and so does the answer.
    Forward,
    /// It goes with items sealed or with parts taken out, and the answer is opened.
    Edit,
    /// The item is read, the write is decided on plaintext, and written if nobody changed the item in between.
    Modify,
    /// The same for a transaction.
    Transact,
    /// An update of unsigned attributes: DynamoDB's own work if the item is there; one that it makes is sealed.
    NativeUpdate,
    /// PartiQL: it is carried out as other calls, each with a plan of its own.
    Statements,
}

/// A PartiQL statement on a protected table, or a transaction of such.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct StatementExplanation {
    /// Its place in a batch, from 1.
    pub number: Option<usize>,
    /// The call as which it is carried out; `None` where that takes keys which only DynamoDB can tell.
    pub call: Option<Box<PlanExplanation>>,
}

/// One write on a protected table.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct WriteExplanation {
    /// The table.
    pub table: String,
    /// Its place in a batch or a transaction, from 1.
    pub number: Option<usize>,
    /// `put`, `update`, `delete` or `check`.
    pub action: &'static str,
    /// What a condition reads that is asked of plaintext.
    pub condition: Option<Vec<AttributeAction>>,
    /// Who does what of an update.
    pub update: Option<UpdateExplanation>,
    /// The attributes of an item that is put.
    pub item: Vec<AttributeAction>,
    /// Whether the item is sealed; a table may be configured to be written unsealed.
    pub sealed: bool,
    /// The attributes that must still be what was read when the write is carried out. What was read and not there must
    /// still not be there.
    pub guard: Vec<String>,
}

/// Who does what of an update.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct UpdateExplanation {
    /// What is worked out here.
    pub here: Vec<AttributeAction>,
    /// What that reads.
    pub reads: Vec<AttributeAction>,
    /// What is left to DynamoDB.
    pub left: Vec<AttributeAction>,
}

/// An attribute, and why it matters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AttributeAction {
    /// Its name.
    pub name: String,
    /// Its action, as the configuration spells it; `None` if it has none.
    pub action: Option<&'static str>,
}

impl Engine {
    /// What [`Engine::call`] would do with a call. Nothing is sent and no key is used.
    ///
    /// # Errors
    /// The call is refused.
    pub fn explain(&self, call: &Call) -> Result<PlanExplanation, Error> {
        let operation = call.operation.as_ref();
        let members = Members::of(call);
        let fault = |fault| Error::expression(operation, fault);
        let mut explanation = PlanExplanation { sections: self.sections(call), ..PlanExplanation::of(operation) };
        let tables = self.known();
        let plan = plan::of(&tables, call);
        if let Some(table) = tables.unknown().into_keys().next() {
            return Err(Error::Unlearned { operation: operation.to_owned(), table });
        }
        match plan? {
            Plan::Statements(job) => {
                explanation.plan = PlanKind::Statements;
                explanation.rewritten = members.names();
                explanation.calls = CallsExplanation::of_statements();
                for stated in job.stated(operation)? {
                    let call = stated.call.map(|call| self.explain(&call)).transpose()?;
                    explanation.calls.add(call.as_ref().map(|call| &call.calls), stated.count);
                    let number = stated.number.map(|at| at.saturating_add(1));
                    explanation.statements.push(StatementExplanation { number, call: call.map(Box::new) });
                }
            }
            Plan::Forward => explanation.passes = members.names(),
            Plan::Edit(edit) => {
                explanation.plan = PlanKind::Edit;
                members.compare(&edit.body, &mut explanation);
                let puts = edit.puts.iter().map(|put| WriteExplanation::of_put(operation, put));
                explanation.writes = puts.collect::<Result<_, _>>()?;
                explanation.opened = answer::opened(&edit.reply, |member| members.has(member)).map_err(fault)?;
                explanation.calls = CallsExplanation::of_edit(&edit.reply);
            }
            Plan::Modify(modify) => {
                explanation.plan = PlanKind::Modify;
                members.compare(&modify.body, &mut explanation);
                explanation.nothing_is_taken_out();
                if modify.returns().projection().is_some() {
                    explanation.is_rewritten("ReturnValues");
                }
                let write = WriteExplanation::of_modify(operation, &modify, None)?;
                explanation.calls = CallsExplanation::of_modify(operation, write.condition.is_some());
                if modify.natively_first {
                    explanation.plan = PlanKind::NativeUpdate;
                    explanation.calls.natively_first();
                }
                explanation.writes.push(write);
                explanation.opened = answer::of_modify(&modify).map_err(fault)?;
            }
            Plan::Transact(transact) => {
                explanation.plan = PlanKind::Transact;
                members.compare(&transact.body, &mut explanation);
                explanation.nothing_is_taken_out();
                explanation.writes = writes(operation, &transact)?;
                explanation.opened = answer::opened(&transact.reply, |member| members.has(member)).map_err(fault)?;
                explanation.calls = CallsExplanation::of_transact(&transact);
            }
        }
        Ok(explanation)
    }

    /// Which section of the configuration holds for each protected table that a call names, whether it is carried out or not.
    #[must_use]
    pub fn sections(&self, call: &Call) -> Vec<SectionExplanation> {
        let tables = self.known();
        let named = NamedTables { tables: &tables, found: RefCell::default() };
        // What cannot be read to its end has named what it named until then.
        let _ = walk(find(call.service, &call.operation), &call.body, &named);
        named.found.into_inner()
    }
}

/// Keeps the protected tables that a request names.
struct NamedTables<'t> {
    tables: &'t Tables<'t>,
    found: RefCell<Vec<SectionExplanation>>,
}

impl Visit for NamedTables<'_> {
    fn table(&self, name_or_arn: &str) {
        let named = self.tables.named(name_or_arn).map(Table::name);
        let Some(section) = named.or_else(|| self.tables.pattern(name_or_arn).map(Pattern::text)) else { return };
        let found = SectionExplanation { table: plan::table_name(name_or_arn).to_owned(), section: title(section) };
        let mut all = self.found.borrow_mut();
        if !all.contains(&found) {
            all.push(found);
        }
    }
}

impl PlanExplanation {
    /// Of a call that goes as it came.
    fn of(operation: &str) -> Self {
        Self {
            operation: operation.to_owned(),
            plan: PlanKind::Forward,
            sections: Vec::new(),
            passes: Vec::new(),
            rewritten: Vec::new(),
            taken_out: Vec::new(),
            writes: Vec::new(),
            statements: Vec::new(),
            opened: Vec::new(),
            calls: CallsExplanation::one(),
        }
    }

    /// What a decided write does not send as it came, it sends as it was decided.
    fn nothing_is_taken_out(&mut self) {
        self.rewritten.append(&mut self.taken_out);
    }

    fn is_rewritten(&mut self, member: &str) {
        self.passes.retain(|other| other != member);
        self.rewritten.push(member.to_owned());
    }
}

/// The writes of a transaction, in order.
fn writes(operation: &str, transact: &Transact<'_, '_>) -> Result<Vec<WriteExplanation>, Error> {
    let puts = transact.puts.iter().map(|put| WriteExplanation::of_put(operation, put));
    let works = transact.entries.iter().enumerate().filter_map(|(at, entry)| match entry {
        Entry::Ready(_) => None,
        Entry::Work(_, modify) => Some(WriteExplanation::of_modify(operation, modify, Some(at))),
    });
    let mut writes = puts.chain(works).collect::<Result<Vec<_>, _>>()?;
    writes.sort_by_key(|write| write.number);
    Ok(writes)
}

impl WriteExplanation {
    fn of(table: &Table, number: Option<usize>, action: &'static str) -> Self {
        Self {
            table: table.name().to_owned(),
            number: number.map(|at| at.saturating_add(1)),
            action,
            condition: None,
            update: None,
            item: Vec::new(),
            sealed: false,
            guard: Vec::new(),
        }
    }

    fn of_put(operation: &str, put: &Put<'_, '_>) -> Result<Self, Error> {
        let item = item(operation, put.table, put.number, &put.text)?;
        Ok(Self { item, sealed: is_sealed(put.table), ..Self::of(put.table, put.number, "put") })
    }

    fn of_modify(operation: &str, modify: &Modify<'_, '_>, number: Option<usize>) -> Result<Self, Error> {
        let table = modify.table;
        let parsed = modify.expressions.parse().map_err(|fault| Error::expression(operation, fault))?;
        let write = |action| Self {
            condition: parsed.condition.as_ref().map(|condition| reads(condition, table.schema())),
            guard: modify.guarded().map(str::to_owned).collect(),
            ..Self::of(table, number, action)
        };
        Ok(match &modify.change {
            Change::Put(text) => {
                let item = item(operation, table, number, text)?;
                Self { item, sealed: is_sealed(table), ..write("put") }
            }
            Change::Delete => write("delete"),
            Change::Update(_) => {
                let update = UpdateExplanation::of(&parsed, table.schema());
                Self { update, sealed: is_sealed(table), ..write("update") }
            }
            Change::Check => write("check"),
        })
    }
}

impl UpdateExplanation {
    fn of(parsed: &Parsed<'_>, schema: &Schema) -> Option<Self> {
        let update = parsed.update.as_ref()?;
        let split = Split::of(update, schema);
        let here = update.only(|root| split.here.contains(root));
        let touches = here.iter().flat_map(of_update).filter(|touch| touch.usage != Usage::Write);
        let left = update.actions.iter().map(|(path, _)| path.root.as_str()).filter(|root| !split.here.contains(*root));
        Some(Self {
            here: actions(split.here.iter().map(String::as_str), schema),
            reads: actions(touches.map(|touch| touch.attribute), schema),
            left: actions(left, schema),
        })
    }
}

/// The attributes of an item that can be sealed, as far as that can be told without keys.
fn item(operation: &str, table: &Table, number: Option<usize>, text: &str) -> Result<Vec<AttributeAction>, Error> {
    let failed = |error| Error::of_item(operation, table, number, Failure::Item(error));
    let item = json::read_item(text).map_err(failed)?;
    not_reserved(&item).map_err(failed)?;
    let found = actions(item.iter().map(|(name, _)| name), table.schema());
    if is_sealed(table) {
        Draft::new(table.schema(), item).map_err(failed)?;
    }
    Ok(found)
}

fn is_sealed(table: &Table) -> bool {
    table.plaintext() != Plaintext::Write
}

fn reads<V>(condition: &Condition<V>, schema: &Schema) -> Vec<AttributeAction> {
    actions(of_condition(condition).into_iter().map(|touch| touch.attribute), schema)
}

/// Attributes with their actions, each once.
fn actions<'n>(names: impl IntoIterator<Item = &'n str>, schema: &Schema) -> Vec<AttributeAction> {
    let mut all: Vec<AttributeAction> = Vec::new();
    for name in names {
        if all.iter().all(|other| other.name != name) {
            all.push(AttributeAction { name: name.to_owned(), action: schema.action(name).map(action_word) });
        }
    }
    all
}

/// The members of a request, to compare with what is sent.
struct Members<'a>(Object<'a>);

impl<'a> Members<'a> {
    /// None, if the request cannot be read.
    fn of(call: &'a Call) -> Self {
        let text = std::str::from_utf8(&call.body).unwrap_or_default();
        Self(Object::parse(text).unwrap_or_default())
    }

    fn has(&self, name: &str) -> bool {
        self.0.raw(name).is_some()
    }

    fn names(&self) -> Vec<String> {
        self.0.names().map(str::to_owned).collect()
    }

    /// Tells those that `sent` has as they were from those that it has changed, and from those that it lacks.
    fn compare(&self, sent: &Object<'_>, explanation: &mut PlanExplanation) {
        let sent = sent.print(&[], 0);
        let sent = Object::parse(std::str::from_utf8(&sent).unwrap_or_default()).unwrap_or_default();
        let value = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
        for (name, text) in self.0.entries() {
            let members = match sent.entries().find(|(other, _)| *other == name) {
                Some((_, other)) if value(other) == value(text) => &mut explanation.passes,
                Some(_) => &mut explanation.rewritten,
                None => &mut explanation.taken_out,
            };
            members.push(name.to_owned());
        }
    }
}
