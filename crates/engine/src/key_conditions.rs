//! `KeyConditions` beside a filter or a projection expression, which DynamoDB takes and an embedded engine may not: as the
//! expression that says the same.

use std::borrow::Cow;

use dynaseal_item::json;
use dynaseal_keys::{Answer, Call, Service};

use crate::answers;
use crate::doc::{Node, Object};
use crate::error::Error;
use crate::expr::error::Error as Fault;
use crate::expr::legacy;
use crate::expr::print::Printer;
use crate::expr::stored::Layer;
use crate::plan::not_mixed;

const KEY_CONDITIONS: &str = "KeyConditions";
const KEY_CONDITION: &str = "KeyConditionExpression";
const BESIDE: [&str; 2] = ["FilterExpression", "ProjectionExpression"];

/// The body of a Query whose `KeyConditions` stand beside an expression, with a `KeyConditionExpression` instead. `None` for
/// every other call.
///
/// # Errors
/// The answer to the call, if its `KeyConditions` are none.
pub fn as_key_condition_expression(call: &Call) -> Option<Result<Vec<u8>, Answer>> {
    if call.service != Service::DynamoDb || call.operation != "Query" {
        return None;
    }
    let body = Object::parse(std::str::from_utf8(&call.body).ok()?).ok()?;
    let conditions = body.borrowed(KEY_CONDITIONS)?;
    if body.raw(KEY_CONDITION).is_some() || BESIDE.iter().all(|name| body.raw(name).is_none()) {
        return None;
    }
    let refused = |fault: &Fault| answers::expression("Query", fault);
    // It would name the expression that is made here.
    if let Err(Error::Expression { fault, .. }) = not_mixed("Query", &[&body]) {
        return Some(Err(refused(&fault)));
    }
    // What cannot be read is for the engine to refuse.
    let conditions = legacy::read_conditions(conditions).ok()?;
    let checked = legacy::check_filter(&conditions, Layer::Current).and_then(|()| legacy::key_conditions(&conditions));
    let condition = match checked.and_then(|_| legacy::filter(&conditions, None)) {
        Ok(condition) => condition?,
        Err(fault) => return Some(Err(refused(&fault))),
    };
    let mut printer = Printer::default();
    let text = printer.condition(&condition);
    Some(Ok(rewritten(body, &text, &printer)?))
}

/// The request with a key condition whose placeholders are not the caller's.
fn rewritten(mut body: Object<'_>, text: &str, printer: &Printer<'_>) -> Option<Vec<u8>> {
    let mut held = |name| body.take_raw(name).map_or_else(|| "{}".to_owned(), Cow::into_owned);
    let (names, values) = (held("ExpressionAttributeNames"), held("ExpressionAttributeValues"));
    let (mut names, mut values) = (Object::parse(&names).ok()?, Object::parse(&values).ok()?);
    let is_free = |mark: &String| {
        !names.names().chain(values.names()).any(|name| name.get(1..).is_some_and(|name| name.starts_with(mark)))
    };
    let mark = (0..).map(|number: u32| format!("key{number}_")).find(is_free)?;
    let own = |placeholder: &str| placeholder.replace('#', &format!("#{mark}")).replace(':', &format!(":{mark}"));
    let printed = |write: &dyn Fn(&mut Vec<u8>)| {
        let mut out = Vec::new();
        write(&mut out);
        Node::Printed(out)
    };
    for (placeholder, name) in printer.names() {
        names.insert(own(&placeholder), printed(&|out| json::write_text(name, out)));
    }
    for (placeholder, value) in printer.values() {
        values.insert(own(&placeholder), printed(&|out| json::write_value(value, out)));
    }
    body.remove(KEY_CONDITIONS);
    body.set(KEY_CONDITION, printed(&|out| json::write_text(&own(text), out)));
    body.set("ExpressionAttributeNames", Node::Printed(names.print(&[], 256)));
    body.set("ExpressionAttributeValues", Node::Printed(values.print(&[], 256)));
    Some(body.print(&[], 1024))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translated(body: &str) -> Option<Result<String, Answer>> {
        let call = Call::new(Service::DynamoDb, "Query", body.as_bytes().to_vec());
        as_key_condition_expression(&call).map(|body| body.map(|body| String::from_utf8(body).unwrap()))
    }

    #[test]
    fn key_conditions_beside_an_expression_become_one() {
        let key = r#""KeyConditions":{"id":{"ComparisonOperator":"EQ","AttributeValueList":[{"S":"a"}]},"at":{"ComparisonOperator":"BETWEEN","AttributeValueList":[{"N":"1"},{"N":"2"}]}}"#;
        let body = translated(&format!(
            r##"{{"TableName":"t",{key},"FilterExpression":"a = :key0_v0","ExpressionAttributeValues":{{":key0_v0":{{"S":"x"}}}}}}"##
        ));
        let expected = r##"{"TableName":"t","FilterExpression":"a = :key0_v0","ExpressionAttributeValues":{":key0_v0":{"S":"x"},":key1_v0":{"S":"a"},":key1_v1":{"N":"1"},":key1_v2":{"N":"2"}},"KeyConditionExpression":"#key1_n0 = :key1_v0 AND #key1_n1 BETWEEN :key1_v1 AND :key1_v2","ExpressionAttributeNames":{"#key1_n0":"id","#key1_n1":"at"}}"##;
        assert_eq!(body.unwrap().unwrap(), expected);
        for alone in ["", r#","Select":"COUNT""#, r#","KeyConditionExpression":"id = :i","FilterExpression":"a = :i""#]
        {
            assert!(translated(&format!(r#"{{"TableName":"t",{key}{alone}}}"#)).is_none(), "{alone}");
        }
        let refused = r#"{"KeyConditions":{"id":{"ComparisonOperator":"NE","AttributeValueList":[{"S":"a"}]}},"ProjectionExpression":"a"}"#;
        assert!(translated(refused).unwrap().is_err());
    }
}
