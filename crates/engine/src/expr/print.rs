//! Expressions as text again, with names and values of their own, for requests that are rewritten: what is printed
//! reads back as the same expression.

use std::collections::HashMap;
use std::fmt::Write;

use dynaseal_item::Value;

use super::ast::{Action, Condition, Operand, Path, SetValue, Step, Update};

/// Prints the expressions of one request and collects the names and values they use.
#[derive(Debug, Default)]
pub struct Printer<'v> {
    names: Vec<String>,
    values: Vec<&'v Value<'v>>,
    /// The places of the names.
    name_at: HashMap<String, usize>,
    /// The places of the values, by where they lie: what is compared is never their content.
    value_at: HashMap<usize, usize>,
}

impl<'v> Printer<'v> {
    /// A condition; guards are put in front of it with [`Condition::and`].
    pub fn condition(&mut self, condition: &Condition<&'v Value<'v>>) -> String {
        match condition {
            Condition::And(left, right) => {
                // Read from left to right, so that only groups on the right need brackets.
                let (left, right) = (self.within(left, Bind::And), self.within(right, Bind::Tighter));
                format!("{left} AND {right}")
            }
            Condition::Or(left, right) => {
                let (left, right) = (self.within(left, Bind::Or), self.within(right, Bind::And));
                format!("{left} OR {right}")
            }
            Condition::Not(inner) => format!("NOT {}", self.within(inner, Bind::Tighter)),
            Condition::Compare(left, comparator, right) => {
                format!("{} {} {}", self.operand(left), comparator.sign(), self.operand(right))
            }
            Condition::Between(one, low, high) => {
                format!("{} BETWEEN {} AND {}", self.operand(one), self.operand(low), self.operand(high))
            }
            Condition::In(one, all) => {
                let one = self.operand(one);
                let all: Vec<_> = all.iter().map(|each| self.operand(each)).collect();
                format!("{one} IN ({})", all.join(", "))
            }
            Condition::Exists(path) => format!("attribute_exists({})", self.path(path)),
            Condition::NotExists(path) => format!("attribute_not_exists({})", self.path(path)),
            Condition::Type(one, kind) => format!("attribute_type({}, {})", self.operand(one), self.value(kind)),
            Condition::BeginsWith(whole, part) => {
                format!("begins_with({}, {})", self.operand(whole), self.operand(part))
            }
            Condition::Contains(whole, part) => format!("contains({}, {})", self.operand(whole), self.operand(part)),
        }
    }

    /// An update, its clauses in the order in which they first come; print [`Update::only`] for a part of it.
    pub fn update(&mut self, update: &Update<&'v Value<'v>>) -> String {
        let mut sections: Vec<(&str, Vec<String>)> = Vec::new();
        for (path, action) in &update.actions {
            let target = self.path(path);
            let (section, text) = match action {
                Action::Set(value) => ("SET", format!("{target} = {}", self.set_value(value))),
                Action::Remove => ("REMOVE", target),
                Action::Add(value) => ("ADD", format!("{target} {}", self.value(value))),
                Action::Delete(value) => ("DELETE", format!("{target} {}", self.value(value))),
            };
            match sections.iter_mut().find(|(name, _)| *name == section) {
                Some((_, actions)) => actions.push(text),
                None => sections.push((section, vec![text])),
            }
        }
        let sections: Vec<_> =
            sections.into_iter().map(|(name, actions)| format!("{name} {}", actions.join(", "))).collect();
        sections.join(" ")
    }

    /// A projection.
    pub fn projection(&mut self, paths: &[Path]) -> String {
        paths.iter().map(|path| self.path(path)).collect::<Vec<_>>().join(", ")
    }

    /// `ExpressionAttributeNames`: placeholders with attributes.
    pub fn names(&self) -> impl Iterator<Item = (String, &str)> {
        self.names.iter().enumerate().map(|(at, name)| (format!("#n{at}"), name.as_str()))
    }

    /// `ExpressionAttributeValues`: placeholders with values.
    pub fn values(&self) -> impl Iterator<Item = (String, &'v Value<'v>)> {
        self.values.iter().enumerate().map(|(at, value)| (format!(":v{at}"), *value))
    }

    /// A condition inside another, in brackets if it binds less than `least`.
    fn within(&mut self, condition: &Condition<&'v Value<'v>>, least: Bind) -> String {
        let bind = match condition {
            Condition::Or(..) => Bind::Or,
            Condition::And(..) => Bind::And,
            _ => Bind::Tighter,
        };
        let text = self.condition(condition);
        if bind < least { format!("({text})") } else { text }
    }

    fn operand(&mut self, operand: &Operand<&'v Value<'v>>) -> String {
        match operand {
            Operand::Path(path) => self.path(path),
            Operand::Value(value) => self.value(value),
            Operand::Size(inner) => format!("size({})", self.operand(inner)),
        }
    }

    fn set_value(&mut self, value: &SetValue<&'v Value<'v>>) -> String {
        match value {
            SetValue::Plus(left, right) => format!("{} + {}", self.set_operand(left), self.set_operand(right)),
            SetValue::Minus(left, right) => format!("{} - {}", self.set_operand(left), self.set_operand(right)),
            other => self.set_operand(other),
        }
    }

    fn set_operand(&mut self, value: &SetValue<&'v Value<'v>>) -> String {
        match value {
            SetValue::Path(path) => self.path(path),
            SetValue::Value(value) => self.value(value),
            SetValue::IfNotExists(path, default) => {
                format!("if_not_exists({}, {})", self.path(path), self.set_operand(default))
            }
            SetValue::ListAppend(left, right) => {
                format!("list_append({}, {})", self.set_operand(left), self.set_operand(right))
            }
            sum => format!("({})", self.set_value(sum)),
        }
    }

    fn path(&mut self, path: &Path) -> String {
        let mut text = self.name(&path.root);
        for step in &path.steps {
            // Writing to a string cannot fail.
            let _ = match step {
                Step::Name(name) => write!(text, ".{}", self.name(name)),
                Step::Index(index) => write!(text, "[{index}]"),
            };
        }
        text
    }

    fn name(&mut self, name: &str) -> String {
        let at = *self.name_at.entry(name.to_owned()).or_insert_with(|| {
            self.names.push(name.to_owned());
            self.names.len().saturating_sub(1)
        });
        format!("#n{at}")
    }

    fn value(&mut self, value: &'v Value<'v>) -> String {
        let at = *self.value_at.entry(std::ptr::from_ref(value).addr()).or_insert_with(|| {
            self.values.push(value);
            self.values.len().saturating_sub(1)
        });
        format!(":v{at}")
    }
}

/// How tightly a condition binds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Bind {
    Or,
    And,
    Tighter,
}

#[cfg(test)]
mod tests;
