//! A DynamoDB in memory, for tests: as much of it as a key store uses, and failures on order. It refuses what it does not
//! know, shows reads that need not be consistent the state before the last write, and keeps transactions all or nothing.

mod expression;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value, json};

use expression::{Used, projected};

use crate::wire::{Answer, BoxFuture, Call, Service, Wire, WireError};

/// A DynamoDB with tables whose keys are two strings. Clones share it.
#[derive(Clone, Default)]
pub struct FakeTable(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    tables: BTreeMap<String, Table>,
    tokens: BTreeSet<String>,
    page: Option<usize>,
    trouble: Vec<Order>,
    calls: Vec<(String, Value)>,
}

#[derive(Clone, Default)]
struct Table {
    partition: String,
    sort: String,
    description: Value,
    items: Items,
    /// The state before the last write.
    before: Items,
}

type Item = Map<String, Value>;
type Items = BTreeMap<(String, String), Item>;

/// What can go wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableTrouble {
    /// A refusal of this name, with status 400, or 500 if it says that DynamoDB is at fault.
    Refuse(&'static str),
    /// The call is not carried out, and no answer comes.
    Down(WireError),
    /// The call is carried out, and no answer comes.
    Lost(WireError),
    /// A success whose body is not what the API promises.
    Garbage,
    /// A success with the body of a write, which is not carried out.
    Feigned,
}

struct Order {
    trouble: TableTrouble,
    operation: &'static str,
    /// How many calls are left alone before it, and how many it meets.
    after: usize,
    times: usize,
}

impl FakeTable {
    /// Orders trouble for `times` calls of an operation, after the next `after` of them; `usize::MAX` until
    /// [`calm`](Self::calm).
    pub fn trouble(&self, trouble: TableTrouble, operation: &'static str, after: usize, times: usize) {
        self.state().trouble.push(Order { trouble, operation, after, times });
    }

    /// Takes all trouble back.
    pub fn calm(&self) {
        self.state().trouble.clear();
    }

    /// How many items a page of Query and Scan has.
    pub fn page_size(&self, items: usize) {
        self.state().page = Some(items);
    }

    /// Every item of a table, in DynamoDB JSON, in the order of the keys.
    #[must_use]
    pub fn items(&self, table: &str) -> Vec<Value> {
        let state = self.state();
        state.tables.get(table).into_iter().flat_map(|table| table.items.values().cloned().map(Value::from)).collect()
    }

    /// Changes the items of a table past all conditions.
    pub fn edit(&self, table: &str, change: impl FnOnce(&mut Vec<Value>)) {
        let mut items = self.items(table);
        change(&mut items);
        if let Some(table) = self.state().tables.get_mut(table) {
            table.items.clear();
            for item in items {
                if let Value::Object(item) = item
                    && let Ok(key) = table.key(&item)
                {
                    table.items.insert(key, item);
                }
            }
        }
    }

    /// Every call: its operation and its body.
    #[must_use]
    pub fn calls(&self) -> Vec<(String, Value)> {
        self.state().calls.clone()
    }

    /// How often an operation was called, refused calls included.
    #[must_use]
    pub fn count(&self, operation: &str) -> usize {
        self.state().calls.iter().filter(|(called, _)| called == operation).count()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn receive(&self, call: &Call) -> Result<Answer, WireError> {
        if call.service != Service::DynamoDb {
            return Err(WireError::Unreachable);
        }
        let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
        let mut state = self.state();
        state.calls.push((call.operation.clone().into_owned(), body.clone()));
        let answer = |state: &mut State| match state.carry_out(&call.operation, &body) {
            Ok(body) => reply(200, &body),
            Err(Refused(body)) => reply(400, &body),
        };
        match state.due(&call.operation) {
            None => Ok(answer(&mut state)),
            Some(TableTrouble::Refuse(name)) => {
                Ok(reply(if name.starts_with("Internal") { 500 } else { 400 }, &named(name).0))
            }
            Some(TableTrouble::Down(error)) => Err(error),
            Some(TableTrouble::Lost(error)) => {
                answer(&mut state);
                Err(error)
            }
            Some(TableTrouble::Garbage) => Ok(reply(200, &json!([]))),
            Some(TableTrouble::Feigned) => Ok(reply(200, &json!({}))),
        }
    }
}

impl Wire for FakeTable {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        Box::pin(std::future::ready(self.receive(&call)))
    }
}

impl std::fmt::Debug for FakeTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FakeTable({} tables)", self.state().tables.len())
    }
}

struct Refused(Value);

impl State {
    fn due(&mut self, operation: &str) -> Option<TableTrouble> {
        let order = self.trouble.iter_mut().find(|order| order.times > 0 && order.operation == operation)?;
        if order.after > 0 {
            order.after -= 1;
            return None;
        }
        order.times = order.times.saturating_sub(usize::from(order.times != usize::MAX));
        Some(order.trouble)
    }

    fn carry_out(&mut self, operation: &str, body: &Value) -> Result<Value, Refused> {
        match operation {
            "CreateTable" => self.create_table(body),
            "DescribeTable" => Ok(json!({ "Table": self.table(body)?.description })),
            "GetItem" => {
                let table = self.table(body)?;
                let found = table.seen(body).get(&table.key(object(body, "Key")?)?);
                Ok(found.map_or_else(|| json!({}), |item| json!({ "Item": item })))
            }
            "PutItem" | "DeleteItem" => {
                let kind = operation.trim_end_matches("Item");
                let table = self.table(body)?;
                let write = table.write(kind, body)?;
                if !write.holds {
                    return Err(named("ConditionalCheckFailedException"));
                }
                self.apply(text(body, "TableName")?, [write]);
                Ok(json!({}))
            }
            "TransactWriteItems" => self.transact(body),
            "Query" => {
                let partition = &self.table(body)?.partition;
                let mut used = Used::new(body);
                let value = match text(body, "KeyConditionExpression")?.split_once(" = ") {
                    Some((name, value)) if used.name(name)? == partition => {
                        used.value(value)?.get("S").and_then(Value::as_str)
                    }
                    _ => None,
                };
                let wanted = value.ok_or_else(validation)?.to_owned();
                used.all()?;
                self.page(body, |(partition, _)| *partition == wanted)
            }
            "Scan" => self.page(body, |_| true),
            _ => Err(named("UnknownOperationException")),
        }
    }

    fn create_table(&mut self, body: &Value) -> Result<Value, Refused> {
        let name = text(body, "TableName")?;
        if self.tables.contains_key(name) {
            return Err(named("ResourceInUseException"));
        }
        let key = |path| body.pointer(path).and_then(Value::as_str).map(str::to_owned).ok_or_else(validation);
        let (partition, sort) = (key("/KeySchema/0/AttributeName")?, key("/KeySchema/1/AttributeName")?);
        let mut description = body.as_object().cloned().unwrap_or_default();
        description.insert("TableStatus".to_owned(), json!("ACTIVE"));
        description
            .insert("TableArn".to_owned(), format!("arn:aws:dynamodb:us-west-2:111122223333:table/{name}").into());
        let description = Value::from(description);
        let table = Table { partition, sort, description: description.clone(), ..Table::default() };
        self.tables.insert(name.to_owned(), table);
        Ok(json!({ "TableDescription": description }))
    }

    fn transact(&mut self, body: &Value) -> Result<Value, Refused> {
        let token = body.get("ClientRequestToken").and_then(Value::as_str);
        if token.is_some_and(|token| self.tokens.contains(token)) {
            return Ok(json!({}));
        }
        let actions = body.get("TransactItems").and_then(Value::as_array).ok_or_else(validation)?;
        if !(1..=100).contains(&actions.len()) {
            return Err(validation());
        }
        let (mut writes, mut keys) = (Vec::new(), BTreeSet::new());
        for action in actions {
            let (kind, action) = action.as_object().and_then(|action| action.iter().next()).ok_or_else(validation)?;
            let write = self.table(action)?.write(kind, action)?;
            let name = text(action, "TableName")?.to_owned();
            if !keys.insert((name.clone(), write.key.clone())) {
                return Err(validation());
            }
            writes.push((name, write));
        }
        if writes.iter().any(|(_, write)| !write.holds) {
            let reason = |(_, write): &(String, Write)| json!({ "Code": if write.holds { "None" } else { FAILED } });
            let reasons: Vec<_> = writes.iter().map(reason).collect();
            return Err(Refused(json!({ "__type": "TransactionCanceledException", "CancellationReasons": reasons })));
        }
        let tables: BTreeSet<_> = writes.iter().map(|(name, _)| name.clone()).collect();
        for table in tables {
            self.apply(&table, writes.extract_if(.., |(name, _)| *name == table).map(|(_, write)| write));
        }
        self.tokens.extend(token.map(str::to_owned));
        Ok(json!({}))
    }

    fn apply(&mut self, table: &str, writes: impl IntoIterator<Item = Write>) {
        let Some(table) = self.tables.get_mut(table) else { return };
        table.before = table.items.clone();
        for write in writes {
            match write.change {
                Change::Put(item) => drop(table.items.insert(write.key, item)),
                Change::Delete => drop(table.items.remove(&write.key)),
                Change::None => {}
            }
        }
    }

    fn page(&self, body: &Value, belongs: impl Fn(&(String, String)) -> bool) -> Result<Value, Refused> {
        let table = self.table(body)?;
        let start = body.get("ExclusiveStartKey").and_then(Value::as_object).map(|key| table.key(key)).transpose()?;
        let after = |key: &(String, String)| start.as_ref().is_none_or(|start| key > start);
        let mut rest = table.seen(body).iter().filter(|(key, _)| belongs(key) && after(key));
        let page: Vec<_> = rest.by_ref().take(self.page.unwrap_or(usize::MAX)).collect();
        let mut items = Vec::new();
        for (_, item) in &page {
            items.push(projected(body, item)?);
        }
        let mut answer = Map::new();
        answer.insert("Count".to_owned(), items.len().into());
        answer.insert("ScannedCount".to_owned(), items.len().into());
        answer.insert("Items".to_owned(), items.into());
        // As DynamoDB does, a page that is full says that there may be more.
        if let Some(((partition, sort), _)) = page.last().filter(|_| Some(page.len()) == self.page) {
            let last = json!({ &table.partition: { "S": partition }, &table.sort: { "S": sort } });
            answer.insert("LastEvaluatedKey".to_owned(), last);
        }
        Ok(answer.into())
    }

    fn table(&self, body: &Value) -> Result<&Table, Refused> {
        self.tables.get(text(body, "TableName")?).ok_or_else(|| named("ResourceNotFoundException"))
    }
}

/// One write, its condition decided.
struct Write {
    key: (String, String),
    holds: bool,
    change: Change,
}

enum Change {
    Put(Item),
    Delete,
    None,
}

impl Table {
    fn key(&self, item: &Item) -> Result<(String, String), Refused> {
        let part = |name: &str, longest| {
            let text = item.get(name).and_then(|value| value.get("S")?.as_str());
            text.filter(|text| (1..=longest).contains(&text.len())).map(str::to_owned).ok_or_else(validation)
        };
        Ok((part(&self.partition, 2048)?, part(&self.sort, 1024)?))
    }

    /// What a read sees.
    fn seen(&self, body: &Value) -> &Items {
        if body.get("ConsistentRead") == Some(&Value::Bool(true)) { &self.items } else { &self.before }
    }

    fn write(&self, kind: &str, body: &Value) -> Result<Write, Refused> {
        let (key, change) = match kind {
            "Put" => {
                let item = object(body, "Item")?;
                (self.key(item)?, Change::Put(item.clone()))
            }
            "Delete" => (self.key(object(body, "Key")?)?, Change::Delete),
            "ConditionCheck" => (self.key(object(body, "Key")?)?, Change::None),
            _ => return Err(validation()),
        };
        let mut used = Used::new(body);
        let holds = match body.get("ConditionExpression").map(|condition| condition.as_str().ok_or_else(validation)) {
            None => true,
            Some(condition) => used.holds(condition?, self.items.get(&key))?,
        };
        used.all()?;
        Ok(Write { key, holds, change })
    }
}

fn text<'a>(body: &'a Value, name: &str) -> Result<&'a str, Refused> {
    body.get(name).and_then(Value::as_str).ok_or_else(validation)
}

fn object<'a>(body: &'a Value, name: &str) -> Result<&'a Item, Refused> {
    body.get(name).and_then(Value::as_object).ok_or_else(validation)
}

fn validation() -> Refused {
    named("ValidationException")
}

fn named(name: &str) -> Refused {
    Refused(
        json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{name}"), "message": "refused by the table for tests" }),
    )
}

fn reply(status: u16, body: &Value) -> Answer {
    Answer::new(status, body.to_string().into_bytes())
}

const FAILED: &str = "ConditionalCheckFailed";
