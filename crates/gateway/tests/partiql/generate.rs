//! Random statements.

use serde_json::{Value, json};

use super::random::compare::Request;
use super::random::{Random, value};

/// A statement with its parameters.
struct Statement {
    text: String,
    parameters: Vec<Value>,
}

impl Statement {
    fn new(text: &str) -> Self {
        Self { text: text.to_owned(), parameters: Vec::new() }
    }

    fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// A value, as a literal or as a parameter.
    fn value(&mut self, random: &mut Random, value: Value) -> &mut Self {
        match literal(&value).filter(|_| random.chance(60)) {
            Some(text) => self.text.push_str(&text),
            None => {
                self.parameters.push(value);
                self.text.push('?');
            }
        }
        self
    }

    fn body(&self) -> Value {
        let mut body = json!({"Statement": self.text});
        if !self.parameters.is_empty() {
            body["Parameters"] = json!(self.parameters);
        }
        body
    }
}

/// A value as PartiQL writes it.
fn literal(value: &Value) -> Option<String> {
    let (kind, value) = value.as_object().unwrap().iter().next().unwrap();
    let all = |open: &str, close: &str, parts: Option<Vec<String>>| {
        parts.map(|all| format!("{open}{}{close}", all.join(", ")))
    };
    let text = |value: &Value| format!("'{}'", value.as_str().unwrap().replace('\'', "''"));
    match kind.as_str() {
        "S" => Some(text(value)),
        "N" => Some(value.as_str().unwrap().to_owned()),
        "BOOL" => Some(value.to_string()),
        "NULL" => Some("NULL".into()),
        "SS" => all("<<", ">>", Some(value.as_array().unwrap().iter().map(text).collect())),
        "L" => all("[", "]", value.as_array().unwrap().iter().map(literal).collect()),
        "M" => {
            let entry = |(name, value): (&String, &Value)| Some(format!("'{name}': {}", literal(value)?));
            all("{", "}", value.as_object().unwrap().iter().map(entry).collect())
        }
        _ => None,
    }
}

fn id(random: &mut Random) -> Value {
    json!({"S": random.pick(&["a", "b"])})
}

fn at(random: &mut Random) -> Value {
    json!({"N": random.pick(&["1", "2", "3"])})
}

/// One condition on an attribute that is no key.
fn predicate(random: &mut Random, statement: &mut Statement) {
    let path = random.pick(&["n", "s", "m.k", "l[0]", "hits", "gone", "\"t\"", "ss"]);
    let kind = match path {
        "m.k" | "l[0]" | "hits" => "n",
        "gone" => "s",
        other => other.trim_matches('"'),
    };
    // What is ordered or searched is a number or a text; dynoxide does not check that everywhere.
    let plain = if matches!(kind, "n") { json!({"N": "1"}) } else { json!({"S": "x"}) };
    let any = value(random, kind);
    match random.below(12) {
        0 => _ = statement.push(path).push(" = ").value(random, any),
        1 => _ = statement.push(path).push(random.pick(&[" <> ", " != "])).value(random, any),
        2 => _ = statement.push(path).push(random.pick(&[" > ", " <= "])).value(random, plain),
        3 => _ = statement.push(path).push(" IS MISSING"),
        4 => {
            let is = random.pick(&[" IS NOT MISSING", " IS NOT NULL", " IS STRING", " is numeric"]);
            statement.push(path).push(is);
        }
        5 => _ = statement.push(&format!("begins_with({path}, ")).value(random, json!({"S": "x"})).push(")"),
        6 => _ = statement.push(&format!("contains({path}, ")).value(random, plain).push(")"),
        7 => {
            let close = random.pick(&["()", "[]"]);
            statement.push(path).push(random.pick(&[" IN ", " NOT IN "])).push(&close[..1]);
            statement.value(random, any).push(", ").value(random, plain).push(&close[1..]);
        }
        8 => _ = statement.push(path).push(" BETWEEN 0 AND ").value(random, json!({"N": "10"})),
        9 => _ = statement.push(&format!("size({path}) >= ")).value(random, json!({"N": "1"})),
        10 => _ = statement.push(&format!("attribute_type({path}, '{}')", random.pick(&["S", "N", "L", "BOOL"]))),
        _ => _ = statement.push(&format!("{path} <> other")),
    }
}

/// Conditions joined somehow.
fn condition(random: &mut Random, statement: &mut Statement) {
    match random.below(5) {
        0 => {
            statement.push("NOT ");
            predicate(random, statement);
        }
        1 | 2 => {
            statement.push("(");
            predicate(random, statement);
            statement.push(random.pick(&[" OR ", " AND "]));
            predicate(random, statement);
            statement.push(")");
        }
        _ => predicate(random, statement),
    }
}

/// `WHERE` with the whole key, and sometimes more.
fn whole_key(random: &mut Random, statement: &mut Statement, more: bool) {
    let (one, two) = (id(random), at(random));
    statement.push(" WHERE id = ").value(random, one).push(" AND pos = ").value(random, two);
    if more && random.chance(50) {
        statement.push(" AND ");
        condition(random, statement);
    }
}

fn select(random: &mut Random) -> Statement {
    let mut statement = Statement::new("SELECT ");
    statement.push(random.pick(&["*", "*", "n, s", "id, m.k, l[0]", "\"m\", gone, pos"])).push(" FROM \"Things\"");
    match random.below(8) {
        0 => {}
        1 => {
            statement.push(" WHERE ");
            condition(random, &mut statement);
        }
        2 => whole_key(random, &mut statement, true),
        _ => {
            let key = id(random);
            statement.push(" WHERE id = ").value(random, key);
            let two = at(random);
            match random.below(9) {
                0 => _ = statement.push(" AND pos > ").value(random, two),
                1 => _ = statement.push(" AND pos <= ").value(random, two),
                2 => _ = statement.push(" AND pos BETWEEN 1 AND ").value(random, two),
                3 => _ = statement.push(" AND pos >= 1 AND pos <= ").value(random, two),
                4 => _ = statement.push(" AND pos IN (1, 3)"),
                5 => _ = statement.push(" AND pos <> ").value(random, two),
                _ => {}
            }
            // With ORDER BY dynoxide reads each branch of an OR as a partition of its own.
            if random.chance(60) {
                statement.push(" AND ");
                condition(random, &mut statement);
            } else if random.chance(60) {
                statement.push(random.pick(&[
                    " ORDER BY pos",
                    " ORDER BY pos DESC",
                    " ORDER BY id, pos ASC",
                    " ORDER BY id",
                ]));
            }
        }
    }
    statement
}

fn insert(random: &mut Random) -> Statement {
    let mut statement = Statement::new("INSERT INTO \"Things\" VALUE {'id': ");
    let (one, two) = (id(random), at(random));
    statement.value(random, one).push(", 'pos': ").value(random, two);
    for attribute in ["n", "s", "l", "m", "ss", "t", "hits"] {
        if random.chance(60) {
            let value = value(random, attribute);
            statement.push(&format!(", '{attribute}': ")).value(random, value);
        }
    }
    statement.push("}");
    statement
}

fn update(random: &mut Random, in_transaction: bool) -> Statement {
    let mut statement = Statement::new("UPDATE \"Things\"");
    // At most one fault that only the stored item shows, since of two DynamoDB does not say which it tells.
    let mut parts: Vec<usize> = [0, 5, 7].into_iter().filter(|_| random.chance(40)).collect();
    parts.extend([1, 2, 3, 4, 6, 8].get(random.below(8)));
    if parts.iter().all(|part| [3, 4].contains(part)) {
        parts.insert(0, 0);
    }
    for part in parts {
        let (number, text, list) = (value(random, "n"), value(random, "s"), value(random, "l"));
        match part {
            0 => _ = statement.push(" SET s = ").value(random, text),
            // That the operand has the wrong type is found before the item is; dynoxide finds it after.
            1 => _ = statement.push(random.pick(&[" SET n = n + 1", " SET n = n - 2.5"])),
            2 => _ = statement.push(" SET m.k = ").value(random, number),
            3 if list.get("L").is_none() => {}
            3 => _ = statement.push(" SET l = list_append(l, ").value(random, list).push(")"),
            4 => _ = statement.push(" SET ss = set_add(ss, <<'q', 'z'>>)"),
            5 => _ = statement.push(" REMOVE t"),
            6 => _ = statement.push(" SET hits = hits + 1"),
            7 => _ = statement.push(" SET other = ").value(random, number).push(", more = 'x'"),
            _ => _ = statement.push(" SET ss2 = set_delete(ss2, <<'p'>>)"),
        }
    }
    whole_key(random, &mut statement, true);
    if !in_transaction && random.chance(60) {
        statement.push(random.pick(&[
            " RETURNING ALL OLD *",
            " RETURNING ALL NEW *",
            " RETURNING MODIFIED OLD *",
            " returning modified new *",
        ]));
    }
    statement
}

fn delete(random: &mut Random, in_transaction: bool) -> Statement {
    let mut statement = Statement::new("DELETE FROM Things");
    // That a missing item failed no condition is told only where the transaction is carried out.
    whole_key(random, &mut statement, !in_transaction);
    if !in_transaction && random.chance(50) {
        statement.push(random.pick(&[" RETURNING ALL OLD *", " RETURNING ALL OLD *", " RETURNING ALL NEW *"]));
    }
    statement
}

fn write(random: &mut Random, in_transaction: bool) -> Statement {
    match random.below(4) {
        0 | 1 => insert(random),
        2 => update(random, in_transaction),
        _ => delete(random, in_transaction),
    }
}

fn keyed(random: &mut Random) -> Statement {
    let mut statement = Statement::new("SELECT ");
    statement.push(random.pick(&["*", "n, m.k"])).push(" FROM Things WHERE id = ");
    let (one, two) = (id(random), at(random));
    statement.value(random, one).push(" AND pos = ").value(random, two);
    if random.chance(5) {
        statement.push(" AND n = 1");
    }
    statement
}

pub fn request(random: &mut Random) -> Request {
    let (operation, body) = match random.below(12) {
        0..=2 => ("ExecuteStatement", insert(random).body()),
        3 | 4 => {
            let mut body = update(random, false).body();
            if random.chance(50) {
                body["ReturnValuesOnConditionCheckFailure"] = json!("ALL_OLD");
            }
            ("ExecuteStatement", body)
        }
        5 => {
            let mut body = delete(random, false).body();
            if random.chance(50) {
                body["ReturnValuesOnConditionCheckFailure"] = json!("ALL_OLD");
            }
            ("ExecuteStatement", body)
        }
        6..=8 => {
            let statement = select(random);
            let mut body = statement.body();
            // Where there is an OR, dynoxide reads the whole table and so turns pages elsewhere; with a document among the
            // parameters DynamoDB does not turn pages at all.
            let documents = statement.parameters.iter().any(|value| value.get("L").or(value.get("M")).is_some());
            if random.chance(50) && !statement.text.contains(" OR ") && !documents {
                body["Limit"] = json!(1 + random.below(3));
            }
            if random.chance(30) {
                body["ConsistentRead"] = json!(true);
            }
            ("ExecuteStatement", body)
        }
        9 | 10 => {
            let reads = random.chance(40);
            let one = |random: &mut Random| if reads { keyed(random) } else { write(random, false) };
            let statements: Vec<_> = (0..=random.below(3)).map(|_| one(random).body()).collect();
            ("BatchExecuteStatement", json!({"Statements": statements}))
        }
        _ => {
            let reads = random.chance(30);
            let one = |random: &mut Random| if reads { keyed(random) } else { write(random, true) };
            let statements: Vec<_> = (0..=random.below(3)).map(|_| one(random).body()).collect();
            ("ExecuteTransaction", json!({"TransactStatements": statements}))
        }
    };
    Request { operation: operation.to_owned(), body }
}
