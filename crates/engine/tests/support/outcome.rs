//! What becomes of calls that nobody may see.

use dynaseal_engine::{Call, Engine, Error};

use crate::support::{Script, dynamodb, engine, ready};

/// What becomes of a call: what was sent, and the code or the text of the answer.
pub fn carry_out(engine: &Engine, call: Call) -> (Vec<(String, String)>, Result<String, Error>) {
    let wire = Script::new(|_, _| (200, "{}".into()));
    let answer = ready(engine.call(&wire, call)).map(|answer| String::from_utf8(answer.body).unwrap());
    (wire.calls.into_inner().unwrap(), answer)
}

/// A call that is not sent. Its refusal, ours or in DynamoDB's words, names these and shows no value.
pub fn refused(operation: &str, body: &str, names: &[&str]) {
    let (sent, answer) = carry_out(&engine(), dynamodb(operation, body));
    assert!(sent.is_empty(), "{operation} was sent: {sent:?}");
    let text = match answer {
        Err(error) => format!("{} {error} {}", error.code(), error.hint()),
        Ok(answer) => answer,
    };
    for name in names {
        assert!(text.contains(name), "{text} does not name {name}: {body}");
    }
    assert!(!text.contains("SECRET"), "{text}");
}

/// A call that passes byte for byte.
pub fn passes_call(engine: &Engine, call: Call) {
    let (operation, body) = (call.operation.clone().into_owned(), String::from_utf8(call.body.clone()).unwrap());
    let (sent, answer) = carry_out(engine, call);
    assert_eq!(answer.unwrap_or_else(|error| panic!("{operation} {body}: {error}")), "{}");
    assert_eq!(sent, [(operation, body)]);
}

pub fn passes(operation: &str, body: &str) {
    passes_call(&engine(), dynamodb(operation, body));
}

/// A call that is carried out without a value of it in the clear.
pub fn hides(operation: &str, body: &str) {
    let (sent, answer) = carry_out(&engine(), dynamodb(operation, body));
    assert!(answer.is_ok_and(|answer| !answer.contains("SECRET")) && !sent.is_empty(), "{operation} {body}");
    assert!(sent.iter().all(|(_, body)| !body.contains("SECRET")), "{sent:?}");
}
