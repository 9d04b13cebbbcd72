use dynaseal_item::json;

use super::super::names::{Names, Scope, Values};
use super::super::projection::Projection;
use super::super::update::parse;
use super::*;

const ITEM: &str = r#"{"k":{"S":"k"},"n":{"N":"5"},"l":{"L":[{"N":"1"},{"N":"2"},{"N":"3"}]},"m":{"M":{"x":{"N":"1"}}},"s":{"SS":["a","b"]},"ls":{"L":[{"SS":["a"]},{"S":"y"}]}}"#;

fn values() -> Item<'static> {
    json::read_item(
        r#"{":n":{"N":"7.0"},":m":{"N":"8"},":a":{"SS":["a"]},":ab":{"SS":["b","a"]},":ns":{"NS":["10","2.0"]},":l":{"L":[{"N":"9"}]},":big":{"N":"9.9e125"}}"#,
    )
    .unwrap()
}

/// The changed attributes, or the error.
fn run(old: Option<&str>, text: &str) -> String {
    let values = values();
    let values: Values<'_> = values.iter().map(|(name, value)| (name.to_owned().into(), value.clone())).collect();
    let names = Names::new();
    let update = parse(text, &mut Scope::new(&names, &values)).unwrap();
    let key = json::read_item(r#"{"k":{"S":"k"}}"#).unwrap();
    let old = old.map(|old| json::read_item(old).unwrap());
    match apply(&update, old.as_ref(), &key) {
        Err(error) => error.message(),
        Ok(Applied { item: None, .. }) => "none".into(),
        Ok(Applied { item: Some(mut new), written }) => {
            let mut out = Vec::new();
            let roots: Vec<_> = written.into_iter().map(|path| Path::attribute(path.root)).collect();
            json::write_item(&Projection::of_paths(roots).apply(&mut new), &mut out);
            String::from_utf8(out).unwrap()
        }
    }
}

#[test]
fn everything_is_read_from_the_item_as_it_was() {
    assert_eq!(run(Some(ITEM), "REMOVE n SET y = n + :n"), r#"{"y":{"N":"12"}}"#);
    assert_eq!(run(Some(ITEM), "SET n = :m, y = n"), r#"{"n":{"N":"8"},"y":{"N":"5"}}"#);
    assert_eq!(
        run(Some(ITEM), "SET z = :m, y = z"),
        "The provided expression refers to an attribute that does not exist in the item"
    );
}

#[test]
fn list_indexes_mean_what_they_meant() {
    for (text, list) in [
        ("REMOVE l[0], l[1]", r#"[{"N":"3"}]"#),
        ("SET l[11] = :m, l[10] = :n", r#"[{"N":"1"},{"N":"2"},{"N":"3"},{"N":"7"},{"N":"8"}]"#),
        ("SET l[10] = :n ADD l[3] :m", r#"[{"N":"1"},{"N":"2"},{"N":"3"},{"N":"8"},{"N":"7"}]"#),
        ("SET l[10] = :n REMOVE l[3]", r#"[{"N":"1"},{"N":"2"},{"N":"3"},{"N":"7"}]"#),
        ("REMOVE l[1] SET l[2] = :n", r#"[{"N":"1"},{"N":"7"}]"#),
    ] {
        assert_eq!(run(Some(ITEM), text), format!(r#"{{"l":{{"L":{list}}}}}"#), "{text}");
    }
    assert_eq!(run(Some(ITEM), "DELETE ls[0] :a REMOVE ls[1]"), r#"{"ls":{"L":[]}}"#);
}

#[test]
fn sets_grow_and_vanish() {
    assert_eq!(run(Some(ITEM), "DELETE s :ab"), "{}");
    assert_eq!(run(Some(ITEM), "DELETE s :a"), r#"{"s":{"SS":["b"]}}"#);
    assert_eq!(run(Some(ITEM), "ADD y :ns, n :n"), r#"{"n":{"N":"12"},"y":{"NS":["2","10"]}}"#);
}

#[test]
fn an_item_is_created_by_what_adds_to_it() {
    assert_eq!(run(None, "ADD n :n"), r#"{"n":{"N":"7"}}"#);
    assert_eq!(run(None, "SET y = list_append(if_not_exists(l, :l), :l)"), r#"{"y":{"L":[{"N":"9"},{"N":"9"}]}}"#);
    assert_eq!((run(None, "REMOVE a.b"), run(None, "DELETE s :a")), ("none".into(), "none".into()));
}

#[test]
fn what_does_not_fit_is_refused() {
    let path = "The document path provided in the update expression is invalid for update";
    for text in ["SET y.x = :n", "SET m[0] = :n", "SET l.x = :n", "REMOVE n.x", "ADD m.y.z :n", "DELETE l[7].x :a"] {
        assert_eq!(run(Some(ITEM), text), path, "{text}");
    }
    assert_eq!(run(None, "SET y.x = :n"), path);
    let operand = "An operand in the update expression has an incorrect data type";
    for text in ["ADD s :n", "DELETE n :a", "SET y = s + :n", "SET y = list_append(n, :l)", "ADD s :n SET y.x = :n"] {
        assert_eq!(run(Some(ITEM), text), operand, "{text}");
    }
    let overflow = "Number overflow. Attempting to store a number with magnitude larger than supported range";
    assert_eq!(run(Some(ITEM), "SET n = :big + :big"), overflow);
    let key = "One or more parameter values were invalid: Cannot update attribute k. This attribute is part of the key";
    assert_eq!(run(Some(ITEM), "SET k = :n"), key);
}

#[test]
fn items_do_not_nest_too_deep() {
    let deep = format!(r#"{{"k":{{"S":"k"}},"d":{}{{"N":"1"}}{}}}"#, r#"{"L":["#.repeat(31), "]}".repeat(31));
    let at = |depth: usize| format!("SET d{} = :l", "[0]".repeat(depth));
    assert!(run(Some(&deep), &at(30)).starts_with('{'));
    assert_eq!(run(Some(&deep), &at(31)), "Nesting Levels have exceeded supported limits");
}
