//! Conditions over an item in plaintext.

use std::borrow::Cow;
use std::cmp::Ordering;

use dynaseal_item::{Item, Value};

use super::ast::{Comparator, Condition, Operand};
use super::compare::{contains, equal, order};
use super::decimal::NumberFault;
use super::error::{Error, Fault};

/// Whether a condition holds for an item; where there is no item, ask with an empty one.
///
/// # Errors
/// A number, in the item or the request, that is none.
pub fn holds(condition: &Condition<&Value<'_>>, item: &Item<'_>) -> Result<bool, Error> {
    evaluate(condition, item).map_err(|fault| Error { expression: None, fault: Fault::Number(fault) })
}

fn evaluate(condition: &Condition<&Value<'_>>, item: &Item<'_>) -> Result<bool, NumberFault> {
    let of = |operand| value(operand, item);
    match condition {
        Condition::And(left, right) => Ok(evaluate(left, item)? && evaluate(right, item)?),
        Condition::Or(left, right) => Ok(evaluate(left, item)? || evaluate(right, item)?),
        Condition::Not(inner) => Ok(!evaluate(inner, item)?),
        Condition::Exists(path) => Ok(path.get(item).is_some()),
        Condition::NotExists(path) => Ok(path.get(item).is_none()),
        Condition::Type(one, name) => {
            Ok(of(one).is_some_and(|one| matches!(name, Value::S(name) if name == one.type_name())))
        }
        Condition::Compare(left, comparator, right) => match (of(left), of(right)) {
            (Some(left), Some(right)) => compare(&left, *comparator, &right),
            // What is missing equals nothing and has no order.
            _ => Ok(*comparator == Comparator::NotEqual),
        },
        Condition::Between(one, low, high) => match (of(one), of(low), of(high)) {
            (Some(one), Some(low), Some(high)) => {
                Ok(compare(&low, Comparator::LessOrEqual, &one)? && compare(&one, Comparator::LessOrEqual, &high)?)
            }
            _ => Ok(false),
        },
        Condition::In(one, all) => {
            let Some(one) = of(one) else { return Ok(false) };
            for each in all {
                if let Some(each) = of(each)
                    && equal(&one, &each)?
                {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Condition::BeginsWith(whole, part) => Ok(match (of(whole).as_deref(), of(part).as_deref()) {
            (Some(Value::S(whole)), Some(Value::S(part))) => whole.starts_with(part.as_ref()),
            (Some(Value::B(whole)), Some(Value::B(part))) => whole.starts_with(part),
            _ => false,
        }),
        Condition::Contains(whole, part) => match (of(whole), of(part)) {
            (Some(whole), Some(part)) => contains(&whole, &part),
            _ => Ok(false),
        },
    }
}

fn compare(left: &Value<'_>, comparator: Comparator, right: &Value<'_>) -> Result<bool, NumberFault> {
    Ok(match comparator {
        Comparator::Equal => equal(left, right)?,
        Comparator::NotEqual => !equal(left, right)?,
        Comparator::Less => order(left, right)? == Some(Ordering::Less),
        Comparator::LessOrEqual => order(left, right)?.is_some_and(Ordering::is_le),
        Comparator::Greater => order(left, right)? == Some(Ordering::Greater),
        Comparator::GreaterOrEqual => order(left, right)?.is_some_and(Ordering::is_ge),
    })
}

fn value<'x>(operand: &Operand<&'x Value<'x>>, item: &'x Item<'_>) -> Option<Cow<'x, Value<'x>>> {
    match operand {
        Operand::Path(path) => path.get(item).map(|value| Cow::Borrowed(value as &Value<'x>)),
        Operand::Value(value) => Some(Cow::Borrowed(*value)),
        Operand::Size(inner) => {
            let size = size(value(inner, item)?.as_ref())?;
            Some(Cow::Owned(Value::N(size.to_string().into())))
        }
    }
}

/// `size`: what has no size counts as missing. Strings count UTF-16 code units, as DynamoDB was seen to do; its
/// documentation says only "the length of the string".
fn size(value: &Value<'_>) -> Option<usize> {
    match value {
        Value::S(text) => Some(if text.is_ascii() { text.len() } else { text.encode_utf16().count() }),
        Value::B(bytes) => Some(bytes.len()),
        Value::Ss(all) | Value::Ns(all) => Some(all.len()),
        Value::Bs(all) => Some(all.len()),
        Value::L(all) => Some(all.len()),
        Value::M(all) => Some(all.len()),
        Value::N(_) | Value::Bool(_) | Value::Null => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::condition::parse;
    use super::super::error::Kind;
    use super::super::names::{Names, Scope, Values};
    use super::*;
    use dynaseal_item::json::read_item;

    fn ask(text: &str) -> bool {
        let item = read_item(
            r#"{"n":{"N":"10"},"m":{"M":{"k":{"N":"1.0"}}},"l":{"L":[{"N":"1"},{"S":"x"}]},"s":{"S":"a\ud83d\ude00é"},"t":{"BOOL":true},"ns":{"NS":["1.0","2"]}}"#,
        )
        .unwrap();
        let values = read_item(
            r#"{":9":{"N":"9"},":one":{"N":"1"},":a":{"S":"a"},":N":{"S":"N"},":4":{"N":"4"},":10":{"N":"10"}}"#,
        )
        .unwrap();
        let values: Values<'_> = values.iter().map(|(name, value)| (name.to_owned().into(), value.clone())).collect();
        let names = Names::new();
        holds(&parse(text, Kind::Condition, &mut Scope::new(&names, &values)).unwrap(), &item).unwrap()
    }

    #[test]
    fn what_holds() {
        for text in [
            "n > :9",
            "m.k = :one",
            "l[0] = m.k",
            "size(s) = :4",
            "contains(ns, :one)",
            "contains(l, :one)",
            "begins_with(s, :a)",
            "attribute_type(n, :N)",
            "m.k IN (:a, l[0])",
            "n BETWEEN :9 AND n.x OR n BETWEEN :9 AND :10",
        ] {
            assert!(ask(text), "{text}");
        }
    }

    #[test]
    fn what_is_missing_equals_nothing() {
        for text in ["gone = :a", "gone < :9", "gone BETWEEN :one AND :9", "size(t) > :one", "l[9] = :a"] {
            assert!(!ask(text) && ask(&format!("NOT {text}")), "{text}");
        }
        assert!(ask("gone <> :a") && ask("gone <> lost") && ask("attribute_not_exists(m.k.x)"));
    }

    #[test]
    fn types_never_compare_across() {
        assert!(!ask("s = :one") && ask("s <> :one") && !ask("s > :one") && !ask("s < :one") && !ask("n IN (:a)"));
    }

    #[test]
    fn and_binds_tighter_than_or_and_not_tightest() {
        assert!(ask("n > :9 OR n < :9 AND n < :9"));
        assert!(!ask("NOT n > :9 AND n > :9"));
        assert!(ask("NOT (n < :9 AND n > :9)"));
    }
}
