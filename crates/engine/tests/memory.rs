//! What a request costs before it is known whether it can be carried out: 2 MiB of anything, less than 24 MiB at any time,
//! its own bytes among them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test helpers")]

#[allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
mod support;

use allocation_counter::measure;
use support::{Script, dynamodb, engine, ready};

const BODY: usize = 2 << 20;
const MOST: u64 = 24 << 20;

#[test]
fn two_mebibytes_of_anything_cost_little() {
    let shapes = shapes();
    let (one, two) = shapes.split_at(shapes.len() / 2);
    let costs = std::thread::scope(|scope| {
        [one, two]
            .map(|half| scope.spawn(|| half.iter().map(cost).collect::<Vec<_>>()))
            .map(|half| half.join().unwrap())
    });
    let mut costs = costs.concat();
    costs.sort();
    let worst = costs.last().unwrap();
    println!("the most: {} KiB, {}", worst.0 >> 10, worst.1);
    let over: Vec<_> = costs
        .iter()
        .filter(|(bytes, _)| *bytes >= MOST)
        .map(|(bytes, text)| format!("{:>6} KiB {text}", bytes >> 10))
        .collect();
    assert!(over.is_empty(), "{} of {}:\n{}", over.len(), costs.len(), over.join("\n"));
}

/// The most memory that a request takes at a time, and what the request is.
fn cost(shape: &Shape) -> (u64, String) {
    let body = shape.body();
    assert!(body.len() > BODY - 300, "{} {}", shape.operation, shape.unit);
    let (engine, wire) = (engine(), Script::new(|_, _| (200, "{}".into())));
    let mut outcome = String::new();
    let cost = measure(|| {
        let answer = ready(engine.call(&wire, dynamodb(shape.operation, &body)));
        outcome = answer.map_or_else(|error| error.code().to_owned(), |answer| answer.status.to_string());
    });
    let before: String = shape.before.chars().skip(shape.before.len().saturating_sub(60)).collect();
    (cost.bytes_max, format!("{outcome} {} …{before}{}", shape.operation, shape.unit))
}

/// A body that repeats one thing. `@` in it is a number that never comes again.
struct Shape {
    operation: &'static str,
    before: String,
    unit: String,
    after: String,
}

impl Shape {
    fn body(&self) -> String {
        let Self { before, unit, after, .. } = self;
        let parts: Vec<&str> = unit.split('@').collect();
        let (mut body, mut name) = (String::with_capacity(BODY), Name::default());
        body.push_str(before);
        loop {
            let number = name.as_str();
            let length = unit.len() - (parts.len() - 1) + number.len() * (parts.len() - 1);
            if body.len() + length + after.len() + 1 > BODY {
                break;
            }
            for (at, part) in parts.iter().enumerate() {
                body.push_str(if at > 0 { number } else { "" });
                body.push_str(part);
            }
            body.push(',');
            name.next();
        }
        body.pop();
        body.push_str(after);
        body
    }
}

/// Digits and letters, which make more names of few bytes than digits alone do.
struct Name([u8; 8], usize);

impl Default for Name {
    fn default() -> Self {
        Self([b'0'; 8], 1)
    }
}

impl Name {
    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0[8 - self.1..]).unwrap()
    }

    /// Counts on.
    fn next(&mut self) {
        for at in (0..8).rev() {
            self.1 = self.1.max(8 - at);
            match self.0[at] {
                b'9' => self.0[at] = b'a',
                b'z' => self.0[at] = b'0',
                other => self.0[at] = other + 1,
            }
            if self.0[at] != b'0' {
                break;
            }
        }
    }
}

/// Everything that can be repeated, in every place where the engine reads.
fn shapes() -> Vec<Shape> {
    let mut shapes = Vec::new();
    let mut add = |operation, before: String, unit: &str, after: String| {
        shapes.push(Shape { operation, before, unit: unit.to_owned(), after });
    };
    const ENTRIES: [&str; 3] = ["{}", r#"{"Statement":"SELECT * FROM Users"}"#, r#"{"PutRequest":{"Item":{}}}"#];
    for entry in ENTRIES {
        add("ExecuteTransaction", r#"{"TransactStatements":["#.into(), entry, "]}".into());
        add("BatchExecuteStatement", r#"{"Statements":["#.into(), entry, "]}".into());
        add("TransactWriteItems", r#"{"TransactItems":["#.into(), entry, "]}".into());
        add("TransactGetItems", r#"{"TransactItems":["#.into(), entry, "]}".into());
        add("BatchWriteItem", r#"{"RequestItems":{"Users":["#.into(), entry, "]}}".into());
        add("BatchGetItem", r#"{"RequestItems":{"Users":{"Keys":["#.into(), entry, "]}}}".into());
        add("CreateTable", r#"{"TableName":"Users","AttributeDefinitions":["#.into(), entry, "]}".into());
        for table in ["Users", "Other"] {
            let unit = format!(r#""{table}@":[{entry}]"#);
            add(
                "BatchWriteItem",
                r#"{"RequestItems":{"Users":[{"DeleteRequest":{"Key":{"id":{"S":"1"}}}}],"#.into(),
                &unit,
                "}}".into(),
            );
            let unit = format!(r#""{table}@":{{"Keys":[{entry}]}}"#);
            add("BatchGetItem", r#"{"RequestItems":{"Users":{},"#.into(), &unit, "}}".into());
        }
    }
    // The short ones, which make most of a byte.
    const VALUES: [&str; 5] =
        [r#"{"S":""}"#, r#"{"M":{}}"#, r#"{"L":[{"S":""}]}"#, r#"{"M":{"":{"S":""}}}"#, r#"{"SS":[""]}"#];
    let named = |value: &str| format!(r#""@":{value}"#);
    let listed = |value: &str| (r#""a":{"L":["#.to_owned(), value.to_owned(), "]}".to_owned());
    for value in VALUES {
        let (open, unit, close) = listed(value);
        let put = r#"{"TableName":"Users","Item":{"id":{"S":"1"},"#;
        add("PutItem", format!("{put}{}", open.replace("\"a\"", "\"hits\"")), &unit, format!("{close}}}}}"));
        add("PutItem", format!("{put}{}", open.replace("\"a\"", "\"email\"")), &unit, format!("{close}}}}}"));
        add("PutItem", put.into(), &named(value), "}}".into());
        let condition = r#"{"TableName":"Users","ConditionExpression":"email = :e","ExpressionAttributeValues":{":e":{"S":""}},"Item":{"id":{"S":"1"},"#;
        add("PutItem", format!("{condition}{}", open.replace("\"a\"", "\"email\"")), &unit, format!("{close}}}}}"));
        add("PutItem", condition.into(), &named(value), "}}".into());
        let values = r#"{"TableName":"Users","Key":{"id":{"S":"1"}},"UpdateExpression":"SET email = :a","ExpressionAttributeValues":{"#;
        add("UpdateItem", format!("{values}{}", open.replace("\"a\"", "\":a\"")), &unit, format!("{close}}}}}"));
        add("UpdateItem", values.into(), &format!(r#"":@":{value}"#), "}}".into());
        let scan = r#"{"TableName":"Users","FilterExpression":"email = :a","ExpressionAttributeValues":{"#;
        add("Scan", format!("{scan}{}", open.replace("\"a\"", "\":a\"")), &unit, format!("{close}}}}}"));
        add("Scan", scan.into(), &format!(r#"":@":{value}"#), "}}".into());
        let statement = r#"{"Statement":"SELECT * FROM Users WHERE email = ?","Parameters":["#;
        add("ExecuteStatement", statement.into(), value, "]}".into());
        add("ExecuteStatement", format!(r#"{statement}{{"L":["#), value, "]}]}".into());
        let insert = r#"{"Statement":"INSERT INTO Users VALUE {'id': '1', 'email': ?}","Parameters":["#;
        add("ExecuteStatement", format!(r#"{insert}{{"L":["#), value, "]}]}".into());
        let batch = r#"{"RequestItems":{"Users":[{"PutRequest":{"Item":{"id":{"S":"1"},"email":{"L":["#;
        add("BatchWriteItem", batch.into(), value, "]}}}}]}}".into());
        let transact = r#"{"ClientRequestToken":"t","TransactItems":[{"Put":{"TableName":"Users","Item":{"id":{"S":"1"},"email":{"L":["#;
        add("TransactWriteItems", transact.into(), value, "]}}}}]}".into());
        let transact =
            r#"{"ClientRequestToken":"t","TransactItems":[{"Put":{"TableName":"Users","Item":{"id":{"S":"1"},"#;
        add("TransactWriteItems", transact.into(), &named(value), "}}}]}".into());
        for (operation, member) in [("PutItem", "Expected"), ("Scan", "ScanFilter"), ("Query", "KeyConditions")] {
            let start = format!(r#"{{"TableName":"Users","Item":{{"id":{{"S":"1"}}}},"{member}":{{"#);
            let start = if operation == "PutItem" { start } else { start.replace(r#""Item":{"id":{"S":"1"}},"#, "") };
            let unit = format!(r#""@":{{"ComparisonOperator":"EQ","AttributeValueList":[{value}]}}"#);
            add(operation, start.clone(), &unit, "}}".into());
            add(operation, start.clone(), r#""@":{}"#, "}}".into());
            let list = format!(r#"{start}"email":{{"ComparisonOperator":"IN","AttributeValueList":["#);
            add(operation, list, value, "]}}}".into());
        }
        let updates = r#"{"TableName":"Users","Key":{"id":{"S":"1"}},"AttributeUpdates":{"#;
        add("UpdateItem", updates.into(), &format!(r#""@":{{"Value":{value}}}"#), "}}".into());
        add("GetItem", r#"{"TableName":"Users","Key":{"#.into(), &named(value), "}}".into());
        add("Query", r#"{"TableName":"Users","ExclusiveStartKey":{"#.into(), &named(value), "}}".into());
    }
    for set in ["SS", "NS", "BS"] {
        for unit in ["\"\"", "\"@\"", "\"AA==\""] {
            for name in ["email", "hits"] {
                let put = format!(r#"{{"TableName":"Users","Item":{{"id":{{"S":"1"}},"{name}":{{"{set}":["#);
                add("PutItem", put, unit, "]}}}".into());
            }
            let transact = format!(
                r#"{{"ClientRequestToken":"t","TransactItems":[{{"Put":{{"TableName":"Users","Item":{{"id":{{"S":"1"}},"email":{{"{set}":["#
            );
            add("TransactWriteItems", transact, unit, "]}}}}]}".into());
        }
    }
    let get = r#"{"TableName":"Users","Key":{"id":{"S":"1"}},"#;
    add("GetItem", format!(r#"{get}"AttributesToGet":["#), "\"@\"", "]}".into());
    add("GetItem", format!(r#"{get}"AttributesToGet":["#), "\"\"", "]}".into());
    add("GetItem", format!(r#"{get}"ProjectionExpression":"#), "\"a,a\"", "}".into());
    let names = format!(r##"{get}"ProjectionExpression":"#a","ExpressionAttributeNames":{{"##);
    add("GetItem", names, r##""#@":"""##, "}}".into());
    add("GetItem", get.into(), r#""@":0"#, "}".into());
    add("GetItem", get.into(), r#""@":{}"#, "}".into());
    add("GetItem", format!(r#"{get}"ProjectionExpression":""#), "a", r#""}"#.into());
    add("ExecuteStatement", r#"{"Statement":"SELECT * FROM Users WHERE a IN ("#.into(), "?", r#")"}"#.into());
    add("ExecuteStatement", r#"{"Statement":"SELECT * FROM Users","NextToken":""#.into(), "a", r#""}"#.into());
    add("TransactWriteItems", r#"{"TransactItems":[{"Put":{"TableName":"Users","#.into(), r#""@":0"#, "}}]}".into());
    add("TransactWriteItems", r#"{"TransactItems":[{"#.into(), r#""@":0"#, "}]}".into());
    add("TransactWriteItems", r#"{"TransactItems":[{"#.into(), r#""@":{}"#, "}]}".into());
    add("TransactWriteItems", r#"{"TransactItems":[{"#.into(), r#""@":{"a":{}}"#, "}]}".into());
    add("FlyToTheMoon", "{".into(), r#""@":{}"#, "}".into());
    shapes
}
