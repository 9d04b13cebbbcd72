use dynaseal_item::json;
use proptest::prelude::*;

use super::*;
use crate::expr::print::Printer;

/// What a statement means, in short: its target, its expressions with names and values in place, its other parts.
fn meaning(text: &str) -> Result<String, Fault> {
    let parameters = [Value::S("p".into()), Value::N("7".into())];
    let (statement, used) = parse(text, parameters.to_vec())?;
    let condition = |condition: &Where| {
        condition.as_ref().map(|condition| {
            let mut printer = Printer::default();
            let text = printer.condition(&condition.by_ref());
            format!(" WHERE {}", in_place(text, &printer))
        })
    };
    let target = statement.target();
    let target =
        format!("{}{}", target.table, target.index.as_ref().map(|index| format!("/{index}")).unwrap_or_default());
    let text = match &statement {
        Statement::Select(select) | Statement::Exists(select) => {
            let mut printer = Printer::default();
            let paths = printer.projection(&select.paths);
            let order: Vec<_> = select
                .order
                .iter()
                .map(|term| format!(" {}{}", term.attribute, if term.descending { "-" } else { "+" }))
                .collect();
            format!(
                "{} [{}]{}{}",
                target,
                in_place(paths, &printer),
                condition(&select.condition).unwrap_or_default(),
                order.concat()
            )
        }
        Statement::Insert { item, .. } => {
            let mut out = Vec::new();
            json::write_item(item, &mut out);
            format!("{target} {}", String::from_utf8(out).unwrap())
        }
        Statement::Update { update, condition: clause, returning, .. } => {
            let mut printer = Printer::default();
            let update = printer.update(&update.by_ref());
            let returning = returning.map(|returning| format!(" {}", returning.return_values())).unwrap_or_default();
            format!("{target} {}{}{returning}", in_place(update, &printer), condition(clause).unwrap_or_default())
        }
        Statement::Delete { condition: clause, returning, .. } => {
            let returning = returning.map(|returning| format!(" {}", returning.return_values())).unwrap_or_default();
            format!("{target}{}{returning}", condition(clause).unwrap_or_default())
        }
    };
    Ok(format!("{text}{}", if used > 0 { format!(" ?{used}") } else { String::new() }))
}

fn in_place(mut text: String, printer: &Printer<'_>) -> String {
    // From the last, so that #n1 is no part of #n10.
    for (placeholder, name) in printer.names().collect::<Vec<_>>().into_iter().rev() {
        text = text.replace(&placeholder, name);
    }
    for (placeholder, value) in printer.values().collect::<Vec<_>>().into_iter().rev() {
        let mut out = Vec::new();
        json::write_value(value, &mut out);
        text = text.replace(&placeholder, &String::from_utf8(out).unwrap());
    }
    text
}

#[test]
fn statements_are_read_as_they_are_meant() {
    for (text, expected) in [
        ("select * from T", "T []"),
        (
            r#"SELECT a, "b.c".d[2], "select" FROM "T"."I" WHERE "a" = 'it''s' ORDER BY a DESC, b ASC;"#,
            r#"T/I [a, b.c.d[2], select] WHERE a = {"S":"it's"} a- b+"#,
        ),
        ("SELECT * FROM T WHERE a=? AND b<>?", r#"T [] WHERE a = {"S":"p"} AND b <> {"N":"7"} ?2"#),
        (
            "SELECT * FROM T WHERE NOT a < -1 OR (b >= 1e5 OR c != TRUE) AND d <= NULL",
            r#"T [] WHERE NOT a < {"N":"-1"} OR (b >= {"N":"1e5"} OR c <> {"BOOL":true}) AND d <= {"NULL":true}"#,
        ),
        ("SELECT * FROM T WHERE NOT NOT a IS NOT MISSING", "T [] WHERE NOT attribute_not_exists(a)"),
        ("SELECT * FROM T WHERE a.b IS NULL", r#"T [] WHERE attribute_type(a.b, {"S":"NULL"})"#),
        ("SELECT * FROM T WHERE a NOT IN ('x', b)", r#"T [] WHERE NOT a IN ({"S":"x"}, b)"#),
        (
            "SELECT * FROM T WHERE a IN [1] AND size(a[0]) BETWEEN 1 AND size(b)",
            r#"T [] WHERE a IN ({"N":"1"}) AND size(a[0]) BETWEEN {"N":"1"} AND size(b)"#,
        ),
        (
            "SELECT * FROM T WHERE begins_with(a, 'x') AND CONTAINS(b, 1) AND attribute_exists(c) AND attribute_type(d, 'S')",
            r#"T [] WHERE begins_with(a, {"S":"x"}) AND contains(b, {"N":"1"}) AND attribute_exists(c) AND attribute_type(d, {"S":"S"})"#,
        ),
        // Names that begin like keywords or functions are names.
        ("SELECT order1, size FROM T WHERE android = note", "T [order1, size] WHERE android = note"),
        (
            "INSERT INTO \"T\" VALUE {'a': 'x', 'b': [1, {'c': NULL}], 'd': <<'p', 'q'>>, 'e': ?, 'f': <<1>>}",
            r#"T {"a":{"S":"x"},"b":{"L":[{"N":"1"},{"M":{"c":{"NULL":true}}}]},"d":{"SS":["p","q"]},"e":{"S":"p"},"f":{"NS":["1"]}} ?1"#,
        ),
        (
            "UPDATE T SET a = 1, b = b - 2 SET c = list_append([?], c) REMOVE d.e WHERE k = 'x' returning modified new *",
            r#"T SET a = {"N":"1"}, b = b - {"N":"2"}, c = list_append({"L":[{"S":"p"}]}, c) REMOVE d.e WHERE k = {"S":"x"} UPDATED_NEW ?1"#,
        ),
        (
            "UPDATE T SET a = set_add(a, <<'x'>>) SET b = set_delete(b, <<1>>) WHERE k = 1",
            r#"T ADD a {"SS":["x"]} DELETE b {"NS":["1"]} WHERE k = {"N":"1"}"#,
        ),
        ("DELETE FROM T WHERE a = 1 RETURNING ALL OLD *", r#"T WHERE a = {"N":"1"} ALL_OLD"#),
        ("EXISTS (SELECT * FROM T WHERE a = 1)", r#"T [] WHERE a = {"N":"1"}"#),
        (
            "SELECT * FROM T WHERE a = ? AND b = ? AND c = ?",
            r#"T [] WHERE a = {"S":"p"} AND b = {"N":"7"} AND c = {"NULL":true} ?3"#,
        ),
    ] {
        assert_eq!(meaning(text).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn what_cannot_be_read_says_where() {
    for (text, at) in [
        ("", 0),
        ("SELECT", 6),
        ("SELECT FROM T", 7),
        ("SELECT *, a FROM T", 8),
        ("SELECT a b FROM T", 9),
        ("SELECT * FROM \"\"", 14),
        ("SELECT * FROM T.a.b", 17),
        ("SELECT * FROM T WHERE", 21),
        ("SELECT * FROM T WHERE a", 23),
        ("SELECT * FROM T WHERE a = 1 b", 28),
        ("SELECT * FROM T WHERE size(a) IS NULL", 33),
        ("SELECT * FROM T WHERE a IS INT", 27),
        ("SELECT * FROM T WHERE a IN ()", 29),
        ("SELECT * FROM T WHERE a = begins_with(b, 'x')", 37),
        ("SELECT * FROM T ORDER BY a.b", 28),
        ("INSERT INTO T VALUES {'a': 1}", 14),
        ("INSERT INTO T VALUE {a: 1}", 21),
        ("INSERT INTO T VALUE {'a': <<>>}", 30),
        ("INSERT INTO T VALUE {'a': <<1, 'x'>>}", 36),
        ("INSERT INTO T VALUE {'a': 1} IF NOT EXISTS", 29),
        ("UPDATE T WHERE a = 1", 9),
        ("UPDATE T SET a = set_add(b, <<1>>)", 26),
        ("UPDATE T SET a = set_add(a, 1)", 30),
        ("UPDATE T SET a = if_not_exists(a, 1)", 30),
        ("UPDATE T REMOVE a, b WHERE k = 1", 17),
        ("DELETE FROM T RETURNING ALL OLD", 31),
        ("DELETE FROM T RETURNING ALL *", 24),
        ("FROM T SET a = 1", 0),
        ("EXISTS(DELETE FROM T)", 7),
    ] {
        match parse(text, Vec::new()) {
            Err(Fault::Unreadable { at: found, .. }) => assert_eq!(found, at, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn depth_is_bounded() {
    let deep = |open: &str, close: &str, times: usize| {
        format!("SELECT * FROM T WHERE {}a = 1{}", open.repeat(times), close.repeat(times))
    };
    assert!(parse(&deep("(", ")", 60), Vec::new()).is_ok() && parse(&deep("(", ")", 2000), Vec::new()).is_err());
    assert!(parse(&deep("NOT ", "", 299), Vec::new()).is_ok() && parse(&deep("NOT ", "", 300), Vec::new()).is_err());
    let list = |times: usize| format!("INSERT INTO T VALUE {{'a': {}{}}}", "[".repeat(times), "]".repeat(times));
    assert!(parse(&list(31), Vec::new()).is_ok() && parse(&list(4000), Vec::new()).is_err());
    assert!(parse(&format!("SELECT * FROM T WHERE {}a", "size(".repeat(2000)), Vec::new()).is_err());
}

proptest! {
    /// Whatever the words, reading them ends without a panic.
    #[test]
    fn any_words_are_read_or_refused(words in proptest::collection::vec(proptest::sample::select(WORDS.as_slice()), 0..40)) {
        let _ = parse(&words.concat(), vec![Value::Null]);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,80}") {
        let _ = parse(&text, Vec::new());
        let _ = parse(&format!("SELECT * FROM T WHERE {text}"), Vec::new());
    }
}

const WORDS: [&str; 40] = [
    "SELECT ",
    "* ",
    "FROM ",
    "T ",
    "WHERE ",
    "a",
    "\"b\"",
    "'x'",
    "1",
    "= ",
    "<",
    ">>",
    "<<",
    "[",
    "]",
    "(",
    ")",
    "{",
    "}",
    ":",
    ",",
    ".",
    "?",
    "AND ",
    "OR ",
    "NOT ",
    "IN ",
    "IS ",
    "MISSING ",
    "BETWEEN ",
    "size(",
    "UPDATE ",
    "SET ",
    "REMOVE ",
    "DELETE ",
    "INSERT INTO ",
    "VALUE ",
    "RETURNING ALL OLD *",
    "-",
    ";",
];
