use proptest::prelude::*;
use serde_json::json;

use super::*;

/// The Node package's tests read the same file.
#[test]
fn what_is_hidden_is_what_the_node_package_hides() {
    let cases: Value = serde_json::from_str(include_str!("../../../../facts/redact.cases.json")).unwrap();
    let list = |name: &str| cases[name].as_array().unwrap().clone();
    let texts = |name| list(name).into_iter().map(|text| text.as_str().unwrap().to_owned()).collect::<Vec<_>>();
    for pair in list("texts").iter().chain(&list("values")) {
        assert_eq!(redact(&pair[0]), pair[1]);
    }
    for text in texts("shown") {
        assert_eq!(Redactor::new().text(&text), text);
    }
    for text in texts("hidden") {
        assert!(!Redactor::new().text(&text).contains("canary"), "{text}");
    }
    assert_eq!(texts("sensitive").iter().find(|name| !is_sensitive_name(name)), None);
    assert_eq!(texts("plain").iter().find(|name| is_sensitive_name(name)), None);
    assert!(is_sensitive_name(&"x".repeat(1000)));
    let counts = ["texts", "hidden", "shown", "sensitive", "plain", "values"].map(|name| list(name).len());
    assert!(counts.into_iter().all(|count| count >= 10), "{counts:?}");
}

#[test]
fn what_cannot_be_looked_at_is_redacted() {
    let deep = (0..100).fold(json!("canary"), |inner, _| json!([inner]));
    let wide = json!(vec!["canary-that-is-late"; 20_000]);
    let long = json!("x".repeat(100_000) + "canary");
    assert!(!redact(&deep).to_string().contains("canary"));
    assert!(redact(&wide).as_array().unwrap().len() <= 10_001);
    assert_eq!(redact(&long), json!(MARK));
    let lines = "pin=7\n".repeat(2700);
    assert_eq!(Redactor::new().text(&lines), format!("pin={MARK}\n").repeat(2700));
}

#[test]
fn names_and_patterns_are_added_and_kept() {
    let redactor = Redactor::new().name("nick").keep("session").pattern(r"\bX-\d+\b").unwrap();
    let value = json!({"nick": "a", "session": "open", "note": "X-12 and y"});
    assert_eq!(redactor.redact(&value), json!({"nick": MARK, "session": "open", "note": "[redacted] and y"}));
    assert!(Redactor::new().pattern("(").is_err());
}

proptest! {
    /// Wherever a secret stands under a sensitive name, it does not come through.
    #[test]
    fn a_sensitive_member_never_passes(path in prop::collection::vec("[a-z]{1,6}", 0..6), list in any::<bool>()) {
        let secret = json!({"password": "canary-7d1f"});
        let value = path.iter().fold(secret, |inner, name| if list { json!([{name: inner}]) } else { json!({name: inner}) });
        prop_assert!(!redact(&value).to_string().contains("canary-7d1f"));
    }
}

/// A text that repeats what a search goes on from takes no longer than another one of its length.
#[test]
fn texts_made_to_be_slow_are_not() {
    let parts = [
        "a-",
        "pass ",
        "--pass ",
        "pass>",
        "<",
        "a@",
        "eyJ",
        "1 ",
        "\"",
        "\\",
        "a=",
        "://a@",
        "password",
        "password=\"",
        "bearer ",
        "-----BEGIN PRIVATE KEY-----",
        "value=(",
        "name='",
        "<password>",
        "%25",
        "&amp;",
        "password:(",
        "([{",
        "a\t",
        "ghp_",
        "ghp_-",
    ];
    let redactor = Redactor::new();
    for part in parts {
        let text = part.repeat(16_000 / part.len()) + "!";
        let start = std::time::Instant::now();
        assert!(!redactor.text(&text).is_empty());
        assert!(start.elapsed().as_secs() < 5, "{part}: {:?}", start.elapsed());
    }
}
