//! Values written where names and placeholders belong.

use serde_json::json;

use crate::vault::{Calls, SECRETS, expressions, http, item, key};

/// A value where a placeholder or a name belongs, in every member that holds an expression, in its first part and behind
/// others, whole, in quotes that close and that do not, and joined to other words.
pub(crate) fn fail(calls: &mut Calls) {
    let [text, digits] = SECRETS;
    let word = text.rsplit('-').next().unwrap();
    let literals = [
        format!("'{text}'"),
        format!("\"{text}"),
        text.to_owned(),
        format!("{word} {word}"),
        format!("{word}@x.de"),
        format!("Mü{word}"),
        format!(":{digits}"),
        format!("-{digits}"),
        format!("{digits}.5"),
        format!("x {digits}"),
    ];
    let clean = |answer: &str| assert!(!answer.contains(word), "a part of a marker is in {answer}");
    for literal in &literals {
        for (operation, member, around) in [
            ("UpdateItem", "UpdateExpression", "SET #t = {}"),
            ("UpdateItem", "UpdateExpression", "SET #t = :s, {} = :s"),
            ("UpdateItem", "UpdateExpression", "ADD #n {}"),
            ("UpdateItem", "UpdateExpression", "{}"),
            ("DeleteItem", "ConditionExpression", "#t = {}"),
            ("DeleteItem", "ConditionExpression", "contains(#t, {}"),
            ("DeleteItem", "ConditionExpression", "#t IN (:s, {}"),
            ("Scan", "FilterExpression", "#t = :s AND {}"),
            ("Scan", "FilterExpression", "#t BETWEEN {} AND"),
            ("Scan", "ProjectionExpression", "#t, {} x y"),
            ("GetItem", "ProjectionExpression", "{} x y"),
            ("Query", "KeyConditionExpression", "id = {}"),
        ] {
            let target = if matches!(operation, "Scan" | "Query") { json!({}) } else { json!({"Key": key("1")}) };
            let body = expressions(target, json!({member: around.replace("{}", literal)}));
            clean(&calls.fails(operation, &body));
        }
        let update = expressions(json!({"Key": key("1")}), json!({"UpdateExpression": format!("SET #t = {literal}")}));
        let mut put =
            expressions(json!({"Item": item("1")}), json!({"ConditionExpression": format!("#t = {literal}")}));
        clean(&calls.fails("PutItem", &put));
        put.as_object_mut().unwrap().remove("ReturnValues");
        for action in [json!({"Put": put}), json!({"Update": update})] {
            clean(&calls.fails("TransactWriteItems", &json!({"TransactItems": [action]})));
        }
        let get = expressions(json!({"Key": key("1")}), json!({"ProjectionExpression": format!("{literal} x y")}));
        clean(&calls.fails("TransactGetItems", &json!({"TransactItems": [{"Get": get}]})));
        let statement = format!("SELECT * FROM Vault WHERE text = {literal} x y");
        clean(&calls.fails("ExecuteStatement", &json!({"Statement": statement})));
        clean(&calls.fails("ExecuteTransaction", &json!({"TransactStatements": [{"Statement": statement}]})));
        let (_, batch) = http(
            &calls.address,
            "POST",
            "/",
            Some("BatchExecuteStatement"),
            json!({"Statements": [{"Statement": statement}]}).to_string().as_bytes(),
        );
        clean(&batch);
        for (member, map) in
            [("ExpressionAttributeNames", json!("text")), ("ExpressionAttributeValues", json!({"S": "x"}))]
        {
            let body = json!({"TableName": "Vault", "FilterExpression": "#t = :s", member: {literal: map}});
            clean(&calls.fails("Scan", &body));
        }
        clean(&calls.fails("Scan", &json!({"TableName": "Vault", literal: 1})));
        clean(&calls.fails("TransactWriteItems", &json!({"TransactItems": [{literal: {"TableName": "Vault"}}]})));
    }
}
