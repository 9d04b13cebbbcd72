use super::super::ast::Statement;
use super::super::parse::parse;
use super::*;

/// The calls of a SELECT from a table with key `k` and `s`, and whether something is left to ask of what comes back.
fn calls(text: &str) -> Result<(Vec<String>, bool), Fault> {
    let (statement, _) = parse(text, Vec::new()).unwrap();
    let Statement::Select(select) = statement else { panic!("{text}") };
    let read = read(&select, &Keys { partition: "k".into(), sort: Some("s".into()) })?;
    let body = |body: &Object<'static>| {
        let body = String::from_utf8(body.print(&[], 0)).unwrap();
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        let mut text = read.operation.to_owned();
        for member in ["KeyConditionExpression", "FilterExpression", "ScanIndexForward"] {
            if let Some(value) = body.get(member) {
                text.push_str(&format!(" | {}", value.as_str().map_or_else(|| value.to_string(), str::to_owned)));
            }
        }
        let names = body["ExpressionAttributeNames"].as_object().cloned().unwrap_or_default();
        for (placeholder, name) in names {
            text = text.replace(&placeholder, name.as_str().unwrap());
        }
        let values = body["ExpressionAttributeValues"].as_object().cloned().unwrap_or_default();
        for (placeholder, value) in values {
            let value = value.as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned();
            text = text.replace(&placeholder, &value);
        }
        text
    };
    Ok((read.bodies.iter().map(body).collect(), read.filter.is_some()))
}

#[test]
fn key_conditions_are_as_narrow_as_they_can_be() {
    for (condition, expected, asks_more) in [
        ("a = 1", "Scan | a = 1", false),
        ("k = 'x' OR k = 'y'", "Scan | k = x OR k = y", false),
        ("'x' = k", "Query | k = x", false),
        ("k = 'x' AND s = 1 AND a = 2", "Query | k = x AND s = 1 | a = 2", false),
        ("a = 2 AND (k IN ['x'] AND 1 < s)", "Query | k = x AND s > 1 | a = 2", false),
        ("k = 'x' AND s >= 1 AND s <= 3", "Query | k = x AND s BETWEEN 1 AND 3", false),
        ("k = 'x' AND s > 1 AND s <= 3", "Query | k = x AND s BETWEEN 1 AND 3", true),
        ("k = 'x' AND s > 3 AND s < 1", "Query | k = x AND s > 3", true),
        ("k = 'x' AND begins_with(s, 'y') AND s < 'z'", "Query | k = x AND begins_with(s, y)", true),
        ("k = 'x' AND (s = 1 OR a = 2)", "Query | k = x", true),
        ("k = 'x' AND s <> 1 AND (a = 1 OR b = 2)", "Query | k = x | a = 1 OR b = 2", true),
        ("k = 'x' AND k = 'y'", "Query | k = x", true),
        ("k.x = 'x' AND s = 1", "Scan | k.x = x AND s = 1", false),
        ("k = 'x' ORDER BY s DESC", "Query | k = x | false", false),
        ("k = 'x' ORDER BY k", "Query | k = x | false", false),
        ("k = 'x' ORDER BY k DESC, s", "Query | k = x | true", false),
    ] {
        let found = calls(&format!("SELECT * FROM T WHERE {condition}"));
        assert_eq!(found, Ok((vec![expected.to_owned()], asks_more)), "{condition}");
    }
    let (found, _) = calls("SELECT * FROM T WHERE k IN ['y', 'x', 'z'] AND s = 1 ORDER BY k DESC, s").unwrap();
    assert_eq!(found, ["z", "y", "x"].map(|key| format!("Query | k = {key} AND s = 1 | true")));
}

#[test]
fn what_dynamodb_refuses_is_refused_in_its_words() {
    for (rest, expected) in [
        ("ORDER BY s", "Must have WHERE clause in the statement when using ORDER BY clause."),
        ("WHERE k = 'x' ORDER BY a", "Attribute a in ORDER BY clause must be part of the primary key"),
        (
            "WHERE s = 1 ORDER BY s",
            "Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause.",
        ),
        (
            "WHERE k IN ['x', 'y'] ORDER BY s",
            "Must have hash key in ORDER BY clause when more than one hash key condition specified in WHERE clause.",
        ),
        ("WHERE k IN [1, 1.0]", "Overlapping conditions with range keys are not supported in where clause"),
        ("WHERE k = TRUE", "Key value must be of type S, N, or B. Key name: k, Key type: BOOL"),
        ("WHERE k = 'x' AND s > [1]", "Key value must be of type S, N, or B. Key name: s, Key type: L"),
    ] {
        assert_eq!(calls(&format!("SELECT * FROM T {rest}")), Err(Fault::Invalid(expected.to_owned())), "{rest}");
    }
}

#[test]
fn the_longest_clause_is_carried_out() {
    // 300 operators.
    let clause = vec!["a=1"; 149].join(" AND ");
    let (found, asks_more) = calls(&format!("SELECT * FROM T WHERE k='x' AND {clause}")).unwrap();
    assert_eq!((found.len(), asks_more, found[0].matches("a = 1").count()), (1, false, 149));
    let alternatives = clause.replace("AND", "OR");
    assert!(calls(&format!("SELECT * FROM T WHERE {alternatives}")).unwrap().0[0].starts_with("Scan | a = 1 OR"));
    for words in [" AND ", " OR ", " AND NOT "] {
        assert!(parse(&format!("SELECT * FROM T WHERE {}", vec!["a=1"; 900].join(words)), Vec::new()).is_err());
    }
}
