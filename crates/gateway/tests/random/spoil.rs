//! Requests with one thing that DynamoDB does not take: a value in any place where one can stand, a setting, a token. Both
//! sides must refuse them; which of several faults of a request is told first is not compared. And requests whose values are
//! written as some SDKs write them, with `null` for the types that they do not have, which mean the same.

use serde_json::{Value, json};

use super::Random;
use super::compare::Request;

/// Stands wherever it can, so that it is seen what was spoiled.
const SPOILED: &str = "spoiled";

/// A value of a request.
pub struct Place<'v> {
    /// The member that it stands in.
    pub member: &'static str,
    pub value: &'v mut Value,
}

/// Puts something that is not taken into a request, if it has a place for it.
pub fn spoil(random: &mut Random, Request { operation, body }: &mut Request) {
    let mut places = Vec::new();
    collect(body, false, &mut places);
    if places.is_empty() || random.chance(20) {
        return spoil_setting(random, operation, body);
    }
    // Each member as often as the others, however many values it has.
    let mut members: Vec<_> = places.iter().map(|place| place.member).collect();
    members.dedup();
    let chosen = members[random.below(members.len())];
    places.retain(|place| place.member == chosen);
    let holds_more = |place: &Place<'_>| !place.value["L"][0].is_null() || !place.value["M"].is_null();
    if random.chance(40) && places.iter().any(holds_more) {
        places.retain(holds_more);
    }
    let at = random.below(places.len());
    let Place { member, value } = places.swap_remove(at);
    let odd = odd(random);
    // dynoxide looks at no sets inside other values unless it stores them.
    let is_set = ["SS", "NS", "BS"].iter().any(|kind| odd.get(kind).is_some_and(Value::is_array));
    let place = if member == "Item" || !is_set { deeper(random, value) } else { value };
    *place = odd;
}

/// Writes some values with `null` members, which mean nothing.
pub fn pad(random: &mut Random, Request { body, .. }: &mut Request) {
    const TYPES: [&str; 10] = ["S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL"];
    let mut places = Vec::new();
    collect(body, true, &mut places);
    for place in places {
        if random.chance(60) {
            continue;
        }
        let Some(members) = deeper(random, place.value).as_object_mut() else { continue };
        for _ in 0..=random.below(3) {
            members.entry(random.pick(&TYPES)).or_insert(Value::Null);
        }
    }
}

fn spoil_setting(random: &mut Random, operation: &str, body: &mut Value) {
    let settings: &[&str] = match operation {
        "PutItem" | "UpdateItem" | "DeleteItem" => &[
            "ReturnValues",
            "ReturnValuesOnConditionCheckFailure",
            "ReturnItemCollectionMetrics",
            "ReturnConsumedCapacity",
            "ConditionalOperator",
        ],
        "BatchWriteItem" => &["ReturnConsumedCapacity", "ReturnItemCollectionMetrics"],
        "TransactWriteItems" => {
            &["ClientRequestToken", "ClientRequestToken", "ReturnConsumedCapacity", "ReturnItemCollectionMetrics"]
        }
        "ExecuteTransaction" => &["ClientRequestToken", "ReturnConsumedCapacity"],
        "Query" | "Scan" => &["ReturnConsumedCapacity", "Select"],
        _ => &["ReturnConsumedCapacity"],
    };
    let name = settings[random.below(settings.len())];
    body[name] = match name {
        "ClientRequestToken" => json!(SPOILED.repeat(6)),
        _ => json!(SPOILED),
    };
}

/// Values that are not taken.
fn odd(random: &mut Random) -> Value {
    let all = [
        json!({"SS": []}),
        json!({"NS": [], "S": null}),
        json!({"BS": []}),
        json!({"SS": [SPOILED, SPOILED]}),
        json!({"NS": ["1", "1.0"]}),
        json!({"BS": ["AA==", "AA=="]}),
        json!({"NS": ["1", SPOILED]}),
        json!({"N": SPOILED}),
        json!({"S": SPOILED, "N": "1"}),
        json!({"M": {"": {"S": SPOILED}}}),
        json!({"NULL": false}),
        json!({"B": null}),
        json!({"N": "0E400"}),
    ];
    all[random.below(all.len())].clone()
}

/// What an odd value is, if it is one. A request with one of these, `with nulls` aside, was spoiled.
pub fn oddity(value: &Value) -> Option<&'static str> {
    const SILENT: [(&str, &str); 8] = [
        (r#"{"SS":[]}"#, "an empty set of texts"),
        (r#"{"NS":[],"S":null}"#, "an empty set of numbers"),
        (r#"{"BS":[]}"#, "an empty set of binaries"),
        (r#"{"NS":["1","1.0"]}"#, "a doubled set of numbers"),
        (r#"{"BS":["AA==","AA=="]}"#, "a doubled set of binaries"),
        (r#"{"NULL":false}"#, "a false null"),
        (r#"{"B":null}"#, "null alone"),
        (r#"{"N":"0E400"}"#, "a number out of range"),
    ];
    let text = value.to_string();
    if let Some((_, name)) = SILENT.into_iter().find(|(silent, _)| *silent == text) {
        return Some(name);
    }
    match value {
        _ if value["SS"] == json!([SPOILED, SPOILED]) => Some("a doubled set of texts"),
        _ if value["NS"][1] == SPOILED => Some("a set with no number"),
        _ if value["N"] == SPOILED => Some("no number"),
        _ if value["S"] == SPOILED && value["N"] == "1" => Some("two types"),
        _ if value["M"].get("").is_some() => Some("an empty name"),
        Value::Object(members) if members.values().any(Value::is_null) => Some("with nulls"),
        _ => None,
    }
}

/// Every oddity, those that are taken last.
pub const ODDITIES: [&str; 14] = [
    "an empty set of texts",
    "an empty set of numbers",
    "an empty set of binaries",
    "a doubled set of texts",
    "a doubled set of numbers",
    "a doubled set of binaries",
    "a set with no number",
    "no number",
    "two types",
    "an empty name",
    "a false null",
    "null alone",
    "a number out of range",
    "with nulls",
];

/// Whether a request was spoiled.
pub fn is_spoiled(request: &Request) -> bool {
    let text = request.body.to_string();
    if text.contains(SPOILED) {
        return true;
    }
    let mut found = false;
    each_value(request, |_, _, value| found |= oddity(value).is_some_and(|odd| odd != "with nulls"));
    found
}

/// Shows every value of a request with the member that it stands in, and whether it stands inside another one.
pub fn each_value(request: &Request, mut visit: impl FnMut(&'static str, bool, &Value)) {
    fn inside(member: &'static str, value: &Value, visit: &mut impl FnMut(&'static str, bool, &Value)) {
        let listed = value["L"].as_array().into_iter().flatten();
        for inner in listed.chain(value["M"].as_object().into_iter().flat_map(|map| map.values())) {
            visit(member, true, inner);
            inside(member, inner, visit);
        }
    }
    let (mut body, mut places) = (request.body.clone(), Vec::new());
    collect(&mut body, true, &mut places);
    for place in places {
        visit(place.member, false, place.value);
        inside(place.member, place.value, &mut visit);
    }
}

/// The values of items and expressions, those of old parameters and of statements; those of keys with `keys`, since they are
/// DynamoDB's own to judge.
fn collect<'v>(body: &'v mut Value, keys: bool, places: &mut Vec<Place<'v>>) {
    let map = match body {
        Value::Object(map) => map,
        Value::Array(all) => return all.iter_mut().for_each(|inner| collect(inner, keys, places)),
        _ => return,
    };
    for (name, inner) in map {
        match name.as_str() {
            "ExpressionAttributeNames" => {}
            "Item" => values("Item", inner, keys, places),
            "ExpressionAttributeValues" => values("ExpressionAttributeValues", inner, keys, places),
            "Key" if keys => values("Key", inner, keys, places),
            "ExclusiveStartKey" if keys => values("ExclusiveStartKey", inner, keys, places),
            "Keys" if keys => {
                let all = inner.as_array_mut().into_iter().flatten();
                all.for_each(|key| values("Keys", key, keys, places));
            }
            "Key" | "Keys" | "ExclusiveStartKey" => {}
            "KeyConditions" if !keys => {}
            "Value" => places.push(Place { member: "Value", value: inner }),
            "AttributeValueList" => places.extend(listed("AttributeValueList", inner)),
            "Parameters" => places.extend(listed("Parameters", inner)),
            _ => collect(inner, keys, places),
        }
    }
}

fn values<'v>(member: &'static str, map: &'v mut Value, keys: bool, places: &mut Vec<Place<'v>>) {
    let all = map.as_object_mut().into_iter().flatten();
    let all = all.filter(|(name, _)| keys || !matches!(name.as_str(), "id" | "pos"));
    places.extend(all.map(|(_, value)| Place { member, value }));
}

fn listed<'v>(member: &'static str, all: &'v mut Value) -> impl Iterator<Item = Place<'v>> {
    all.as_array_mut().into_iter().flatten().map(move |value| Place { member, value })
}

/// The value, or one inside it.
fn deeper<'v>(random: &mut Random, value: &'v mut Value) -> &'v mut Value {
    let names: Vec<_> = value["M"].as_object().into_iter().flat_map(|map| map.keys().cloned()).collect();
    let count = value["L"].as_array().map_or(0, Vec::len);
    if !random.chance(70) {
        return value;
    }
    if count > 0 {
        let at = random.below(count);
        return deeper(random, &mut value["L"][at]);
    }
    if names.is_empty() {
        return value;
    }
    let name = &names[random.below(names.len())];
    deeper(random, &mut value["M"][name.as_str()])
}
