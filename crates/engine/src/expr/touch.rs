//! Which attributes an expression reads and writes, by the first name of each path. What cannot be read as an
//! expression has no touches: it is an error, so that nothing passes unseen.

use super::ast::{Action, Condition, Operand, Path, SetValue, Update};
use super::shown::HIDDEN;

/// One use of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touch<'e> {
    /// The top-level attribute.
    pub attribute: &'e str,
    /// Whether the use is of a part of it.
    pub nested: bool,
    /// What is done with it.
    pub usage: Usage,
    /// Whether it stands where a value is expected, so that the name may be a value that lacks its `:placeholder`.
    pub compared: bool,
}

impl<'e> Touch<'e> {
    /// The name as a message may show it.
    #[must_use]
    pub fn shown(&self) -> &'e str {
        if self.compared { HIDDEN } else { self.attribute }
    }
}

/// What is done with an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// Only whether it is there is asked.
    Presence,
    /// Its value is read.
    Read,
    /// It is replaced or removed.
    Write,
    /// It is changed, and what it becomes depends on what it was.
    Modify,
}

/// Every use of an attribute in a condition, in the order in which they are written.
pub fn of_condition<V>(condition: &Condition<V>) -> Vec<Touch<'_>> {
    let mut touches = Vec::new();
    condition_touches(condition, &mut touches);
    touches
}

/// Every use of an attribute in an update; of each action first its right side, then its target.
pub fn of_update<V>(update: &Update<V>) -> Vec<Touch<'_>> {
    let mut touches = Vec::new();
    for (path, action) in &update.actions {
        let usage = match action {
            Action::Set(value) => {
                value_touches(value, &mut touches);
                Usage::Write
            }
            Action::Remove => Usage::Write,
            Action::Add(_) | Action::Delete(_) => Usage::Modify,
        };
        touches.push(touch(path, usage));
    }
    touches
}

/// Whether a part of a condition compares values with each other, and so names no attribute.
pub fn has_constant<V>(condition: &Condition<V>) -> bool {
    match condition {
        Condition::And(left, right) | Condition::Or(left, right) => has_constant(left) || has_constant(right),
        Condition::Not(inner) => has_constant(inner),
        leaf => of_condition(leaf).is_empty(),
    }
}

fn condition_touches<'e, V>(condition: &'e Condition<V>, touches: &mut Vec<Touch<'e>>) {
    match condition {
        Condition::And(left, right) | Condition::Or(left, right) => {
            condition_touches(left, touches);
            condition_touches(right, touches);
        }
        Condition::Not(inner) => condition_touches(inner, touches),
        Condition::Exists(path) | Condition::NotExists(path) => touches.push(touch(path, Usage::Presence)),
        Condition::Type(one, _) => touches.extend(operand(one)),
        Condition::Compare(left, _, right) | Condition::BeginsWith(left, right) | Condition::Contains(left, right) => {
            touches.extend(operand(left));
            touches.extend(compared(right));
        }
        Condition::Between(one, low, high) => {
            touches.extend(operand(one));
            touches.extend([low, high].into_iter().filter_map(compared));
        }
        Condition::In(one, all) => {
            touches.extend(operand(one));
            touches.extend(all.iter().filter_map(compared));
        }
    }
}

fn operand<V>(operand: &Operand<V>) -> Option<Touch<'_>> {
    match operand {
        Operand::Path(path) => Some(touch(path, Usage::Read)),
        Operand::Value(_) => None,
        Operand::Size(inner) => self::operand(inner),
    }
}

/// An operand behind the first one.
fn compared<V>(operand: &Operand<V>) -> Option<Touch<'_>> {
    self::operand(operand).map(|touch| Touch { compared: true, ..touch })
}

fn value_touches<'e, V>(value: &'e SetValue<V>, touches: &mut Vec<Touch<'e>>) {
    match value {
        SetValue::Path(path) => touches.push(Touch { compared: true, ..touch(path, Usage::Read) }),
        SetValue::Value(_) => {}
        SetValue::IfNotExists(path, default) => {
            touches.push(touch(path, Usage::Read));
            value_touches(default, touches);
        }
        SetValue::ListAppend(left, right) | SetValue::Plus(left, right) | SetValue::Minus(left, right) => {
            value_touches(left, touches);
            value_touches(right, touches);
        }
    }
}

fn touch(path: &Path, usage: Usage) -> Touch<'_> {
    Touch { attribute: &path.root, nested: path.is_nested(), usage, compared: false }
}

#[cfg(test)]
mod tests {
    use dynaseal_item::Value;

    use super::super::error::Kind;
    use super::super::names::{Names, Scope, Values};
    use super::super::{condition, update};
    use super::*;

    fn read<'e>(touches: &[Touch<'e>]) -> Vec<(&'e str, bool, Usage)> {
        touches.iter().map(|touch| (touch.attribute, touch.nested, touch.usage)).collect()
    }

    fn values() -> Values<'static> {
        let number = || Value::N("1".into());
        let strings = || vec!["x".into()];
        Values::from([
            (":v".into(), Value::S("S".into())),
            (":w".into(), number()),
            (":one".into(), number()),
            (":set".into(), Value::Ss(strings())),
        ])
    }

    #[test]
    fn every_path_counts_by_its_first_name() {
        let names = Names::from([("#s".into(), "size".into()), ("#n".into(), "note".into())]);
        let text = "a.b[0].#n = :v AND size(#s) > :w OR NOT contains(orders, inspector) AND attribute_exists(x)\nAND\t\
                    attribute_not_exists(y.z) or attribute_type(t, :v) and u IN (:v, v)";
        let values = values();
        let condition = condition::parse(text, Kind::Filter, &mut Scope::new(&names, &values)).unwrap();
        let expected = [
            ("a", true, Usage::Read),
            ("size", false, Usage::Read),
            ("orders", false, Usage::Read),
            ("inspector", false, Usage::Read),
            ("x", false, Usage::Presence),
            ("y", true, Usage::Presence),
            ("t", false, Usage::Read),
            ("u", false, Usage::Read),
            ("v", false, Usage::Read),
        ];
        assert_eq!(read(&of_condition(&condition)), expected);
    }

    #[test]
    fn updates_count_both_sides() {
        let text = "SET a = if_not_exists(b, :one) + c REMOVE d[1] ADD e :one DELETE f.x :set";
        let (names, values) = (Names::new(), values());
        let update = update::parse(text, &mut Scope::new(&names, &values)).unwrap();
        let expected = [
            ("b", false, Usage::Read),
            ("c", false, Usage::Read),
            ("a", false, Usage::Write),
            ("d", true, Usage::Write),
            ("e", false, Usage::Modify),
            ("f", true, Usage::Modify),
        ];
        assert_eq!(read(&of_update(&update)), expected);
    }

    #[test]
    fn a_name_where_a_value_belongs_is_not_shown() {
        let (names, values) = (Names::new(), values());
        let mut scope = Scope::new(&names, &values);
        let text = "a = Doe AND begins_with(b, Doe) AND c BETWEEN Doe AND Doe AND d IN (Doe) AND size(e) > size(Doe)";
        let condition = condition::parse(text, Kind::Filter, &mut scope).unwrap();
        let shown = of_condition(&condition);
        assert!(shown.iter().all(|touch| (touch.attribute == "Doe") == (touch.shown() == HIDDEN)), "{shown:?}");
        let update = update::parse("SET a = Doe, b = if_not_exists(b, Doe)", &mut scope).unwrap();
        let shown = of_update(&update);
        assert!(shown.iter().all(|touch| (touch.attribute == "Doe") == (touch.shown() == HIDDEN)), "{shown:?}");
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        let (names, values) = (Names::new(), values());
        for text in ["plain = :v; secret = :w", "#q = :v", "a = :v c", "f(a)", "NOT", "data = :v", "a = :undefined"] {
            assert!(condition::parse(text, Kind::Filter, &mut Scope::new(&names, &values)).is_err(), "{text}");
        }
    }
}
