//! A call stepped by hand, as Node does it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test helpers")]

#[allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dynaseal_engine::{Answer, Session, Stale, Step, WireError};
use support::{dynamodb, engine, sealed};

const ITEM: &str = r#"{"id":{"S":"1"},"email":{"S":"a@example.com"}}"#;

#[test]
fn a_session_hands_out_the_sealed_call_and_takes_the_answer() {
    let put = format!(r#"{{"TableName":"Users","Item":{ITEM},"ReturnValues":"ALL_OLD"}}"#);
    let (mut session, step) = Session::start(Arc::new(engine()), dynamodb("PutItem", &put), || {});
    let Step::Send(call) = step else { panic!("{step:?}") };
    assert_eq!(call.operation, "PutItem");
    assert!(String::from_utf8(call.body).unwrap().contains("aws_dbe_head"));
    // Nothing came yet, so nothing happens.
    assert!(matches!(session.poll(), Step::Wait));
    let body = format!(r#"{{"Attributes":{}}}"#, sealed(ITEM)).into_bytes();
    match session.resume(1, Ok(Answer { request_id: Some("r".into()), ..Answer::new(200, body) })).unwrap() {
        Step::Done(Ok(answer)) => {
            assert_eq!(answer.request_id.as_deref(), Some("r"));
            assert!(String::from_utf8(answer.body).unwrap().contains("a@example.com"));
        }
        step => panic!("{step:?}"),
    }
    assert!(matches!(session.poll(), Step::Wait));
}

#[test]
fn refusals_and_lost_answers_end_a_session() {
    let engine = Arc::new(engine());
    let (_, step) = Session::start(Arc::clone(&engine), dynamodb("PutItem", "{"), || {});
    assert!(matches!(step, Step::Done(Err(_))));
    let (mut session, step) = Session::start(engine, dynamodb("GetItem", r#"{"TableName":"Users"}"#), || {});
    assert!(matches!(step, Step::Send(_)));
    let lost = session.resume(1, Err(WireError::Timeout)).unwrap();
    assert!(matches!(lost, Step::Done(Err(error)) if error.code() == "DSL-6002"));
}

#[test]
fn a_statement_is_stepped_through_the_calls_that_it_stands_for() {
    let statement = r#"{"Statement":"UPDATE Users SET email = ? WHERE id = '1' AND email = 'a@example.com' RETURNING ALL NEW *",
        "Parameters":[{"S":"new@example.com"}]}"#;
    let (mut session, step) = Session::start(Arc::new(engine()), dynamodb("ExecuteStatement", statement), || {});
    assert!(matches!(step, Step::Send(call) if call.operation == "GetItem"));
    let answer = |body: String| Ok(Answer { request_id: Some("r".into()), ..Answer::new(200, body.into_bytes()) });
    let Step::Send(write) = session.resume(1, answer(format!(r#"{{"Item":{}}}"#, sealed(ITEM)))).unwrap() else {
        panic!("the session did not write")
    };
    assert_eq!(write.operation, "UpdateItem");
    assert!(!String::from_utf8(write.body).unwrap().contains("example.com"));
    let new = sealed(&ITEM.replace("a@example", "new@example"));
    match session.resume(2, answer(format!(r#"{{"Attributes":{new}}}"#))).unwrap() {
        Step::Done(Ok(answer)) => {
            let expected = r#"{"Items":[{"id":{"S":"1"},"email":{"S":"new@example.com"}}]}"#;
            assert_eq!(String::from_utf8(answer.body).unwrap(), expected);
            assert_eq!(answer.request_id.as_deref(), Some("r"));
        }
        step => panic!("{step:?}"),
    }
}

#[test]
fn a_session_waits_for_its_turn_and_is_woken() {
    let engine = Arc::new(engine());
    let woken = Arc::new(AtomicUsize::new(0));
    let wake = || {
        let woken = Arc::clone(&woken);
        move || {
            woken.fetch_add(1, Ordering::SeqCst);
        }
    };
    let (mut first, step) = Session::start(Arc::clone(&engine), dynamodb("UpdateItem", UPDATE), wake());
    assert!(matches!(step, Step::Send(call) if call.operation == "GetItem"));
    let (mut second, step) = Session::start(Arc::clone(&engine), dynamodb("UpdateItem", UPDATE), wake());
    assert!(matches!(step, Step::Wait));

    let stored = format!(r#"{{"Item":{}}}"#, sealed(ITEM)).into_bytes();
    let answer = |body: Vec<u8>| Ok(Answer::new(200, body));
    let Step::Send(write) = first.resume(1, answer(stored)).unwrap() else { panic!("the first session did not write") };
    let write = String::from_utf8(write.body).unwrap();
    assert!(write.contains("aws_dbe_foot") && !write.contains("new@example.com"));
    assert_eq!(woken.load(Ordering::SeqCst), 0);
    assert!(matches!(first.resume(2, answer(b"{}".to_vec())), Ok(Step::Done(Ok(_)))));
    drop(first);
    assert_eq!(woken.load(Ordering::SeqCst), 1);
    assert!(matches!(second.poll(), Step::Send(call) if call.operation == "GetItem"));
}

#[test]
fn only_the_answer_to_the_last_call_moves_a_session() {
    let (mut session, step) = Session::start(Arc::new(engine()), dynamodb("UpdateItem", UPDATE), || {});
    assert!(matches!(step, Step::Send(call) if call.operation == "GetItem"));
    let answer = |body: &str| Ok(Answer::new(200, body.as_bytes().to_vec()));
    let stored = format!(r#"{{"Item":{}}}"#, sealed(ITEM));
    for early in [0, 2] {
        assert_eq!(session.resume(early, answer("{}")).unwrap_err(), Stale);
    }
    let step = session.resume(1, answer(&stored)).unwrap();
    assert!(matches!(step, Step::Send(call) if call.operation == "UpdateItem"));
    assert_eq!(session.sent(), 2);
    // The read is answered once more, as by a middleware that sent it twice: that is not the write's answer.
    for late in [answer(&stored), answer("{}"), Err(WireError::Timeout)] {
        assert_eq!(session.resume(1, late).unwrap_err(), Stale);
        assert!(matches!(session.poll(), Step::Wait));
    }
    assert!(matches!(session.resume(2, answer("{}")), Ok(Step::Done(Ok(_)))));
    assert_eq!(session.resume(2, answer("{}")).unwrap_err(), Stale);
}

const UPDATE: &str = r#"{"TableName":"Users","Key":{"id":{"S":"1"}},"UpdateExpression":"SET email = :v","ExpressionAttributeValues":{":v":{"S":"new@example.com"}}}"#;
