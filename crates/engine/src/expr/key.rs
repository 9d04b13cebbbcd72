//! Key conditions, which are conditions with rules of their own, and the rules of key attributes in other expressions.

use super::ast::{Comparator, Condition, Operand, Path};
use super::condition::read;
use super::error::{Error, Fault, Kind};
use super::names::Resolve;

/// A key condition: one clause for each attribute, in the order in which they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyCondition<V> {
    /// Attributes with their conditions.
    pub clauses: Vec<(String, Clause<V>)>,
}

/// What a key condition asks of one attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clause<V> {
    /// A comparison, the attribute on the left.
    Compare(Comparator, V),
    /// `BETWEEN`.
    Between(V, V),
    /// `begins_with`.
    BeginsWith(V),
}

impl<V: Copy> KeyCondition<V> {
    /// Reads a key condition.
    ///
    /// # Errors
    /// What DynamoDB finds wrong with it whatever the keys are.
    pub fn parse<R: Resolve<Value = V>>(text: &str, resolver: &mut R) -> Result<Self, Error> {
        let condition = read(text, resolver).and_then(|condition| Self::of(&condition));
        condition.map_err(|fault| Error::of(Kind::KeyCondition, fault))
    }

    /// Checks the clauses against a key.
    ///
    /// # Errors
    /// What DynamoDB answers for clauses that do not fit the key.
    pub fn check_keys(&self, partition: &str, sort: Option<&str>) -> Result<(), Error> {
        let fault = |fault| Err(Error { expression: None, fault });
        let defined = if sort.is_some() { 2 } else { 1 };
        if self.clauses.len() > defined {
            return fault(Fault::TooManyKeyConditions { given: self.clauses.len(), defined });
        }
        match self.clauses.iter().find(|(name, _)| name == partition) {
            None => return fault(Fault::KeyConditionMissing(partition.to_owned())),
            Some((_, Clause::Compare(Comparator::Equal, _))) => {}
            Some(_) => return fault(Fault::KeyConditionUnsupported),
        }
        match self.clauses.iter().find(|(name, _)| name != partition && Some(name.as_str()) != sort) {
            Some(_) => fault(Fault::KeyConditionMissing(sort.unwrap_or_default().to_owned())),
            None => Ok(()),
        }
    }

    /// A condition taken for a key condition.
    ///
    /// # Errors
    /// DynamoDB's reason why it is none.
    pub fn of(condition: &Condition<V>) -> Result<Self, Fault> {
        let mut clauses = Vec::new();
        collect(condition, &mut clauses)?;
        let repeated = |(at, (name, _)): (usize, &(String, _))| clauses.iter().take(at).any(|(other, _)| other == name);
        if clauses.iter().enumerate().any(repeated) {
            return Err(Fault::RepeatedKeyCondition);
        }
        Ok(Self { clauses })
    }
}

/// Refuses expressions that look inside a key attribute, which is always a scalar.
///
/// # Errors
/// Names the attribute.
pub fn check_scalar_keys<'p>(paths: impl IntoIterator<Item = &'p Path>, keys: &[&str]) -> Result<(), Error> {
    match paths.into_iter().find(|path| path.is_nested() && keys.contains(&path.root.as_str())) {
        Some(path) => Err(Error { expression: None, fault: Fault::KeyNotScalar(path.root.clone()) }),
        None => Ok(()),
    }
}

/// Refuses a Query's filter on its key attributes.
///
/// # Errors
/// Names the attribute.
pub fn check_filter<V>(condition: &Condition<V>, filter: &'static str, keys: &[&str]) -> Result<(), Error> {
    let touches = super::touch::of_condition(condition);
    match touches.iter().find(|touch| keys.contains(&touch.attribute)) {
        Some(touch) => {
            let fault = Fault::FilterOnKey { filter, key: touch.attribute.to_owned() };
            Err(Error { expression: None, fault })
        }
        None => Ok(()),
    }
}

fn collect<V: Copy>(condition: &Condition<V>, clauses: &mut Vec<(String, Clause<V>)>) -> Result<(), Fault> {
    let operator = |operator: &str| Err(Fault::KeyOperator(operator.to_owned()));
    let (path, clause) = match condition {
        Condition::And(left, right) => {
            collect(left, clauses)?;
            return collect(right, clauses);
        }
        Condition::Or(..) => return operator("OR"),
        Condition::Not(_) => return operator("NOT"),
        Condition::In(..) => return operator("IN"),
        Condition::Exists(_) => return operator("attribute_exists"),
        Condition::NotExists(_) => return operator("attribute_not_exists"),
        Condition::Type(..) => return operator("attribute_type"),
        Condition::Contains(..) => return operator("contains"),
        Condition::Compare(_, Comparator::NotEqual, _) => return operator("<>"),
        Condition::Compare(Operand::Path(path), comparator, Operand::Value(value)) => {
            (path, Clause::Compare(*comparator, *value))
        }
        Condition::Compare(Operand::Value(value), comparator, Operand::Path(path)) => {
            (path, Clause::Compare(comparator.mirrored(), *value))
        }
        Condition::Between(Operand::Path(path), Operand::Value(low), Operand::Value(high)) => {
            (path, Clause::Between(*low, *high))
        }
        Condition::BeginsWith(Operand::Path(path), Operand::Value(value)) => (path, Clause::BeginsWith(*value)),
        // Two attributes, two values, or size.
        _ => return Err(Fault::KeyNestedOperation),
    };
    if path.is_nested() {
        return Err(Fault::NestedKeyCondition);
    }
    clauses.push((path.root.clone(), clause));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::names::{Names, Scope, Values};
    use super::*;
    use dynaseal_item::Value;

    fn message(text: &str) -> String {
        let names = Names::from([("#k".into(), "k".into())]);
        let values = Values::from([(":v".into(), Value::S("a".into())), (":w".into(), Value::S("b".into()))]);
        let read = KeyCondition::parse(text, &mut Scope::new(&names, &values));
        match read.and_then(|read| read.check_keys("k", Some("r"))) {
            Ok(()) => "fits".into(),
            Err(error) => error.message(),
        }
    }

    #[test]
    fn what_fits() {
        for text in
            ["k = :v", "(r BETWEEN :v AND :w) AND :v = #k", "k=:v and begins_with(r, :w)", "(k = :v AND :w < r)"]
        {
            assert_eq!(message(text), "fits", "{text}");
        }
    }

    #[test]
    fn what_does_not() {
        let invalid = "Invalid KeyConditionExpression: ";
        for (text, expected) in [
            ("k = :v OR r = :w", "Invalid operator used in KeyConditionExpression: OR"),
            ("k = :v AND r <> :w", "Invalid operator used in KeyConditionExpression: <>"),
            ("k = :v AND contains(r, :w)", "Invalid operator used in KeyConditionExpression: contains"),
            ("k = :v AND r.x = :w", "KeyConditionExpressions cannot have conditions on nested attributes"),
            ("k = r", "KeyConditionExpressions cannot contain nested operations"),
            ("k = :v AND r > :v AND r < :w", "KeyConditionExpressions must only contain one condition per key"),
            ("k = ", "Syntax error; token: \"<EOF>\", near: \"=\""),
        ] {
            assert_eq!(message(text), format!("{invalid}{expected}"), "{text}");
        }
        for (text, expected) in [
            ("r = :v", "Query condition missed key schema element: k"),
            ("k = :v AND x = :w", "Query condition missed key schema element: r"),
            ("k > :v", "Query key condition not supported"),
            (
                "k = :v AND r = :w AND x = :w",
                "The number of query conditions (3) exceeds the number of key attributes defined in the schema (2)",
            ),
        ] {
            assert_eq!(message(text), expected, "{text}");
        }
    }

    #[test]
    fn keys_are_scalars_and_no_part_of_filters() {
        let (names, values) = (Names::new(), Values::from([(":v".into(), Value::Null)]));
        let read = |text: &str| read(text, &mut Scope::new(&names, &values)).unwrap();
        let text = "Filter Expression can only contain non-primary key attributes: Primary key attribute: k";
        let check = |text: &str| check_filter(&read(text), "Filter Expression", &["k"]);
        assert_eq!(check("a = :v AND k = :v").unwrap_err().message(), text);
        assert!(check("a = :v AND a.k = :v").is_ok());
        let nested = Path { root: "k".into(), steps: vec![super::super::ast::Step::Index(0)] };
        assert!(check_scalar_keys([&nested], &["k"]).is_err() && check_scalar_keys([&nested], &["r"]).is_ok());
    }
}
