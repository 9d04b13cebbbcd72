use dynaseal_item::Value;

use super::super::names::{Names, Scope, Values};
use super::*;

fn message(text: &str) -> String {
    let names = Names::from([("#a".into(), "a".into()), ("#dot".into(), "a.b".into())]);
    let values = Values::from([
        (":n".into(), Value::N("2".into())),
        (":one".into(), Value::N("1".into())),
        (":s".into(), Value::S("SECRET".into())),
        (":t".into(), Value::S("SS".into())),
        (":bool".into(), Value::Bool(true)),
        (":l".into(), Value::L(Vec::new())),
    ]);
    match parse(text, Kind::Filter, &mut Scope::new(&names, &values)) {
        Ok(_) => "read".into(),
        Err(error) => {
            assert!(!format!("{error:?} {error} {}", error.message()).contains("SECRET"), "{error}");
            error.message().strip_prefix("Invalid FilterExpression: ").unwrap().to_owned()
        }
    }
}

#[test]
fn operands_are_more_than_the_documentation_says() {
    for text in [
        "size(:s) > :n",
        "attribute_type(:n, :t)",
        "begins_with(:s, a)",
        "contains(:s, a)",
        "a < size(b)",
        ":n > :n",
        "a IN (b, size(c), :l)",
        "#dot = :n AND a.b = :n",
        "a BETWEEN b AND :n",
        "attribute_exists((a))",
    ] {
        assert_eq!(message(text), "read", "{text}");
    }
}

#[test]
fn faults_come_in_dynamodbs_order() {
    for (text, expected) in [
        ("data = :n x", "Syntax error; token: \"(redacted)\", near: \":n (redacted)\", position: 10"),
        ("whatever(data) = :undefined", "Invalid function name; function: (redacted)"),
        ("attribute_exists(data, #undefined)", "Attribute name is a reserved keyword; reserved keyword: data"),
        (
            "begins_with(:undefined, #undefined, a)",
            "An expression attribute value used in expression is not defined; attribute value: :undefined",
        ),
        (
            "attribute_exists(a, b)",
            "Incorrect number of operands for operator or function; operator or function: attribute_exists, \
             number of operands: 2",
        ),
        ("if_not_exists(a, b) = c", "The function is not allowed in a condition expression; function: if_not_exists"),
        ("size(a)", "The function is not allowed to be used this way in an expression; function: size"),
        (
            "attribute_exists(data) > b",
            "The function is not allowed to be used this way in an expression; function: attribute_exists",
        ),
        // Where a value is expected the word may be one.
        ("a = data", "Attribute name is a reserved keyword; reserved keyword: (redacted)"),
        ("size(data) > size(a)", "Attribute name is a reserved keyword; reserved keyword: data"),
        ("SIZE(a) > b", "Invalid function name; function: SIZE"),
        (
            "attribute_exists(:n)",
            "Operator or function requires a document path; operator or function: attribute_exists",
        ),
    ] {
        assert_eq!(message(text), expected, "{text}");
    }
}

#[test]
fn an_operand_is_not_compared_with_itself() {
    let text =
        "The first operand must be distinct from the remaining operands for this operator or function; operator: ";
    for (condition, operator, path) in [
        ("a = #a", "=", "[a]"),
        ("a.b[0] BETWEEN :n AND #a.b[0]", "BETWEEN", "[a, b, [0]]"),
        ("a IN (b, a)", "IN", "[a]"),
        ("contains(a, a)", "contains", "[a]"),
    ] {
        assert_eq!(message(condition), format!("{text}{operator}, first operand: {path}"), "{condition}");
    }
    assert_eq!(message("#dot = a.b"), "read");
}

#[test]
fn values_have_the_types_that_operators_take() {
    let text = "Incorrect operand type for operator or function; operator or function: ";
    for (condition, operator, kind) in [
        ("a < :bool", "<", "BOOL"),
        (":l >= a", ">=", "L"),
        ("a BETWEEN :bool AND :bool", "BETWEEN", "BOOL"),
        ("size(:n) > a", "size", "N"),
        ("size(size(a)) > b", "size", "N"),
        ("begins_with(a, :n)", "begins_with", "N"),
        ("begins_with(size(a), b)", "begins_with", "N"),
        ("attribute_type(a, :n)", "attribute_type", "N"),
        ("attribute_type(a, b)", "attribute_type", "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}"),
    ] {
        assert_eq!(message(condition), format!("{text}{operator}, operand type: {kind}"), "{condition}");
    }
    assert!(message("attribute_type(a, :s)").starts_with("Invalid attribute type name found; type: (redacted)"));
    assert_eq!(message("attribute_type(a, :t)"), "read");
}

#[test]
fn bounds_are_in_order_and_never_repeated() {
    let different = "The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: \
                     AttributeValue: {N:(redacted)}, upper bound operand: AttributeValue: {S:(redacted)}";
    assert_eq!(message("a BETWEEN :n AND :s"), different);
    assert!(message("a BETWEEN :n AND :one").starts_with("The BETWEEN operator requires upper bound to be greater"));
    assert_eq!(message("a BETWEEN :one AND :n"), "read");
}

#[test]
fn limits() {
    let list = |count: usize| format!("a IN ({})", vec![":n"; count].join(","));
    assert_eq!(message(&list(100)), "read");
    assert_eq!(message(&list(101)), "The IN operator is provided with too many operands; number of operands: 101");
    let chain = |count: usize| vec!["a<:n"; count].join(" or ");
    assert_eq!(message(&chain(150)), "read");
    assert_eq!(message(&chain(151)), "The expression contains too many operators; operator count: 301");
    let deep = |count: usize| format!("a{} = :n", ".b".repeat(count));
    assert_eq!(message(&deep(31)), "read");
    assert_eq!(message(&deep(32)), "The document path has too many nesting levels; nesting levels: 33");
    assert_eq!(message("a[2147483647] = :n"), "read");
    assert_eq!(message("a[2147483648] = :n"), "List index is not within the allowable range; index: [(redacted)]");
}
