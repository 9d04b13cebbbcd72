//! A call stepped by hand, as Node does it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test helpers")]

#[allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
mod support;

use std::sync::Arc;

use dynaseal_engine::{Answer, Session, Step, WireError};
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
    match session.resume(Ok(Answer { status: 200, request_id: Some("r".into()), body })) {
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
    assert!(matches!(session.resume(Err(WireError::Timeout)), Step::Done(Err(error)) if error.code() == "DSL-6002"));
}
