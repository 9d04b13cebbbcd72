//! Requests that dynoxide's types cannot read, refused in DynamoDB's words and without any text of the request.
//!
//! dynoxide marks what it has worded itself with a prefix; the rest is serde's text, which quotes the value it met.

use dynoxide::DynoxideError;
use serde_json::error::Category;

/// The refusal for a body that could not be read.
pub(super) fn refusal(error: &serde_json::Error) -> DynoxideError {
    let text = error.to_string();
    if text.starts_with("recursion limit exceeded") {
        return DynoxideError::ValidationException("Nesting Levels have exceeded supported limits".to_owned());
    }
    match error.classify() {
        Category::Data => worded(&text).unwrap_or_else(|| unworded(without_position(&text))),
        // As DynamoDB: no message for what is not JSON.
        Category::Io | Category::Syntax | Category::Eof => DynoxideError::SerializationException(String::new()),
    }
}

/// A refusal that dynoxide worded itself.
fn worded(text: &str) -> Option<DynoxideError> {
    type Variant = fn(String) -> DynoxideError;
    // The first two keep the position: DynamoDB's own message has one there.
    let kept: [(&str, Variant); 2] = [
        ("SERIALIZATION_AS_READ:", DynoxideError::SerializationException),
        ("VALIDATION_AS_READ:", DynoxideError::ValidationException),
    ];
    let cut: [(&str, Variant); 3] = [
        ("SERIALIZATION:", DynoxideError::SerializationException),
        ("VALIDATION_REQUEST:", DynoxideError::EnvelopedValidation),
        ("VALIDATION:", DynoxideError::ValidationException),
    ];
    let find = |markers: &[(&str, Variant)]| {
        markers.iter().find_map(|(marker, variant)| Some((text.strip_prefix(marker)?.to_owned(), *variant)))
    };
    find(&kept)
        .map(|(message, variant)| variant(message))
        .or_else(|| find(&cut).map(|(message, variant)| variant(without_position(&message).to_owned())))
}

/// A refusal in serde's words: its kind is kept, what it quotes is not.
fn unworded(text: &str) -> DynoxideError {
    if text.contains("empty AttributeValue") {
        return DynoxideError::ValidationException(
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes".to_owned(),
        );
    }
    if text.starts_with("Supplied AttributeValue") {
        return DynoxideError::ValidationException(text.to_owned());
    }
    // A field's name in backquotes comes from dynoxide's type.
    if let Some(field) = text.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
        let message = format!("The parameter '{field}' is required but was not present in the request");
        return DynoxideError::ValidationException(message);
    }
    // The last `expected` is serde's; one before it may be part of the quoted value.
    let expected = text.rsplit_once(", expected ").map(|(_, expected)| expected);
    if text.starts_with("unknown variant") {
        let allowed = expected.unwrap_or("another value");
        return DynoxideError::ValidationException(format!("A parameter has none of its allowed values: {allowed}"));
    }
    let Some((met, expected)) = text.strip_prefix("invalid type: ").zip(expected) else {
        return DynoxideError::SerializationException("Unexpected field type".to_owned());
    };
    if met.starts_with("null") {
        return DynoxideError::ValidationException("A parameter that must have a value is null".to_owned());
    }
    DynoxideError::SerializationException(mismatch(met, expected))
}

/// A value of one JSON type where another belongs.
fn mismatch(met: &str, expected: &str) -> String {
    let token = match met.split([' ', ',']).next() {
        Some("string") => "STRING_VALUE",
        Some("integer") => "NUMBER_VALUE",
        Some("floating") => "DECIMAL_VALUE",
        Some("boolean") if met.starts_with("boolean `true`") => "TRUE_VALUE",
        Some("boolean") => "FALSE_VALUE",
        Some("map") => return "Start of structure or map found where not expected.".to_owned(),
        Some("sequence") => return "Start of list found where not expected".to_owned(),
        _ => return "Unexpected field type".to_owned(),
    };
    let class = match expected {
        "a string" => "String",
        "a boolean" => "Boolean",
        "i32" | "u32" => "Integer",
        "i64" | "u64" | "usize" => "Long",
        _ => return "Unexpected field type".to_owned(),
    };
    format!("{token} cannot be converted to {class}")
}

/// Cuts serde_json's position off.
fn without_position(text: &str) -> &str {
    match text.rsplit_once(" at line ") {
        Some((message, position)) if position.contains(" column ") => message,
        _ => text,
    }
}
