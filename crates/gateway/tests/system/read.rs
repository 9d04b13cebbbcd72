//! Filters on encrypted attributes, indexes of any projection, and legacy parameters.

use crate::protected::*;
use dynaseal_gateway::Embedded;
use serde_json::{Value, json};

#[tokio::test]
async fn filters_count_exactly() {
    let (engine, database) = (engine(), database());
    for number in 0..10 {
        let mut item = user(&number.to_string(), "a@example.com");
        item["age"] = json!({"N": (30 + number).to_string()});
        put(&engine, &database, item).await;
    }
    let scan = |select: &str, projection: Option<&str>| {
        let mut body = json!({
            "TableName": "Users", "FilterExpression": "age >= :v AND #p = :p", "Select": select,
            "ExpressionAttributeNames": {"#p": "tier", "#a": "age"},
            "ExpressionAttributeValues": {":v": {"N": "37.0"}, ":p": {"S": "free"}},
        });
        match projection {
            Some(projection) => body["ProjectionExpression"] = json!(projection),
            None => body["ExpressionAttributeNames"] = json!({"#p": "tier"}),
        }
        body
    };
    let (status, page) = call(&engine, &database, "Scan", scan("ALL_ATTRIBUTES", None)).await;
    assert_eq!((status, &page["Count"], &page["ScannedCount"]), (200, &json!(3), &json!(10)), "{page}");
    assert_eq!(page["Items"].as_array().unwrap().len(), 3);
    let (_, page) = call(&engine, &database, "Scan", scan("SPECIFIC_ATTRIBUTES", Some("#a"))).await;
    assert!(page["Items"].as_array().unwrap().iter().all(|item| item.as_object().unwrap().len() == 1), "{page}");
    let (_, page) = call(&engine, &database, "Scan", scan("COUNT", None)).await;
    assert_eq!((&page["Count"], &page["ScannedCount"], page.get("Items")), (&json!(3), &json!(10), None));
    let body = json!({
        "TableName": "Users", "KeyConditionExpression": "id = :i", "FilterExpression": "contains(email, :v)",
        "ExpressionAttributeValues": {":i": {"S": "3"}, ":v": {"S": "nothing"}},
    });
    let (_, page) = call(&engine, &database, "Query", body).await;
    assert_eq!((&page["Count"], &page["ScannedCount"], &page["Items"]), (&json!(0), &json!(1), &json!([])));
}

#[tokio::test]
async fn an_index_may_project_anything() {
    let (engine, database) = (engine(), Embedded::open(None).unwrap());
    let index = |name: &str, projection: Value| {
        json!({
            "IndexName": name, "Projection": projection,
            "KeySchema": [{"AttributeName": "tier", "KeyType": "HASH"}, {"AttributeName": "id", "KeyType": "RANGE"}],
        })
    };
    let table = json!({
        "TableName": "Users", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": "id", "AttributeType": "S"}, {"AttributeName": "tier", "AttributeType": "S"},
        ],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "GlobalSecondaryIndexes": [
            index("all", json!({"ProjectionType": "ALL"})),
            index("keys", json!({"ProjectionType": "KEYS_ONLY"})),
            index("some", json!({"ProjectionType": "INCLUDE", "NonKeyAttributes": ["age", "aws_dbe_head"]})),
        ],
    });
    assert!(database.call(&request("CreateTable", &table)).ok());
    for number in 0..120 {
        let mut item = user(&format!("{number:03}"), "a@example.com");
        item["age"] = json!({"N": number.to_string()});
        put(&engine, &database, item).await;
    }
    let query = |index: &str, more: Value| {
        let mut body = json!({
            "TableName": "Users", "IndexName": index, "KeyConditionExpression": "tier = :t",
            "ExpressionAttributeValues": {":t": {"S": "free"}},
        });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    for (index, attributes) in [("all", 5), ("keys", 2), ("some", 3)] {
        let (status, page) = call(&engine, &database, "Query", query(index, json!({}))).await;
        assert_eq!((status, &page["Count"], &page["ScannedCount"]), (200, &json!(120), &json!(120)), "{index}");
        for (number, item) in page["Items"].as_array().unwrap().iter().enumerate() {
            assert_eq!(
                (item.as_object().unwrap().len(), &item["id"]["S"]),
                (attributes, &json!(format!("{number:03}")))
            );
            assert!(index == "keys" || item["age"] == json!({"N": number.to_string()}), "{item}");
        }
    }
    let values = json!({":t": {"S": "free"}, ":a": {"N": "110"}});
    let more =
        json!({"FilterExpression": "age >= :a", "ExpressionAttributeValues": values, "ProjectionExpression": "age"});
    let (_, page) = call(&engine, &database, "Query", query("some", more.clone())).await;
    assert_eq!((&page["Count"], &page["Items"][9]), (&json!(10), &json!({"age": {"N": "119"}})), "{page}");
    // What a global index does not project it is not asked for, as DynamoDB has it.
    let (status, answer) = call(&engine, &database, "Query", query("keys", more)).await;
    let text = "One or more parameter values were invalid: Global secondary index keys does not project [age]";
    assert_eq!((status, answer["message"].as_str()), (400, Some(text)));
    // Nor may they ask of the key what the key condition asks of it.
    let more = json!({"FilterExpression": "email = :t OR tier = :t"});
    let (status, answer) = call(&engine, &database, "Query", query("all", more)).await;
    let text = "Filter Expression can only contain non-primary key attributes: Primary key attribute: tier";
    assert_eq!((status, &answer["message"]), (400, &json!(text)));
    let equal = json!({"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "free"}]});
    let legacy = json!({
        "TableName": "Users", "IndexName": "all", "KeyConditions": {"tier": equal},
        "QueryFilter": {"email": equal, "tier": equal},
    });
    let (status, answer) = call(&engine, &database, "Query", legacy).await;
    assert_eq!((status, &answer["message"]), (400, &json!(text.replace("Filter Expression", "QueryFilter"))));
    let (_, page) = call(&engine, &database, "Query", query("keys", json!({"Limit": 7}))).await;
    assert_eq!((&page["Count"], &page["LastEvaluatedKey"]["id"]["S"]), (&json!(7), &json!("006")));
    let (_, page) = call(&engine, &database, "Scan", json!({"TableName": "Users", "IndexName": "some"})).await;
    assert_eq!((&page["Count"], &page["Items"][0]["age"]["N"].is_string()), (&json!(120), &true));
}

#[tokio::test]
async fn legacy_parameters_mean_what_their_successors_do() {
    let (engine, database) = (engine(), database());
    put(&engine, &database, user("1", "a@example.com")).await;
    let expected = |email: &str| json!({"email": {"Value": {"S": email}}, "age": {"ComparisonOperator": "GT", "AttributeValueList": [{"N": "30"}]}});
    let body = |email: &str, operator: &str| {
        json!({
            "TableName": "Users", "Key": {"id": {"S": "1"}}, "Expected": expected(email), "ConditionalOperator": operator,
            "AttributeUpdates": {"age": {"Action": "ADD", "Value": {"N": "1"}}, "hits": {"Action": "ADD", "Value": {"N": "1"}}},
            "ReturnValues": "UPDATED_NEW",
        })
    };
    assert_eq!(call(&engine, &database, "UpdateItem", body("x", "AND")).await.0, 400);
    let answer = json!({"Attributes": {"age": {"N": "41"}, "hits": {"N": "2"}}});
    assert_eq!(call(&engine, &database, "UpdateItem", body("x", "OR")).await, (200, answer));
    // What expressions cannot say, or DynamoDB words otherwise for them, also of unsigned attributes.
    let add = |attribute: &str, value: Value| {
        json!({
            "TableName": "Users", "Key": {"id": {"S": "lists"}}, "ReturnValues": "UPDATED_NEW",
            "AttributeUpdates": {attribute: {"Action": "ADD", "Value": value}},
        })
    };
    for attribute in ["hits", "email"] {
        for count in 1..=2 {
            let list = json!({"L": vec![json!({"S": "x"}); count]});
            let (status, answer) =
                call(&engine, &database, "UpdateItem", add(attribute, json!({"L": [{"S": "x"}]}))).await;
            assert_eq!((status, &answer["Attributes"][attribute]), (200, &list), "{answer}");
        }
        let (status, answer) = call(&engine, &database, "UpdateItem", add(attribute, json!({"N": "1"}))).await;
        assert_eq!((status, &answer["message"]), (400, &json!("Type mismatch for attribute to update")));
    }
    let filter = |email: &str| {
        json!({
            "TableName": "Users", "AttributesToGet": ["age"],
            "ScanFilter": {"email": {"ComparisonOperator": "CONTAINS", "AttributeValueList": [{"S": email}]}},
        })
    };
    let (_, page) = call(&engine, &database, "Scan", filter("@example")).await;
    assert_eq!((&page["Count"], &page["Items"]), (&json!(1), &json!([{"age": {"N": "41"}}])), "{page}");
    assert_eq!(call(&engine, &database, "Scan", filter("nothing")).await.1["Count"], json!(0));
    let query = json!({
        "TableName": "Users",
        "KeyConditions": {"id": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "1"}]}},
        "QueryFilter": {"email": {"ComparisonOperator": "NE", "AttributeValueList": [{"S": "a@example.com"}]}},
    });
    let (_, page) = call(&engine, &database, "Query", query).await;
    assert_eq!((&page["Count"], &page["ScannedCount"]), (&json!(0), &json!(1)), "{page}");
    let delete = json!({"TableName": "Users", "Key": {"id": {"S": "1"}}, "Expected": expected("a@example.com"), "ReturnValues": "ALL_OLD"});
    assert_eq!(call(&engine, &database, "DeleteItem", delete).await.1["Attributes"]["age"], json!({"N": "41"}));
}
