//! `dynaseal check FILE --explain OPERATION`: what becomes of the request on stdin.

use std::io::{self, Read as _};
use std::str::FromStr;
use std::sync::Arc;

use dynaseal_engine::{
    AttributeAction, Call, CallsExplanation, Config, OPERATIONS, OpenedExplanation, PlanExplanation, PlanKind,
    SectionExplanation, Service, SystemClock, WriteExplanation, did_you_mean,
};
use serde::Serialize;

use crate::error::Error;
use crate::say;

/// What a request is answered with; the text and `--json` print the same.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Planned {
    Carried(Box<PlanExplanation>),
    Refused { operation: String, sections: Vec<SectionExplanation>, refused: Refusal },
}

/// Why a request is refused.
#[derive(Debug, Serialize)]
pub(super) struct Refusal {
    code: &'static str,
    reason: String,
    advice: &'static str,
}

/// An operation as it is typed: `UpdateItem` or, as in `X-Amz-Target`, `DynamoDB_20120810.UpdateItem`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    service: Service,
    operation: String,
}

/// Explains the request on stdin.
pub(super) fn explain(config: Config, target: &Target) -> Result<Planned, Error> {
    let mut body = Vec::new();
    io::stdin().read_to_end(&mut body).map_err(|source| Error::Input { name: "stdin".to_owned(), source })?;
    let engine = config.into_engine(Arc::new(SystemClock));
    let call = Call::new(target.service, target.operation.clone(), body);
    Ok(match engine.explain(&call) {
        Ok(explanation) => Planned::Carried(Box::new(explanation)),
        Err(error) => Planned::Refused {
            operation: target.operation.clone(),
            sections: engine.sections(&call),
            refused: Refusal { code: error.code(), reason: error.to_string(), advice: error.hint() },
        },
    })
}

/// Appends it in words.
pub(super) fn text(planned: &Planned, out: &mut Vec<u8>) {
    match planned {
        Planned::Refused { operation, sections, refused: Refusal { code, reason, advice } } => {
            say::wrap(&format!("{operation} is refused, {code}"), "", out);
            self::sections(sections, out);
            field("reason", reason, out);
            field("advice", advice, out);
        }
        Planned::Carried(explanation) => plan(explanation, out),
    }
}

fn plan(explanation: &PlanExplanation, out: &mut Vec<u8>) {
    let PlanExplanation { operation, plan, passes, rewritten, taken_out, writes, statements, opened, calls, .. } =
        explanation;
    let of_tables = &explanation.sections;
    let what = match plan {
        PlanKind::Forward => "passes as it came; there is nothing to seal, to decide or to open",
        PlanKind::Edit if rewritten.is_empty() && taken_out.is_empty() => "passes as it came",
        PlanKind::Edit => "is sent in another form",
        PlanKind::Modify => "is decided on plaintext and written under a guard",
        PlanKind::NativeUpdate => "is left to DynamoDB if the item is there; an item that it makes is sealed",
        PlanKind::Statements => "is carried out as the calls that say the same",
        PlanKind::Transact => "is sealed and decided on plaintext, and sent as one transaction",
    };
    let and = if opened.is_empty() { "" } else { "; its answer is opened" };
    say::wrap(&format!("{operation} {what}{and}"), "    ", out);
    sections(of_tables, out);
    names("passes", passes, out);
    names("rewritten", rewritten, out);
    names("taken out", taken_out, out);
    writes.iter().for_each(|one| write(one, out));
    opened.iter().for_each(|one| self::opened(one, out));
    self::calls(calls, out);
    for one in statements {
        let number = one.number.map(|number| format!("statement {number} as ")).unwrap_or_default();
        out.push(b'\n');
        match &one.call {
            Some(call) => {
                say::wrap(&format!("{number}this call:"), "", out);
                self::plan(call, out);
            }
            None => say::wrap(&format!("{number}a call that depends on what DescribeTable answers"), "", out),
        }
    }
}

/// Which section holds for each table.
fn sections(sections: &[SectionExplanation], out: &mut Vec<u8>) {
    for SectionExplanation { table, section, .. } in sections {
        field("section", &format!("{section} holds for {table}"), out);
    }
}

fn write(write: &WriteExplanation, out: &mut Vec<u8>) {
    let WriteExplanation { table, number, action, condition, update, item, sealed, guard, .. } = write;
    let number = number.map(|number| format!("number {number}, ")).unwrap_or_default();
    field("write", &format!("{number}{action} in {table}"), out);
    if let Some(condition) = condition {
        line("condition", &format!("asked here of the opened item: reads {}", listed(condition)), out);
    }
    if let Some(update) = update {
        let mut label = "update";
        if !update.here.is_empty() {
            let reads =
                if update.reads.is_empty() { String::new() } else { format!("; reads {}", listed(&update.reads)) };
            line(label, &format!("worked out here: {}{reads}", listed(&update.here)), out);
            label = "";
        }
        if !update.left.is_empty() {
            line(label, &format!("left to DynamoDB: {}", listed(&update.left)), out);
        }
    }
    if !item.is_empty() {
        line("item", &listed(item), out);
    }
    let seal = match (*action, sealed) {
        ("put" | "update", false) => "not at all: the configuration says plaintext = \"write\"",
        ("put", true) => "the item, with header and footer",
        ("update", true) => "the new item: header, footer and every encrypted attribute",
        _ => "",
    };
    if !seal.is_empty() {
        line("seal", seal, out);
    }
    if !guard.is_empty() {
        line("guard", &format!("written only if this is what was read: {}", guard.join(", ")), out);
    }
}

fn opened(opened: &OpenedExplanation, out: &mut Vec<u8>) {
    let OpenedExplanation { at, number, table, filter, projection, .. } = opened;
    let number = number.map(|number| format!(", number {number}")).unwrap_or_default();
    field("opens", &format!("{at}{number}, of {table}"), out);
    if let Some(filter) = filter {
        line("filter", &format!("asked here: reads {}", listed(filter)), out);
    }
    if let Some(projection) = projection {
        let shown = projection.join(", ");
        line("shows", if shown.is_empty() { "nothing but the count" } else { &shown }, out);
    }
}

fn calls(calls: &CallsExplanation, out: &mut Vec<u8>) {
    let CallsExplanation { least, most, notes, .. } = calls;
    let many = match most {
        Some(most) if most == least => least.to_string(),
        Some(most) => format!("{least} at least, {most} at most"),
        None => format!("{least} at least"),
    };
    field("calls", &many, out);
    notes.iter().for_each(|note| say::wrap_columns("             - ", note, out));
}

fn names(name: &str, members: &[String], out: &mut Vec<u8>) {
    if !members.is_empty() {
        field(name, &members.join(", "), out);
    }
}

fn field(name: &str, text: &str, out: &mut Vec<u8>) {
    say::wrap_columns(&format!("  {name:9}  "), &say::printable(text), out);
}

/// A part of a field.
fn line(name: &str, text: &str, out: &mut Vec<u8>) {
    say::wrap_columns(&format!("             {name:9}  "), &say::printable(text), out);
}

/// Attributes, each with what makes it matter.
fn listed(attributes: &[AttributeAction]) -> String {
    let all: Vec<_> = attributes.iter().map(|attribute| format!("{} ({})", attribute.name, word(attribute))).collect();
    all.join(", ")
}

fn word(attribute: &AttributeAction) -> &'static str {
    match attribute.action {
        Some("encrypt_and_sign") => "encrypted",
        Some("do_nothing") => "not signed",
        Some(_) => "signed",
        None => "without an action",
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "write an operation of DynamoDB, such as UpdateItem or DynamoDB_20120810.UpdateItem";
        let of = |name: &str| OPERATIONS.iter().find(|known| known.name == name);
        let (service, operation) = match text.split_once('.') {
            Some((prefix, operation)) => (Service::from_target_prefix(prefix).ok_or(FORM)?, operation),
            None => (of(text).map_or(Service::DynamoDb, |known| known.service), text),
        };
        if operation.is_empty() || !operation.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(FORM.to_owned());
        }
        // An operation that is new passes as the gateway lets it pass; one that is misspelt is not explained.
        let near = did_you_mean(operation, OPERATIONS.iter().map(|known| known.name));
        if of(operation).is_none() && !near.is_empty() {
            return Err(format!("DynamoDB has no operation {operation}{near}"));
        }
        Ok(Self { service, operation: operation.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_typed_with_or_without_its_service() {
        let target = |service, operation: &str| Ok(Target { service, operation: operation.to_owned() });
        assert_eq!("UpdateItem".parse(), target(Service::DynamoDb, "UpdateItem"));
        assert_eq!("DynamoDB_20120810.UpdateItem".parse(), target(Service::DynamoDb, "UpdateItem"));
        assert_eq!("GetRecords".parse(), target(Service::DynamoDbStreams, "GetRecords"));
        assert_eq!("DynamoDBStreams_20120810.GetRecords".parse(), target(Service::DynamoDbStreams, "GetRecords"));
        for (wrong, near) in [("UpdatItem", "UpdateItem"), ("updateitem", "UpdateItem"), ("GetRecord", "GetRecords")] {
            let said = wrong.parse::<Target>().unwrap_err();
            assert!(said.contains(&format!("did you mean \"{near}\"?")), "{said}");
        }
        assert_eq!("SearchByVoice".parse(), target(Service::DynamoDb, "SearchByVoice"));
        for wrong in ["", "DynamoDB_20120810.", "TrentService.Decrypt", "Update Item", "a.b.c"] {
            assert!(wrong.parse::<Target>().is_err(), "{wrong}");
        }
    }
}
