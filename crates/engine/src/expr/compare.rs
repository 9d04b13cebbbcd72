//! When values are equal and how they are ordered. Types never compare across.

use std::cmp::Ordering;

use dynaseal_item::Value;

use super::decimal::{Decimal, NumberFault};

/// Whether two values are the same: numbers by value, sets in any order, maps and lists all the way down.
pub(crate) fn equal(left: &Value<'_>, right: &Value<'_>) -> Result<bool, NumberFault> {
    Ok(match (left, right) {
        (Value::N(left), Value::N(right)) => Decimal::parse(left)? == Decimal::parse(right)?,
        (Value::Ns(left), Value::Ns(right)) => numbers(left)? == numbers(right)?,
        (Value::Ss(left), Value::Ss(right)) => sorted(left) == sorted(right),
        (Value::Bs(left), Value::Bs(right)) => sorted(left) == sorted(right),
        (Value::L(left), Value::L(right)) => {
            left.len() == right.len() && all(left.iter().zip(right).map(|(left, right)| equal(left, right)))?
        }
        (Value::M(left), Value::M(right)) => {
            let same = |(key, left): &(_, Value<'_>)| {
                right.iter().find(|(other, _)| other == key).map_or(Ok(false), |(_, right)| equal(left, right))
            };
            left.len() == right.len() && all(left.iter().map(same))?
        }
        // Of the other types, equal values are written alike.
        (left, right) => left == right,
    })
}

/// The order of two strings, numbers or binaries; other values have none.
pub(crate) fn order(left: &Value<'_>, right: &Value<'_>) -> Result<Option<Ordering>, NumberFault> {
    Ok(match (left, right) {
        // UTF-8 sorts by its bytes as Rust's strings do.
        (Value::S(left), Value::S(right)) => Some(left.cmp(right)),
        (Value::B(left), Value::B(right)) => Some(left.cmp(right)),
        (Value::N(left), Value::N(right)) => Some(Decimal::parse(left)?.cmp(&Decimal::parse(right)?)),
        _ => None,
    })
}

/// `contains(whole, part)`.
pub(super) fn contains(whole: &Value<'_>, part: &Value<'_>) -> Result<bool, NumberFault> {
    match (whole, part) {
        (Value::S(whole), Value::S(part)) => Ok(whole.contains(part.as_ref())),
        (Value::B(whole), Value::B(part)) => {
            Ok(part.is_empty() || whole.windows(part.len()).any(|window| window == part.as_ref()))
        }
        (Value::Ss(all), Value::S(one)) => Ok(all.contains(one)),
        (Value::Bs(all), Value::B(one)) => Ok(all.contains(one)),
        (Value::Ns(all), Value::N(one)) => Ok(numbers(all)?.contains(&Decimal::parse(one)?)),
        (Value::L(all), one) => {
            for value in all {
                if equal(value, one)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        _ => Ok(false),
    }
}

/// The numbers of a set, in order.
pub(super) fn numbers<T: AsRef<str>>(texts: &[T]) -> Result<Vec<Decimal>, NumberFault> {
    let mut numbers = texts.iter().map(|text| Decimal::parse(text.as_ref())).collect::<Result<Vec<_>, _>>()?;
    numbers.sort_unstable();
    Ok(numbers)
}

fn sorted<T: Ord>(all: &[T]) -> Vec<&T> {
    let mut all: Vec<_> = all.iter().collect();
    all.sort_unstable();
    all
}

fn all(mut results: impl Iterator<Item = Result<bool, NumberFault>>) -> Result<bool, NumberFault> {
    results.find(|result| *result != Ok(true)).unwrap_or(Ok(true))
}

#[cfg(test)]
mod tests {
    use super::*;
    use dynaseal_item::json::read_value;

    fn is_equal(left: &str, right: &str) -> bool {
        equal(&read_value(left).unwrap(), &read_value(right).unwrap()).unwrap()
    }

    #[test]
    fn equality_is_by_value() {
        for (left, right) in [
            (r#"{"N":"1.0"}"#, r#"{"N":"1"}"#),
            (r#"{"NS":["1","2"]}"#, r#"{"NS":["2.0","1e0"]}"#),
            (r#"{"SS":["a","b"]}"#, r#"{"SS":["b","a"]}"#),
            (r#"{"M":{"a":{"N":"1"},"b":{"L":[{"N":"2"}]}}}"#, r#"{"M":{"b":{"L":[{"N":"2.0"}]},"a":{"N":"1.0"}}}"#),
            (r#"{"NULL":true}"#, r#"{"NULL":true}"#),
        ] {
            assert!(is_equal(left, right), "{left} {right}");
        }
        for (left, right) in [
            (r#"{"S":"1"}"#, r#"{"N":"1"}"#),
            (r#"{"L":[{"N":"1"}]}"#, r#"{"NS":["1"]}"#),
            (r#"{"SS":["a"]}"#, r#"{"SS":["a","b"]}"#),
            (r#"{"L":[{"N":"1"},{"N":"2"}]}"#, r#"{"L":[{"N":"2"},{"N":"1"}]}"#),
            (r#"{"M":{"a":{"N":"1"}}}"#, r#"{"M":{"b":{"N":"1"}}}"#),
        ] {
            assert!(!is_equal(left, right), "{left} {right}");
        }
    }

    #[test]
    fn order_is_by_bytes_and_by_value() {
        let order = |left: &str, right: &str| order(&read_value(left).unwrap(), &read_value(right).unwrap()).unwrap();
        assert_eq!(order(r#"{"N":"9"}"#, r#"{"N":"10"}"#), Some(Ordering::Less));
        assert_eq!(order(r#"{"S":"z"}"#, r#"{"S":"é"}"#), Some(Ordering::Less));
        assert_eq!(order(r#"{"B":"gA=="}"#, r#"{"B":"fw=="}"#), Some(Ordering::Greater));
        assert_eq!(order(r#"{"S":"1"}"#, r#"{"N":"1"}"#), None);
        assert_eq!(order(r#"{"BOOL":true}"#, r#"{"BOOL":true}"#), None);
    }

    #[test]
    fn a_number_that_is_none_is_an_error() {
        let (number, text) = (read_value(r#"{"N":"1"}"#).unwrap(), Value::N("x".into()));
        assert_eq!(
            (equal(&number, &text), order(&number, &text)),
            (Err(NumberFault::Syntax), Err(NumberFault::Syntax))
        );
    }
}
