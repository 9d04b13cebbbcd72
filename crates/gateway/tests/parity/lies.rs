//! That differences are found and made small: a wire that falsifies answers, and an engine that knows one attribute too few.

use std::time::Duration;

use dynaseal_engine::{Answer, BoxFuture, Call, Engine, Wire, WireError};
use dynaseal_gateway::Embedded;
use dynaseal_item::Suite;
use serde_json::{Value, json};

use super::{exceptions, sequence, tables};
use crate::random::Random;
use crate::random::compare::{Difference, Request, Sides, Tally, printed, read};
use crate::random::shrink::shrink;

/// A database whose answers are falsified.
struct Liar {
    database: Embedded,
    lie: fn(&str, &mut Value),
}

impl Wire for Liar {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        let answer = self.database.call(&call);
        let mut body = serde_json::from_slice(&answer.body).unwrap();
        (self.lie)(&call.operation, &mut body);
        let answer = Answer { body: serde_json::to_vec(&body).unwrap(), ..answer };
        Box::pin(async move { Ok(answer) })
    }
}

/// The first of some random sequences that shows a difference, made small.
async fn smallest(engine: &Engine, lie: fn(&str, &mut Value), longest: Duration) -> (Vec<Request>, Difference) {
    let differs = async |requests: &[Request]| {
        let (plain, liar) = (tables::database(), Liar { database: tables::database(), lie });
        let (exception, streams) = (exceptions::of, &tables::ALL);
        let sides = Sides { plain: &plain, engine, protected: &liar, exception, streams };
        sides.compare(requests, &mut Tally::default()).await
    };
    for seed in 1..100 {
        let requests = sequence(&mut Random(seed));
        if let Some(difference) = differs(&requests).await {
            return shrink(requests, difference, longest, differs).await;
        }
    }
    panic!("no sequence shows it");
}

const HONEST: fn(&str, &mut Value) = |_, _| {};
const AMPLE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn one_request_is_left_where_one_is_enough() {
    let lie = |operation: &str, body: &mut Value| {
        if operation == "Scan" && body.get("ScannedCount").is_some() {
            body["ScannedCount"] = json!(77);
        }
    };
    let (requests, difference) = smallest(&tables::named(Suite::Hmac), lie, AMPLE).await;
    assert_eq!(requests.len(), 1, "{}", printed(&requests));
    let Request { operation, body } = &requests[0];
    assert_eq!((operation.as_str(), body.as_object().unwrap().len()), ("Scan", 1), "{body}");
    assert_eq!(
        (&difference.plain.body["ScannedCount"], &difference.protected.body["ScannedCount"]),
        (&json!(0), &json!(77))
    );
    // What is printed can be pasted.
    assert_eq!(read(&printed(&requests)), requests);
}

#[tokio::test]
async fn two_requests_are_left_where_one_must_prepare_the_other() {
    let lie = |operation: &str, body: &mut Value| {
        if operation == "DeleteItem" {
            drop(body.as_object_mut().unwrap().remove("Attributes"));
        }
    };
    let (requests, _) = smallest(&tables::named(Suite::Hmac), lie, AMPLE).await;
    let operations: Vec<_> = requests.iter().map(|request| request.operation.as_str()).collect();
    assert!(matches!(operations[..], [_, "DeleteItem"]), "{}", printed(&requests));
    let members: Vec<_> = requests[1].body.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["Key", "ReturnValues", "TableName"]);
    // Nothing is left of an item but its key.
    let text = printed(&requests);
    assert!(["\"n\"", "\"s\"", "\"hits\"", "ConditionExpression"].iter().all(|part| !text.contains(part)), "{text}");
}

#[tokio::test]
async fn of_a_wrong_engine_the_attribute_is_left_that_it_is_wrong_about() {
    let (requests, difference) = smallest(&tables::without("ns"), HONEST, AMPLE).await;
    let text = printed(&requests);
    assert!(requests.len() == 1 && difference.protected.status == 0, "{text}\n{difference}");
    assert!(text.contains("\"ns\"") && ["\"n\"", "\"s\"", "\"m\""].iter().all(|name| !text.contains(name)), "{text}");
}

#[tokio::test]
async fn without_time_the_sequence_is_reported_up_to_the_difference() {
    let (requests, difference) = smallest(&tables::without("ns"), HONEST, Duration::ZERO).await;
    assert_eq!(requests.len(), difference.step + 1);
}
