//! Sequences on which the two tables once differed, as they were printed.

use dynaseal_item::Suite;

use super::tables;
use crate::random::compare::{Exception, Sides, Tally, read};

/// What was wrong, and the requests that showed it.
const KNOWN: [(&str, &str); 8] = [
    (
        "a transaction shows no item of which there is nothing to show",
        r#"[["PutItem",{"Item":{"id":{"S":"b"}},"TableName":"Things"}],
           ["TransactGetItems",{"TransactItems":[{"Get":{"Key":{"id":{"S":"b"}},"ProjectionExpression":"gone","TableName":"Things"}}]}]]"#,
    ),
    (
        "a projection beside another selection is refused",
        r#"[["Query",{"AttributesToGet":["n"],"KeyConditions":{"id":{"AttributeValueList":[{"S":"u"}],"ComparisonOperator":"EQ"}},"Select":"ALL_ATTRIBUTES","TableName":"Ranges"}],
           ["Scan",{"ProjectionExpression":"n","Select":"COUNT","TableName":"Ranges"}]]"#,
    ),
    (
        "old parameters beside new ones are refused, also of several tables",
        r#"[["BatchGetItem",{"RequestItems":{"Ranges":{"Keys":[{"id":{"S":"a"},"pos":{"N":"3"}}],"ProjectionExpression":"t"},"Things":{"AttributesToGet":[],"Keys":[{"id":{"S":"a"}}]}}}],
           ["GetItem",{"AttributesToGet":["n"],"Key":{"id":{"S":"a"}},"ProjectionExpression":"n","TableName":"Things"}]]"#,
    ),
    (
        "QueryFilter is called by its name",
        r#"[["Query",{"IndexName":"all","KeyConditions":{"g":{"AttributeValueList":[{"S":"u"}],"ComparisonOperator":"EQ"}},"QueryFilter":{"g":{"ComparisonOperator":"NOT_NULL"},"ns":{"AttributeValueList":[{"S":"x"}],"ComparisonOperator":"IN"}},"TableName":"Ranges"}]]"#,
    ),
    (
        "AttributeUpdates adds a list to an unsigned attribute",
        r#"[["UpdateItem",{"AttributeUpdates":{"hits":{"Action":"ADD","Value":{"L":[]}}},"Key":{"id":{"S":"b"},"pos":{"N":"1"}},"TableName":"Ranges"}]]"#,
    ),
    (
        "what AttributeUpdates cannot add to is told in its own words",
        r#"[["BatchWriteItem",{"RequestItems":{"Things":[{"PutRequest":{"Item":{"hits":{"S":""},"id":{"S":"a"}}}}]}}],
           ["UpdateItem",{"AttributeUpdates":{"hits":{"Action":"ADD","Value":{"N":"2.50"}}},"Key":{"id":{"S":"a"}},"TableName":"Things"}]]"#,
    ),
    (
        "Expected is checked before AttributeUpdates",
        r#"[["UpdateItem",{"AttributeUpdates":{"ss":{"Action":"ADD","Value":{"BOOL":true}}},"ConditionalOperator":"OR","Expected":{"n":{"Exists":false}},"Key":{"id":{"S":"a"}},"TableName":"Things"}]]"#,
    ),
    (
        "a filter reads no key that the key condition names",
        r#"[["Query",{"ExpressionAttributeValues":{":v0":{"S":"u"},":v1":{"S":"x"}},"FilterExpression":"s = :v1 AND g = :v1","IndexName":"keys","KeyConditionExpression":"g = :v0","TableName":"Ranges"}]]"#,
    ),
];

#[tokio::test]
async fn sequences_that_differed_once_differ_no_more() {
    for engine in [tables::named(Suite::Hmac), tables::patterned()] {
        for (what, text) in KNOWN {
            let (plain, protected) = (tables::database(), tables::database());
            // None of them needs an exception.
            let (exception, streams) = (|_: &_, _: &_| Exception::None, &tables::ALL);
            let sides = Sides { plain: &plain, engine: &engine, protected: &protected, exception, streams };
            let difference = sides.compare(&read(text), &mut Tally::default()).await;
            assert!(difference.is_none(), "{what}: {}", difference.unwrap());
        }
    }
}
