//! DynamoDB Streams on protected tables: iterators carry their table's name, images are opened, and what cannot be told
//! or verified is refused. The same for the texts that reach a program without a call.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test helpers")]

#[allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
mod support;

use std::sync::Arc;

use dynaseal_engine::{Answer, BoxFuture, Engine, Error, Plaintext, Session, Step, SystemClock, Wire};
use support::{Script, dynamodb, engine, engine_with, ready, sealed, streams};

const OLD: &str = r#"{"id":{"S":"1"},"tier":{"S":"free"},"email":{"S":"a@example.com"}}"#;
const NEW: &str = r#"{"id":{"S":"1"},"tier":{"S":"free"},"email":{"S":"b@example.com"},"hits":{"N":"3"}}"#;
const ARN: &str = "arn:aws:dynamodb:eu-west-1:111122223333:table/Users/stream/2015-06-27T00:48:05.899";
/// A number as no program prints it that reads it first.
const SECONDS: &str = "1.43527440e9";

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

/// A record with these images. `more` stands outside, as an event's ARN does.
fn record(images: &[(&str, &str)], more: &str) -> String {
    let images: String = images.iter().map(|(name, item)| format!(r#""{name}":{item},"#)).collect();
    format!(
        r#"{{"eventID":"7","eventName":"MODIFY","dynamodb":{{"ApproximateCreationDateTime":{SECONDS},"Keys":{{"id":{{"S":"1"}}}},{images}"SequenceNumber":"4421584500000000017450439091","SizeBytes":59.0,"StreamViewType":"NEW_AND_OLD_IMAGES"}}{more}}}"#
    )
}

/// Two images as they are stored, and as they must come back.
fn modified(more: &str) -> (String, String) {
    let stored = record(&[("OldImage", &sealed(OLD)), ("NewImage", &sealed(NEW))], more);
    (stored, record(&[("OldImage", OLD), ("NewImage", NEW)], more))
}

/// Sends a call to a service that answers `answer`; gives what was sent and what came back.
fn call(operation: &str, body: &str, status: u16, answer: &str) -> (String, String) {
    let wire = Script::new(|_, _| (status, answer.to_owned()));
    let answer = ready(engine().call(&wire, streams(operation, body))).unwrap();
    assert_eq!(answer.status, status);
    (wire.sent(), String::from_utf8(answer.body).unwrap())
}

fn get_records(iterator: &str) -> String {
    format!(r#"{{"ShardIterator":{},"Limit":5}}"#, serde_json::to_string(iterator).unwrap())
}

/// An iterator for a table's stream, as callers get it.
fn iterator(arn: &str, upstream: &str) -> String {
    let body = format!(r#"{{"StreamArn":"{arn}","ShardId":"shardId-1","ShardIteratorType":"TRIM_HORIZON"}}"#);
    let answer = serde_json::json!({ "ShardIterator": upstream }).to_string();
    let (sent, answer) = call("GetShardIterator", &body, 200, &answer);
    assert_eq!(sent, body);
    json(&answer)["ShardIterator"].as_str().unwrap().to_owned()
}

#[test]
fn an_iterator_leads_to_opened_records_and_on() {
    const UPSTREAM: &str = "arn:aws:dynamodb:r:1:table/x|1|AA+/\"==";
    let wrapped = iterator(ARN, UPSTREAM);
    assert!(wrapped != UPSTREAM && wrapped.contains("Users"), "{wrapped}");
    let (stored, opened) = modified("");
    // What a later version answers besides is not known to be free of what was never sealed.
    let more = stored.replace(r#""SizeBytes""#, r#""New":[1, 2.50],"SizeBytes""#);
    let more = more.replace(r#""eventName""#, r#""Later":{"a": 1},"eventName""#);
    let answer = format!(r#"{{"Records":[{more}],"NextShardIterator":"next","New":{{"a": 1}}}}"#);
    let (sent, answer) = call("GetRecords", &get_records(&wrapped), 200, &answer);
    assert_eq!(json(&sent), json(&get_records(UPSTREAM)));
    let next = json(&answer)["NextShardIterator"].as_str().unwrap().to_owned();
    // Nothing but the images and the iterator has another byte.
    assert_eq!(answer, format!(r#"{{"Records":[{opened}],"NextShardIterator":"{next}"}}"#));
    // The last iterator of a closed shard is null, and it leads on by itself through any other engine.
    let last = r#"{"Records":[],"NextShardIterator":null}"#;
    let (sent, answer) = call("GetRecords", &get_records(&next), 200, last);
    assert_eq!((&json(&sent)["ShardIterator"], answer.as_str()), (&json("\"next\""), last));
    let expired = r#"{"__type":"x#ExpiredIteratorException","message":"m"}"#;
    assert_eq!(call("GetRecords", &get_records(&next), 400, expired).1, expired);
}

#[test]
fn other_tables_records_stay_as_they_are() {
    let wrapped = iterator("arn:aws:dynamodb:eu-west-1:111122223333:table/Other/stream/x", "AAAA");
    let answer = format!(r#"{{"NextShardIterator":"next","Records":[{{ "dynamodb" : {{"NewImage":{OLD}}}}}]}}"#);
    let (sent, out) = call("GetRecords", &get_records(&wrapped), 200, &answer);
    assert_eq!(json(&sent), json(&get_records("AAAA")));
    let next = wrapped.replace("AAAA", "next");
    assert_eq!(out, answer.replace("\"next\"", &format!("\"{next}\"")));
}

#[test]
fn view_types_leave_images_out() {
    let wrapped = iterator(ARN, "AAAA");
    let (old, new) = (sealed(OLD), sealed(NEW));
    for images in [vec![], vec![("NewImage", new.as_str())], vec![("OldImage", old.as_str())]] {
        let answer = format!(r#"{{"Records":[{}]}}"#, record(&images, ""));
        let (_, opened) = call("GetRecords", &get_records(&wrapped), 200, &answer);
        let plain: Vec<_> =
            images.iter().map(|(name, _)| (*name, if *name == "NewImage" { NEW } else { OLD })).collect();
        assert_eq!(opened, format!(r#"{{"Records":[{}]}}"#, record(&plain, "")));
    }
    // What time to live deletes says who did it.
    let ttl = r#","userIdentity":{"type":"Service","principalId":"dynamodb.amazonaws.com"}"#;
    let answer = format!(r#"{{"Records":[{}]}}"#, record(&[("OldImage", &old)], ttl));
    let (_, opened) = call("GetRecords", &get_records(&wrapped), 200, &answer);
    assert_eq!(opened, format!(r#"{{"Records":[{}]}}"#, record(&[("OldImage", OLD)], ttl)));
    // A change of unsigned attributes alone leaves what was sealed as it was.
    let counted = new.replace(r#"{"N":"3"}"#, r#"{"N":"4"}"#);
    let answer = format!(r#"{{"Records":[{}]}}"#, record(&[("NewImage", &counted)], ""));
    let (_, opened) = call("GetRecords", &get_records(&wrapped), 200, &answer);
    assert!(opened.contains("b@example.com") && opened.contains(r#""hits":{"N":"4"}"#), "{opened}");
}

#[test]
fn an_image_that_does_not_verify_is_named_and_nothing_is_returned() {
    let wrapped = iterator(ARN, "AAAA");
    let (good, _) = modified("");
    let failure = |engine: &Engine, images: &[(&str, &str)]| {
        let answer = format!(r#"{{"Records":[{good},{}]}}"#, record(images, ""));
        let wire = Script::new(|_, _| (200, answer.clone()));
        ready(engine.call(&wire, streams("GetRecords", &get_records(&wrapped)))).unwrap_err()
    };
    let damaged = sealed(OLD).replace("\"free\"", "\"paid\"");
    let error = failure(&engine(), &[("NewImage", &sealed(NEW)), ("OldImage", &damaged)]);
    let place = "GetRecords on table Users, record 2, SequenceNumber 4421584500000000017450439091, OldImage (key id): ";
    assert!(error.to_string().starts_with(place), "{error}");
    assert_eq!(error.code(), "DSL-3008");
    assert!(error.hint().contains("AFTER_SEQUENCE_NUMBER"), "{}", error.hint());
    for (images, code) in [
        (vec![("NewImage", OLD)], "DSL-3001"),
        (vec![("NewImage", r#"{"id":7}"#)], "DSL-6004"),
        (vec![("NewImage", "[]")], "DSL-6004"),
    ] {
        assert_eq!(failure(&engine(), &images).code(), code);
    }
    let stranger = {
        let ring = dynaseal_keys::RawAes::new("test", "other", &[8; 32]).unwrap();
        let provider = dynaseal_keys::Provider::new(Arc::new(ring));
        let table = dynaseal_engine::Table::new("Users".into(), support::schema(), provider, Plaintext::Forbid);
        Engine::new([table], Arc::new(SystemClock))
    };
    assert_eq!(failure(&stranger, &[]).code(), "DSL-4001");
    // A sequence number that is none does not reach a message.
    let odd = record(&[("NewImage", OLD)], "").replace("4421584500000000017450439091", "SECRET");
    let wire = Script::new(|_, _| (200, format!(r#"{{"Records":[{odd}]}}"#)));
    let error = ready(engine().call(&wire, streams("GetRecords", &get_records(&wrapped)))).unwrap_err();
    assert!(error.to_string().contains("record 1, NewImage (key id)"), "{error}");
}

#[test]
fn plaintext_policies_hold_for_images() {
    let wrapped = iterator(ARN, "AAAA");
    // A table under migration: the old image is from before.
    let answer = format!(r#"{{"Records":[{}]}}"#, record(&[("OldImage", OLD), ("NewImage", &sealed(NEW))], ""));
    for policy in [Plaintext::Read, Plaintext::Write] {
        let wire = Script::new(|_, _| (200, answer.clone()));
        let opened = ready(engine_with(policy).call(&wire, streams("GetRecords", &get_records(&wrapped)))).unwrap();
        let expected = format!(r#"{{"Records":[{}]}}"#, record(&[("OldImage", OLD), ("NewImage", NEW)], ""));
        assert_eq!(String::from_utf8(opened.body).unwrap(), expected);
    }
}

#[test]
fn what_cannot_be_told_is_not_sent() {
    let refused = |operation: &str, body: &str, code: &str, words: &str| {
        let wire = Script::new(|_, _| (200, "{}".into()));
        let error = ready(engine().call(&wire, streams(operation, body))).expect_err(body);
        assert_eq!((error.code(), wire.count()), (code, 0), "{body}: {error}");
        assert!(error.to_string().contains(words) && !error.to_string().contains("SECRET"), "{error}");
        assert!(!error.hint().is_empty());
    };
    for foreign in ["SECRET", "", "dynaseal-1/Users", "dynaseal-1//SECRET", "dynaseal-9/Users/SECRET"] {
        refused("GetRecords", &get_records(foreign), "DSL-2007", "GetRecords");
    }
    let ours = iterator(ARN, "AAAA");
    let filter = get_records(&ours).replace("}", r#","Filter":"SECRET"}"#);
    refused("GetRecords", &filter, "DSL-2003", "the parameter Filter");
    for arn in [
        "SECRET",
        "arn:aws:dynamodb:eu-west-1:111122223333:tables/Users/stream/SECRET",
        &ARN.replace(":table", "/table"),
    ] {
        refused("GetShardIterator", &format!(r#"{{"StreamArn":"{arn}"}}"#), "DSL-2001", "StreamArn");
    }
    refused("GetShardIterator", &format!(r#"{{"StreamArn":"{ARN}","Filter":"SECRET"}}"#), "DSL-2003", "Filter");
    refused("GetShardIterator", &format!(r#"{{"StreamArn":"{ARN}","StreamArn":"SECRET"}}"#), "DSL-2001", "twice");
    refused("GetRecords", r#"{"ShardIterator":7}"#, "DSL-2001", "GetRecords");
    for operation in ["SubscribeToShard", "PutItem", "GetItem"] {
        refused(operation, r#"{"TableName":"Users"}"#, "DSL-2002", operation);
    }
    let wire = Script::new(|_, _| (200, "{}".into()));
    let error = ready(engine().call(&wire, dynamodb("GetRecords", &get_records(&ours)))).unwrap_err();
    assert_eq!((error.code(), wire.count()), ("DSL-2002", 0));
}

#[test]
fn what_carries_no_images_passes_byte_for_byte() {
    // What is not known passes where it names no protected table.
    for operation in ["ListStreams", "DescribeStream", "GetRecords", "GetShardIterator", "SubscribeToShard", "PutItem"]
    {
        let body = r#"{ "Limit":1 }"#;
        assert_eq!(call(operation, body, 200, "as it comes"), (body.to_owned(), "as it comes".to_owned()));
    }
    // Where nothing is protected, nothing is wrapped.
    let wire = Script::new(|_, _| (200, r#"{"ShardIterator":"AAAA"}"#.into()));
    let plain = Engine::new([], Arc::new(SystemClock));
    let answer = ready(plain.call(&wire, streams("GetShardIterator", &format!(r#"{{"StreamArn":"{ARN}"}}"#)))).unwrap();
    assert_eq!(answer.body, br#"{"ShardIterator":"AAAA"}"#);
}

#[test]
fn a_session_steps_through_records() {
    let call = streams("GetRecords", &get_records(&iterator(ARN, "AAAA")));
    let (mut session, step) = Session::start(Arc::new(engine()), call, || {});
    let Step::Send(sent) = step else { panic!("{step:?}") };
    assert_eq!(json(&String::from_utf8(sent.body).unwrap()), json(&get_records("AAAA")));
    let (stored, opened) = modified("");
    let body = format!(r#"{{"Records":[{stored}]}}"#).into_bytes();
    let answer = Ok(Answer::new(200, body));
    let Ok(Step::Done(Ok(answer))) = session.resume(1, answer) else { panic!() };
    assert_eq!(String::from_utf8(answer.body).unwrap(), format!(r#"{{"Records":[{opened}]}}"#));

    let engine = engine();
    let work = |wire: Arc<dyn Wire>| -> BoxFuture<'static, _> {
        Box::pin(async move { engine.open_records(wire.as_ref(), Some("Users"), &stored).await })
    };
    let (_, step) = Session::run(work, || {});
    let Step::Done(Ok(answer)) = step else { panic!("{step:?}") };
    assert_eq!(String::from_utf8(answer.body).unwrap(), opened);
}

/// What `Engine::open_records` makes of a text, without a network.
fn open(table: Option<&str>, text: &str) -> Result<String, Error> {
    let wire = Script::new(|_, _| panic!("nothing is sent"));
    ready(engine().open_records(&wire, table, text)).map(|body| String::from_utf8(body).unwrap())
}

#[test]
fn the_forms_of_records_outside_a_call() {
    // What a caller's text has besides stays.
    let arn = format!(r#","eventSourceARN":"{ARN}","Later":null"#);
    let other = arn.replace("/Users/", "/Other/");
    for (more, table) in [("", Some("Users")), (&arn, None), (&other, Some("Users")), (r#","tableName":"Users""#, None)]
    {
        let (stored, opened) = modified(more);
        assert_eq!(open(table, &stored).unwrap(), opened);
        let list = |record: &str| format!(r#"{{"Records": [{record},{record}],"NextShardIterator":"AAAA"}}"#);
        assert_eq!(json(&open(table, &list(&stored)).unwrap()), json(&list(&opened)));
    }
    // Each record of an event names its own table.
    let (ours, opened) = modified(&arn);
    let (theirs, _) = modified(&other);
    let list = |record: &str| format!(r#"{{"Records":[{record},{theirs}]}}"#);
    assert_eq!(open(None, &list(&ours)).unwrap(), list(&opened));
    assert_eq!(open(None, r#"{"Records":[]}"#).unwrap(), r#"{"Records":[]}"#);
}

#[test]
fn a_record_whose_table_cannot_be_told_is_not_passed_on() {
    let arn = |from: &str, to: &str| format!(r#","eventSourceARN":"{}""#, ARN.replace(from, to));
    let name = |name: &str| format!(r#","tableName":"{name}""#);
    for more in [
        arn("Users", "users"),
        arn("Users", "USERS"),
        name("uSers"),
        arn("arn:", "ARN:"),
        arn(":table/", ":tables/"),
        arn(":table/", ":Table/"),
        arn(":table/", ":/table/"),
        arn(":table/", "/table/"),
        arn(":dynamodb:", ":kinesis:"),
        arn("/stream/", "/streams/"),
        arn("/stream/", "/"),
        arn("/stream/", "/stream/x/"),
        arn("Users/", "Users//"),
        arn("Users", "Us ers"),
        arn("Users", "U"),
        arn(ARN, "Users"),
        arn(ARN, ""),
        name(ARN),
        name("Users "),
        name("Users/stream/x"),
        name(""),
        format!("{}{}", arn("", ""), name("Other")),
    ] {
        for text in [record(&[("NewImage", OLD)], &more), format!(r#"{{"Records":[{}]}}"#, record(&[], &more))] {
            let error = open(None, &text).expect_err(&text);
            assert_eq!(error.code(), "DSL-1008", "{text}: {error}");
        }
    }
    for more in
        [arn("Users", "Other"), name("Users2"), arn("/stream/2015-06-27T00:48:05.899", "").replace("Users", "User")]
    {
        let text = record(&[("NewImage", OLD)], &more);
        assert_eq!(open(None, &text).unwrap(), text);
    }
}

#[test]
fn texts_that_are_not_records() {
    let (stored, _) = modified("");
    let unnamed = open(None, &stored).unwrap_err();
    assert_eq!(unnamed.code(), "DSL-1008", "{unnamed}");
    for text in [&stored, r#"{"Records":[]}"#] {
        assert_eq!(open(Some("Other"), text).unwrap_err().code(), "DSL-1008");
    }
    for text in [
        "",
        "SECRET",
        "[]",
        OLD,
        &format!(r#"{{"Item":{OLD}}}"#),
        r#"{"Records":{"L":[]}}"#,
        r#"{"Records":[],"Records":[]}"#,
        r#"{"dynamodb":{"M":{"Keys":{"S":"SECRET"}}}}"#,
        r#"{"dynamodb":{"S":"SECRET"},"id":{"N":"SECRET"}}"#,
        r#"{"dynamodb":"Keys"}"#,
    ] {
        assert_eq!(open(Some("Users"), text).unwrap_err().code(), "DSL-1007", "{text}");
    }
    for text in [
        r#"{"Records":[7]}"#.to_owned(),
        r#"{"Records":[{"eventSourceARN":"arn:aws:sqs:eu-west-1:1:Queue","body":"SECRET"}]}"#.to_owned(),
        format!(r#"{{"Records":[{}]}}"#, record(&[("NewImage", r#"{"id":"SECRET"}"#)], "")),
        format!(r#"{{"Records":[{}]}}"#, record(&[("NewImage", "{},\"NewImage\":{}")], "")),
    ] {
        let error = open(Some("Users"), &text).unwrap_err();
        assert_eq!(error.code(), "DSL-1008", "{text}: {error}");
        assert!(!error.to_string().contains("SECRET"), "{error}");
    }
    let damaged = record(&[("NewImage", &sealed(OLD).replace("free", "paid"))], "");
    let error = open(Some("Users"), &damaged).unwrap_err();
    assert!(error.to_string().starts_with("open on table Users, record, SequenceNumber 44215"), "{error}");
    assert_eq!(error.code(), "DSL-3008");
}
