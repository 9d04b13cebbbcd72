//! Expressions as they are meant: names resolved, groups gone, functions with the operands they take.
//!
//! Every tree is generic over what stands for a value: `&Value` after resolution, `()` where only the attributes
//! matter.

use std::fmt;

use dynaseal_item::{Item, Value};

use super::error::Fault;

/// A document path: `name(.name|[index])*`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path {
    /// The top-level attribute.
    pub root: String,
    /// The way on from there.
    pub steps: Vec<Step>,
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Into a map.
    Name(String),
    /// Into a list.
    Index(usize),
}

impl Path {
    /// The attribute itself.
    pub fn attribute(name: impl Into<String>) -> Self {
        Self { root: name.into(), steps: Vec::new() }
    }

    /// Whether it leads into an attribute.
    #[must_use]
    pub fn is_nested(&self) -> bool {
        !self.steps.is_empty()
    }

    /// What it leads to.
    #[must_use]
    pub fn get<'i, 'a>(&self, item: &'i Item<'a>) -> Option<&'i Value<'a>> {
        self.steps.iter().try_fold(item.get(&self.root)?, |value, step| step.into(value))
    }
}

impl Step {
    fn into<'i, 'a>(&self, value: &'i Value<'a>) -> Option<&'i Value<'a>> {
        match (self, value) {
            (Step::Name(name), Value::M(entries)) => {
                entries.iter().find(|(key, _)| key == name).map(|(_, value)| value)
            }
            (Step::Index(index), Value::L(values)) => values.get(*index),
            _ => None,
        }
    }
}

/// As DynamoDB writes paths in messages: `[a, b, [0]]`.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}", self.root)?;
        for step in &self.steps {
            match step {
                Step::Name(name) => write!(f, ", {name}")?,
                Step::Index(index) => write!(f, ", [{index}]")?,
            }
        }
        f.write_str("]")
    }
}

/// Refuses paths of which one is part of another, or which take one value for a map and a list.
pub(crate) fn check_paths<'p>(paths: &(impl Iterator<Item = &'p Path> + Clone)) -> Result<(), Fault> {
    let pairs = || {
        let all = paths.clone();
        paths
            .clone()
            .enumerate()
            .flat_map(move |(at, one)| all.clone().skip(at.saturating_add(1)).map(move |two| (one, two)))
    };
    let diverge = |one: &Path, two: &Path| {
        (one.root == two.root).then(|| {
            let different = one.steps.iter().zip(&two.steps).find(|(one, two)| one != two);
            different.map(|(one, two)| (matches!(one, Step::Index(_)), matches!(two, Step::Index(_))))
        })
    };
    if let Some((one, two)) = pairs().find(|(one, two)| diverge(one, two) == Some(None)) {
        return Err(Fault::Overlap { one: one.clone(), two: two.clone() });
    }
    match pairs().find(|(one, two)| matches!(diverge(one, two), Some(Some((one, two))) if one != two)) {
        Some((one, two)) => Err(Fault::Conflict { one: one.clone(), two: two.clone() }),
        None => Ok(()),
    }
}

/// A condition or filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition<V> {
    /// Both.
    And(Box<Condition<V>>, Box<Condition<V>>),
    /// Either.
    Or(Box<Condition<V>>, Box<Condition<V>>),
    /// Not.
    Not(Box<Condition<V>>),
    /// `a = b` and its like.
    Compare(Operand<V>, Comparator, Operand<V>),
    /// `a BETWEEN low AND high`.
    Between(Operand<V>, Operand<V>, Operand<V>),
    /// `a IN (b, …)`.
    In(Operand<V>, Vec<Operand<V>>),
    /// `attribute_exists`.
    Exists(Path),
    /// `attribute_not_exists`.
    NotExists(Path),
    /// `attribute_type`.
    Type(Operand<V>, V),
    /// `begins_with`.
    BeginsWith(Operand<V>, Operand<V>),
    /// `contains`.
    Contains(Operand<V>, Operand<V>),
}

impl<V> Condition<V> {
    /// The same condition over references to its values.
    #[must_use]
    pub fn by_ref(&self) -> Condition<&V> {
        match self {
            Condition::And(left, right) => left.by_ref().and(right.by_ref()),
            Condition::Or(left, right) => left.by_ref().or(right.by_ref()),
            Condition::Not(inner) => inner.by_ref().not(),
            Condition::Compare(left, comparator, right) => {
                Condition::Compare(left.by_ref(), *comparator, right.by_ref())
            }
            Condition::Between(one, low, high) => Condition::Between(one.by_ref(), low.by_ref(), high.by_ref()),
            Condition::In(one, all) => Condition::In(one.by_ref(), all.iter().map(Operand::by_ref).collect()),
            Condition::Exists(path) => Condition::Exists(path.clone()),
            Condition::NotExists(path) => Condition::NotExists(path.clone()),
            Condition::Type(one, kind) => Condition::Type(one.by_ref(), kind),
            Condition::BeginsWith(whole, part) => Condition::BeginsWith(whole.by_ref(), part.by_ref()),
            Condition::Contains(whole, part) => Condition::Contains(whole.by_ref(), part.by_ref()),
        }
    }

    /// Both of two conditions.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Condition::And(Box::new(self), Box::new(other))
    }

    /// Either of two conditions.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Condition::Or(Box::new(self), Box::new(other))
    }

    /// The opposite.
    #[must_use]
    #[allow(clippy::should_implement_trait, reason = "a constructor beside `and` and `or`")]
    pub fn not(self) -> Self {
        Condition::Not(Box::new(self))
    }
}

/// What is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand<V> {
    /// What stands in the item.
    Path(Path),
    /// A value of the request.
    Value(V),
    /// `size(…)`.
    Size(Box<Operand<V>>),
}

impl<V> Operand<V> {
    fn by_ref(&self) -> Operand<&V> {
        match self {
            Operand::Path(path) => Operand::Path(path.clone()),
            Operand::Value(value) => Operand::Value(value),
            Operand::Size(inner) => Operand::Size(Box::new(inner.by_ref())),
        }
    }
}

/// How two operands are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "they say what they are")]
pub enum Comparator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparator {
    pub(crate) fn of(sign: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|comparator| comparator.sign() == sign)
    }

    pub(super) fn sign(self) -> &'static str {
        match self {
            Comparator::Equal => "=",
            Comparator::NotEqual => "<>",
            Comparator::Less => "<",
            Comparator::LessOrEqual => "<=",
            Comparator::Greater => ">",
            Comparator::GreaterOrEqual => ">=",
        }
    }

    /// The comparator that says the same with its operands exchanged.
    pub(crate) fn mirrored(self) -> Self {
        match self {
            Comparator::Less => Comparator::Greater,
            Comparator::LessOrEqual => Comparator::GreaterOrEqual,
            Comparator::Greater => Comparator::Less,
            Comparator::GreaterOrEqual => Comparator::LessOrEqual,
            same => same,
        }
    }

    const ALL: [Self; 6] = [
        Comparator::Equal,
        Comparator::NotEqual,
        Comparator::Less,
        Comparator::LessOrEqual,
        Comparator::Greater,
        Comparator::GreaterOrEqual,
    ];
}

/// An update, its actions in the order in which they were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update<V> {
    /// Each attribute or part, and what is done with it.
    pub actions: Vec<(Path, Action<V>)>,
    /// Whether it was written as `AttributeUpdates`, whose ADD takes lists and whose type errors read differently.
    pub legacy: bool,
}

/// What is done with the target of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action<V> {
    /// SET.
    Set(SetValue<V>),
    /// REMOVE.
    Remove,
    /// ADD.
    Add(V),
    /// DELETE.
    Delete(V),
}

/// The right side of a SET.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetValue<V> {
    /// What stood in the item.
    Path(Path),
    /// A value of the request.
    Value(V),
    /// `if_not_exists`.
    IfNotExists(Path, Box<SetValue<V>>),
    /// `list_append`.
    ListAppend(Box<SetValue<V>>, Box<SetValue<V>>),
    /// A sum.
    Plus(Box<SetValue<V>>, Box<SetValue<V>>),
    /// A difference.
    Minus(Box<SetValue<V>>, Box<SetValue<V>>),
}

impl<V> Update<V> {
    /// The same update over references to its values.
    #[must_use]
    pub fn by_ref(&self) -> Update<&V> {
        let actions = self.actions.iter().map(|(path, action)| (path.clone(), action.by_ref())).collect();
        Update { actions, legacy: self.legacy }
    }
}

impl<V> Action<V> {
    fn by_ref(&self) -> Action<&V> {
        match self {
            Action::Set(value) => Action::Set(value.by_ref()),
            Action::Remove => Action::Remove,
            Action::Add(value) => Action::Add(value),
            Action::Delete(value) => Action::Delete(value),
        }
    }
}

impl<V> SetValue<V> {
    fn by_ref(&self) -> SetValue<&V> {
        match self {
            SetValue::Path(path) => SetValue::Path(path.clone()),
            SetValue::Value(value) => SetValue::Value(value),
            SetValue::IfNotExists(path, default) => SetValue::IfNotExists(path.clone(), Box::new(default.by_ref())),
            SetValue::ListAppend(left, right) => {
                SetValue::ListAppend(Box::new(left.by_ref()), Box::new(right.by_ref()))
            }
            SetValue::Plus(left, right) => SetValue::Plus(Box::new(left.by_ref()), Box::new(right.by_ref())),
            SetValue::Minus(left, right) => SetValue::Minus(Box::new(left.by_ref()), Box::new(right.by_ref())),
        }
    }
}

impl<V: Clone> Update<V> {
    /// The actions whose top-level attribute `keep` wants; `None` when there are none.
    #[must_use]
    pub fn only(&self, mut keep: impl FnMut(&str) -> bool) -> Option<Self> {
        let actions: Vec<_> = self.actions.iter().filter(|(path, _)| keep(&path.root)).cloned().collect();
        (!actions.is_empty()).then_some(Self { actions, legacy: self.legacy })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Path {
        let mut parts = text.split('.');
        let root = parts.next().unwrap().into();
        let step = |part: &str| part.parse().map_or_else(|_| Step::Name(part.into()), Step::Index);
        Path { root, steps: parts.map(step).collect() }
    }

    #[test]
    fn paths_overlap_before_they_conflict() {
        let check = |all: &[&str]| {
            let paths: Vec<_> = all.iter().map(|text| path(text)).collect();
            check_paths(&paths.iter()).map_err(|fault| match fault {
                Fault::Overlap { one, two } => format!("overlap {one} {two}"),
                Fault::Conflict { one, two } => format!("conflict {one} {two}"),
                other => panic!("{other:?}"),
            })
        };
        assert_eq!(check(&["a.b", "a.c", "b.0", "b.1.x"]), Ok(()));
        assert_eq!(check(&["a.b", "a"]), Err("overlap [a, b] [a]".into()));
        assert_eq!(check(&["a.b", "a.0", "c", "c"]), Err("overlap [c] [c]".into()));
        assert_eq!(check(&["a.b.x", "a.0"]), Err("conflict [a, b, x] [a, [0]]".into()));
    }
}
