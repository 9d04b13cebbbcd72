//! Carries the same requests out on a plain table and on a protected one, and says where the answers part.

use std::fmt;

use dynaseal_engine::{Engine, Service, Wire};
use dynaseal_gateway::Embedded;
use serde_json::{Value, json};

use super::redaction::hides_only;
use super::{call, call_service, normal};

/// A request of a sequence.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub operation: String,
    pub body: Value,
}

/// Requests as a difference is reported with: a list of `["PutItem", {…}]`.
#[must_use]
pub fn printed(requests: &[Request]) -> String {
    let lines: Vec<_> = requests.iter().map(|one| json!([one.operation, one.body]).to_string()).collect();
    format!("[{}]", lines.join(",\n "))
}

/// Reads what [`printed`] gives.
#[must_use]
pub fn read(text: &str) -> Vec<Request> {
    let all: Vec<(String, Value)> = serde_json::from_str(text).unwrap();
    all.into_iter().map(|(operation, body)| Request { operation, body }).collect()
}

/// The two tables.
pub struct Sides<'s> {
    pub plain: &'s Embedded,
    pub engine: &'s Engine,
    pub protected: &'s dyn Wire,
    /// What dynoxide does otherwise than DynamoDB.
    pub exception: fn(&Embedded, &Request) -> Exception,
    /// Tables whose streams are compared after the last request.
    pub streams: &'s [&'s str],
}

/// How a request is compared.
pub enum Exception {
    /// As it is.
    None,
    /// The request is left out.
    Skip,
    /// Something is taken out of both answers.
    Forgive(fn(&mut Value)),
}

/// An answer as it is compared: its status, or nothing where no answer came but an error of Dynaseal's own.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    pub status: u16,
    pub body: Value,
}

/// Where two answers part.
#[derive(Clone, Debug)]
pub struct Difference {
    /// The number of the request; that after the last for a stream.
    pub step: usize,
    /// The request as it was sent, which may be for a later page.
    pub asked: Request,
    pub plain: Said,
    pub protected: Said,
}

/// How often each operation was answered, and refused, alike.
#[derive(Debug, Default)]
pub struct Tally(pub std::collections::BTreeMap<String, (usize, usize)>);

impl Difference {
    /// What must stay the same while a sequence is made smaller, so that another difference does not take its place.
    #[must_use]
    pub fn kind(&self) -> [String; 3] {
        [self.asked.operation.clone(), self.plain.kind(), self.protected.kind()]
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { asked, plain, protected, .. } = self;
        write!(f, "{} {}\n    plain: {plain}\nprotected: {protected}", asked.operation, asked.body)
    }
}

impl Said {
    fn kind(&self) -> String {
        let text = |member: &str| self.body.get(member).and_then(Value::as_str).unwrap_or_default();
        // What stands behind the second colon is about one request; what is in front of it, about its kind.
        let message: Vec<_> = text("message").splitn(3, ':').take(2).collect();
        format!("{} {}{} {}", self.status, text("__type"), text("code"), message.join(":"))
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status, self.body)
    }
}

impl Sides<'_> {
    /// The first difference, if there is any. `tally` counts what is alike.
    pub async fn compare(&self, requests: &[Request], tally: &mut Tally) -> Option<Difference> {
        for (step, request) in requests.iter().enumerate() {
            if let Some(difference) = self.pages(step, request, tally).await {
                return Some(difference);
            }
        }
        for table in self.streams {
            let asked = Request { operation: "GetRecords".to_owned(), body: json!({ "TableName": table }) };
            let nothing = Engine::new([], std::sync::Arc::new(dynaseal_gateway::RuntimeClock));
            let plain = Said { status: 200, body: changes(&nothing, self.plain, table).await };
            let protected = Said { status: 200, body: changes(self.engine, self.protected, table).await };
            if plain != protected {
                return Some(Difference { step: requests.len(), asked, plain, protected });
            }
            tally.count("GetRecords", true);
        }
        None
    }

    /// Asks page by page, each side with its own tokens.
    async fn pages(&self, step: usize, request: &Request, tally: &mut Tally) -> Option<Difference> {
        let Request { operation, body } = request;
        let (mut one, mut two) = (body.clone(), body.clone());
        for _ in 0..MOST_PAGES {
            let forgive = match (self.exception)(self.plain, request) {
                Exception::None => |_: &mut Value| {},
                Exception::Skip => return None,
                Exception::Forgive(forgive) => forgive,
            };
            let asked = Request { operation: operation.clone(), body: two.clone() };
            let answer = self.plain.call(&call(operation, &one));
            let mut plain =
                Said { status: answer.status, body: normal(&serde_json::from_slice(&answer.body).unwrap()) };
            let mut protected = match self.engine.call(self.protected, call(operation, &two)).await {
                Ok(answer) => {
                    Said { status: answer.status, body: normal(&serde_json::from_slice(&answer.body).unwrap()) }
                }
                Err(error) => Said { status: 0, body: json!({"code": error.code(), "error": error.to_string()}) },
            };
            let is_statement = operation.starts_with("Execute");
            let mut more = Vec::new();
            for (side, next) in [(&mut plain, &mut one), (&mut protected, &mut two)] {
                forgive(&mut side.body);
                let token = take(&mut side.body, "NextToken");
                more.push(!token.is_null());
                let last = side.body.get("LastEvaluatedKey").cloned().unwrap_or_default();
                if is_statement {
                    // dynoxide does not give it, and what it is follows from the token.
                    take(&mut side.body, "LastEvaluatedKey");
                    next["NextToken"] = token;
                } else {
                    next["ExclusiveStartKey"] = last;
                }
                if let message @ Value::String(_) = take(&mut side.body, "Message") {
                    side.body["message"] = message;
                }
            }
            // A message never repeats what may be a value; all else of it is the same.
            if let (Some(theirs), Some(ours)) = (plain.body["message"].as_str(), protected.body["message"].as_str())
                && hides_only(ours, theirs)
            {
                let ours = ours.to_owned();
                plain.body["message"] = ours.into();
            }
            if plain != protected || more[0] != more[1] {
                return Some(Difference { step, asked, plain, protected });
            }
            tally.count(operation, plain.status == 200);
            if one["NextToken"].is_null() && one["ExclusiveStartKey"].is_null() {
                break;
            }
        }
        None
    }
}

impl Tally {
    fn count(&mut self, operation: &str, answered: bool) {
        let (answers, refusals) = self.0.entry(operation.to_owned()).or_default();
        *(if answered { answers } else { refusals }) += 1;
    }

    /// How many were answered and refused.
    #[must_use]
    pub fn sum(&self) -> (usize, usize) {
        self.0.values().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    }
}

/// What happened to a table, as a reader of its stream is told.
async fn changes(engine: &Engine, wire: &dyn Wire, table: &str) -> Value {
    let ask = async |operation: &str, body: Value| -> Value {
        let answer = engine.call(wire, call_service(Service::DynamoDbStreams, operation, &body)).await;
        match answer {
            Ok(answer) => serde_json::from_slice(&answer.body).unwrap(),
            Err(error) => json!({ "error": error.to_string() }),
        }
    };
    let stream = &ask("ListStreams", json!({ "TableName": table })).await["Streams"][0]["StreamArn"];
    let described = ask("DescribeStream", json!({ "StreamArn": stream })).await;
    let shard = &described["StreamDescription"]["Shards"][0]["ShardId"];
    let iterator = json!({"StreamArn": stream, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"});
    let iterator = ask("GetShardIterator", iterator).await;
    let answer = ask("GetRecords", json!({ "ShardIterator": iterator["ShardIterator"] })).await;
    let told = |record: &Value| {
        let change = &record["dynamodb"];
        json!([record["eventName"], change["Keys"], change["OldImage"], change["NewImage"]])
    };
    match answer["Records"].as_array() {
        Some(records) => records.iter().map(|record| normal(&told(record))).collect(),
        None => answer,
    }
}

fn take(body: &mut Value, member: &str) -> Value {
    body.as_object_mut().and_then(|body| body.remove(member)).unwrap_or(Value::Null)
}

/// More than any request of these tests has.
const MOST_PAGES: usize = 50;
