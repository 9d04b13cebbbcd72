//! What an error of DynamoDB or of Dynaseal means to whoever called the service. The one table of it:
//!
//! | kind      | status | meaning                                          |
//! |-----------|--------|--------------------------------------------------|
//! | condition | 409    | a condition did not hold                         |
//! | input     | 422    | what the caller sent cannot be stored            |
//! | busy      | 503    | the same call may succeed soon                   |
//! | outage    | 503    | DynamoDB does not answer                         |
//! | integrity | 500    | a stored item is not what was sealed             |
//! | fault     | 500    | the service is wrong: rights, tables, requests   |
//!
//! Nothing of an error's text goes further than this file, but for names of attributes, tables and operations.

use std::sync::LazyLock;

use http::StatusCode;
use regex_lite::Regex;

/// What an error said, in whatever type it came.
#[derive(Clone, Copy, Debug, Default)]
pub struct Told<'a> {
    /// The exception's name, such as `ConditionalCheckFailedException`.
    pub exception: Option<&'a str>,
    /// Its message.
    pub message: Option<&'a str>,
    /// The HTTP status of the answer, if there was one.
    pub status: Option<u16>,
    /// DynamoDB's request id.
    pub request_id: Option<&'a str>,
}

/// What an error means. It holds no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// See the table.
    pub kind: FailureKind,
    /// The exception's name.
    pub exception: String,
    /// Dynaseal's code, such as `DSL-3008`.
    pub code: Option<String>,
    /// The operation, where Dynaseal named it.
    pub operation: Option<String>,
    /// The table, where Dynaseal named it.
    pub table: Option<String>,
    /// DynamoDB's request id.
    pub request_id: Option<String>,
    /// Names of attributes that are wrong; `*` for one that may itself be a value.
    pub fields: Vec<String>,
}

/// See the table of this file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FailureKind {
    /// 409.
    Condition,
    /// 422.
    Input,
    /// 503, soon better.
    Busy,
    /// 503.
    Outage,
    /// 500, and a security event.
    Integrity,
    /// 500.
    Fault,
}

impl Failure {
    /// Reads an error.
    #[must_use]
    pub fn new(told: Told<'_>) -> Self {
        let message = told.message.unwrap_or_default();
        let exception = told.exception.map(|name| name.rsplit('#').next().unwrap_or(name)).unwrap_or_default();
        // Only at the start of a message, where Dynaseal puts it: further on it may be somebody's value.
        let code = message.split_once(": ").map(|(code, _)| code).filter(|code| CODE.is_match(code));
        let kind = match code {
            Some(code) => of_code(code, exception),
            None => of_exception(exception, message, told.status),
        };
        let place = code.and_then(|_| PLACE.captures(message));
        let named = |group: usize| {
            place.as_ref()?.get(group).map(|found| found.as_str().trim_end_matches(['.', ':']).to_owned())
        };
        let safe = |text: &str, longest: usize| {
            let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
            (plain && !text.is_empty() && text.len() <= longest).then(|| text.to_owned())
        };
        Self {
            kind,
            exception: safe(exception, 64).unwrap_or_else(|| "Error".to_owned()),
            code: code.map(str::to_owned),
            operation: named(1),
            table: named(2),
            request_id: told.request_id.and_then(|id| safe(id, 128)),
            fields: if kind == FailureKind::Input { attributes(message, code.is_some()) } else { Vec::new() },
        }
    }

    /// No answer came, or none that could be read.
    #[must_use]
    pub fn outage(exception: &str) -> Self {
        Self { kind: FailureKind::Outage, ..Self::new(Told { exception: Some(exception), ..Told::default() }) }
    }

    /// What the caller sent is wrong, as the service itself found. Names of attributes alone, never values.
    #[must_use]
    pub fn input<'f>(fields: impl IntoIterator<Item = &'f str>) -> Self {
        let fields = distinct(fields.into_iter());
        let exception = "Input".to_owned();
        Self { kind: FailureKind::Input, fields, ..Self::new(Told { exception: Some(&exception), ..Told::default() }) }
    }

    /// What the caller is answered with.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self.kind {
            FailureKind::Condition => StatusCode::CONFLICT,
            FailureKind::Input => StatusCode::UNPROCESSABLE_ENTITY,
            FailureKind::Busy | FailureKind::Outage => StatusCode::SERVICE_UNAVAILABLE,
            FailureKind::Integrity | FailureKind::Fault => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

fn of_code(code: &str, exception: &str) -> FailureKind {
    match code {
        "DSL-2005" | "DSL-7107" => FailureKind::Busy,
        // An item that was changed or moved may show first in its encrypted data keys.
        "DSL-4002" | "DSL-4003" | "DSL-4004" | "DSL-4011" | "DSL-4017" => FailureKind::Integrity,
        // A write of unknown end is nobody's to send again without a look, so no answer may ask for that.
        "DSL-1006" | "DSL-1099" | "DSL-6006" => FailureKind::Fault,
        "DSL-2004" => FailureKind::Input,
        code if code.starts_with("DSL-3") || exception == "ItemVerificationException" => FailureKind::Integrity,
        code if code.starts_with("DSL-6") || exception == "ServiceUnavailable" => FailureKind::Outage,
        code if code.starts_with("DSL-1") => FailureKind::Input,
        _ => FailureKind::Fault,
    }
}

fn of_exception(exception: &str, message: &str, status: Option<u16>) -> FailureKind {
    match exception {
        "ConditionalCheckFailedException" | "DuplicateItemException" => FailureKind::Condition,
        "ValidationException" | "IdempotentParameterMismatchException" => FailureKind::Input,
        "ItemVerificationException" => FailureKind::Integrity,
        "TransactionCanceledException" => of_reasons(message),
        "ProvisionedThroughputExceededException"
        | "ThrottlingException"
        | "Throttling"
        | "RequestLimitExceeded"
        | "TooManyRequestsException"
        | "LimitExceededException"
        | "TransactionConflictException"
        | "TransactionInProgressException"
        | "ReplicatedWriteConflictException" => FailureKind::Busy,
        _ if status.is_some_and(|status| status >= 500) => FailureKind::Outage,
        _ => FailureKind::Fault,
    }
}

/// The worst reason speaks: only when nothing else went wrong did the condition decide.
fn of_reasons(message: &str) -> FailureKind {
    let Some((_, list)) = message.trim_end().strip_suffix(']').and_then(|rest| rest.rsplit_once('[')) else {
        return FailureKind::Fault;
    };
    let kinds = list.split(',').map(str::trim).filter(|reason| *reason != "None").map(|reason| match reason {
        "ConditionalCheckFailed" | "DuplicateItem" => FailureKind::Condition,
        "TransactionConflict" | "ProvisionedThroughputExceeded" | "ThrottlingError" => FailureKind::Busy,
        "ValidationError" => FailureKind::Input,
        _ => FailureKind::Fault,
    });
    let kinds: Vec<_> = kinds.collect();
    let worst = [FailureKind::Fault, FailureKind::Input, FailureKind::Busy, FailureKind::Condition];
    worst.into_iter().find(|kind| kinds.contains(kind)).unwrap_or(FailureKind::Fault)
}

/// Attribute names where DynamoDB and Dynaseal write them; the rest of such a message may quote values.
fn attributes(message: &str, ours: bool) -> Vec<String> {
    let pattern = if ours { &*OUR_ATTRIBUTE } else { &*THEIR_ATTRIBUTE };
    let found = pattern.captures_iter(message).filter_map(|found| found.iter().skip(1).flatten().next());
    distinct(found.map(|name| name.as_str()))
}

fn distinct<'f>(fields: impl Iterator<Item = &'f str>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in fields.take(MAX_FIELDS).map(safe_name) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// A name as a programmer writes one. What a caller made up (a record's key, say) may be a value.
fn safe_name(name: &str) -> String {
    if NAME.is_match(name) && !SIX_DIGITS.is_match(name) { name.to_owned() } else { "*".to_owned() }
}

macro_rules! patterns {
    ($($name:ident = $pattern:literal;)*) => {
        $(static $name: LazyLock<Regex> = LazyLock::new(|| {
            // A constant, and the tests of this file read each.
            Regex::new($pattern).unwrap()
        });)*
    };
}

patterns! {
    CODE = r"^DSL-[0-9]{4}$";
    PLACE = r"^DSL-[0-9]{4}: ([A-Za-z]{1,64})(?: as [A-Za-z]{1,64})?(?: on table ([A-Za-z0-9_.-]{1,255}))?[ :.,]";
    OUR_ATTRIBUTE = r#"attribute "([^"]+)""#;
    THEIR_ATTRIBUTE = r"Missing the key (\S+) in the item|Type mismatch for (?:Index )?[Kk]ey (\S+) [Ee]xpected|empty (?:string|binary) value\. (?:IndexName: [A-Za-z0-9_.-]+, )?(?:IndexKey|Key): (\S+)";
    NAME = r"^[A-Za-z_][A-Za-z0-9_-]{0,63}$";
    SIX_DIGITS = r"[0-9]{6}";
}

const MAX_FIELDS: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(exception: &str, message: &str, status: u16) -> Failure {
        let told = Told { exception: Some(exception), message: Some(message), status: Some(status), request_id: None };
        Failure::new(told)
    }

    #[test]
    fn only_a_failed_condition_is_a_conflict() {
        use FailureKind::*;
        let reasons = "Transaction cancelled, please refer cancellation reasons for specific reasons";
        let cases = [
            ("ConditionalCheckFailedException", "The conditional request failed".to_owned(), 400, Condition),
            ("com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException", String::new(), 400, Condition),
            ("TransactionCanceledException", format!("{reasons} [None, ConditionalCheckFailed]"), 400, Condition),
            (
                "TransactionCanceledException",
                format!("{reasons} [ConditionalCheckFailed, TransactionConflict]"),
                400,
                Busy,
            ),
            ("TransactionCanceledException", format!("{reasons} [ConditionalCheckFailed, Strange]"), 400, Fault),
            ("TransactionCanceledException", reasons.to_owned(), 400, Fault),
            ("ProvisionedThroughputExceededException", String::new(), 400, Busy),
            (
                "ThrottlingException",
                "DSL-2005: UpdateItem on table Users: other writers. Try again.".to_owned(),
                503,
                Busy,
            ),
            ("ServiceUnavailable", "DSL-6001: GetItem: no answer. Try again.".to_owned(), 503, Outage),
            ("InternalServerError", String::new(), 500, Outage),
            ("AccessDeniedException", "User is not authorized".to_owned(), 400, Fault),
            ("AccessDeniedException", "DSL-4001: GetItem on table Users: other keys. X.".to_owned(), 400, Fault),
            ("AccessDeniedException", "DSL-4003: GetItem on table Users: changed. X.".to_owned(), 400, Integrity),
            (
                "ItemVerificationException",
                "DSL-3008: GetItem on table Users (key id): x. X.".to_owned(),
                400,
                Integrity,
            ),
            ("ValidationException", "DSL-2003: Query on table Users: no. X.".to_owned(), 400, Fault),
            ("ResourceNotFoundException", String::new(), 400, Fault),
            ("ValidationException", "One or more parameter values were invalid".to_owned(), 400, Input),
        ];
        for (exception, message, status, kind) in cases {
            assert_eq!(failure(exception, &message, status).kind, kind, "{exception}: {message}");
        }
    }

    #[test]
    fn names_are_told_and_values_are_not() {
        let ours = failure(
            "ValidationException",
            "DSL-1002: PutItem on table Users (key id): attribute \"nick\" has no action, canary. List it.",
            400,
        );
        assert_eq!((ours.kind, ours.fields.as_slice()), (FailureKind::Input, &["nick".to_owned()][..]));
        assert_eq!((ours.operation.as_deref(), ours.table.as_deref()), (Some("PutItem"), Some("Users")));
        assert_eq!(ours.code.as_deref(), Some("DSL-1002"));
        for (place, operation) in [
            ("BatchGetItem on table Users, item 2 (key id)", "BatchGetItem"),
            ("GetRecords on table Users, record 3, NewImage (key id)", "GetRecords"),
            ("ExecuteStatement as GetItem on table Users (key id)", "ExecuteStatement"),
            (
                "BatchExecuteStatement as UpdateItem on table Users, statement 2, while all others were carried out",
                "BatchExecuteStatement",
            ),
        ] {
            let failure = failure("ItemVerificationException", &format!("DSL-3008: {place}: x. Compare canary."), 400);
            let told = (failure.kind, failure.operation.as_deref(), failure.table.as_deref());
            assert_eq!(told, (FailureKind::Integrity, Some(operation), Some("Users")), "{place}");
        }
        let theirs = failure("ValidationException", "Missing the key userId in the item; canary", 400);
        assert_eq!(theirs.fields, ["userId"]);
        let made_up = failure("ValidationException", "DSL-1004: PutItem: attribute \"canary 1234567\". X.", 400);
        assert_eq!(made_up.fields, ["*"]);
        let forged = failure("canary exception!", "x DSL-3008: y", 400);
        assert_eq!((forged.exception.as_str(), forged.kind, forged.code.clone()), ("Error", FailureKind::Fault, None));
        for one in [ours, theirs, made_up, forged] {
            assert!(!format!("{one:?}").contains("canary"), "{one:?}");
        }
    }
}
