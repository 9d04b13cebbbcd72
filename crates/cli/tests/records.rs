//! `dynaseal open` on stream records: Lambda events as people save them, answers of GetRecords, single records, and items
//! among them. The sealed files were written by this program under the test key.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests")]

mod command;

use std::path::Path;

use command::{Ran, folder, run};
use serde_json::{Value, json};

const EVENT: &str = include_str!("records/event.json");
const OPENED: &str = include_str!("records/event.opened.json");
/// One byte of the second record's old image is another.
const DAMAGED: &str = include_str!("records/event.damaged.json");

fn open(folder: &Path, more: &[&str], input: impl AsRef<[u8]>) -> Ran {
    run(folder, &[&["open", "--config", "dynaseal.toml"], more].concat(), input)
}

fn parsed(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn event(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Lines and codes of what failed.
fn failures(ran: &Ran) -> Vec<(u64, String)> {
    let failure = |failure: &Value| (failure["line"].as_u64().unwrap(), failure["code"].as_str().unwrap().to_owned());
    ran.failures().iter().map(failure).collect()
}

#[test]
fn a_saved_event_is_opened_and_the_rest_of_it_stays() {
    let folder = folder();
    let crlf = EVENT.replace('\n', "\r\n");
    for input in [EVENT, &crlf, EVENT.trim_end(), &event(EVENT).to_string()] {
        let ran = open(folder.path(), &[], input);
        assert_eq!((ran.status.code(), ran.stderr.as_str()), (Some(0), ""));
        assert_eq!(parsed(&ran.stdout), [event(OPENED)]);
        assert!(ran.stdout.contains("\"ApproximateCreationDateTime\":1479499740.0,"), "{}", ran.stdout);
    }
    let twice = open(folder.path(), &[], EVENT.repeat(2));
    assert_eq!(parsed(&twice.stdout), [event(OPENED), event(OPENED)]);
}

#[test]
fn every_form_on_lines_of_its_own() {
    let folder = folder();
    let users = &["--table", "Users"];
    let record = |text: &str, strip: &str| {
        let mut record = event(text)["Records"][1].clone();
        record.as_object_mut().unwrap().remove(strip);
        record
    };
    // With the table named by its ARN, as Kinesis does, and not at all.
    let named = (record(EVENT, ""), record(OPENED, ""));
    let mut kinesis = (record(EVENT, "eventSourceARN"), record(OPENED, "eventSourceARN"));
    for record in [&mut kinesis.0, &mut kinesis.1] {
        record["tableName"] = json!("Users");
    }
    let answer = |record: &Value| json!({"NextShardIterator": "AAAA", "Records": [record, record]});
    let unnamed = (record(EVENT, "eventSourceARN"), record(OPENED, "eventSourceARN"));
    let image = |record: &Value| record["dynamodb"]["NewImage"].clone();
    let item = (image(&named.0), image(&named.1));
    let export = (json!({"Item": item.0}), json!({"Item": item.1}));
    let all = [named, kinesis, (answer(&unnamed.0), answer(&unnamed.1)), unnamed, item, export];
    let input: String = all.iter().map(|(stored, _)| format!("{stored}\n")).collect();
    let expected: Vec<_> = all.iter().map(|(_, opened)| opened.clone()).collect();
    let ran = open(folder.path(), users, &input);
    assert_eq!((ran.status.code(), ran.stderr.as_str()), (Some(0), ""));
    assert_eq!(parsed(&ran.stdout), expected);
    // The same printed over several lines each, items too.
    let pretty: String = all.iter().map(|(stored, _)| format!("{stored:#}\n\n")).collect();
    assert_eq!(parsed(&open(folder.path(), users, pretty).stdout), expected);
    // Without a table, what does not name it fails and the rest goes on.
    let ran = open(folder.path(), &[], &input);
    assert_eq!((ran.status.code(), parsed(&ran.stdout)), (Some(1), expected[..2].to_vec()));
    let codes = ["DSL-1008", "DSL-1008", "DSL-8103", "DSL-8103"].map(str::to_owned);
    assert_eq!(failures(&ran), (3..=6).zip(codes).collect::<Vec<_>>());
}

#[test]
fn an_item_may_have_attributes_of_these_names() {
    let folder = folder();
    let config = std::fs::read_to_string(folder.path().join("dynaseal.toml")).unwrap();
    let any = config.replace("suite =", "default_action = \"encrypt_and_sign\"\nsuite =");
    std::fs::write(folder.path().join("dynaseal.toml"), any).unwrap();
    let items = [
        json!({"Records": {"L": [{"M": {"dynamodb": {"S": "x"}}}]}, "id": {"S": "1"}}),
        json!({"dynamodb": {"M": {"Keys": {"M": {}}, "NewImage": {"M": {}}}}, "id": {"S": "2"}}),
    ];
    let sealed = run(
        folder.path(),
        &["seal", "--config", "dynaseal.toml", "--table", "Users"],
        items.iter().map(|item| format!("{item}\n")).collect::<String>(),
    );
    assert_eq!((sealed.status.code(), sealed.stdout.lines().count()), (Some(0), 2), "{}", sealed.stderr);
    assert_eq!(parsed(&open(folder.path(), &["--table", "Users"], &sealed.stdout).stdout), items);
    // A fault in such an item does not make records of it.
    let faulty = r#"{"dynamodb":{"M":{"Keys":{"S":"x"}}},"id":{"B":"x"}}"#;
    let ran = open(folder.path(), &["--table", "Users"], faulty);
    assert_eq!((failures(&ran), ran.stdout.as_str()), (vec![(1, "DSL-1006".to_owned())], ""));
}

#[test]
fn what_fails_is_named_by_its_line_and_the_others_go_on() {
    let folder = folder();
    let length = u64::try_from(EVENT.lines().count()).unwrap();
    let cut: String = EVENT.lines().take(20).map(|line| format!("{line}\n")).collect();
    let queue = json!({"Records": [{"messageId": "1", "body": "canary-5ec2e7"}]});
    let input = format!("{EVENT}{DAMAGED}{cut}{queue}\n{{\n{EVENT}");
    let ran = open(folder.path(), &[], &input);
    assert_eq!((ran.status.code(), parsed(&ran.stdout)), (Some(1), vec![event(OPENED), event(OPENED)]));
    let second = length + 1;
    let expected = [
        (second, "DSL-3008"),
        // What is cut off, and what of it could have been a document of its own.
        (second + length, "DSL-1006"),
        (second + length + 2, "DSL-1006"),
        (second + length + 20, "DSL-1008"),
        (second + length + 21, "DSL-1006"),
    ];
    assert_eq!(failures(&ran), expected.map(|(line, code)| (line, code.to_owned())));
    let message = parsed(&ran.stderr)[0]["message"].as_str().unwrap().to_owned();
    assert!(
        message.starts_with("open on table Users, record 2, SequenceNumber 442158450000000001745043909"),
        "{message}"
    );
    assert!(message.contains("OldImage (key id)"), "{message}");
    assert!(!ran.stderr.contains("canary-5ec2e7"), "{}", ran.stderr);
}

#[test]
fn a_table_that_is_named_must_be_configured() {
    let folder = folder();
    let ran = open(folder.path(), &["--table", "Nothing"], EVENT);
    assert_eq!((ran.status.code(), ran.stdout.as_str()), (Some(2), ""));
    assert!(ran.stderr.contains("error[DSL-8001]") && !ran.stderr.contains("did you mean"), "{}", ran.stderr);
    for near in ["users", "Usrs", "Userss"] {
        let ran = open(folder.path(), &["--table", near], EVENT);
        assert!(ran.stderr.contains("did you mean \"Users\"?"), "{}", ran.stderr);
    }
    // One that is named goes before what records say, as for a table that was restored under another name.
    let moved = EVENT.replace("table/Users", "table/Restored").replace("table/Elsewhere", "table/Restored");
    let ran = open(folder.path(), &["--table", "Users"], &moved);
    assert_eq!(failures(&ran), [(1, "DSL-3001".to_owned())], "the third record's image was never sealed");
}
