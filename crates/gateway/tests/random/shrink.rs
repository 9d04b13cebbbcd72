//! Makes a sequence of requests on which two tables differ as small as it gets: requests are dropped, then members of
//! requests, then parts of expressions, as long as the tables still differ in the same kind of request and answer.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use super::compare::{Difference, Request};

/// The smallest sequence that was found in this time, and how the tables differ on it.
pub async fn shrink(
    mut requests: Vec<Request>,
    mut difference: Difference,
    longest: Duration,
    differs: impl AsyncFn(&[Request]) -> Option<Difference>,
) -> (Vec<Request>, Difference) {
    let (until, kind) = (Instant::now() + longest, difference.kind());
    requests.truncate(difference.step + 1);
    loop {
        let mut smaller = false;
        let mut candidates = Candidates::default();
        while let Some(candidate) = candidates.next(&requests) {
            if Instant::now() >= until {
                return (requests, difference);
            }
            if let Some(other) = differs(&candidate).await.filter(|other| other.kind() == kind) {
                requests = candidate;
                requests.truncate(other.step + 1);
                (difference, smaller) = (other, true);
                // What stands in its place now is tried next.
                candidates.at = candidates.at.saturating_sub(1);
            }
        }
        // What was dropped last may make room for what had to stay before.
        if !smaller {
            return (requests, difference);
        }
    }
}

/// Goes through all ways to make a sequence smaller by one step, the largest first.
#[derive(Default)]
struct Candidates {
    /// How many requests are dropped at once, half of them at first.
    run: Option<usize>,
    /// Whether whole requests have been dropped by now, and single ones are made smaller.
    inside: bool,
    /// Which request is made smaller.
    request: usize,
    /// Which way is tried next: the first of the requests to drop, or a place in what is left of one.
    at: usize,
}

impl Candidates {
    fn next(&mut self, requests: &[Request]) -> Option<Vec<Request>> {
        while !self.inside {
            let run = *self.run.get_or_insert(requests.len() / 2);
            if run == 0 {
                (self.inside, self.at) = (true, 0);
            } else if self.at + run <= requests.len() {
                let kept = requests[..self.at].iter().chain(&requests[self.at + run..]);
                self.at += 1;
                return Some(kept.cloned().collect());
            } else {
                (self.run, self.at) = (Some(run / 2), 0);
            }
        }
        loop {
            let Request { operation, body } = requests.get(self.request)?;
            match without_one(body).into_iter().nth(self.at) {
                Some(body) => {
                    self.at += 1;
                    let mut all = requests.to_vec();
                    all[self.request] = Request { operation: operation.clone(), body };
                    return Some(all);
                }
                None => (self.request, self.at) = (self.request + 1, 0),
            }
        }
    }
}

/// All that is left of a body if one member, one element or one part of an expression is dropped.
fn without_one(body: &Value) -> Vec<Value> {
    let mut all = Vec::new();
    match body {
        Value::Object(members) => {
            for name in members.keys() {
                let mut rest = members.clone();
                rest.remove(name);
                all.push(tidy(rest));
            }
            for (name, value) in members {
                let texts = value.as_str().filter(|_| name.ends_with("Expression") || name == "Statement");
                let mut smaller = without_one(value);
                smaller.extend(texts.into_iter().flat_map(without_part).map(Value::String));
                for value in smaller {
                    let mut rest = members.clone();
                    if name == "Statement" {
                        keep_parameters(&mut rest, value.as_str().unwrap_or_default());
                    }
                    rest.insert(name.clone(), value);
                    all.push(tidy(rest));
                }
            }
        }
        Value::Array(elements) => {
            for (at, element) in elements.iter().enumerate() {
                let with = |smaller: Option<Value>| {
                    let mut rest = elements.clone();
                    rest.splice(at..=at, smaller);
                    Value::Array(rest)
                };
                all.push(with(None));
                all.extend(without_one(element).into_iter().map(|smaller| with(Some(smaller))));
            }
        }
        _ => {}
    }
    all
}

/// What separates the parts of an expression or a statement.
const SEPARATORS: [&str; 8] = [" AND ", " OR ", ", ", "SET ", " REMOVE ", " ADD ", " DELETE ", "NOT "];

/// An expression without one of its parts, which may not be one any more.
fn without_part(text: &str) -> Vec<String> {
    let mut starts: Vec<_> = SEPARATORS.iter().flat_map(|word| text.match_indices(word).map(|(at, _)| at)).collect();
    starts.extend([0, text.len()]);
    starts.sort_unstable();
    let mut all = Vec::new();
    for pair in starts.windows(2) {
        let (before, after) = (&text[..pair[0]], &text[pair[1]..]);
        // The separator goes with the part, either that in front or that behind it.
        let behind = SEPARATORS.iter().find_map(|word| after.strip_prefix(word));
        all.push(format!("{before}{after}"));
        all.extend(behind.map(|after| match pair[0] {
            0 => after.to_owned(),
            at => {
                let own = SEPARATORS.iter().find(|word| text[at..].starts_with(**word)).unwrap_or(&"");
                format!("{before}{own}{after}")
            }
        }));
    }
    all.iter().map(|text| text.trim().to_owned()).filter(|smaller| !smaller.is_empty() && smaller != text).collect()
}

/// Drops the parameters of the part that a statement lost.
fn keep_parameters(members: &mut Map<String, Value>, smaller: &str) {
    let text = members["Statement"].as_str().unwrap_or_default().to_owned();
    let Some(Value::Array(parameters)) = members.get_mut("Parameters") else { return };
    let same = text.bytes().zip(smaller.bytes()).take_while(|(one, two)| one == two).count();
    let marks = |text: &[u8]| text.iter().filter(|byte| **byte == b'?').count();
    let (before, gone) = (marks(&text.as_bytes()[..same]), marks(text.as_bytes()) - marks(smaller.as_bytes()));
    parameters.drain(before.min(parameters.len())..(before + gone).min(parameters.len()));
}

/// Without the placeholders that no expression uses any more, and without what is empty.
fn tidy(mut members: Map<String, Value>) -> Value {
    let expressions = members.iter().filter(|(name, _)| name.ends_with("Expression"));
    let text: String = expressions.filter_map(|(_, text)| text.as_str()).map(|text| format!("{text} ")).collect();
    let used: BTreeSet<_> = text.split(|c: char| !c.is_ascii_alphanumeric() && !":#_".contains(c)).collect();
    for map in ["ExpressionAttributeNames", "ExpressionAttributeValues"] {
        if let Some(Value::Object(map)) = members.get_mut(map) {
            map.retain(|name, _| used.contains(name.as_str()));
        }
    }
    let empty = |name: &str, value: &Value| match value {
        Value::Object(map) => map.is_empty() && name.starts_with("ExpressionAttribute"),
        Value::Array(all) => all.is_empty() && name == "Parameters",
        _ => false,
    };
    members.retain(|name, value| !empty(name, value));
    Value::Object(members)
}
