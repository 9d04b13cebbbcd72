use super::*;

#[test]
fn untouched_members_keep_their_text() {
    let body = r#"{"TableName":"T","New":{"a": [1, 2.50]},"Item":{"id":{"S":"1"}}}"#;
    let mut object = Object::parse(body).unwrap();
    object.set("Item", Node::Item(0));
    let item = json::read_item(r#"{"x":{"N":"1"}}"#).unwrap();
    let out = String::from_utf8(object.print(&[item], 0)).unwrap();
    assert_eq!(out, r#"{"TableName":"T","New":{"a": [1, 2.50]},"Item":{"x":{"N":"1"}}}"#);
}

#[test]
fn an_item_is_read_along_with_what_is_around_it() {
    let (object, item) = Object::parse_around::<Item<'_>>(r#"{"A":{"b": 1},"Item":{"x":{"N":"1"}}}"#, "Item").unwrap();
    let out = String::from_utf8(object.print(&[item.unwrap()], 0)).unwrap();
    assert_eq!(out, r#"{"A":{"b": 1},"Item":{"x":{"N":"1"}}}"#);
    let (object, item) = Object::parse_around::<Item<'_>>(r#"{"Item":null}"#, "Item").unwrap();
    assert!(item.is_none());
    assert_eq!(object.print(&[], 0), br#"{"Item":null}"#);
    for (text, reason) in [
        (r#"{"Item":{"x":{"Q":"1"}}}"#, "an item in it is malformed"),
        (r#"{"Item":7}"#, "an item in it is malformed"),
        (r#"{"Item":{},"It\u0065m":{}}"#, TWICE),
        (r#"{"Item":{}} x"#, "it is not JSON"),
        ("[]", "an object was expected"),
    ] {
        assert_eq!(Object::parse_around::<Item<'_>>(text, "Item").unwrap_err(), NotJson(reason), "{text}");
    }
}

#[test]
fn lists_and_objects_end_at_one_too_many() {
    assert_eq!(list("[1, {}]", 2).unwrap(), ["1", "{}"]);
    // The rest is not read, so it is not missed either.
    assert_eq!(list("[1, {}, 3, what", 2).unwrap_err(), TOO_MANY);
    assert_eq!(list("[1] 2", 2).unwrap_err(), NOT_A_LIST);
    assert_eq!(list("{}", 2).unwrap_err(), NOT_A_LIST);
    let members = |count: usize| (0..count).map(|n| format!("\"{n}\":0")).collect::<Vec<_>>().join(",");
    assert!(Object::parse(&format!("{{{}}}", members(MOST_MEMBERS))).is_ok());
    assert_eq!(Object::parse(&format!("{{{},", members(MOST_MEMBERS + 1))).unwrap_err(), TOO_MANY);
}

#[test]
fn a_name_that_stands_twice_is_refused() {
    assert_eq!(Object::parse(r#"{"TableName":"A","Table\u004eame":"B"}"#).unwrap_err(), NotJson(TWICE));
    let many = |last: &str| format!("{{{}\"{last}\":1}}", (0..40).map(|n| format!("\"{n}\":1,")).collect::<String>());
    assert!(Object::parse(&many("40")).is_ok());
    for twice in ["0", "15", "16", "39"] {
        assert_eq!(Object::parse(&many(twice)).unwrap_err(), NotJson(TWICE));
    }
    assert_eq!(Object::parse("[]").unwrap_err(), NotJson("an object was expected"));
    assert_eq!(Object::parse("{").unwrap_err(), NotJson("it is not JSON"));
}
