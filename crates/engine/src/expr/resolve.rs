//! What both kinds of expressions are checked for after the grammar: words and functions in their places, then what
//! placeholders stand for.

use super::ast::{Path, Step};
use super::error::Fault;
use super::names::Resolve;
use super::syntax::{Node, Part};

/// Where a node stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Where a condition belongs.
    Condition,
    /// Where a condition compares.
    Operand,
    /// The same behind an operator or in a list, where a value is expected.
    Compared,
    /// On the right side of a SET.
    SetValue,
    /// Inside something that takes no list that was just made.
    SetOperand,
}

/// Checks words, list indexes and functions in the order in which they are written, and counts operators.
pub(super) fn check_words(node: &Node<'_>, place: Place, operators: &mut usize) -> Result<(), Fault> {
    if !matches!(node, Node::Path(_) | Node::Value(_) | Node::Group(_)) {
        *operators = operators.saturating_add(1);
        if *operators > MAX_OPERATORS {
            return Err(Fault::TooManyOperators);
        }
    }
    let inner = match (node, place) {
        (Node::Path(parts), Place::Condition | Place::Operand) => return check_path(parts),
        (Node::Path(parts), _) => return check_path(parts).map_err(without_word),
        (Node::Call(name, _), _) => check_function(name, place)?,
        (Node::And(_) | Node::Or(_) | Node::Not(_), _) => Place::Condition,
        (Node::Group(_), place) => place,
        (Node::Plus(_) | Node::Minus(_), _) => Place::SetOperand,
        (_, Place::Compared) => Place::Compared,
        _ => Place::Operand,
    };
    children(node).enumerate().try_for_each(|(at, child)| {
        let place = if at > 0 && inner == Place::Operand { Place::Compared } else { inner };
        check_words(child, place, operators)
    })
}

/// A reserved word that stands where a value is expected may be one: `married = YES`.
fn without_word(fault: Fault) -> Fault {
    match fault {
        Fault::Reserved(_) => Fault::Reserved(None),
        other => other,
    }
}

pub(super) fn check_path(parts: &[Part<'_>]) -> Result<(), Fault> {
    parts.iter().try_for_each(|part| match part {
        Part::Word(word) if super::reserved::is_reserved(word) => Err(Fault::Reserved(Some((*word).to_owned()))),
        Part::Index(digits) if index(digits).is_none() => Err(Fault::IndexRange),
        _ => Ok(()),
    })
}

/// Refuses the first name or value, in the order in which they are written, that stands for nothing.
pub(super) fn check_defined<R: Resolve>(node: &Node<'_>, resolver: &mut R) -> Result<(), Fault> {
    match node {
        Node::Path(parts) => check_names(parts, resolver),
        Node::Value(name) => value(name, resolver).map(|_| ()),
        _ => children(node).try_for_each(|child| check_defined(child, resolver)),
    }
}

pub(super) fn check_names<R: Resolve>(parts: &[Part<'_>], resolver: &mut R) -> Result<(), Fault> {
    parts.iter().try_for_each(|part| match part {
        Part::Name(name) => self::name(name, resolver).map(|_| ()),
        _ => Ok(()),
    })
}

pub(super) fn value<R: Resolve>(name: &str, resolver: &mut R) -> Result<R::Value, Fault> {
    resolver.value(name).ok_or_else(|| Fault::UndefinedValue(name.to_owned()))
}

pub(super) fn path<R: Resolve>(parts: &[Part<'_>], resolver: &mut R) -> Result<Path, Fault> {
    if parts.len() > MAX_PATH {
        return Err(Fault::PathDepth(parts.len()));
    }
    let mut steps = parts.iter().map(|part| match part {
        Part::Word(word) => Ok(Step::Name((*word).to_owned())),
        Part::Name(name) => self::name(name, resolver).map(Step::Name),
        Part::Index(digits) => index(digits).map(Step::Index).ok_or(Fault::IndexRange),
    });
    // The grammar starts every path with a name.
    let root = match steps.next() {
        Some(Ok(Step::Name(root))) => root,
        Some(Err(fault)) => return Err(fault),
        _ => return Err(Fault::InvalidPath),
    };
    Ok(Path { root, steps: steps.collect::<Result<_, _>>()? })
}

pub(super) fn arity(name: &str, operands: &[Node<'_>], wanted: usize) -> Result<(), Fault> {
    if operands.len() == wanted {
        return Ok(());
    }
    Err(Fault::OperandCount { operator: name.to_owned(), count: operands.len() })
}

/// The nodes below, in the order in which they are written.
pub(super) fn children<'n, 't>(node: &'n Node<'t>) -> impl Iterator<Item = &'n Node<'t>> {
    let (first, rest): (Option<&Node<'t>>, &[Node<'t>]) = match node {
        Node::Path(_) | Node::Value(_) => (None, &[]),
        Node::Call(_, all) => (None, all),
        Node::Group(one) | Node::Not(one) => (Some(one.as_ref()), &[]),
        Node::In(one, all) => (Some(one.as_ref()), all),
        Node::Between(all) => (None, all.as_slice()),
        Node::Compare(_, both) | Node::And(both) | Node::Or(both) | Node::Plus(both) | Node::Minus(both) => {
            (None, both.as_slice())
        }
    };
    first.into_iter().chain(rest)
}

/// The node inside its brackets.
pub(super) fn ungroup<'n, 't>(mut node: &'n Node<'t>) -> &'n Node<'t> {
    while let Node::Group(inner) = node {
        node = inner;
    }
    node
}

/// Checks a function by its name, which is case-sensitive, and says where its operands stand.
fn check_function(name: &str, place: Place) -> Result<Place, Fault> {
    let name = || name.to_owned();
    let wanted = match name().as_str() {
        "attribute_exists" | "attribute_not_exists" | "attribute_type" | "begins_with" | "contains" => Place::Condition,
        "size" => Place::Operand,
        "if_not_exists" | "list_append" => Place::SetValue,
        _ => return Err(Fault::UnknownFunction(name())),
    };
    let in_update = matches!(place, Place::SetValue | Place::SetOperand);
    match wanted {
        Place::SetValue if !in_update => Err(Fault::NotInCondition(name())),
        Place::SetValue if place == Place::SetOperand && name() == "list_append" => Err(Fault::FunctionPlace(name())),
        Place::SetValue if name() == "list_append" => Ok(Place::SetOperand),
        Place::SetValue => Ok(place),
        _ if in_update => Err(Fault::NotInUpdate(name())),
        Place::Operand if place == Place::Compared => Ok(place),
        wanted if wanted != place => Err(Fault::FunctionPlace(name())),
        _ => Ok(Place::Operand),
    }
}

fn name<R: Resolve>(name: &str, resolver: &mut R) -> Result<String, Fault> {
    resolver.name(name).ok_or_else(|| Fault::UndefinedName(name.to_owned()))
}

/// Indexes are 32-bit numbers.
fn index(digits: &str) -> Option<usize> {
    digits.parse::<i32>().ok().and_then(|index| usize::try_from(index).ok())
}

const MAX_OPERATORS: usize = 300;
const MAX_PATH: usize = 32;
