//! Which rows an answer is believed to be for.

use dynaseal_engine::Plaintext;
use serde_json::{Value, json};

use crate::support::{Script, dynamodb, engine, engine_with, ready, sealed};
use crate::{KEY, asked_for_one, assert_not_asked, carry_out, query, read, stored, user};

#[test]
fn an_answer_is_for_the_row_that_was_asked() {
    let mut number = 0;
    // Unsealed items are compared as sealed ones are.
    for (policy, other) in
        [(Plaintext::Forbid, stored("2")), (Plaintext::Read, stored("2")), (Plaintext::Read, read(&user("2")))]
    {
        for (operation, body, sent, status, answer) in asked_for_one(&other) {
            // The read before the write is honest where it is not the lie.
            let before = ("GetItem", 200, json!({"Item": stored("1")}).to_string());
            assert_not_asked(&engine_with(policy), (operation, &body), &[(sent, status, answer), before]);
            number += 1;
        }
    }
    assert_eq!(number, 60);
    for (operation, body, sent, status, answer) in asked_for_one(&stored("1")) {
        let before = ("GetItem", 200, json!({"Item": stored("1")}).to_string());
        let answered = carry_out(&engine(), (operation, &body), &[(sent, status, answer), before]);
        assert_eq!(answered.map_err(|error| panic!("{operation} {body}: {error}")).unwrap().0, status, "{operation}");
    }
}

/// A batch of statements has a place for the failure of each, which nobody watches as a failed call is watched.
#[test]
fn a_batch_of_statements_tells_of_a_wrong_row_as_a_failure() {
    let statements = |all: &[&str]| {
        let all: Vec<_> = all.iter().map(|text| json!({ "Statement": text })).collect();
        json!({ "Statements": all })
    };
    let update = |id: &str| format!("UPDATE Users SET email = 'x' WHERE id = '{id}'");
    let (one, two, three) = (update("1"), update("2"), update("3"));
    let delete = "DELETE FROM Users WHERE id = '2' AND email = 'x'";
    for wrong in [two.as_str(), delete] {
        let body = statements(&[&one, wrong, &three]);
        let wire = Script::new(|operation, body| {
            let id = read(body)["Key"]["id"]["S"].as_str().unwrap_or_default().replace('2', "1");
            (200, if operation == "GetItem" { json!({"Item": stored(&id)}).to_string() } else { "{}".to_owned() })
        });
        let error = ready(engine().call(&wire, dynamodb("BatchExecuteStatement", &body.to_string()))).unwrap_err();
        let text = error.to_string();
        assert_eq!((error.code(), error.table()), ("DSL-3011", Some("Users")), "{text}");
        assert!(text.contains("statement 2, while all others were carried out (key id)"), "{text}");
        let sent = wire.calls.into_inner().unwrap();
        let written = sent.iter().filter(|(operation, _)| operation == "UpdateItem");
        let written: Vec<_> = written.map(|(_, body)| read(body)["Key"]["id"]["S"].clone()).collect();
        assert_eq!(written, ["1", "3"]);
    }
}

#[test]
fn an_item_without_its_key_is_not_the_one_that_was_asked_for() {
    let mut keyless = read(&user("1"));
    keyless.as_object_mut().unwrap().remove("id");
    for (operation, body, sent, status, answer) in asked_for_one(&keyless) {
        let before = ("GetItem", 200, json!({"Item": stored("1")}).to_string());
        assert_not_asked(&engine_with(Plaintext::Read), (operation, &body), &[(sent, status, answer), before]);
    }
    // Nor does a request without one ask for any.
    for body in [json!({"TableName": "Users"}), json!({"TableName": "Users", "Key": {}})] {
        assert_not_asked(&engine(), ("GetItem", &body), &[("GetItem", 200, json!({"Item": stored("1")}).to_string())]);
    }
    let page = json!({"Items": [stored("1")]}).to_string();
    assert_not_asked(&engine(), ("Query", &json!({"TableName": "Users"})), &[("Query", 200, page)]);
}

#[test]
fn a_query_answers_what_its_key_condition_selects() {
    let page = |id: &str| json!({"Items": [stored(id)], "Count": 1}).to_string();
    let legacy = |operator: &str, values: Value| {
        let condition = json!({"id": {"ComparisonOperator": operator, "AttributeValueList": values}});
        json!({"TableName": "Users", "KeyConditions": condition})
    };
    for (body, fits, not) in [
        (query("id = :i", json!({":i": {"S": "b"}})), "b", "a"),
        (query("id > :i", json!({":i": {"S": "b"}})), "c", "b"),
        (query("id >= :i", json!({":i": {"S": "b"}})), "b", "a"),
        (query(":i > id", json!({":i": {"S": "b"}})), "a", "b"),
        (query("id <= :i", json!({":i": {"S": "b"}})), "b", "c"),
        (query("id BETWEEN :i AND :j", json!({":i": {"S": "b"}, ":j": {"S": "d"}})), "c", "e"),
        (query("begins_with(id, :i)", json!({":i": {"S": "ab"}})), "abc", "ac"),
        (query("id = :i AND tier = :t", json!({":i": {"S": "b"}, ":t": {"S": "free"}})), "b", "c"),
        (legacy("EQ", json!([{"S": "b"}])), "b", "a"),
        (legacy("BEGINS_WITH", json!([{"S": "ab"}])), "abc", "ac"),
        (legacy("BETWEEN", json!([{"S": "b"}, {"S": "d"}])), "d", "a"),
        (legacy("LT", json!([{"S": "b"}])), "a", "b"),
    ] {
        let (_, shown) = carry_out(&engine(), ("Query", &body), &[("Query", 200, page(fits))]).unwrap();
        assert_eq!(read(&shown)["Items"][0]["id"]["S"], fits, "{body}");
        assert_not_asked(&engine(), ("Query", &body), &[("Query", 200, page(not))]);
        let both = json!({"Items": [stored(fits), stored(not)], "Count": 2}).to_string();
        assert_not_asked(&engine(), ("Query", &body), &[("Query", 200, both)]);
    }
}

#[test]
fn nothing_is_answered_twice() {
    let one = stored("1");
    let page = json!({"Items": [stored("0"), one, stored("2"), one], "Count": 4}).to_string();
    assert_not_asked(&engine(), ("Scan", &json!({"TableName": "Users"})), &[("Scan", 200, page.clone())]);
    let older = read(&sealed(&user("1").replace("free", "paid")));
    let versions = json!({"Items": [one, older], "Count": 2}).to_string();
    assert_not_asked(&engine(), ("Scan", &json!({"TableName": "Users"})), &[("Scan", 200, versions.clone())]);
    // A page of an index is no snapshot: an item that moves can be met twice, but not as it was.
    let scan = json!({"TableName": "Users", "IndexName": "by"});
    assert_not_asked(&engine(), ("Scan", &scan), &[("Scan", 200, page)]);
    assert!(carry_out(&engine(), ("Scan", &scan), &[("Scan", 200, versions)]).is_ok());

    let get = |ids: &[&str]| {
        let keys: Vec<_> = ids.iter().map(|id| json!({"id": {"S": id}})).collect();
        json!({"RequestItems": {"Users": { "Keys": keys }, "Other": {"Keys": [{"k": {"S": "1"}}]}}})
    };
    let left = |ids: &[&str]| {
        let keys: Vec<_> = ids.iter().map(|id| json!({"id": {"S": id}})).collect();
        json!({"Users": { "Keys": keys }})
    };
    for answer in [
        json!({"Responses": {"Users": [one, one]}}),
        json!({"Responses": {"Users": [one, stored("3")]}}),
        json!({"Responses": {"Users": [one], "arn:aws:dynamodb:eu-west-1:1:table/Users": [one]}}),
        json!({"Responses": {"Users": [one]}, "UnprocessedKeys": left(&["1"])}),
        json!({"Responses": {"Users": []}, "UnprocessedKeys": left(&["2", "2"])}),
        json!({"Responses": {"Users": []}, "UnprocessedKeys": left(&["3"])}),
        json!({"Responses": {"Users": [], "Accounts": [one]}}),
        json!({"Responses": {}, "UnprocessedKeys": {"Accounts": {"Keys": [{"id": {"S": "1"}}]}}}),
    ] {
        assert_not_asked(&engine(), ("BatchGetItem", &get(&["1", "2"])), &[("BatchGetItem", 200, answer.to_string())]);
    }
    let answer = json!({"Responses": {"Users": [one], "Other": [{"k": {"S": "7"}}]}, "UnprocessedKeys": left(&["2"])});
    let answers = [("BatchGetItem", 200, answer.to_string())];
    let (_, shown) = carry_out(&engine(), ("BatchGetItem", &get(&["1", "2"])), &answers).unwrap();
    assert_eq!(read(&shown)["UnprocessedKeys"], left(&["2"]));
    assert_eq!(read(&shown)["Responses"], json!({"Users": [read(&user("1"))], "Other": [{"k": {"S": "7"}}]}));
}

#[test]
fn an_index_page_shows_rows_that_its_key_condition_selects() {
    let mut body = query("tier = :t", json!({":t": {"S": "free"}}));
    body["IndexName"] = json!("by_tier");
    let part = |id: &str, tier: &str| json!({"id": {"S": id}, "tier": {"S": tier}});
    let page = |items: &[Value]| ("Query", 200, json!({"Items": items, "Count": items.len()}).to_string());
    let whole = |items: &[Value]| ("BatchGetItem", 200, json!({"Responses": {"Users": items}}).to_string());
    let paid = read(&sealed(&user("1").replace("free", "paid")));

    let honest = [page(&[part("1", "free")]), whole(&[stored("1")])];
    let (_, shown) = carry_out(&engine(), ("Query", &body), &honest).unwrap();
    assert_eq!(read(&shown), json!({"Items": [part("1", "free")], "Count": 1}));
    for answers in [
        vec![page(std::slice::from_ref(&paid))],
        vec![page(&[part("1", "paid")]), whole(&[stored("1")])],
        vec![page(&[part("1", "free"), part("1", "free")]), whole(&[stored("1")])],
        vec![page(&[part("1", "free")]), whole(&[stored("2")])],
        vec![page(&[part("1", "free")]), whole(&[stored("1"), stored("1")])],
        vec![page(&[part("1", "free")]), ("BatchGetItem", 200, json!({"Responses": {"Other": []}}).to_string())],
        vec![page(&[json!({"tier": {"S": "free"}})]), whole(&[stored("1")])],
    ] {
        assert_not_asked(&engine(), ("Query", &body), &answers);
    }
    // An index lags behind its table: what does not fit any more is left out, as what is gone.
    let (_, shown) = carry_out(&engine(), ("Query", &body), &[page(&[part("1", "free")]), whole(&[paid])]).unwrap();
    assert_eq!(read(&shown), json!({"Items": [], "Count": 0}));
}

#[test]
fn a_transaction_answers_position_by_position() {
    let get =
        |id: &str| json!({"Get": {"TableName": "Users", "Key": {"id": {"S": id}}, "ProjectionExpression": "email"}});
    let body = json!({"TransactItems": [get("1"), get("2")]});
    let entry = |id: &str| json!({"Item": stored(id)});
    let swapped = json!({"Responses": [entry("2"), entry("1")]}).to_string();
    assert_not_asked(&engine(), ("TransactGetItems", &body), &[("TransactGetItems", 200, swapped)]);
    for answer in [
        "{}".to_owned(),
        json!({"Responses": []}).to_string(),
        json!({"Responses": null}).to_string(),
        json!({"Responses": [entry("1")]}).to_string(),
        json!({"Responses": [entry("1"), entry("2"), {}]}).to_string(),
        json!({"Responses": [entry("1"), null]}).to_string(),
        json!({"Responses": {"0": entry("1")}}).to_string(),
    ] {
        let error =
            carry_out(&engine(), ("TransactGetItems", &body), &[("TransactGetItems", 200, answer)]).unwrap_err();
        assert_eq!(error.code(), "DSL-6004", "{error}");
    }
}

#[test]
fn images_are_of_the_item_that_the_record_names() {
    let iterator = json!({"ShardIterator": "dynaseal-1/Users/AAAA"});
    let record = |keys: Value, old: &str, new: &str| {
        let change = json!({"Keys": keys, "OldImage": stored(old), "NewImage": stored(new), "SequenceNumber": "1"});
        json!({"Records": [{"eventName": "MODIFY", "dynamodb": change}]}).to_string()
    };
    let answers = |text: String| [("GetRecords", 200, text)];
    assert!(carry_out(&engine(), ("GetRecords", &iterator), &answers(record(read(KEY), "1", "1"))).is_ok());
    for lie in [
        record(read(KEY), "1", "2"),
        record(read(KEY), "2", "2"),
        record(json!({}), "1", "1"),
        record(json!({"id": {"N": "1"}}), "1", "1"),
        record(Value::Null, "1", "2"),
    ] {
        assert_not_asked(&engine(), ("GetRecords", &iterator), &answers(lie));
    }
}

#[test]
fn keys_are_compared_as_dynamodb_compares_them() {
    let schema = |kind: Value| {
        let get = json!({"TableName": "Users", "Key": { "id": kind }});
        move |stored: Value| {
            let item = json!({"id": stored, "email": {"S": "x"}}).to_string();
            let answers = [("GetItem", 200, json!({"Item": read(&sealed(&item))}).to_string())];
            carry_out(&engine(), ("GetItem", &get), &answers).map(|_| ()).map_err(|error| error.code())
        }
    };
    let number = schema(json!({"N": "1.0"}));
    assert_eq!(number(json!({"N": "1"})), Ok(()));
    assert_eq!(number(json!({"N": "10e-1"})), Ok(()));
    assert_eq!(number(json!({"N": "1.01"})), Err("DSL-3011"));
    assert_eq!(number(json!({"S": "1.0"})), Err("DSL-3011"));
    let binary = schema(json!({"B": "AAE="}));
    assert_eq!(binary(json!({"B": "AAE="})), Ok(()));
    assert_eq!(binary(json!({"B": "AAI="})), Err("DSL-3011"));
    assert_eq!(binary(json!({"S": "AAE="})), Err("DSL-3011"));
}
