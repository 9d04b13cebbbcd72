//! Random items, values and expressions over few names, so that they meet.

use serde_json::{Map, Value, json};

use crate::random::Random;

/// Attributes that items and paths share; `k` is the key.
pub const ATTRIBUTES: [&str; 10] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
const KEYS: [&str; 4] = ["x", "y", "zz", "a.b"];
const STRINGS: [&str; 12] = ["", "a", "ab", "abc", "b", "é", "\u{1f511}", "S", "N", "SS", "10", "z\u{e000}"];
const NUMBERS: [&str; 16] = [
    "0",
    "1",
    "1.0",
    "-1",
    "2",
    "10",
    "1e1",
    "0.1",
    "-0.5",
    "1e38",
    "99999999999999999999999999999999999999",
    "1e-130",
    "9.9e125",
    "100",
    "-99.5",
    "12345678901234567.25",
];
const BYTES: [&str; 5] = ["", "AA==", "AAE=", "gA==", "fw=="];

pub fn value(random: &mut Random, depth: usize) -> Value {
    let limit = if depth == 0 { 8 } else { 10 };
    match random.below(limit) {
        0 => json!({"S": random.pick(&STRINGS)}),
        1 | 2 => json!({"N": random.pick(&NUMBERS)}),
        3 => json!({"B": random.pick(&BYTES)}),
        4 => json!({"BOOL": random.once_in(2)}),
        5 => match random.below(3) {
            0 => json!({"NULL": true}),
            1 => json!({"BS": distinct(random, &BYTES)}),
            _ => json!({"S": random.pick(&STRINGS)}),
        },
        6 => json!({"SS": distinct(random, &STRINGS)}),
        // Each number in one spelling, since a set holds it once.
        7 => json!({"NS": distinct(random, &["1", "2", "10", "0.1", "-1", "1000"])}),
        8 => json!({"L": (0..random.below(4)).map(|_| value(random, depth - 1)).collect::<Vec<_>>()}),
        _ => {
            let entries = (0..random.below(4)).map(|_| ((*random.pick(&KEYS)).to_owned(), value(random, depth - 1)));
            json!({"M": entries.collect::<Map<_, _>>()})
        }
    }
}

/// The same value, now and then with types that it does not have as `null`, as some SDKs write them.
pub fn with_nulls(random: &mut Random, mut value: Value) -> Value {
    if random.once_in(10) {
        for _ in 0..=random.below(2) {
            let kind = random.pick(&["S", "N", "B", "BOOL", "L", "M", "SS"]);
            value.as_object_mut().unwrap().entry(kind).or_insert(Value::Null);
        }
    }
    value
}

fn distinct(random: &mut Random, all: &[&str]) -> Vec<String> {
    let first = random.below(all.len());
    (0..=random.below(3)).map(|step| all[(first + step) % all.len()].to_owned()).collect()
}

/// An item with key `k` = `key`, and some of the attributes.
pub fn item(random: &mut Random, key: &str) -> Map<String, Value> {
    let mut item = Map::new();
    item.insert("k".to_owned(), json!({"S": key}));
    for name in ATTRIBUTES {
        if !random.once_in(4) {
            item.insert(name.to_owned(), value(random, 3));
        }
    }
    item
}

/// Writes expressions and collects the names and values they use.
pub struct Writer<'r> {
    pub random: &'r mut Random,
    pub names: Map<String, Value>,
    pub values: Map<String, Value>,
    /// Values of the item, so that comparisons meet them.
    known: Vec<Value>,
    /// Paths that lead somewhere in the item, by the steps after the attribute, with the type of what is there.
    places: Vec<(String, Vec<Step>, String)>,
}

#[derive(Clone)]
enum Step {
    Key(String),
    Index(usize),
}

impl<'r> Writer<'r> {
    pub fn new(random: &'r mut Random, item: &Map<String, Value>) -> Self {
        let mut known = Vec::new();
        item.values().for_each(|value| collect(value, &mut known));
        let mut places = Vec::new();
        let plain = item.iter().filter(|(name, _)| *name != "k");
        plain.for_each(|(name, value)| place(name, &[], value, &mut places));
        Self { random, names: Map::new(), values: Map::new(), known, places }
    }

    pub fn name(&mut self, name: &str) -> String {
        let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if plain && !self.random.once_in(4) {
            return name.to_owned();
        }
        let placeholder = format!("#{}", name.replace('.', "_"));
        self.names.insert(placeholder.clone(), json!(name));
        placeholder
    }

    pub fn path(&mut self) -> String {
        let root = ATTRIBUTES[self.random.below(ATTRIBUTES.len())];
        let mut path = self.name(root);
        if self.random.once_in(3) {
            path += &self.steps();
        }
        path
    }

    /// A path that leads to a value of one of these types, if there is one that none of `taken` starts with.
    pub fn place(&mut self, kinds: &[&str], taken: &[String]) -> Option<(String, String)> {
        let fits = |(root, _, kind): &&(String, Vec<Step>, String)| {
            !taken.contains(root) && (kinds.is_empty() || kinds.contains(&kind.as_str()))
        };
        let places: Vec<_> = self.places.iter().filter(fits).cloned().collect();
        if places.is_empty() {
            return None;
        }
        let (root, steps, kind) = places[self.random.below(places.len())].clone();
        let mut path = self.name(&root);
        for step in steps {
            path += &match step {
                Step::Key(key) => format!(".{}", self.name(&key)),
                Step::Index(index) => format!("[{index}]"),
            };
        }
        Some((path, kind))
    }

    /// A way into an attribute.
    pub fn steps(&mut self) -> String {
        let mut steps = self.step();
        while self.random.once_in(3) {
            steps += &self.step();
        }
        steps
    }

    fn step(&mut self) -> String {
        if self.random.once_in(2) {
            return format!("[{}]", self.random.below(4));
        }
        let key = KEYS[self.random.below(KEYS.len())];
        format!(".{}", self.name(key))
    }

    /// A list.
    pub fn list(&mut self) -> String {
        let all: Vec<_> = (0..self.random.below(3)).map(|_| value(self.random, 1)).collect();
        self.define(json!({ "L": all }))
    }

    /// A value, often one that the item holds.
    pub fn value(&mut self) -> String {
        let value = if !self.known.is_empty() && self.random.once_in(2) {
            self.known[self.random.below(self.known.len())].clone()
        } else {
            value(self.random, 2)
        };
        self.define(value)
    }

    pub fn scalar(&mut self, kinds: &[&str]) -> String {
        loop {
            let value = value(self.random, 0);
            if kinds.iter().any(|kind| value.get(kind).is_some()) {
                return self.define(value);
            }
        }
    }

    pub fn define(&mut self, value: Value) -> String {
        let value = with_nulls(self.random, value);
        let name = format!(":v{}", self.values.len());
        self.values.insert(name.clone(), value);
        name
    }

    /// The request's members for what was written.
    pub fn members(self, request: &mut Value) {
        if !self.names.is_empty() {
            request["ExpressionAttributeNames"] = Value::Object(self.names);
        }
        if !self.values.is_empty() {
            request["ExpressionAttributeValues"] = Value::Object(self.values);
        }
    }

    pub fn space(&mut self) -> &'static str {
        self.random.pick(&[" ", " ", " ", "\t", "\n", "  "])
    }

    /// Puts one fault into an expression, or none that shows: a word taken out, doubled, exchanged or put in.
    pub fn mutate(&mut self, text: &str) -> String {
        const EXTRA: [&str; 24] = [
            "AND", "OR", "NOT", "(", ")", "=", "<>", ",", ".", "[0]", "[", "BETWEEN", "IN", "a", "#a", ":zz", "#zz",
            "!", "data", "size(a)", "SET", "foo(a)", "+", "é",
        ];
        let mut words: Vec<_> = text.split(' ').map(str::to_owned).collect();
        let at = self.random.below(words.len());
        match self.random.below(4) {
            0 => drop(words.remove(at)),
            1 => words.insert(at, words[at].clone()),
            2 => words[at] = (*self.random.pick(&EXTRA)).to_owned(),
            _ => words.insert(at, (*self.random.pick(&EXTRA)).to_owned()),
        }
        words.join(" ")
    }
}

fn collect(value: &Value, known: &mut Vec<Value>) {
    known.push(value.clone());
    if let Some(all) = value.get("L").and_then(Value::as_array) {
        all.iter().for_each(|value| collect(value, known));
    }
    if let Some(all) = value.get("M").and_then(Value::as_object) {
        all.values().for_each(|value| collect(value, known));
    }
}

fn place(root: &str, steps: &[Step], value: &Value, places: &mut Vec<(String, Vec<Step>, String)>) {
    let kind = value.as_object().unwrap().keys().next().unwrap();
    places.push((root.to_owned(), steps.to_vec(), kind.clone()));
    if let Some(all) = value.get("L").and_then(Value::as_array) {
        for (at, value) in all.iter().enumerate() {
            place(root, &[steps, &[Step::Index(at)]].concat(), value, places);
        }
    }
    for (key, value) in value.get("M").and_then(Value::as_object).into_iter().flatten() {
        place(root, &[steps, &[Step::Key(key.clone())]].concat(), value, places);
    }
}
