//! Answers in DynamoDB's own shape and words, for what DynamoDB would have answered had it seen plaintext.

use dynaseal_item::{Item, json};
use dynaseal_keys::Answer;

use crate::doc::Object;
use crate::expr::error::{Error, Fault};

/// An expression that DynamoDB refuses, in its words. For the three writes of one item it says how many faults it found.
pub(crate) fn expression(operation: &str, fault: &Error) -> Answer {
    let envelope = fault.in_request() && matches!(operation, "PutItem" | "UpdateItem" | "DeleteItem");
    validation(&format!("{}{}", if envelope { "1 validation error detected: " } else { "" }, fault.message()))
}

/// A `ValidationException` with DynamoDB's text.
pub(crate) fn validation(message: &str) -> Answer {
    failure("com.amazon.coral.validate#ValidationException", message, None)
}

/// DynamoDB's refusal of a body that cannot be read.
pub(crate) fn unreadable(reason: &str) -> Answer {
    failure("com.amazon.coral.service#SerializationException", reason, None)
}

/// DynamoDB's refusal of an update expression, as its refusal of the `AttributeUpdates` that it stands for.
pub(crate) fn of_legacy(answer: Answer) -> Answer {
    let words = |fault| Error { expression: None, fault }.message();
    let body = std::str::from_utf8(&answer.body).ok().and_then(|body| Object::parse(body).ok());
    let message = body.as_ref().and_then(|body| body.text("message").ok().flatten());
    if message.as_deref() == Some(&words(Fault::OperandType)) {
        return validation(&words(Fault::TypeMismatch));
    }
    answer
}

/// DynamoDB's refusal to describe a table, as its refusal of the call itself.
pub(crate) fn of_description(operation: &str, answer: Answer) -> Answer {
    const TABLES: [&str; 2] = ["UpdateTable", "UpdateTimeToLive"];
    if failed(&answer) != Some(Failed::NotFound) || TABLES.contains(&operation) {
        return answer;
    }
    // Calls on items do not repeat the table's name.
    failure("com.amazonaws.dynamodb.v20120810#ResourceNotFoundException", "Requested resource not found", None)
}

/// DynamoDB's refusal of a name or ARN that no table can have.
pub(crate) fn of_name(name: &str) -> Option<Answer> {
    name_fault(name).map(|fault| validation(&fault))
}

/// The words of [`of_name`].
pub(crate) fn name_fault(name: &str) -> Option<String> {
    const LONGEST: usize = 255;
    const EMPTY: &str = "Value at 'TableName' failed to satisfy constraint: Member must have length greater than or \
                         equal to 1";
    let is_allowed = |one: char| one.is_ascii_alphanumeric() || matches!(one, '_' | '.' | '-');
    // What only looks like an ARN could be taken for a table's name elsewhere.
    let is_arn = name.starts_with("arn:") && name.contains(":table/");
    let is_in_arn = |one: char| is_allowed(one) || matches!(one, ':' | '/');
    let constraint = if name.is_empty() {
        return Some(format!("1 validation error detected: {EMPTY}"));
    } else if !name.chars().all(|one| if is_arn { is_in_arn(one) } else { is_allowed(one) }) {
        "satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
    } else if name.len() > LONGEST && !is_arn {
        "have length less than or equal to 255"
    } else {
        return None;
    };
    let place = format!("Value '{name}' at 'tableName' failed to satisfy constraint: Member must {constraint}");
    Some(format!("1 validation error detected: {place}"))
}

/// A write that had nothing to do.
pub(crate) fn nothing() -> Answer {
    Answer::new(200, b"{}".to_vec())
}

/// A condition that does not hold, with the item it was asked of where the caller wants it.
pub(crate) fn condition_failed(item: Option<&Item<'_>>) -> Answer {
    const KIND: &str = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException";
    failure(KIND, "The conditional request failed", item)
}

/// An INSERT of an item that is there.
pub(crate) fn duplicate() -> Answer {
    const KIND: &str = "com.amazonaws.dynamodb.v20120810#DuplicateItemException";
    failure(KIND, "Duplicate primary key exists in table", None)
}

/// An answer without a member that is an empty object: what was updated and is not there is not shown.
pub(crate) fn without_empty(answer: Answer, member: &str) -> Answer {
    let body = std::str::from_utf8(&answer.body).ok().and_then(|body| Object::parse(body).ok());
    match body {
        Some(mut body) if body.raw(member) == Some("{}") => {
            body.remove(member);
            let body = body.print(&[], answer.body.len());
            Answer { body, ..answer }
        }
        _ => answer,
    }
}

/// A failure that is looked at here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failed {
    Condition,
    Transaction,
    /// There is no such table.
    NotFound,
    /// The item is part of a transaction at this moment.
    Conflict,
    /// A token that was used for something else before.
    Token,
    /// The request does not fit the table, or DynamoDB's rules.
    Validation,
}

/// What an answer failed of, if it is one of these.
pub(crate) fn failed(answer: &Answer) -> Option<Failed> {
    let body = std::str::from_utf8(&answer.body).ok().filter(|_| answer.status == 400)?;
    let body = Object::parse(body).ok()?;
    let kind = body.text("__type").ok().flatten()?;
    match kind.rsplit('#').next()? {
        "ConditionalCheckFailedException" => Some(Failed::Condition),
        "TransactionCanceledException" => Some(Failed::Transaction),
        "ResourceNotFoundException" => Some(Failed::NotFound),
        "TransactionConflictException" => Some(Failed::Conflict),
        "IdempotentParameterMismatchException" => Some(Failed::Token),
        "ValidationException" => Some(Failed::Validation),
        _ => None,
    }
}

fn failure(kind: &str, message: &str, item: Option<&Item<'_>>) -> Answer {
    let mut body = b"{\"__type\":".to_vec();
    json::write_text(kind, &mut body);
    body.extend_from_slice(b",\"message\":");
    json::write_text(message, &mut body);
    if let Some(item) = item {
        body.extend_from_slice(b",\"Item\":");
        json::write_item(item, &mut body);
    }
    body.push(b'}');
    Answer::new(400, body)
}
