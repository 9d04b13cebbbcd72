//! The one way an error becomes JavaScript: plain data, from which `ts/errors.ts` makes a `DynasealError`.

use dynaseal_engine::{ConfigErrors, Error};
use dynaseal_item::Kind;
use napi_derive::napi;

/// Why something failed. Texts name tables, operations and attributes, never values.
#[napi(object, object_from_js = false, use_nullable = true)]
#[derive(Debug)]
pub struct Failure {
    /// The stable code, listed in `docs/ERRORS.md`.
    pub code: String,
    /// Whose fault it is: `caller`, `config`, `data`, `keys`, `outage` or `internal`.
    pub kind: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: String,
    /// Whether the same call may succeed later.
    pub retryable: bool,
    /// Everything that is wrong with a configuration.
    pub faults: Option<Vec<Fault>>,
}

/// One fault of a configuration.
#[napi(object, object_from_js = false)]
#[derive(Debug)]
pub struct Fault {
    /// The file; absent if the configuration is an object.
    pub file: Option<String>,
    /// Line, from 1.
    pub line: Option<u32>,
    /// Column in characters, from 1.
    pub column: Option<u32>,
    /// The stable code.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: String,
}

impl Failure {
    /// A failed call.
    pub(crate) fn call(error: &Error) -> Self {
        let failure = Self::new(error.code(), error.kind(), error.to_string(), error.hint());
        Self { retryable: error.is_retryable(), ..failure }
    }

    /// A configuration with faults. `placed` says whether its lines are the user's own.
    pub(crate) fn config(errors: ConfigErrors, placed: bool) -> Self {
        let more = errors.more();
        let faults: Vec<_> = errors.into_faults().into_iter().map(|fault| Fault::new(fault, placed)).collect();
        let code = faults.first().map_or("DSL-5000", |fault| fault.code);
        let mut lines: Vec<_> = faults.iter().map(Fault::line).collect();
        if more > 0 {
            lines.push(format!("and {more} more"));
        }
        let hint = "correct the configuration; each line says what to do";
        Self { faults: Some(faults), ..Self::new(code, Kind::Config, lines.join("\n"), hint) }
    }

    /// A fault of this program.
    pub(crate) fn internal(message: &str) -> Self {
        Self::new("DSL-9099", Kind::Internal, message.to_owned(), "report it; other calls are not affected")
    }

    pub(crate) fn new(code: &str, kind: Kind, message: String, hint: &str) -> Self {
        let retryable = kind == Kind::Outage;
        Self { code: code.to_owned(), kind: word(kind), message, hint: hint.to_owned(), retryable, faults: None }
    }
}

impl Fault {
    pub(crate) fn new(fault: dynaseal_engine::Fault, placed: bool) -> Self {
        let dynaseal_engine::Fault { file, line, column, code, message, hint, .. } = fault;
        let place = |number: usize| u32::try_from(number).ok().filter(|_| placed);
        Self { file: placed.then_some(file), line: place(line), column: place(column), code, message, hint }
    }

    fn line(&self) -> String {
        let Self { file, line, column, code, message, hint } = self;
        let place = match (file, line, column) {
            (Some(file), Some(line), Some(column)) => format!("{file}:{line}:{column}: "),
            _ => String::new(),
        };
        format!("{place}{code}: {message}; {hint}")
    }
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Caller => "caller",
        Kind::Config => "config",
        Kind::Data => "data",
        Kind::Keys => "keys",
        Kind::Outage => "outage",
        // `Kind` may grow; what we do not know is our own fault.
        _ => "internal",
    }
}
