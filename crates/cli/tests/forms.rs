//! The forms in which items and records come: lines of exports, answers, events of Pipes and Kinesis, gzip; and tables that
//! only a pattern protects.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "the helpers of tests are tests")]

mod command;

use std::io::Write as _;
use std::path::Path;

use command::{CONFIG, Ran, finish, folder, run};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

const SEAL: &[&str] = &["seal", "--config", "dynaseal.toml", "--table", "Users"];
const OPEN: &[&str] = &["open", "--config", "dynaseal.toml"];
const USERS: &[&str] = &["open", "--config", "dynaseal.toml", "--table", "Users"];

fn item(number: u64, age: &str) -> Value {
    json!({"id": {"S": format!("u-{number}")}, "age": {"N": age}, "note": {"S": "hello"}})
}

/// Items as they are stored.
fn sealed(folder: &Path, items: &[Value]) -> Vec<Value> {
    let ran = run(folder, SEAL, items.iter().map(|item| format!("{item}\n")).collect::<String>());
    assert_eq!((ran.status.code(), ran.stderr.as_str()), (Some(0), ""));
    parsed(&ran.stdout)
}

fn parsed(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn codes(ran: &Ran) -> Vec<String> {
    ran.failures().iter().map(|failure| failure["code"].as_str().unwrap().to_owned()).collect()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn base64(value: &Value) -> String {
    base64_simd::STANDARD.encode_to_string(value.to_string())
}

/// With what Kinesis carries as the JSON that it is, whose members have no order.
fn unpacked(mut value: Value) -> Value {
    match &mut value {
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                let bytes = member.as_str().filter(|_| name.eq_ignore_ascii_case("data"));
                let bytes = bytes.and_then(|text| base64_simd::STANDARD.decode_to_vec(text).ok());
                *member = match bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
                    Some(carried) => carried,
                    None => unpacked(member.take()),
                };
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|one| *one = unpacked(one.take())),
        _ => {}
    }
    value
}

/// What `shape` makes of sealed images comes back as what it makes of plain ones, on one line and on several.
fn opens(folder: &Path, args: &[&str], shape: impl Fn(&Value, &Value) -> Value) {
    let (old, new) = (item(1, "41"), item(1, "42"));
    let stored = sealed(folder, &[old.clone(), new.clone()]);
    let given = shape(&stored[0], &stored[1]);
    for input in [given.to_string(), format!("{given:#}"), format!("{given:#}\n").replace('\n', "\r\n")] {
        let ran = run(folder, args, &input);
        assert_eq!((ran.status.code(), ran.stderr.as_str()), (Some(0), ""), "{given}");
        assert_eq!(unpacked(parsed(&ran.stdout).remove(0)), unpacked(shape(&old, &new)));
    }
    // One changed byte of any image fails the whole.
    let mut changed = stored[1].clone();
    changed["age"]["N"] = json!("43");
    let ran = run(folder, args, shape(&stored[0], &changed).to_string());
    assert_eq!((ran.status.code(), ran.stdout.as_str(), codes(&ran)), (Some(1), "", vec!["DSL-3008".to_owned()]));
}

#[test]
fn the_lines_of_an_incremental_export() {
    let folder = folder();
    let folder = folder.path();
    let keys = json!({"id": {"S": "u-1"}});
    let metadata = json!({"WriteTimestampMicros": {"N": "1680109764000000"}});
    opens(folder, USERS, |old, new| json!({"Metadata": metadata, "Keys": keys, "OldImage": old, "NewImage": new}));
    opens(folder, USERS, |_, new| json!({"Metadata": metadata, "Keys": keys, "NewImage": new}));
    // What was deleted has no image in a view of new ones.
    let deleted = json!({"Metadata": metadata, "Keys": keys});
    assert_eq!(parsed(&run(folder, USERS, deleted.to_string()).stdout), [deleted]);
    // The image must be of the item that the line names, and the line must be of a table.
    let stored = sealed(folder, &[item(2, "1")]);
    let other = json!({"Metadata": metadata, "Keys": keys, "NewImage": stored[0]}).to_string();
    assert_eq!(codes(&run(folder, USERS, &other)), ["DSL-3011"]);
    assert_eq!(codes(&run(folder, OPEN, &other)), ["DSL-1008"]);
    // Without metadata it is an item, and no good one.
    assert_eq!(codes(&run(folder, USERS, json!({"Keys": keys, "NewImage": stored[0]}).to_string())), ["DSL-1006"]);
}

#[test]
fn the_answers_of_reads() {
    let folder = folder();
    let folder = folder.path();
    let capacity = json!({"TableName": "Users", "CapacityUnits": 0.5});
    opens(folder, USERS, |_, new| json!({"Item": new}));
    opens(folder, USERS, |_, new| json!({"Item": new, "ConsumedCapacity": capacity}));
    opens(folder, USERS, |_, new| json!({"Attributes": new, "ConsumedCapacity": capacity}));
    let last = json!({"id": {"S": "u-1"}});
    opens(
        folder,
        USERS,
        |old, new| json!({"Items": [old, new], "Count": 2, "ScannedCount": 2, "LastEvaluatedKey": last, "ConsumedCapacity": null}),
    );
    opens(folder, USERS, |old, new| json!({"Responses": [{"Item": old}, {}, {"Item": new}]}));
    // The table's own name stands in the answer.
    for args in [OPEN, USERS] {
        opens(folder, args, |old, new| json!({"Responses": {"Users": [old, new]}, "UnprocessedKeys": {}}));
    }
    for nothing in [json!({"Items": [], "Count": 0, "ScannedCount": 0}), json!({"Responses": {"Users": []}})] {
        let ran = run(folder, OPEN, nothing.to_string());
        assert_eq!((ran.status.code(), parsed(&ran.stdout)), (Some(0), vec![nothing]));
    }
    let stored = sealed(folder, &[item(1, "1")]);
    let elsewhere = json!({"Responses": {"Elsewhere": [stored[0]]}});
    for unnamed in [json!({"Items": stored}), json!({"Item": stored[0]}), elsewhere] {
        assert_eq!(codes(&run(folder, OPEN, unnamed.to_string())), ["DSL-8103"]);
    }
    let mut changed = stored[0].clone();
    changed["age"]["N"] = json!("2");
    let ran = run(folder, USERS, json!({"Items": [stored[0], changed]}).to_string());
    assert!(ran.stderr.contains("item 2 of the answer"), "{}", ran.stderr);
}

#[test]
fn records_of_pipes_and_kinesis() {
    let folder = folder();
    let folder = folder.path();
    let arn = "arn:aws:dynamodb:eu-west-1:111122223333:table/Users/stream/2015-06-27T00:48:05.899";
    let change = |old: &Value, new: &Value| json!({"Keys": {"id": {"S": "u-1"}}, "OldImage": old, "NewImage": new});
    let of_stream =
        |old: &Value, new: &Value| json!({"eventID": "1", "dynamodb": change(old, new), "eventSourceARN": arn});
    opens(folder, OPEN, |old, new| json!([of_stream(old, new), of_stream(new, old)]));
    // What a Kinesis stream carries names its table.
    let carried = |old: &Value, new: &Value| {
        base64(&json!({"eventName": "MODIFY", "recordFormat": "application/json", "tableName": "Users",
            "dynamodb": change(old, new), "userIdentity": null}))
    };
    let kinesis = "arn:aws:kinesis:eu-west-1:111122223333:stream/changes";
    opens(folder, OPEN, |old, new| {
        let kinesis_record = json!({"kinesisSchemaVersion": "1.0", "partitionKey": "1", "data": carried(old, new)});
        json!({"Records": [{"kinesis": kinesis_record, "eventSource": "aws:kinesis", "eventSourceARN": kinesis}]})
    });
    opens(
        folder,
        OPEN,
        |old, new| json!([{"partitionKey": "1", "data": carried(old, new), "eventSourceARN": kinesis}]),
    );
    opens(folder, OPEN, |old, new| json!({"Records": [{"SequenceNumber": "1", "Data": carried(old, new)}]}));
    opens(
        folder,
        OPEN,
        |old, new| json!({"invocationId": "1", "records": [{"recordId": "1", "data": carried(old, new)}]}),
    );
    for (wrong, code) in [
        (json!([{"data": "%"}]), "DSL-1008"),
        (json!([{"data": base64(&json!({"other": 1}))}]), "DSL-1008"),
        (json!({"Records": [{"kinesis": {"data": base64(&json!("text"))}}]}), "DSL-1008"),
        (json!([]), "DSL-1006"),
        (json!([1, 2]), "DSL-1006"),
        (json!([{"id": {"S": "1"}}]), "DSL-1006"),
    ] {
        assert_eq!(codes(&run(folder, USERS, wrong.to_string())), [code], "{wrong}");
    }
}

/// Some SDKs write every type, and `null` for those that a value does not have.
fn with_nulls(item: &Value) -> Value {
    let value = |value: &Value| {
        let mut all = json!({"S": null, "N": null, "B": null, "SS": null, "NS": null, "BS": null, "M": null, "L": null,
            "NULL": null, "BOOL": null});
        all.as_object_mut().unwrap().extend(value.as_object().unwrap().clone());
        all
    };
    Value::Object(item.as_object().unwrap().iter().map(|(name, one)| (name.clone(), value(one))).collect())
}

#[test]
fn types_that_are_null_mean_nothing() {
    let folder = folder();
    let folder = folder.path();
    let stored = sealed(folder, &[item(1, "41"), with_nulls(&item(2, "42"))]);
    let opened = |text: String| parsed(&run(folder, USERS, text).stdout);
    for (stored, plain) in stored.iter().zip([item(1, "41"), item(2, "42")]) {
        let nulls = with_nulls(stored);
        assert_eq!(opened(nulls.to_string()), std::slice::from_ref(&plain));
        assert_eq!(opened(format!("{nulls:#}")), std::slice::from_ref(&plain));
        for member in ["Item", "Attributes"] {
            assert_eq!(opened(json!({ member: nulls }).to_string()), [json!({ member: plain })]);
        }
        let page = |item: &Value| json!({"Items": [item], "Count": 1});
        assert_eq!(opened(page(&nulls).to_string()), [page(&plain)]);
        let keys = json!({"id": plain["id"]});
        let line =
            |keys: &Value, item: &Value| json!({"Metadata": {}, "Keys": keys, "NewImage": item, "OldImage": null});
        let told = opened(line(&with_nulls(&keys), &nulls).to_string());
        assert_eq!((&told[0]["NewImage"], &told[0]["Keys"]["id"]["S"]), (&plain, &plain["id"]["S"]));
    }
    // A change is found out all the same.
    let mut changed = with_nulls(&stored[0]);
    changed["age"]["N"] = json!("43");
    assert_eq!(codes(&run(folder, USERS, changed.to_string())), ["DSL-3008"]);
    // Two types, or none, are no value.
    for (name, given) in [("S", json!("x")), ("N", Value::Null)] {
        let mut odd = with_nulls(&stored[0]);
        odd["age"][name] = given;
        assert_eq!(codes(&run(folder, USERS, odd.to_string())), ["DSL-1006"], "{name}");
    }
}

#[test]
fn sealing_keeps_what_surrounds_items() {
    let folder = folder();
    let folder = folder.path();
    for wrapped in [
        json!({"Item": item(1, "1")}),
        json!({"Items": [item(1, "1"), item(2, "2")], "Count": 2}),
        json!({"Item": item(1, "1"), "ConsumedCapacity": {"CapacityUnits": 1.0}}),
    ] {
        let ran = run(folder, SEAL, format!("{wrapped}\n{wrapped}\n"));
        assert_eq!((ran.status.code(), ran.stderr.as_str()), (Some(0), ""));
        let stored = parsed(&ran.stdout);
        assert!(stored.len() == 2 && stored.iter().all(|line| line.to_string().contains("aws_dbe_head")), "{stored:?}");
        assert_eq!(parsed(&run(folder, USERS, &ran.stdout).stdout), [wrapped.clone(), wrapped]);
    }
    // One line for each: of several none is sealed, and each is named.
    let pretty = format!("{:#}", json!({"Item": item(1, "1")}));
    let ran = run(folder, SEAL, &pretty);
    assert_eq!((ran.status.code(), ran.stdout.as_str(), ran.failures().len()), (Some(1), "", pretty.lines().count()));
    // What is sealed already is not sealed once more.
    let stored = sealed(folder, &[item(1, "1")]);
    for again in [stored[0].clone(), json!({"Item": stored[0]})] {
        let ran = run(folder, SEAL, again.to_string());
        assert_eq!((codes(&ran), ran.stdout.as_str()), (vec!["DSL-1001".to_owned()], ""));
        assert!(ran.stderr.contains("sealed already"), "{}", ran.stderr);
    }
}

#[test]
fn gzip_and_marks_are_read_and_damage_is_named() {
    let folder = folder();
    let folder = folder.path();
    let items: Vec<_> = (0..200).map(|number| item(number, "1")).collect();
    let export: String = sealed(folder, &items).iter().map(|item| format!("{{\"Item\":{item}}}\n")).collect();
    let expected: Vec<_> = items.iter().map(|item| json!({ "Item": item })).collect();
    let marked = format!("\u{feff}{export}");
    for input in [gzip(&export), marked.clone().into_bytes(), gzip(&marked)] {
        let ran = run(folder, USERS, &input);
        assert_eq!((ran.status.code(), ran.stderr.as_str()), (Some(0), ""));
        assert_eq!(parsed(&ran.stdout), expected);
    }
    // The parts of an export, one behind the other.
    let both = [gzip(&export), gzip(&export)].concat();
    assert_eq!(run(folder, USERS, both).stdout.lines().count(), 400);
    assert_eq!(run(folder, &["inspect", "--json"], gzip(&export)).stdout.lines().count(), 200);

    let packed = gzip(&export);
    let mut damaged = packed.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0xff;
    for wrong in [&damaged, &packed[..packed.len() - 4], &packed[..middle]] {
        for args in [USERS, &["inspect"][..]] {
            let ran = run(folder, args, wrong);
            assert_eq!(ran.status.code(), Some(2));
            assert!(ran.stderr.contains("error[DSL-8014]") && ran.stderr.contains("gzip"), "{}", ran.stderr);
        }
    }
    let utf16: Vec<u8> = std::iter::once(0xfeff).chain(export.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let ran = run(folder, USERS, utf16);
    assert!(ran.status.code() == Some(2) && ran.stderr.contains("it is UTF-16"), "{}", ran.stderr);
    assert_eq!(codes(&run(folder, USERS, "$ion_1_0 {Item:{id:\"u-1\"}}\n")), ["DSL-8105"]);
    assert!(run(folder, USERS, b"\xe0\x01\x00\xea").stderr.contains("Amazon Ion"));
}

/// What unpacks to more than the program may have is not held.
#[cfg(target_os = "linux")]
#[test]
fn a_bomb_of_gzip_fails_as_a_line_that_is_too_long() {
    let folder = folder();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let zeros = vec![b' '; 1 << 20];
    encoder.write_all(b"{").unwrap();
    for _ in 0..192 {
        encoder.write_all(&zeros).unwrap();
    }
    encoder.write_all(b"\n").unwrap();
    let bomb = encoder.finish().unwrap();
    let mut limited = std::process::Command::new("sh");
    // Address space in KB: the program's own, and far less than what the bomb becomes.
    let command = format!(
        "ulimit -v 150000; exec {} open --config dynaseal.toml --table Users --threads 1",
        env!("CARGO_BIN_EXE_dynaseal")
    );
    limited.args(["-c", &command]).current_dir(folder.path()).env("DYNASEAL_TEST_KEY", command::TEST_KEY);
    limited
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let ran = finish(limited, bomb);
    assert_eq!((ran.status.code(), codes(&ran)), (Some(1), vec!["DSL-8101".to_owned()]), "{}", ran.stderr);
}

#[test]
fn a_table_of_a_pattern_is_opened_with_the_keys_given() {
    let folder = folder();
    let pattern = CONFIG.replace("[tables.Users]", "[tables.\"*\"]").replace("[tables.Users.", "[tables.\"*\".");
    let pattern = pattern.replace("partition_key = \"id\"\n", "").replace("age =", "id = \"sign_only\"\nage =");
    std::fs::write(folder.path().join("pattern.toml"), pattern).unwrap();
    let folder = folder.path();
    let args = |command: &'static str, more: &[&'static str]| -> Vec<&'static str> {
        [&[command, "--config", "pattern.toml", "--table", "Users"], more].concat()
    };
    let (plain, keys) = (item(1, "1"), ["--partition-key", "id"]);
    let stored = sealed(folder, std::slice::from_ref(&plain));
    let record = |item: &Value| json!({"dynamodb": {"Keys": {"id": {"S": "u-1"}}, "NewImage": item}});
    let input = format!("{}\n{}\n", stored[0], record(&stored[0]));
    let ran = run(folder, &args("open", &keys), &input);
    assert_eq!((ran.status.code(), ran.stderr.as_str()), (Some(0), ""));
    assert_eq!(parsed(&ran.stdout), [plain.clone(), record(&plain)]);
    // What is sealed by the pattern opens by the table's own section, and the other commands take the keys, too.
    let again = run(folder, &args("seal", &keys), plain.to_string());
    assert_eq!(parsed(&run(folder, USERS, &again.stdout).stdout), [plain]);
    let inspected = run(folder, &args("inspect", &keys), &again.stdout);
    assert!(inspected.status.success() && inspected.stdout.contains("note"), "{}", inspected.stderr);
    assert_eq!(run(folder, &args("repair", &keys), &again.stdout).status.code(), Some(0));

    let refused = |args: &[&str], words: &str| {
        let ran = run(folder, args, &input);
        assert_eq!((ran.status.code(), ran.stdout.as_str()), (Some(2), ""), "{words}");
        assert!(ran.stderr.contains("error[DSL-8012]") && ran.stderr.contains("--partition-key"), "{}", ran.stderr);
        let said: Vec<_> = ran.stderr.split_whitespace().collect();
        assert!(said.join(" ").contains(words), "{}", ran.stderr);
    };
    for command in ["open", "seal", "repair", "inspect"] {
        refused(&args(command, &[]), "only the pattern \"*\" names it");
    }
    refused(&args("open", &["--partition-key", "note"]), "does not store it readable");
    refused(&args("open", &["--partition-key", "id", "--sort-key", "tags"]), "does not store it readable");
    refused(&[USERS, &["--partition-key", "userId"]].concat(), "its section says other keys than were given: id");
    refused(&[USERS, &["--partition-key", "id", "--sort-key", "at"]].concat(), "its section says other keys");
    assert!(run(folder, &[USERS, &["--partition-key", "id"]].concat(), &input).status.success());
    // Wrong keys open nothing: the item is bound to them.
    assert_eq!(codes(&run(folder, &args("open", &["--partition-key", "age"]), stored[0].to_string())).len(), 1);
    // A record that names its table says nothing of its keys either.
    let named = json!({"dynamodb": record(&stored[0])["dynamodb"], "tableName": "Users"}).to_string();
    let ran = run(folder, &["open", "--config", "pattern.toml"], named);
    assert_eq!(codes(&ran), ["DSL-2008"]);
    assert!(ran.stderr.contains("--partition-key"), "{}", ran.stderr);
}
