//! An upstream that lies, seen from the callers of a gateway: a proxy that asks for other rows, answers twice, late, with
//! more than was asked, garbled or under another status. The tables of all its lies are in `engine/tests/lies`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dynaseal_engine::{Answer, BoxFuture, Call, Wire, WireError};
use dynaseal_gateway::{Embedded, Settings};
use http::Request;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::protected::{database, engine, put, user};
use crate::support::{Gateway, Reply, assert_error, brisk, upstream};

/// A proxy in front of a database that changes requests and answers once it is told to.
struct Proxy {
    database: Embedded,
    lies: AtomicBool,
    asks: fn(String) -> String,
    answers: fn(Answer) -> Answer,
}

impl Wire for Proxy {
    fn send(&self, mut call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        let lies = self.lies.load(Ordering::SeqCst);
        if lies {
            call.body = (self.asks)(String::from_utf8(call.body).unwrap()).into_bytes();
        }
        let answer = self.database.call(&call);
        let answer = if lies { (self.answers)(answer) } else { answer };
        Box::pin(async move { Ok(answer) })
    }
}

/// A gateway behind which two items are stored, and the proxy lies from then on.
async fn gateway(asks: fn(String) -> String, answers: fn(Answer) -> Answer) -> Gateway {
    let proxy = Arc::new(Proxy { database: database(), lies: AtomicBool::new(false), asks, answers });
    let engine = engine();
    for id in ["1", "2"] {
        put(&engine, proxy.as_ref(), user(id, &format!("secret-{id}@example.com"))).await;
    }
    proxy.lies.store(true, Ordering::SeqCst);
    Gateway::start_for(engine, Settings::default(), proxy).await
}

fn key(id: &str) -> Value {
    json!({"id": {"S": id}})
}

fn on_one(more: Value) -> Value {
    let mut body = json!({"TableName": "Users", "Key": key("1")});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

fn calls() -> Vec<(&'static str, Value)> {
    let values = json!({":v": {"S": "x"}});
    let one = json!({":v": {"N": "1"}});
    vec![
        ("GetItem", on_one(json!({}))),
        ("GetItem", on_one(json!({"ProjectionExpression": "email"}))),
        ("BatchGetItem", json!({"RequestItems": {"Users": {"Keys": [key("1")]}}})),
        ("TransactGetItems", json!({"TransactItems": [{"Get": on_one(json!({}))}]})),
        (
            "Query",
            json!({"TableName": "Users", "KeyConditionExpression": "id = :v", "ExpressionAttributeValues": {":v": {"S": "1"}}}),
        ),
        (
            "UpdateItem",
            on_one(
                json!({"UpdateExpression": "SET email = :v", "ExpressionAttributeValues": values, "ReturnValues": "ALL_NEW"}),
            ),
        ),
        (
            "UpdateItem",
            on_one(
                json!({"UpdateExpression": "ADD hits :v", "ExpressionAttributeValues": one, "ReturnValues": "ALL_OLD"}),
            ),
        ),
        ("DeleteItem", on_one(json!({"ReturnValues": "ALL_OLD"}))),
        ("ExecuteStatement", json!({"Statement": "SELECT email FROM Users WHERE id = '1'"})),
    ]
}

/// Batches of statements, each of which has a place of its own for what fails; but not for an item that does not verify.
fn batches() -> Vec<(&'static str, Value)> {
    let of = |text: &str| ("BatchExecuteStatement", json!({"Statements": [{ "Statement": text }]}));
    vec![
        of("SELECT email FROM Users WHERE id = '1'"),
        of("UPDATE Users SET email = 'x' WHERE id = '1'"),
        of("DELETE FROM Users WHERE id = '1' AND email = 'x'"),
    ]
}

fn assert_tampered(operation: &str, reply: &Reply) {
    assert_error(reply, 400, "ItemVerificationException", "DSL-3011");
    let message = reply.json()["message"].as_str().unwrap().to_owned();
    assert!(message.contains(operation) && message.contains("Users") && !message.contains("secret"), "{message}");
}

#[tokio::test]
async fn a_proxy_that_asks_for_another_row_gives_nobody_its_plaintext() {
    let same = |answer| answer;
    for (operation, body) in calls().into_iter().chain(batches()) {
        let gateway = gateway(|body| body.replace(r#"{"S":"1"}"#, r#"{"S":"2"}"#), same).await;
        assert_tampered(operation, &gateway.call(operation, &body.to_string()).await);
        let metrics = gateway.connect().await.send(Request::get("/metrics"), "").await;
        let text = String::from_utf8(metrics.body.to_vec()).unwrap();
        let counted = format!("dynaseal_requests_total{{operation=\"{operation}\",outcome=\"tampered\"}} 1");
        assert!(text.contains(&counted), "{text}");
    }
}

#[tokio::test]
async fn an_answer_that_holds_an_item_twice_is_refused() {
    let twice = |answer: Answer| {
        let mut body: Value = serde_json::from_slice(&answer.body).unwrap();
        for list in ["/Items", "/Responses/Users"] {
            if let Some(list) = body.pointer_mut(list).and_then(Value::as_array_mut) {
                list.extend(list.clone());
            }
        }
        Answer { body: serde_json::to_vec(&body).unwrap(), ..answer }
    };
    let gateway = gateway(|body| body, twice).await;
    for (operation, body) in [
        ("Scan", json!({"TableName": "Users"})),
        ("BatchGetItem", json!({"RequestItems": {"Users": {"Keys": [key("1"), key("2")]}}})),
        ("ExecuteStatement", json!({"Statement": "SELECT * FROM Users"})),
    ] {
        assert_tampered(operation, &gateway.call(operation, &body.to_string()).await);
    }
}

#[tokio::test]
async fn members_that_are_added_are_dropped() {
    let more = |answer: Answer| {
        let mut body: Value = serde_json::from_slice(&answer.body).unwrap();
        for member in ["Item", "Attributes", "Later"] {
            if body.get(member).is_none() {
                body[member] = json!({"email": {"S": "forged"}});
            }
        }
        Answer { body: serde_json::to_vec(&body).unwrap(), ..answer }
    };
    let gateway = gateway(|body| body, more).await;
    for (operation, mut body) in calls() {
        body.as_object_mut().unwrap().remove("ReturnValues");
        let reply = gateway.call(operation, &body.to_string()).await;
        assert_eq!(reply.status, 200, "{operation}: {}", reply.json());
        assert!(!reply.json().to_string().contains("forged"), "{operation}: {}", reply.json());
    }
}

#[tokio::test]
async fn a_garbled_answer_and_another_status_are_no_answers() {
    let garbled: [fn(Answer) -> Answer; 4] = [
        |answer| Answer { status: 201, ..answer },
        |answer| Answer { status: 204, body: Vec::new(), ..answer },
        |answer| Answer { body: answer.body.repeat(2), ..answer },
        |answer| Answer { body: answer.body[..answer.body.len() / 2].to_vec(), ..answer },
    ];
    for garble in garbled {
        for (operation, body) in calls() {
            let gateway = gateway(|body| body, garble).await;
            let reply = gateway.call(operation, &body.to_string()).await;
            // What became of an update cannot be told.
            let unknown = operation == "UpdateItem" && reply.json().to_string().contains("DSL-6006");
            assert!([502, 503].contains(&reply.status) || unknown, "{operation}: {}", reply.json());
            assert!(!reply.json().to_string().contains("secret"), "{operation}: {}", reply.json());
        }
    }
}

/// An upstream that answers its first request twice, so that the second answer arrives for the next request, or for none.
#[tokio::test]
async fn an_answer_that_comes_late_is_not_the_next_ones() {
    let database = database();
    let engine = engine();
    for id in ["1", "2"] {
        put(&engine, &database, user(id, &format!("secret-{id}@example.com"))).await;
    }
    let stored = |id: &str| {
        let get = crate::protected::request("GetItem", &json!({"TableName": "Users", "Key": key(id)}));
        let body = String::from_utf8(database.call(&get).body).unwrap();
        let length = body.len();
        format!("HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: {length}\r\n\r\n{body}")
    };
    for pause in [0, 30] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (first, second) = (stored("1"), stored("2"));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (first, second) = (first.clone(), second.clone());
                tokio::spawn(async move {
                    let mut request = [0; 4096];
                    let mut answers = vec![second, first].into_iter().rev();
                    // The first request gets its answer and, a moment later, one that nobody asked for.
                    while stream.read(&mut request).await.is_ok_and(|read| read > 0) {
                        for answer in answers.by_ref() {
                            let _ = stream.write_all(answer.as_bytes()).await;
                            tokio::time::sleep(Duration::from_millis(pause)).await;
                        }
                    }
                });
            }
        });
        let gateway =
            Gateway::start_for(crate::protected::engine(), Settings::default(), upstream(&url, brisk())).await;
        let mut client = gateway.connect().await;
        for _ in 0..4 {
            let reply = client.call("GetItem", &on_one(json!({})).to_string()).await;
            let shown = reply.json().to_string();
            assert!(!shown.contains("secret-2"), "{shown}");
            assert!(reply.status != 200 || shown.contains("secret-1"), "{shown}");
        }
    }
}
