use super::super::apply::apply;
use super::super::eval::holds;
use super::super::print::Printer;
use super::*;
use dynaseal_item::json::read_item;

const ITEM: &str = r#"{"k":{"S":"k"},"n":{"N":"5"},"l":{"L":[{"N":"1"}]},"s":{"SS":["a"]}}"#;

fn asked(parameter: &str, operator: Option<&str>) -> String {
    let read = read_conditions(parameter).unwrap();
    match expected(&read, operator) {
        Ok(None) => "nothing".into(),
        Ok(Some(condition)) => {
            let text = Printer::default().condition(&condition);
            format!("{text}: {}", holds(&condition, &read_item(ITEM).unwrap()).unwrap())
        }
        Err(error) => error.message().trim_start_matches("One or more parameter values were invalid: ").to_owned(),
    }
}

#[test]
fn conditions_become_expressions() {
    for (parameter, expected) in [
        (r#"{"n":{"Value":{"N":"5.0"}}}"#, "#n0 = :v0: true"),
        (r#"{"n":{"Exists":false}}"#, "attribute_not_exists(#n0): false"),
        (r#"{"x y":{"ComparisonOperator":"NULL"}}"#, "attribute_not_exists(#n0): true"),
        (r#"{"n":{"ComparisonOperator":"NOT_NULL"}}"#, "attribute_exists(#n0): true"),
        (r#"{"n":{"ComparisonOperator":"GE","Value":{"N":"6"}}}"#, "#n0 >= :v0: false"),
        (
            r#"{"n":{"ComparisonOperator":"BETWEEN","AttributeValueList":[{"N":"1"},{"N":"9"}]}}"#,
            "#n0 BETWEEN :v0 AND :v1: true",
        ),
        (
            r#"{"s":{"ComparisonOperator":"NOT_CONTAINS","Value":{"S":"a"}}}"#,
            "attribute_exists(#n0) AND NOT contains(#n0, :v0): false",
        ),
        (r#"{"n":{"ComparisonOperator":"IN","AttributeValueList":[{"N":"5"}]}}"#, "#n0 IN (:v0): true"),
        (
            r#"{"x":{"ComparisonOperator":"NOT_CONTAINS","Value":{"S":"a"}}}"#,
            "attribute_exists(#n0) AND NOT contains(#n0, :v0): false",
        ),
        ("{}", "nothing"),
    ] {
        assert_eq!(asked(parameter, None), expected, "{parameter}");
    }
    let two = r#"{"n":{"Value":{"N":"5"}},"x":{"Value":{"N":"5"}}}"#;
    assert_eq!(asked(two, None), "#n0 = :v0 AND #n1 = :v1: false");
    assert_eq!(asked(two, Some("OR")), "#n0 = :v0 OR #n1 = :v1: true");
}

#[test]
fn conditions_are_checked_as_dynamodb_does() {
    for (parameter, expected) in [
        (r#"{"n":{}}"#, "Value must be provided when Exists is null for Attribute: n"),
        (r#"{"n":{"Exists":true}}"#, "Value must be provided when Exists is true for Attribute: n"),
        (r#"{"n":{"Exists":false,"Value":{"N":"1"}}}"#, "Value cannot be used when Exists is false for Attribute: n"),
        (
            r#"{"n":{"ComparisonOperator":"EQ"}}"#,
            "Value or AttributeValueList must be used with ComparisonOperator: EQ for Attribute: n",
        ),
        (
            r#"{"n":{"ComparisonOperator":"EQ","AttributeValueList":[]}}"#,
            "Invalid number of argument(s) for the EQ ComparisonOperator",
        ),
        (r#"{"n":{"ComparisonOperator":"eq","Value":{"N":"1"}}}"#, "Invalid comparison operator"),
        (
            r#"{"n":{"ComparisonOperator":"LT","Value":{"BOOL":true}}}"#,
            "ComparisonOperator LT is not valid for BOOL AttributeValue type",
        ),
        (
            r#"{"n":{"ComparisonOperator":"BETWEEN","AttributeValueList":[{"N":"9"},{"N":"1"}]}}"#,
            "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound",
        ),
    ] {
        assert_eq!(asked(parameter, None), expected, "{parameter}");
    }
    let one = r#"{"n":{"Value":{"N":"5"}}}"#;
    assert_eq!(
        asked(one, Some("AND")),
        "ConditionalOperator can only be used when Filter or Expected has two or more elements"
    );
    assert!(read_conditions(r#"{"n":{"Unknown":1}}"#).is_err() && read_conditions("[]").is_err());
}

#[test]
fn keys_take_fewer_operators() {
    let read = read_conditions(
        r#"{"k":{"ComparisonOperator":"EQ","AttributeValueList":[{"S":"a"}]},"r":{"ComparisonOperator":"NE","AttributeValueList":[{"N":"1"}]}}"#,
    )
    .unwrap();
    let text = "Unsupported KeyConditions ComparisonOperator: NE";
    assert_eq!(key_conditions(&read).unwrap_err().message(), text);
    let key = key_conditions(&read[..1]).unwrap();
    assert!(key.check_keys("k", None).is_ok());
}

fn updated(parameter: &str) -> String {
    let read = read_updates(parameter).unwrap();
    let (item, key) = (read_item(ITEM).unwrap(), read_item(r#"{"k":{"S":"k"}}"#).unwrap());
    match attribute_updates(&read).and_then(|update| apply(&update, Some(&item), &key)) {
        Ok(applied) => {
            let mut out = Vec::new();
            dynaseal_item::json::write_item(&applied.item.unwrap(), &mut out);
            String::from_utf8(out).unwrap()
        }
        Err(error) => error.message().trim_start_matches("One or more parameter values were invalid: ").to_owned(),
    }
}

#[test]
fn updates_also_add_to_lists() {
    let text = updated(
        r#"{"n":{"Action":"ADD","Value":{"N":"1"}},"l":{"Action":"ADD","Value":{"L":[{"N":"2"}]}},"s":{"Action":"DELETE"},"y":{"Value":{"S":""}}}"#,
    );
    assert_eq!(text, r#"{"k":{"S":"k"},"n":{"N":"6"},"l":{"L":[{"N":"1"},{"N":"2"}]},"y":{"S":""}}"#);
    for (parameter, expected) in [
        (
            r#"{"n":{"Action":"put","Value":{"N":"1"}}}"#,
            "Member must satisfy enum value set: [ADD, DELETE, PUT]' for Action",
        ),
        (r#"{"n":{}}"#, "Only DELETE action is allowed when no attribute value is specified"),
        (r#"{"n":{"Action":"ADD","Value":{"S":"SECRET"}}}"#, "ADD action is not supported for the type S"),
        (r#"{"n":{"Action":"DELETE","Value":{"N":"1"}}}"#, "DELETE action with value is not supported for the type N"),
        (r#"{"n":{"Action":"ADD","Value":{"SS":["x"]}}}"#, "Type mismatch for attribute to update"),
        (r#"{"k":{"Value":{"S":"x"}}}"#, "Cannot update attribute k. This attribute is part of the key"),
    ] {
        assert_eq!(updated(parameter), expected, "{parameter}");
    }
}

#[test]
fn attributes_stand_once() {
    let read = |text| attributes_to_get(read_attributes(text).unwrap());
    assert_eq!(read(r#"["a.b","c"]"#).unwrap().paths().len(), 2);
    assert!(read(r#"["a","a"]"#).unwrap_err().message().ends_with("Duplicate value in attribute name: a"));
}
