//! How outcomes are compared, and where dynoxide is known to differ from DynamoDB.

use std::fmt;

use dynaseal_engine::expr::error::Error;
use serde_json::Value;

use crate::redaction::hides_only;

/// What came of a pair.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It was carried out: with what result.
    Done(Value),
    /// Refused for the request alone.
    Request(String),
    /// Refused for what the item holds.
    Item(String),
}

impl Outcome {
    pub fn of(error: &Error) -> Self {
        if error.in_request() { Outcome::Request(error.message()) } else { Outcome::Item(error.message()) }
    }

    /// Whether this is the other, but for what it hides because it may be a value.
    pub fn hides_only(&self, other: &Self) -> bool {
        let alike =
            matches!((self, other), (Outcome::Request(_), Outcome::Request(_)) | (Outcome::Item(_), Outcome::Item(_)));
        alike && self.refusal().zip(other.refusal()).is_some_and(|(ours, theirs)| hides_only(ours, theirs))
    }

    fn refusal(&self) -> Option<&str> {
        match self {
            Outcome::Request(text) | Outcome::Item(text) => Some(text),
            Outcome::Done(_) => None,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Done(value) => write!(f, "done: {value}"),
            Outcome::Request(text) => write!(f, "request: {text}"),
            Outcome::Item(text) => write!(f, "item: {text}"),
        }
    }
}

/// The exception that explains a difference.
pub fn excuse(text: &str, ours: &Outcome, theirs: &Outcome) -> Option<&'static str> {
    EXCEPTIONS.iter().find(|exception| (exception.holds)(text, ours, theirs)).map(|exception| exception.name)
}

/// A difference, and why it is DynamoDB's side that was taken. docs/COMPAT.md has the same table.
struct Exception {
    name: &'static str,
    #[expect(dead_code, reason = "for readers")]
    reason: &'static str,
    holds: fn(&str, &Outcome, &Outcome) -> bool,
}

const EXCEPTIONS: [Exception; 16] = [
    Exception {
        name: "bounds are not repeated",
        reason: "DynamoDB's text repeats the bounds of BETWEEN, which are values; ours names their types",
        holds: |_, ours, theirs| {
            let cut = |outcome: &Outcome| {
                let (text, _) = outcome.refusal()?.split_once("; lower bound operand")?;
                Some(text.to_owned())
            };
            cut(ours).is_some() && cut(ours) == cut(theirs)
        },
    },
    Exception {
        name: "operands are distinct",
        reason: "DynamoDB refuses one path twice for every operator and function; dynoxide only for contains",
        holds: |_, ours, _| family(ours).is_some_and(|text| text.starts_with("The first operand must be distinct")),
    },
    Exception {
        name: "operands have types",
        reason: "DynamoDB checks the types of values for every operator and function; dynoxide for some",
        holds: |_, ours, theirs| {
            let checked = ["Incorrect operand type", "Operator or function requires", "Incorrect number of operands"];
            family(ours).is_some_and(|text| checked.iter().any(|check| text.starts_with(check)))
                && (family(theirs).is_none() || is_syntax(theirs) || family(theirs) == family(ours))
        },
    },
    Exception {
        name: "functions and groups are operands",
        reason: "DynamoDB's grammar takes any operand in a function and brackets around operands; dynoxide's does not",
        holds: |_, _, theirs| {
            let near = theirs.refusal().and_then(|text| text.split_once("near: ")).map(|(_, near)| near);
            let size = theirs.refusal().is_some_and(|text| text.ends_with("reserved keyword: size"));
            size || is_syntax(theirs) && near.is_some_and(|near| near.contains(['(', ')', ',']))
        },
    },
    Exception {
        name: "syntax errors are worded alike",
        reason: "DynamoDB words syntax errors alike for all expressions; dynoxide has words of its own for some",
        holds: |_, ours, theirs| {
            let own = ["Expected ", "Unexpected token"];
            is_syntax(ours) && family(theirs).is_some_and(|text| own.iter().any(|start| text.starts_with(start)))
        },
    },
    Exception {
        name: "paths conflict",
        reason: "DynamoDB refuses one path as a map and as a list; dynoxide does not",
        holds: |_, ours, _| family(ours).is_some_and(|text| text.starts_with("Two document paths conflict")),
    },
    Exception {
        name: "paths as written",
        reason: "DynamoDB names overlapping paths in the order in which they are written; dynoxide by clause",
        holds: |_, ours, theirs| {
            let overlap = family(ours).is_some_and(|text| text.starts_with("Two document paths overlap"));
            overlap && family(ours) == family(theirs)
        },
    },
    Exception {
        name: "no sum of 39 digits",
        reason: "DynamoDB calls a sum that needs more than 38 digits an overflow (ScyllaDB's Alternator tests)",
        holds: |_, ours, theirs| {
            let number = |outcome| family(outcome).is_some_and(|text| text.starts_with("Number overflow"));
            let digits = |outcome| family(outcome).is_some_and(|text| text.contains("38 significant digits"));
            number(ours) && digits(theirs)
        },
    },
    Exception {
        name: "two faults of the item",
        reason: "sums and legacy updates are checked one after the other; dynoxide checks in another order",
        holds: |_, ours, theirs| {
            let (Outcome::Item(ours), Outcome::Item(_)) = (ours, theirs) else { return false };
            ours.starts_with("Number ") || ours.starts_with("One or more parameter values were invalid")
        },
    },
    Exception {
        name: "nothing is taken from nothing",
        reason: "without an item DynamoDB ignores REMOVE, whatever its path, and an update that only takes away creates \
                 no item (ScyllaDB's Alternator tests)",
        holds: |text, ours, theirs| {
            let invalid = family(theirs).is_some_and(|text| text.starts_with("The document path provided"));
            let created = matches!(theirs, Outcome::Done(item) if item.get("k").is_some());
            text.contains("there=false")
                && matches!(ours, Outcome::Done(item) if invalid || created && *item == serde_json::json!({}))
        },
    },
    Exception {
        name: "elements that were written",
        reason: "UPDATED_OLD and UPDATED_NEW show only the elements of lists that the update named (ScyllaDB's \
                 Alternator tests); dynoxide shows the whole attribute",
        holds: |text, ours, theirs| {
            let (Outcome::Done(ours), Outcome::Done(theirs)) = (ours, theirs) else { return false };
            let shown = ours.as_object().is_some_and(|ours| ours.keys().all(|name| theirs.get(name).is_some()));
            shown && text.starts_with("UPDATED_") && text.split(" over ").next().unwrap().contains('[')
        },
    },
    Exception {
        name: "key conditions are named",
        reason: "DynamoDB names the expression in front of every fault; dynoxide forgets it for words and placeholders",
        holds: |_, ours, theirs| {
            let rest = ours.refusal().and_then(|text| text.strip_prefix("Invalid KeyConditionExpression: "));
            let both = rest.zip(theirs.refusal());
            both.is_some_and(|(rest, theirs)| rest == theirs || hides_only(rest, theirs))
        },
    },
    Exception {
        name: "legacy values have types",
        reason: "DynamoDB checks the types of Expected's values as of a filter's; dynoxide only for IN",
        holds: |_, ours, _| ours.refusal().is_some_and(|text| text.ends_with("AttributeValue type")),
    },
    Exception {
        name: "NOT_CONTAINS needs an attribute",
        reason: "NOT_CONTAINS is false for an attribute that is not there (ScyllaDB's Alternator tests)",
        holds: |text, ours, theirs| {
            let (Outcome::Done(_), Outcome::Done(_)) = (ours, theirs) else { return false };
            text.contains("\"NOT_CONTAINS\"")
        },
    },
    Exception {
        name: "legacy bounds are exact",
        reason: "numbers have 38 digits; dynoxide compares the bounds of a legacy BETWEEN in floating point",
        holds: |_, ours, theirs| {
            let bounds = ours.refusal().is_some_and(|text| text.starts_with("The BETWEEN condition was provided"));
            bounds && matches!(theirs, Outcome::Done(_))
        },
    },
    Exception {
        name: "two faults",
        reason: "of several faults DynamoDB reports syntax first, then words, then names, values and types; dynoxide \
                 checks in another order",
        holds: |_, ours, theirs| {
            let (Outcome::Request(_), Outcome::Request(_)) = (ours, theirs) else { return false };
            family(ours) != family(theirs) && !is_syntax(theirs)
        },
    },
];

/// What kind of fault it is, without its details.
fn family(outcome: &Outcome) -> Option<&str> {
    let text = outcome.refusal()?;
    let text = text.strip_prefix("Invalid ").and_then(|text| text.split_once(": ")).map_or(text, |(_, text)| text);
    text.split(';').next()
}

fn is_syntax(outcome: &Outcome) -> bool {
    family(outcome) == Some("Syntax error")
}
