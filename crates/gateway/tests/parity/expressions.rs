//! Random conditions, updates and projections, and the placeholders that they use.

use serde_json::{Map, Value, json};

use crate::random::{Random, exact, value};

/// The placeholders of a request.
#[derive(Default)]
pub struct Placeholders {
    names: Map<String, Value>,
    values: Map<String, Value>,
}

impl Placeholders {
    pub fn value(&mut self, value: Value) -> String {
        let name = format!(":v{}", self.values.len());
        self.values.insert(name.clone(), value);
        name
    }

    /// A path, now and then with a placeholder for its attribute.
    fn path(&mut self, random: &mut Random, path: &str) -> String {
        if !random.chance(15) {
            return path.to_owned();
        }
        let end = path.find(['.', '[']).unwrap_or(path.len());
        let name = format!("#{}", &path[..end]);
        self.names.insert(name.clone(), json!(path[..end]));
        format!("{name}{}", &path[end..])
    }

    pub fn put(self, body: &mut Value) {
        if !self.names.is_empty() {
            body["ExpressionAttributeNames"] = self.names.into();
        }
        if !self.values.is_empty() {
            body["ExpressionAttributeValues"] = self.values.into();
        }
    }
}

/// A condition or a filter.
pub fn condition(random: &mut Random, placeholders: &mut Placeholders) -> String {
    let parts: Vec<_> = (0..=random.below(2)).map(|_| predicate(random, placeholders)).collect();
    let joined = parts.join(random.pick(&[" AND ", " OR "]));
    if random.chance(10) { format!("NOT ({joined})") } else { joined }
}

/// A condition that only reads what DynamoDB sees.
pub fn plain_condition(random: &mut Random, placeholders: &mut Placeholders) -> String {
    let (hits, t) = (value(random, "n"), value(random, "t"));
    match random.below(5) {
        0 => "attribute_exists(n)".to_owned(),
        1 => format!("hits > {}", placeholders.value(json!({"N": "1"}))),
        2 => format!("t = {} OR attribute_not_exists(s)", placeholders.value(t)),
        3 => format!("NOT hits = {}", placeholders.value(hits)),
        _ => "attribute_not_exists(id)".to_owned(),
    }
}

fn predicate(random: &mut Random, placeholders: &mut Placeholders) -> String {
    let attribute =
        random.pick(&["n", "s", "m.k", "l[0]", "ss", "ns", "b", "hits", "tags", "id", "gone", "t", "g", "r"]);
    let kind = match attribute {
        "m.k" | "l[0]" | "hits" | "r" => "n",
        "gone" | "id" | "g" => "s",
        "tags" => "ss",
        other => other,
    };
    // Operators that order or search take numbers and texts only; dynoxide does not check that everywhere.
    let simple = if kind == "n" { json!({"N": "1"}) } else { json!({"S": "x"}) };
    let (any, number) = (value(random, kind), json!({"N": "1"}));
    let path = placeholders.path(random, attribute);
    let mut given = |value: &Value| placeholders.value(value.clone());
    match random.below(13) {
        0 => format!("attribute_exists({path})"),
        1 => format!("attribute_not_exists({path})"),
        2 | 3 => format!("{path} = {}", given(&any)),
        4 => format!("{path} <> {}", given(&any)),
        5 => format!("{path} >= {}", given(&simple)),
        6 => format!("contains({path}, {})", given(&simple)),
        7 => format!("{path} IN ({}, more)", given(&any)),
        8 => format!("NOT {path} < {}", given(&simple)),
        9 => format!("begins_with({path}, {})", given(&json!({"S": "x"}))),
        10 if kind == "n" => format!("{path} BETWEEN {} AND {}", given(&number), given(&json!({"N": "30"}))),
        11 => {
            format!("attribute_type({path}, {})", given(&json!({"S": random.pick(&["S", "N", "L", "BOOL", "NULL"])})))
        }
        _ => format!("size({path}) > {}", given(&number)),
    }
}

/// An update; one of unsigned attributes alone now and then. Operands have the types that they must have, which dynoxide
/// does not check in transactions; that they do not fit the item is left to chance.
pub fn update(random: &mut Random, placeholders: &mut Placeholders) -> String {
    if random.chance(15) {
        return plain_update(random, placeholders);
    }
    let (mut set, mut rest) = (Vec::new(), String::new());
    if random.chance(60) {
        let (any, number) = (value(random, "n"), exact(random, "n"));
        set.push(match random.below(5) {
            0 => format!("n = n + {}", placeholders.value(number)),
            1 => format!("n = if_not_exists(n, {})", placeholders.value(any)),
            2 => format!("m.k = {}", placeholders.value(any)),
            3 => format!("l[1] = {}", placeholders.value(any)),
            _ => format!("n = {}", placeholders.value(any)),
        });
    }
    if random.chance(30) {
        let list = placeholders.value(exact(random, "l"));
        set.push(random.pick(&["l = list_append(l, V)", "l = V", "copied = n, more = V"]).replace('V', &list));
    }
    if random.chance(25) {
        let (group, number) = (value(random, "g"), value(random, "r"));
        set.push(format!("g = {}, r = {}", placeholders.value(group), placeholders.value(number)));
    }
    if random.chance(30) {
        rest.push_str(random.pick(&[" REMOVE s", " REMOVE gone", " REMOVE s, t", " REMOVE l[0], g", " REMOVE m.j"]));
    }
    if random.chance(40) {
        rest.push_str(&format!(" ADD hits {}", placeholders.value(exact(random, "n"))));
        if random.chance(40) {
            rest.push_str(&format!(", ss {}", placeholders.value(exact(random, "ss"))));
        }
    }
    if random.chance(15) {
        let set = random.pick(&["ns", "tags"]);
        rest.push_str(&format!(" DELETE {set} {}", placeholders.value(exact(random, set))));
    }
    if set.is_empty() && !rest.contains("ADD") {
        set.push(format!("more = {}", placeholders.value(value(random, "s"))));
    }
    let set = if set.is_empty() { String::new() } else { format!("SET {}", set.join(", ")) };
    format!("{set}{rest}").trim().to_owned()
}

/// An update of unsigned attributes alone.
fn plain_update(random: &mut Random, placeholders: &mut Placeholders) -> String {
    let (any, number, set) = (value(random, "n"), exact(random, "n"), exact(random, "ss"));
    match random.below(6) {
        0 => format!("ADD hits {}", placeholders.value(number)),
        1 => format!("SET hits = {}", placeholders.value(any)),
        2 => format!("SET hits = if_not_exists(hits, {0}) + {0}", placeholders.value(json!({"N": "1"}))),
        3 => "REMOVE hits, tags".to_owned(),
        4 => format!("DELETE tags {}", placeholders.value(set)),
        _ => format!("ADD tags {}", placeholders.value(set)),
    }
}

/// A projection.
pub fn projection(random: &mut Random, placeholders: &mut Placeholders) -> String {
    let all = ["n", "m.k", "m", "l[0]", "l[1], l[0]", "gone", "s, hits", "id", "t", "g, r", "ss"];
    let first = random.below(all.len());
    let count = 1 + random.below(2);
    let paths = (0..count).flat_map(|step| all[(first + step * 3) % all.len()].split(", "));
    paths.map(|path| placeholders.path(random, path)).collect::<Vec<_>>().join(", ")
}
