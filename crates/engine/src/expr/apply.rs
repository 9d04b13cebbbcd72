//! Updates over an item in plaintext. Everything is read from the item as it was, and every list index means what it
//! meant there: appends keep the order of their indexes, and removals come last.

use std::borrow::Cow;
use std::collections::BTreeSet;

use dynaseal_item::{Item, Value};

use super::ast::{Action, Path, SetValue, Step, Update};
use super::decimal::Decimal;
use super::error::{Error, Fault};
use super::stored::MAX_DEPTH;

/// What an update made.
#[derive(Debug)]
pub struct Applied<'v> {
    /// The new item; `None` where there was none and the update only takes away, which creates none.
    pub item: Option<Item<'v>>,
    /// The paths it named, for `UPDATED_OLD` and `UPDATED_NEW`: a projection of them over the old or the new item.
    pub written: Vec<Path>,
}

/// Applies an update to an item, or to none, of which only the key is known.
///
/// # Errors
/// What DynamoDB answers for an item that the update does not fit.
pub fn apply<'v>(update: &Update<&'v Value<'v>>, old: Option<&Item<'v>>, key: &Item<'v>) -> Result<Applied<'v>, Error> {
    changed(update, old, key).map_err(|fault| Error { expression: None, fault })
}

fn changed<'v>(update: &Update<&'v Value<'v>>, old: Option<&Item<'v>>, key: &Item<'v>) -> Result<Applied<'v>, Fault> {
    if let Some((path, _)) = update.actions.iter().find(|(path, _)| key.get(&path.root).is_some()) {
        return Err(Fault::KeyUpdate(path.root.clone()));
    }
    let takes_away = |(_, action): &(Path, Action<_>)| matches!(action, Action::Remove | Action::Delete(_));
    if old.is_none() && !update.actions.is_empty() && update.actions.iter().all(takes_away) {
        return Ok(Applied { item: None, written: Vec::new() });
    }
    let mut item = old.cloned().unwrap_or_else(|| key.clone());
    let (writes, mut removals) = changes(update, &item, old.is_some())?;
    for (path, value) in writes {
        put(&mut item, path, value)?;
    }
    removals.sort_unstable();
    for path in removals.into_iter().rev() {
        remove(&mut item, path);
    }
    if item.iter().any(|(_, value)| depth(value) > MAX_DEPTH) {
        return Err(Fault::Nesting);
    }
    Ok(Applied { item: Some(item), written: update.actions.iter().map(|(path, _)| path.clone()).collect() })
}

/// What is written, in the order of paths, and what is removed.
type Changes<'u, 'v> = (Vec<(&'u Path, Value<'v>)>, Vec<&'u Path>);

fn changes<'u, 'v>(update: &'u Update<&'v Value<'v>>, old: &Item<'v>, existed: bool) -> Result<Changes<'u, 'v>, Fault> {
    // Operands that do not fit what is stored are refused before any path.
    for (path, action) in &update.actions {
        if !fits(path.get(old), action) {
            return Err(if update.legacy { Fault::TypeMismatch } else { Fault::OperandType });
        }
    }
    let (mut writes, mut removals) = (Vec::new(), Vec::new());
    for (path, action) in &update.actions {
        if let Action::Set(value) = action {
            writes.push((path, stored(evaluate(value, old)?)?));
        }
    }
    for (path, action) in &update.actions {
        // For an unknown reason DynamoDB lets a REMOVE lead nowhere where there is no item at all.
        if (existed || !matches!(action, Action::Remove)) && !has_parent(path, old) {
            return Err(Fault::InvalidPath);
        }
        match (action, path.get(old)) {
            (Action::Set(_), _) | (Action::Remove | Action::Delete(_), None) => {}
            (Action::Remove, Some(_)) => removals.push(path),
            (Action::Add(operand), None) => writes.push((path, stored((*operand).clone())?)),
            (Action::Add(operand), Some(value)) => writes.push((path, stored(add(value.clone(), operand)?)?)),
            (Action::Delete(operand), Some(value)) => match delete(value.clone(), operand)? {
                Some(rest) => writes.push((path, rest)),
                None => removals.push(path),
            },
        }
    }
    writes.sort_by_key(|(path, _)| *path);
    Ok((writes, removals))
}

/// Whether ADD or DELETE can take its operand to what is stored.
fn fits(old: Option<&Value<'_>>, action: &Action<&Value<'_>>) -> bool {
    let same_set = |old: &Value<'_>, operand: &Value<'_>| {
        matches!(
            (old, operand),
            (Value::Ss(_), Value::Ss(_)) | (Value::Ns(_), Value::Ns(_)) | (Value::Bs(_), Value::Bs(_))
        )
    };
    match (old, action) {
        (Some(old), Action::Add(operand)) => {
            same_set(old, operand) || matches!((old, *operand), (Value::N(_), Value::N(_)) | (Value::L(_), Value::L(_)))
        }
        (Some(old), Action::Delete(operand)) => same_set(old, operand),
        _ => true,
    }
}

fn evaluate<'v>(value: &SetValue<&'v Value<'v>>, old: &Item<'v>) -> Result<Value<'v>, Fault> {
    match value {
        SetValue::Path(path) => path.get(old).cloned().ok_or(Fault::MissingOperand),
        SetValue::Value(value) => Ok((*value).clone()),
        SetValue::IfNotExists(path, default) => path.get(old).cloned().map_or_else(|| evaluate(default, old), Ok),
        SetValue::ListAppend(left, right) => match (evaluate(left, old)?, evaluate(right, old)?) {
            (Value::L(mut left), Value::L(right)) => {
                left.extend(right);
                Ok(Value::L(left))
            }
            _ => Err(Fault::OperandType),
        },
        SetValue::Plus(left, right) => sum(&evaluate(left, old)?, &evaluate(right, old)?, Decimal::plus),
        SetValue::Minus(left, right) => sum(&evaluate(left, old)?, &evaluate(right, old)?, Decimal::minus),
    }
}

fn sum(
    left: &Value<'_>,
    right: &Value<'_>,
    operation: fn(Decimal, Decimal) -> Result<Decimal, super::decimal::NumberFault>,
) -> Result<Value<'static>, Fault> {
    let (Value::N(left), Value::N(right)) = (left, right) else { return Err(Fault::OperandType) };
    let result = Decimal::parse(left).and_then(|left| operation(left, Decimal::parse(right)?));
    result.map(|number| Value::N(number.to_string().into())).map_err(Fault::Number)
}

fn add<'v>(old: Value<'v>, operand: &'v Value<'v>) -> Result<Value<'v>, Fault> {
    Ok(match (old, operand) {
        (old @ Value::N(_), operand) => return sum(&old, operand, Decimal::plus),
        (Value::Ss(mut all), Value::Ss(more)) => {
            all.extend(more.iter().filter(|one| !all.contains(one)).cloned().collect::<Vec<_>>());
            Value::Ss(all)
        }
        (Value::Bs(mut all), Value::Bs(more)) => {
            all.extend(more.iter().filter(|one| !all.contains(one)).cloned().collect::<Vec<_>>());
            Value::Bs(all)
        }
        (Value::Ns(mut all), Value::Ns(more)) => {
            let known = numbers(&all)?;
            for one in more {
                if !known.contains(&number(one)?) {
                    all.push(one.clone());
                }
            }
            Value::Ns(all)
        }
        (Value::L(mut all), Value::L(more)) => {
            all.extend(more.iter().cloned());
            Value::L(all)
        }
        _ => return Err(Fault::OperandType),
    })
}

/// What is left of a set, if anything is.
fn delete<'v>(old: Value<'v>, operand: &Value<'_>) -> Result<Option<Value<'v>>, Fault> {
    Ok(match (old, operand) {
        (Value::Ss(mut all), Value::Ss(less)) => {
            all.retain(|one| !less.contains(one));
            (!all.is_empty()).then_some(Value::Ss(all))
        }
        (Value::Bs(mut all), Value::Bs(less)) => {
            all.retain(|one| !less.contains(one));
            (!all.is_empty()).then_some(Value::Bs(all))
        }
        (Value::Ns(mut all), Value::Ns(less)) => {
            numbers(&all)?;
            let less = numbers(less)?;
            all.retain(|one| Decimal::parse(one).is_ok_and(|one| !less.contains(&one)));
            (!all.is_empty()).then_some(Value::Ns(all))
        }
        _ => return Err(Fault::OperandType),
    })
}

/// A value as DynamoDB gives it back: numbers in their normal form, sets in order.
fn stored(value: Value<'_>) -> Result<Value<'_>, Fault> {
    fn sorted<T: Ord>(mut all: Vec<T>) -> Vec<T> {
        all.sort_unstable();
        all
    }
    Ok(match value {
        Value::N(text) => Value::N(normal(text)?),
        Value::Ns(all) => {
            let all = numbers(&all)?;
            Value::Ns(all.into_iter().map(|number| number.to_string().into()).collect())
        }
        Value::Ss(all) => Value::Ss(sorted(all)),
        Value::Bs(all) => Value::Bs(sorted(all)),
        Value::L(all) => Value::L(all.into_iter().map(stored).collect::<Result<_, _>>()?),
        Value::M(all) => {
            Value::M(all.into_iter().map(|(key, value)| Ok((key, stored(value)?))).collect::<Result<_, Fault>>()?)
        }
        other => other,
    })
}

fn normal(text: Cow<'_, str>) -> Result<Cow<'_, str>, Fault> {
    let normal = number(&text)?.to_string();
    Ok(if normal == text { text } else { normal.into() })
}

fn number(text: &str) -> Result<Decimal, Fault> {
    Decimal::parse(text).map_err(Fault::Number)
}

fn numbers<T: AsRef<str>>(texts: &[T]) -> Result<BTreeSet<Decimal>, Fault> {
    texts.iter().map(|text| number(text.as_ref())).collect()
}

/// Whether the last step of a path can be taken: into a map by name, into a list by index.
fn has_parent(path: &Path, old: &Item<'_>) -> bool {
    let Some((last, parents)) = path.steps.split_last() else { return true };
    let parent = Path { root: path.root.clone(), steps: parents.to_vec() };
    matches!((parent.get(old), last), (Some(Value::M(_)), Step::Name(_)) | (Some(Value::L(_)), Step::Index(_)))
}

fn put<'v>(item: &mut Item<'v>, path: &Path, value: Value<'v>) -> Result<(), Fault> {
    let Some((last, parents)) = path.steps.split_last() else {
        item.insert(path.root.clone(), value);
        return Ok(());
    };
    let mut value = Some(value);
    change(item, &path.root, parents, |parent| match (parent, last) {
        (Value::M(entries), Step::Name(name)) => {
            let Some(value) = value.take() else { return };
            match entries.iter_mut().find(|(key, _)| key == name) {
                Some((_, old)) => *old = value,
                None => entries.push((name.clone().into(), value)),
            }
        }
        (Value::L(all), Step::Index(index)) => {
            let Some(value) = value.take() else { return };
            match all.get_mut(*index) {
                Some(old) => *old = value,
                // Past the end of the list a value is appended.
                None => all.push(value),
            }
        }
        _ => {}
    });
    if value.is_none() { Ok(()) } else { Err(Fault::InvalidPath) }
}

fn remove(item: &mut Item<'_>, path: &Path) {
    let Some((last, parents)) = path.steps.split_last() else {
        item.take(&path.root);
        return;
    };
    change(item, &path.root, parents, |parent| match (parent, last) {
        (Value::M(entries), Step::Name(name)) => entries.retain(|(key, _)| key != name),
        (Value::L(all), Step::Index(index)) if *index < all.len() => drop(all.remove(*index)),
        _ => {}
    });
}

/// Changes what a path leads to. The attribute is taken out and put back, since items lend no value for writing.
fn change<'v>(item: &mut Item<'v>, root: &str, steps: &[Step], change: impl FnOnce(&mut Value<'v>)) {
    let Some((name, mut value)) = item.take(root) else { return };
    let mut target = Some(&mut value);
    for step in steps {
        target = match (step, target) {
            (Step::Name(name), Some(Value::M(entries))) => {
                entries.iter_mut().find(|(key, _)| key == name).map(|(_, value)| value)
            }
            (Step::Index(index), Some(Value::L(all))) => all.get_mut(*index),
            _ => None,
        };
    }
    if let Some(target) = target {
        change(target);
    }
    item.insert(name, value);
}

fn depth(value: &Value<'_>) -> usize {
    let inner = match value {
        Value::L(all) => all.iter().map(depth).max(),
        Value::M(all) => all.iter().map(|(_, value)| depth(value)).max(),
        _ => None,
    };
    inner.unwrap_or(0).saturating_add(1)
}

#[cfg(test)]
mod tests;
