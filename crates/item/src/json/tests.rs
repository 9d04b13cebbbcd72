use super::*;

const ALL: &str = r#"{"s":{"S":"a\"\\\né"},"n":{"N":"01.0"},"b":{"B":"AQI="},"t":{"BOOL":true},"z":{"NULL":true},"ss":{"SS":["x","y"]},"ns":{"NS":["1"]},"bs":{"BS":["AA=="]},"l":{"L":[{"S":""},{"L":[]}]},"m":{"M":{"k":{"M":{}}}}}"#;

#[test]
fn what_is_read_is_written_back() {
    let mut out = Vec::new();
    write_item(&read_item(ALL).unwrap(), &mut out);
    assert_eq!(String::from_utf8(out).unwrap(), ALL);
}

#[test]
fn text_without_escapes_is_borrowed() {
    assert!(matches!(read_value(r#"{"S":"abc"}"#), Ok(Value::S(Cow::Borrowed("abc")))));
}

#[test]
fn faults_say_where_and_never_repeat_the_input() {
    // It ends at the first one too many: what follows is not even JSON.
    let too_many = format!(r#"{{"a":{{"SS":[{}"x", SECRET"#, r#""","#.repeat(MOST_MEMBERS));
    let names: String = (0..=MOST_NAMES).map(|number| format!(r#""{number}":{{"S":""}},"#)).collect();
    let too_many_names = format!(r#"{{"a":{{"M":{{{names} SECRET"#);
    let cases = [
        (r#"{"a":{"S":"SECRET""#, "the text ends too early"),
        (r#"{"a":"SECRET"}"#, "a value has the wrong JSON type"),
        (r#"{"a":{"SECRET":1}}"#, NOT_A_VALUE),
        (r#"{"a":{}}"#, EMPTY),
        (r#"{"a":{"B":null}}"#, EMPTY),
        (r#"{"a":{"S":"SECRET","N":"1"}}"#, SEVERAL),
        (r#"{"a":{"S":"SECRET","B":null,"S":"2"}}"#, SEVERAL),
        (r#"{"a":{"L":[{"S":"SECRET"},null]}}"#, TYPE),
        (r#"{"a":{"B":"SECRET"}}"#, NOT_BASE64),
        (r#"{"a":{"B":"AR=="}}"#, NOT_BASE64),
        (r#"{"a":{"NULL":false}}"#, NOT_TRUE),
        (r#"{"a":{"S":"1"},"a":{"S":"SECRET"}}"#, TWICE),
        (r#"{"a":{"M":{"k":{"S":"1"},"k":{"S":"2"}}}}"#, TWICE),
        (too_many.as_str(), TOO_MANY),
        (too_many_names.as_str(), TOO_MANY_NAMES),
        (r#"{"a":{"S":"1"}} SECRET"#, "the text is not JSON"),
        (r#"{"a":{"S":"\u0001SECRET"}} x"#, "the text is not JSON"),
    ];
    for (text, expected) in cases {
        match read_item(text).unwrap_err() {
            Error::Json { reason, line: 1, column: 1.., attribute } => {
                assert!(attribute.is_none_or(|attribute| &*attribute == "a"), "{}", text.get(..80).unwrap_or(text));
                assert_eq!(reason, expected.trim_start_matches(OURS), "{}", text.get(..80).unwrap_or(text));
            }
            other => panic!("{}: {other}", text.get(..80).unwrap_or(text)),
        }
    }
}

#[test]
fn a_type_that_is_null_is_absent() {
    let nulls =
        r#"{"a":{"S":null,"N":"1","B":null,"BOOL":null,"NULL":null,"SS":null,"NS":null,"BS":null,"L":null,"M":null}}"#;
    assert_eq!(read_item(nulls).unwrap(), read_item(r#"{"a":{"N":"1"}}"#).unwrap());
    let nested = r#"{"a":{"L":[{"S":"x","N":null},{"M":{"k":{"NULL":true,"S":null}}}],"M":null}}"#;
    let plain = r#"{"a":{"L":[{"S":"x"},{"M":{"k":{"NULL":true}}}]}}"#;
    assert_eq!(read_item(nested).unwrap(), read_item(plain).unwrap());
    assert!(matches!(read_value(r#"{"S":"x","N":null}"#), Ok(Value::S(Cow::Borrowed("x")))));
}

#[test]
fn the_attribute_of_a_fault_is_named() {
    for text in [r#"{"ok":{"S":"1"},"photo":{"B":null}}"#, r#"{"photo":{"M":{"k":{}}},"z":{}}"#] {
        let Err(error @ Error::Json { .. }) = read_item(text) else { panic!("{text}") };
        assert!(error.to_string().contains("\"photo\""), "{error}");
        assert!(error.dynamodb_words().is_some() && !error.is_malformed(), "{text}");
    }
    let Err(error) = read_item(r#"{"photo":{"B":1}}"#) else { panic!() };
    assert!(error.is_malformed() && error.dynamodb_words().is_none());
}
