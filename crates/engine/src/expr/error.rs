//! What is wrong with an expression, in DynamoDB's words. No fault shows a value, also where one was written instead of a
//! name: `shown.rs` decides.

use std::fmt;

use super::ast::Path;
use super::decimal::NumberFault;
use super::shown::{HIDDEN, function, placeholder};

/// Which member of a request an expression is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `ConditionExpression`.
    Condition,
    /// `FilterExpression`.
    Filter,
    /// `KeyConditionExpression`.
    KeyCondition,
    /// `ProjectionExpression`.
    Projection,
    /// `UpdateExpression`.
    Update,
}

impl Kind {
    /// The member's name.
    #[must_use]
    pub fn member(self) -> &'static str {
        match self {
            Kind::Condition => "ConditionExpression",
            Kind::Filter => "FilterExpression",
            Kind::KeyCondition => "KeyConditionExpression",
            Kind::Projection => "ProjectionExpression",
            Kind::Update => "UpdateExpression",
        }
    }
}

/// An expression that DynamoDB answers with a `ValidationException`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The expression, where DynamoDB names it.
    pub expression: Option<Kind>,
    /// What is wrong.
    pub fault: Fault,
}

impl Error {
    pub(crate) fn of(expression: Kind, fault: Fault) -> Self {
        Self { expression: Some(expression), fault }
    }

    /// DynamoDB's text, for the answer to the caller who wrote the expression. It repeats words of the expression where
    /// they cannot be values.
    #[must_use]
    pub fn message(&self) -> String {
        let text = self.fault.text();
        match self.expression {
            Some(kind) => format!("Invalid {}: {text}", kind.member()),
            None => text,
        }
    }

    /// Whether it takes the keys of the table or of an index to see it.
    #[must_use]
    pub fn needs_keys(&self) -> bool {
        matches!(
            self.fault,
            Fault::TooManyKeyConditions { .. }
                | Fault::KeyConditionMissing(_)
                | Fault::KeyNotScalar(_)
                | Fault::FilterOnKey { .. }
                | Fault::KeyUpdate(_)
                | Fault::NotOfKey { .. }
        )
    }

    /// Whether the request alone shows it. PutItem, UpdateItem and DeleteItem answer such faults with
    /// `1 validation error detected: ` in front; what only the stored item shows stands bare.
    #[must_use]
    pub fn in_request(&self) -> bool {
        !matches!(
            self.fault,
            Fault::InvalidPath
                | Fault::MissingOperand
                | Fault::OperandType
                | Fault::TypeMismatch
                | Fault::Nesting
                | Fault::Number(_)
                | Fault::KeyUpdate(_)
                | Fault::AttributeUpdate(_)
                | Fault::KeyNotScalar(_)
                | Fault::FilterOnKey { .. }
                | Fault::TooManyKeyConditions { .. }
                | Fault::KeyConditionMissing(_)
                | Fault::KeyConditionUnsupported
                | Fault::Request(_)
                | Fault::TableName(_)
                | Fault::NotOfKey { .. }
        )
    }
}

/// For logs: what is wrong and where, without the words of the expression, which a caller may have filled with values.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match &self.fault {
            Fault::Syntax { position, .. } => format!("syntax error at byte {position}"),
            Fault::TableName(_) => "TableName is not a name that a table can have".to_owned(),
            fault => fault.text(),
        };
        match self.expression {
            Some(kind) => write!(f, "{}: {text}", kind.member()),
            None => f.write_str(&text),
        }
    }
}

impl std::error::Error for Error {}

/// Words of an expression that could not be read. A caller may have written a value there, so they are not printed by
/// accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Quote(pub(crate) String);

impl fmt::Debug for Quote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(redacted)")
    }
}

/// What can be wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant's text says what it is")]
pub enum Fault {
    Empty,
    TooLong,
    Syntax {
        token: Quote,
        near: Quote,
        position: usize,
    },
    RedundantParentheses,
    /// The word, unless it stands where a value could.
    Reserved(Option<String>),
    IndexRange,
    UnknownFunction(String),
    /// A function of update expressions in a condition.
    NotInCondition(String),
    /// A function of conditions in an update expression.
    NotInUpdate(String),
    FunctionPlace(String),
    TooManyOperators,
    RepeatedSection(&'static str),
    UndefinedName(String),
    UndefinedValue(String),
    UnusedNames(Vec<String>),
    UnusedValues(Vec<String>),
    PathDepth(usize),
    OperandCount {
        operator: String,
        count: usize,
    },
    NeedsPath(String),
    SameOperand {
        operator: String,
        first: Path,
    },
    OperandKind {
        operator: String,
        kind: &'static str,
    },
    /// The same for ADD and DELETE, which DynamoDB words differently.
    ClauseOperand {
        clause: &'static str,
        kind: &'static str,
    },
    AttributeTypeName,
    BoundTypes {
        lower: &'static str,
        upper: &'static str,
    },
    BoundOrder {
        kind: &'static str,
    },
    TooManyInOperands(usize),
    Overlap {
        one: Path,
        two: Path,
    },
    Conflict {
        one: Path,
        two: Path,
    },
    NestedKeyCondition,
    RepeatedKeyCondition,
    KeyOperator(String),
    KeyNestedOperation,
    TooManyKeyConditions {
        given: usize,
        defined: usize,
    },
    KeyConditionMissing(String),
    KeyConditionUnsupported,
    KeyNotScalar(String),
    FilterOnKey {
        /// What DynamoDB calls the filter.
        filter: &'static str,
        key: String,
    },
    KeyUpdate(String),
    InvalidPath,
    MissingOperand,
    OperandType,
    /// The legacy parameters' wording of [`Fault::OperandType`].
    TypeMismatch,
    Nesting,
    Number(NumberFault),
    /// A fault of a legacy parameter or of the names and values maps, whose text names at most an attribute.
    Parameter(String),
    /// The same of `AttributeUpdates`, of which DynamoDB answers as of what the item shows.
    AttributeUpdate(String),
    /// A fault of the request as such, worded whole; the text names members alone.
    Request(String),
    /// A name that no table can have, worded whole.
    TableName(Quote),
    /// Attributes in a key, or in the place where a page begins, that do not belong there.
    NotOfKey {
        start: bool,
        names: Vec<String>,
    },
}

impl Fault {
    fn text(&self) -> String {
        const TYPE: &str = "Incorrect operand type for operator or function";
        const PATHS: &str = "must remove or rewrite one of these paths";
        match self {
            Fault::Empty => "The expression can not be empty;".into(),
            Fault::TooLong => "Expression size has exceeded the maximum allowed size;".into(),
            Fault::Syntax { token: Quote(token), near: Quote(near), position } => {
                // Ours: whoever wrote the expression finds the place without the words.
                let place = if token == HIDDEN { format!(", position: {position}") } else { String::new() };
                format!("Syntax error; token: \"{token}\", near: \"{near}\"{place}")
            }
            Fault::RedundantParentheses => "The expression has redundant parentheses;".into(),
            Fault::Reserved(word) => {
                format!("Attribute name is a reserved keyword; reserved keyword: {}", word.as_deref().unwrap_or(HIDDEN))
            }
            Fault::IndexRange => format!("List index is not within the allowable range; index: [{HIDDEN}]"),
            Fault::UnknownFunction(name) => format!("Invalid function name; function: {}", function(name)),
            Fault::NotInCondition(name) => {
                format!("The function is not allowed in a condition expression; function: {name}")
            }
            Fault::NotInUpdate(name) => {
                format!("The function is not allowed in an update expression; function: {name}")
            }
            Fault::FunctionPlace(name) => {
                format!("The function is not allowed to be used this way in an expression; function: {name}")
            }
            Fault::TooManyOperators => "The expression contains too many operators; operator count: 301".into(),
            Fault::RepeatedSection(section) => {
                format!("The \"{section}\" section can only be used once in an update expression;")
            }
            Fault::UndefinedName(name) => format!(
                "An expression attribute name used in the document path is not defined; attribute name: {}",
                placeholder(name)
            ),
            Fault::UndefinedValue(name) => format!(
                "An expression attribute value used in expression is not defined; attribute value: {}",
                placeholder(name)
            ),
            Fault::UnusedNames(keys) => unused("ExpressionAttributeNames", keys),
            Fault::UnusedValues(keys) => unused("ExpressionAttributeValues", keys),
            Fault::PathDepth(depth) => {
                format!("The document path has too many nesting levels; nesting levels: {depth}")
            }
            Fault::OperandCount { operator, count } => format!(
                "Incorrect number of operands for operator or function; operator or function: {operator}, \
                 number of operands: {count}"
            ),
            Fault::NeedsPath(operator) => {
                format!("Operator or function requires a document path; operator or function: {operator}")
            }
            Fault::SameOperand { operator, first } => format!(
                "The first operand must be distinct from the remaining operands for this operator or function; \
                 operator: {operator}, first operand: {first}"
            ),
            Fault::OperandKind { operator, kind } => {
                format!("{TYPE}; operator or function: {operator}, operand type: {kind}")
            }
            Fault::ClauseOperand { clause, kind } => {
                format!("{TYPE}; operator: {clause}, operand type: {kind}, typeSet: ALLOWED_FOR_ADD_OPERAND")
            }
            Fault::AttributeTypeName => {
                "Invalid attribute type name found; type: (redacted), valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}"
                    .into()
            }
            Fault::BoundTypes { lower, upper } => format!(
                "The BETWEEN operator requires same data type for lower and upper bounds; {}",
                bounds(lower, upper)
            ),
            Fault::BoundOrder { kind } => format!(
                "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; {}",
                bounds(kind, kind)
            ),
            Fault::TooManyInOperands(count) => {
                format!("The IN operator is provided with too many operands; number of operands: {count}")
            }
            Fault::Overlap { one, two } => {
                format!("Two document paths overlap with each other; {PATHS}; path one: {one}, path two: {two}")
            }
            Fault::Conflict { one, two } => {
                format!("Two document paths conflict with each other; {PATHS}; path one: {one}, path two: {two}")
            }
            Fault::NestedKeyCondition => "KeyConditionExpressions cannot have conditions on nested attributes".into(),
            Fault::RepeatedKeyCondition => "KeyConditionExpressions must only contain one condition per key".into(),
            Fault::KeyOperator(operator) => {
                format!("Invalid operator used in KeyConditionExpression: {operator}")
            }
            Fault::KeyNestedOperation => "KeyConditionExpressions cannot contain nested operations".into(),
            Fault::TooManyKeyConditions { given, defined } => format!(
                "The number of query conditions ({given}) exceeds the number of key attributes defined in the \
                 schema ({defined})"
            ),
            Fault::KeyConditionMissing(name) => format!("Query condition missed key schema element: {name}"),
            Fault::KeyConditionUnsupported => "Query key condition not supported".into(),
            Fault::KeyNotScalar(name) => format!(
                "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: \
                 Key: {name}"
            ),
            Fault::FilterOnKey { filter, key } => {
                format!("{filter} can only contain non-primary key attributes: Primary key attribute: {key}")
            }
            Fault::KeyUpdate(name) => format!(
                "One or more parameter values were invalid: Cannot update attribute {name}. This attribute is part \
                 of the key"
            ),
            Fault::InvalidPath => "The document path provided in the update expression is invalid for update".into(),
            Fault::MissingOperand => {
                "The provided expression refers to an attribute that does not exist in the item".into()
            }
            Fault::OperandType => "An operand in the update expression has an incorrect data type".into(),
            Fault::TypeMismatch => "Type mismatch for attribute to update".into(),
            Fault::Nesting => "Nesting Levels have exceeded supported limits".into(),
            Fault::Number(fault) => fault.text().into(),
            Fault::Parameter(text) | Fault::AttributeUpdate(text) | Fault::Request(text) => text.clone(),
            Fault::TableName(text) => text.0.clone(),
            Fault::NotOfKey { start, names } => {
                let what = if *start { "starting key is invalid" } else { "key element does not match the schema" };
                format!("The provided {what}: it has {}", names.join(", "))
            }
        }
    }
}

fn unused(map: &str, keys: &[String]) -> String {
    let keys: Vec<_> = keys.iter().take(MOST_KEYS).map(|key| placeholder(key)).collect();
    format!("Value provided in {map} unused in expressions: keys: {{{}}}", keys.join(", "))
}

/// DynamoDB repeats the bounds themselves; only their types are repeated here.
fn bounds(lower: &str, upper: &str) -> String {
    format!(
        "lower bound operand: AttributeValue: {{{lower}:(redacted)}}, upper bound operand: AttributeValue: \
         {{{upper}:(redacted)}}"
    )
}

/// How many of the placeholders that nothing uses are named.
const MOST_KEYS: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_get_no_word_of_the_expression() {
        let fault = Fault::Syntax { token: Quote("\"".into()), near: Quote("= \"secret".into()), position: 4 };
        let error = Error::of(Kind::Filter, fault);
        assert_eq!(error.message(), "Invalid FilterExpression: Syntax error; token: \"\"\", near: \"= \"secret\"");
        assert_eq!(error.to_string(), "FilterExpression: syntax error at byte 4");
        assert!(error.in_request() && !format!("{error:?}").contains("secret"));
    }

    #[test]
    fn what_the_item_shows_stands_bare() {
        let error = Error { expression: None, fault: Fault::InvalidPath };
        assert!(!error.in_request() && !error.message().starts_with("Invalid "));
    }
}
