//! No plaintext outside: markers in every attribute are searched for in everything that the process wrote, over calls
//! that succeed and calls that fail.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a helper of a test may panic, as the test may")]

#[path = "canary/literals.rs"]
mod literals;
mod support;
mod vault;

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use support::{Gateway, PROGRAM, TEST_KEY};
use vault::{Calls, DAMAGE, READABLE, SECRETS, all_changes, assert_clean, expressions, get, http, id, item, key, with};

#[test]
fn no_marker_is_found_in_anything_that_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(PROGRAM, folder.path(), "gateway", &config(), VERBOSE, TEST_KEY);
    let mut calls = Calls { address: gateway.address.clone(), failures: 0 };

    succeed(&mut calls);
    change(&mut calls);
    fail(&mut calls);
    fail_expressions(&mut calls);
    damage(folder.path(), &mut calls);
    for path in ["/metrics", "/healthz"] {
        let (status, text) = http(&calls.address, "GET", path, None, b"");
        assert_eq!(status, 200, "{path}");
        assert_clean(path, text.as_bytes(), &[&SECRETS, &READABLE]);
    }
    // The files of a running database, its write-ahead log among them, and then those that it leaves.
    assert!(folder.path().join("data.db-wal").exists(), "no write-ahead log, so nothing there was searched");
    assert_folder_is_clean(folder.path());
    gateway.stop();
    assert_folder_is_clean(folder.path());

    another_key(folder.path());
    upstream_down(folder.path());
    assert_folder_is_clean(folder.path());
    assert!(calls.failures >= 60, "only {} calls failed", calls.failures);
}

/// Every operation that stores or returns items.
fn succeed(calls: &mut Calls) {
    let table = json!({
        "TableName": "Vault", "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    });
    calls.ok("CreateTable", &table);
    calls.ok("PutItem", &json!({"TableName": "Vault", "Item": item("1")}));
    calls.ok("PutItem", &json!({"TableName": "Vault", "Item": item("1"), "ReturnValues": "ALL_OLD"}));
    let batch = json!([{"PutRequest": {"Item": item("2")}}, {"PutRequest": {"Item": item("3")}}]);
    calls.ok("BatchWriteItem", &json!({"RequestItems": {"Vault": batch}}));
    calls.ok("TransactWriteItems", &json!({"TransactItems": [{"Put": {"TableName": "Vault", "Item": item("4")}}]}));

    let answer = calls.ok("GetItem", &json!({"TableName": "Vault", "Key": key("1")}));
    assert!(answer.contains(SECRETS[0]), "the caller gets the plaintext");
    calls.ok("Query", &json!({
        "TableName": "Vault", "KeyConditionExpression": "id = :i", "ExpressionAttributeValues": {":i": {"S": id("1")}},
    }));
    let scan = calls.ok("Scan", &json!({"TableName": "Vault"}));
    assert!(scan.matches(SECRETS[0]).count() > 4);
    calls.ok("BatchGetItem", &json!({"RequestItems": {"Vault": {"Keys": [key("2"), key("3")]}}}));
    calls.ok("TransactGetItems", &json!({"TransactItems": [{"Get": {"TableName": "Vault", "Key": key("4")}}]}));
    calls.ok("DeleteItem", &json!({"TableName": "Vault", "Key": key("4"), "ReturnValues": "ALL_OLD"}));
    let changes = all_changes(calls);
    assert!(calls.ok("GetRecords", &changes).matches(SECRETS[0]).count() > 6);
}

/// Updates, conditions and filters on encrypted attributes, each with markers in its values; also conditions that fail
/// and show the caller the item.
fn change(calls: &mut Calls) {
    calls.ok("PutItem", &json!({"TableName": "Vault", "Item": item("5")}));
    let on = |number: &str, members: Value| expressions(json!({"Key": key(number)}), members);
    let update = "SET #t = :s, #m.k = :s, #l[0] = :s, fresh = if_not_exists(fresh, :s) \
        REMOVE #m.gone ADD #n :d, #v :one DELETE #ts :set";
    for (returns, shown) in
        [("NONE", false), ("ALL_OLD", true), ("ALL_NEW", true), ("UPDATED_OLD", true), ("UPDATED_NEW", true)]
    {
        let answer = calls.ok("UpdateItem", &on("5", json!({
            "UpdateExpression": update, "ConditionExpression": "contains(#t, :s) AND #n >= :d", "ReturnValues": returns,
        })));
        assert_eq!(answer.contains(SECRETS[0]), shown, "{returns}");
    }
    // Without an item, and with one that is stored as the gateway finds it.
    let create =
        json!({"UpdateExpression": "SET #t = :s ADD #n :d", "ConditionExpression": "attribute_not_exists(#t)"});
    calls.ok("UpdateItem", &on("6", create.clone()));
    for put in [item("6"), item("7")] {
        let condition = "attribute_not_exists(id) OR #t = :s";
        let members = json!({"ConditionExpression": condition, "ReturnValues": "ALL_OLD"});
        calls.ok("PutItem", &expressions(json!({"Item": put}), members));
    }

    let wrong = json!({"ConditionExpression": "#t = :wrong", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"});
    calls.fails_showing("UpdateItem", &on("5", with(&wrong, "UpdateExpression", "SET #t = :s")));
    calls.fails_showing("UpdateItem", &on("5", with(&wrong, "UpdateExpression", "ADD #v :one")));
    calls.fails_showing("DeleteItem", &on("5", wrong.clone()));
    calls.fails_showing("PutItem", &expressions(json!({"Item": item("5")}), wrong));
    assert!(calls.fails("UpdateItem", &on("5", create)).contains("ConditionalCheckFailedException"));

    let update = on("5", json!({"UpdateExpression": "SET #t = :s ADD #v :one", "ConditionExpression": "#t = :s"}));
    let check = on("6", json!({"ConditionExpression": "contains(#m.k, :s)"}));
    let transaction = json!({"TransactItems": [{"Update": update}, {"ConditionCheck": check}]});
    calls.ok("TransactWriteItems", &transaction);

    let filter = json!({"FilterExpression": "#t = :s AND contains(#m.k, :s) AND (#n >= :d OR #t = :wrong)"});
    let scan = calls.ok("Scan", &expressions(json!({}), filter.clone()));
    assert!(scan.contains(SECRETS[0]));
    let counted = calls.ok("Scan", &expressions(json!({"Select": "COUNT"}), filter.clone()));
    assert!(!counted.contains("Items"));
    let mut query = expressions(json!({"KeyConditionExpression": "id = :i"}), filter);
    query["ExpressionAttributeValues"][":i"] = json!({"S": id("5")});
    assert!(calls.ok("Query", &query).contains(SECRETS[0]));
    let delete = json!({"ConditionExpression": "#t = :s", "ReturnValues": "ALL_OLD"});
    assert!(calls.ok("DeleteItem", &on("7", delete)).contains(SECRETS[0]));
}

/// Requests that are refused or fail, each with markers where a careless message would repeat them.
fn fail(calls: &mut Calls) {
    let secret = SECRETS[0];
    let text = json!({"S": secret});
    let with = |name: &str, value: Value| {
        let mut item = item("9");
        item[name] = value;
        json!({"TableName": "Vault", "Item": item})
    };
    calls.fails("PutItem", &json!({"TableName": "Vault", "Item": {"text": text}}));
    calls.fails("PutItem", &with("id", json!({"N": "1"})));
    calls.fails("PutItem", &with("aws_dbe_head", text.clone()));
    calls.fails("PutItem", &with("text", json!({secret: "x"})));
    calls.fails("PutItem", &with("text", json!({"S": secret, "N": "1"})));
    calls.fails("PutItem", &with("text", json!(secret)));
    calls.fails("PutItem", &with("text", json!({"N": secret})));
    calls.fails("PutItem", &with("text", json!({"B": secret})));
    calls.fails("PutItem", &with("text", json!({"SS": [secret, secret]})));
    calls.fails("PutItem", &with("text", json!({"M": {"": text}})));
    calls.fails("PutItem", &with("text", json!({"S": secret.repeat(40_000)})));
    let deep = (0..40).fold(text.clone(), |inner, _| json!({"L": [inner]}));
    calls.fails("PutItem", &with("text", deep));

    let mut put = with("text", text.clone());
    put["Unheard"] = text.clone();
    calls.fails("PutItem", &put);
    put = json!({"TableName": "Vault", "Item": item("1"), "ConditionExpression": "attribute_not_exists(id)"});
    assert!(calls.fails("PutItem", &put).contains("ConditionalCheckFailedException"));
    put = with("text", text.clone());
    put["ReturnValues"] = json!(secret);
    calls.fails("PutItem", &put);

    calls.fails("GetRecords", &json!({"ShardIterator": secret}));
    calls.fails("GetRecords", &json!({"ShardIterator": format!("dynaseal-1/Vault/{secret}")}));
    calls.fails("GetShardIterator", &json!({"StreamArn": secret}));

    let one = id("1");
    for statement in [
        format!("UPDATE Vault SET text = '{secret}' WHERE id = '{one}' RETURNING ALL NEW *"),
        format!("SELECT * FROM Vault WHERE text = '{secret}' AND begins_with(id, '{one}')"),
    ] {
        let answer = calls.ok("ExecuteStatement", &json!({"Statement": statement}));
        assert!(answer.contains(secret), "{answer}");
    }
    for statement in [
        format!("UPDATE Vault SET text = '{secret}' WHERE id = '{one}' AND text = 'not {secret}'"),
        format!("UPDATE Vault SET text = '{secret}' WHERE"),
        format!("UPDATE Vault SET text = '{secret} WHERE id = '{one}'"),
        format!("INSERT INTO Vault VALUE {{'id': '{one}', 'text': '{secret}'}}"),
        format!("SELECT * FROM Vault WHERE text LIKE '{secret}'"),
        format!("DELETE FROM Vault WHERE id = `{secret}`"),
    ] {
        calls.fails("ExecuteStatement", &json!({"Statement": statement}));
    }
    calls.fails("SomethingNew", &with("text", text.clone()));

    let whole = with("text", text).to_string();
    for cut in [whole.len() - 1, whole.len() / 2] {
        calls.fails_raw("PutItem", &whole.as_bytes()[..cut]);
    }
    calls.fails_raw("PutItem", format!("{whole} {secret}").as_bytes());
    calls.fails_raw("PutItem", format!("{secret}{whole}").as_bytes());
    calls.fails_raw("PutItem", format!("\"{secret}\"").as_bytes());
    calls.fails_raw("PutItem", &[secret.as_bytes(), &[0xff, 0xfe]].concat());
    calls.fails_raw(secret, whole.as_bytes());
    let twice = whole.replacen("{\"", &format!("{{\"TableName\":\"{secret}\",\""), 1);
    calls.fails_raw("PutItem", twice.as_bytes());
}

/// Expressions that are refused, or that the stored item does not suit.
fn fail_expressions(calls: &mut Calls) {
    let secret = SECRETS[0];
    let on = |members: Value| expressions(json!({"Key": key("1")}), members);
    let updates = [
        "SET text = :s",         // a reserved word
        "SET #t = :s, #t = :s",  // twice the same
        "SET aws_dbe_foot = :s", // the format's own
        "SET #t = #t + :d",      // no number
        "SET #t.k = :s",         // no map
        "SET #t = absent_one",   // nothing there
        "SET id = :s",           // the key
        "ADD #t :set",           // no set
        "ADD #n :s",             // not to be added
        "SET #t = :nothing",     // no such value
        "SET #t = ; :s",
    ];
    for update in updates {
        calls.fails("UpdateItem", &on(json!({"UpdateExpression": update})));
    }
    for condition in
        ["text = :s", "#t BETWEEN :s AND :d", "begins_with(#t, :d)", "aws_dbe_head = :s", "#t = :nothing", "#t ; :s"]
    {
        calls.fails("DeleteItem", &on(json!({"ConditionExpression": condition})));
        let item = json!({"Item": item("1")});
        calls.fails("PutItem", &expressions(item, json!({"ConditionExpression": condition})));
        calls.fails("Scan", &expressions(json!({}), json!({"FilterExpression": condition})));
    }
    calls.fails("Query", &expressions(json!({}), json!({"KeyConditionExpression": "id = :s AND #t = :s"})));
    let mut body = on(json!({"UpdateExpression": "SET #t = :s"}));
    body["ExpressionAttributeValues"][":unused"] = json!({"S": secret});
    calls.fails("UpdateItem", &body);
    body["ExpressionAttributeValues"] = json!({":s": {"S": secret.repeat(40_000)}});
    calls.fails("UpdateItem", &body);
    body["ExpressionAttributeValues"] = json!({":s": {"N": secret}});
    calls.fails("UpdateItem", &body);
    body["ExpressionAttributeValues"] = json!({":s": secret});
    calls.fails("UpdateItem", &body);

    for action in ["Delete", "ConditionCheck"] {
        let check = on(json!({"ConditionExpression": "#t = :wrong"}));
        calls.fails("TransactWriteItems", &json!({"TransactItems": [{action: check}]}));
    }
    let update = on(json!({"UpdateExpression": "SET #t = #t + :d"}));
    calls.fails("TransactWriteItems", &json!({"TransactItems": [{"Update": update}]}));

    literals::fail(calls);
}

/// Items that were changed behind the gateway's back.
fn damage(folder: &Path, calls: &mut Calls) {
    let store = Gateway::start(PROGRAM, folder, "store", STORE, &[], TEST_KEY);
    let stored = http(&store.address, "POST", "/", Some("GetItem"), get("1").to_string().as_bytes()).1;
    let stored: Value = serde_json::from_str(&stored).unwrap();
    for (name, value) in [
        ("aws_dbe_head", json!({"B": "AQA="})),
        ("aws_dbe_foot", json!({"B": "AQA="})),
        ("aws_dbe_head", json!({"S": DAMAGE[0]})),
        ("text", json!({"S": DAMAGE[0]})),
        ("status", json!({"N": "1"})),
    ] {
        let mut item = stored["Item"].clone();
        item[name] = value;
        let put = json!({"TableName": "Vault", "Item": item}).to_string();
        assert_eq!(http(&store.address, "POST", "/", Some("PutItem"), put.as_bytes()).0, 200);
        calls.fails("GetItem", &get("1"));
        calls.fails("Scan", &json!({"TableName": "Vault"}));
        for (operation, body) in guarded() {
            calls.fails(operation, &body);
        }
    }
    let changes = all_changes(calls);
    assert!(calls.fails("GetRecords", &changes).contains("SequenceNumber"));
}

/// The same database under a key that does not open it.
fn another_key(folder: &Path) {
    let wrong = "8f".repeat(32);
    let gateway = Gateway::start(PROGRAM, folder, "wrong", &config(), VERBOSE, &wrong);
    let mut calls = Calls { address: gateway.address.clone(), failures: 0 };
    calls.fails("GetItem", &get("2"));
    calls.fails("Scan", &json!({"TableName": "Vault"}));
    for (operation, body) in guarded() {
        calls.fails(operation, &body);
    }
    gateway.stop();
}

/// An upstream that nobody answers for.
fn upstream_down(folder: &Path) {
    let config =
        config().replace("upstream = \"embedded\"\ndatabase = \"data.db\"", "upstream = \"http://127.0.0.1:9\"");
    let gateway = Gateway::start(PROGRAM, folder, "down", &config, VERBOSE, TEST_KEY);
    let mut calls = Calls { address: gateway.address.clone(), failures: 0 };
    calls.fails("PutItem", &json!({"TableName": "Vault", "Item": item("1")}));
    calls.fails("GetItem", &get("1"));
    for (operation, body) in guarded() {
        calls.fails(operation, &body);
    }
    gateway.stop();
}

/// One call of each kind that opens what is stored to work out what to do.
fn guarded() -> [(&'static str, Value); 4] {
    let condition = json!({"ConditionExpression": "#t = :s"});
    let on = |target: Value, members: &Value| expressions(target, members.clone());
    [
        ("UpdateItem", on(json!({"Key": key("1")}), &json!({"UpdateExpression": "SET #t = :s, #m.k = :s"}))),
        ("DeleteItem", on(json!({"Key": key("1")}), &condition)),
        ("PutItem", on(json!({"Item": item("1")}), &condition)),
        ("Scan", on(json!({}), &json!({"FilterExpression": "#t = :s"}))),
    ]
}

/// Everything in the folder: the database with its write-ahead log, logs, temporary files. Configurations hold no item.
fn assert_folder_is_clean(folder: &Path) {
    let mut searched = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        // DynamoDB must read the plain attributes, and `damage` wrote behind the gateway's back.
        let others: &[&[&str]] = if name.starts_with("data.db") { &[] } else { &[&READABLE, &DAMAGE] };
        assert_clean(name, &bytes, &[&[&SECRETS[..]], others].concat());
        searched += usize::from(!bytes.is_empty());
    }
    assert!(searched >= 3, "only {searched} files were searched");
}

fn config() -> String {
    r#"
        [gateway]
        listen = "127.0.0.1:0"
        region = "us-east-1"
        upstream = "embedded"
        database = "data.db"

        [keys.test]
        type = "raw-aes"
        namespace = "tests"
        name = "test key"
        key_env = "DYNASEAL_TEST_KEY"

        [tables.Vault]
        keys = "test"
        partition_key = "id"
        default_action = "encrypt_and_sign"
        unsigned = ["visits"]

        [tables.Vault.attributes]
        id = "sign_only"
        status = "sign_only"
    "#
    .lines()
    .map(str::trim)
    .collect::<Vec<_>>()
    .join("\n")
}

const STORE: &str =
    "allow_no_tables = true\n[gateway]\nlisten = \"127.0.0.1:0\"\nupstream = \"embedded\"\ndatabase = \"data.db\"\n";

/// As much as the log can say.
const VERBOSE: &[&str] = &["--log", "trace"];
