//! Update expressions: from text to what they mean.
//!
//! ```text
//!  update    = (SET path = set-value, … | REMOVE path, … | ADD path :value, … | DELETE path :value, …)+
//!  set-value = operand | operand + operand | operand - operand
//!  operand   = path | :value | function | ( set-value )
//! ```

use dynaseal_item::Value;

use super::ast::{Action, Path, SetValue, Update, check_paths};
use super::error::{Error, Fault, Kind};
use super::lex::TokenKind;
use super::names::Resolve;
use super::resolve::{Place, arity, check_names, check_path, check_words, children, path, ungroup, value};
use super::syntax::{Cursor, Node, Part};

/// Reads an update expression.
///
/// # Errors
/// What DynamoDB finds wrong with the expression alone.
pub fn parse<R: Resolve>(text: &str, resolver: &mut R) -> Result<Update<R::Value>, Error> {
    read(text, resolver).map_err(|fault| Error::of(Kind::Update, fault))
}

/// One action as it was written.
struct Written<'t> {
    section: &'static str,
    target: Vec<Part<'t>>,
    value: Option<Node<'t>>,
}

fn read<R: Resolve>(text: &str, resolver: &mut R) -> Result<Update<R::Value>, Fault> {
    let mut cursor = Cursor::new(text)?;
    let (sections, actions) = sections(&mut cursor)?;
    let mut operators = 0;
    for action in &actions {
        check_path(&action.target)?;
        let value = action.value.as_ref();
        value.map_or(Ok(()), |value| check_words(value, Place::SetValue, &mut operators))?;
    }
    let mut earlier = sections.iter().enumerate();
    if let Some((_, section)) = earlier.find(|(at, section)| sections.iter().take(*at).any(|other| other == *section)) {
        return Err(Fault::RepeatedSection(section));
    }
    // All names are looked up before all values.
    for action in &actions {
        check_names(&action.target, resolver)?;
        action.value.as_ref().map_or(Ok(()), |value| check_node_names(value, resolver))?;
    }
    let values = actions.iter().filter_map(|action| action.value.as_ref());
    values.clone().try_for_each(|node| check_node_values(node, resolver))?;
    let targets = actions.iter().map(|action| path(&action.target, resolver)).collect::<Result<Vec<_>, _>>()?;
    check_paths(&targets.iter())?;
    actions.iter().try_for_each(|action| check_operand(action, resolver))?;
    let lowered = actions.iter().zip(targets).map(|(action, target)| Ok((target, lower(action, resolver)?)));
    Ok(Update { actions: lowered.collect::<Result<_, Fault>>()?, legacy: false })
}

fn sections<'t>(cursor: &mut Cursor<'t>) -> Result<(Vec<&'static str>, Vec<Written<'t>>), Fault> {
    let (mut sections, mut actions) = (Vec::new(), Vec::new());
    loop {
        let token = cursor.peek().map(|token| token.kind);
        let Some(TokenKind::Keyword(section @ ("SET" | "REMOVE" | "ADD" | "DELETE"))) = token else {
            return Err(cursor.syntax());
        };
        cursor.take(TokenKind::Keyword(section));
        sections.push(section);
        actions.push(action(cursor, section)?);
        while cursor.sign(",") {
            actions.push(action(cursor, section)?);
        }
        if cursor.peek().is_none() {
            return Ok((sections, actions));
        }
    }
}

fn action<'t>(cursor: &mut Cursor<'t>, section: &'static str) -> Result<Written<'t>, Fault> {
    let target = cursor.path()?;
    let value = match section {
        "SET" => {
            cursor.expect(TokenKind::Sign("="))?;
            Some(set_value(cursor)?)
        }
        "REMOVE" => None,
        _ => Some(Node::Value(cursor.expect(TokenKind::Value)?)),
    };
    Ok(Written { section, target, value })
}

fn set_value<'t>(cursor: &mut Cursor<'t>) -> Result<Node<'t>, Fault> {
    let left = cursor.operand(set_value)?;
    if cursor.sign("+") {
        return Ok(Node::Plus(Box::new([left, cursor.operand(set_value)?])));
    }
    if cursor.sign("-") {
        return Ok(Node::Minus(Box::new([left, cursor.operand(set_value)?])));
    }
    Ok(left)
}

fn check_node_names<R: Resolve>(node: &Node<'_>, resolver: &mut R) -> Result<(), Fault> {
    match node {
        Node::Path(parts) => check_names(parts, resolver),
        _ => children(node).try_for_each(|child| check_node_names(child, resolver)),
    }
}

fn check_node_values<R: Resolve>(node: &Node<'_>, resolver: &mut R) -> Result<(), Fault> {
    match node {
        Node::Value(name) => value(name, resolver).map(|_| ()),
        _ => children(node).try_for_each(|child| check_node_values(child, resolver)),
    }
}

/// ADD takes numbers and sets, DELETE sets.
fn check_operand<R: Resolve>(action: &Written<'_>, resolver: &mut R) -> Result<(), Fault> {
    let (clause @ ("ADD" | "DELETE"), Some(Node::Value(name))) = (action.section, &action.value) else {
        return Ok(());
    };
    let value = value(name, resolver)?;
    let kind = match R::known(&value) {
        None | Some(Value::Ss(_) | Value::Ns(_) | Value::Bs(_)) => return Ok(()),
        Some(Value::N(_)) if clause == "ADD" => return Ok(()),
        Some(Value::S(_)) => "STRING",
        Some(Value::N(_)) => "NUMBER",
        Some(Value::B(_)) => "Binary",
        Some(Value::L(_)) => "LIST",
        Some(Value::M(_)) => "MAP",
        Some(other) => other.type_name(),
    };
    Err(Fault::ClauseOperand { clause, kind })
}

fn lower<R: Resolve>(action: &Written<'_>, resolver: &mut R) -> Result<Action<R::Value>, Fault> {
    match (action.section, &action.value) {
        ("SET", Some(node)) => lower_value(node, resolver).map(Action::Set),
        ("ADD", Some(Node::Value(name))) => value(name, resolver).map(Action::Add),
        ("DELETE", Some(Node::Value(name))) => value(name, resolver).map(Action::Delete),
        _ => Ok(Action::Remove),
    }
}

fn lower_value<R: Resolve>(node: &Node<'_>, resolver: &mut R) -> Result<SetValue<R::Value>, Fault> {
    match ungroup(node) {
        Node::Path(parts) => path(parts, resolver).map(SetValue::Path),
        Node::Value(name) => value(name, resolver).map(SetValue::Value),
        Node::Plus(both) => {
            operands("+", "N", both.as_ref(), resolver).map(|(left, right)| SetValue::Plus(left, right))
        }
        Node::Minus(both) => {
            operands("-", "N", both.as_ref(), resolver).map(|(left, right)| SetValue::Minus(left, right))
        }
        Node::Call("list_append", all) => {
            arity("list_append", all, 2)?;
            operands("list_append", "L", all, resolver).map(|(left, right)| SetValue::ListAppend(left, right))
        }
        Node::Call(name, all) => {
            arity(name, all, 2)?;
            let [first, second] = all.as_slice() else { return Err(Fault::NeedsPath((*name).to_owned())) };
            let SetValue::Path(first) = lower_value(first, resolver)? else {
                return Err(Fault::NeedsPath((*name).to_owned()));
            };
            let second = lower_value(second, resolver)?;
            distinct(name, &first, &second)?;
            Ok(SetValue::IfNotExists(first, Box::new(second)))
        }
        // The grammar has nothing else here.
        _ => Err(Fault::FunctionPlace(String::new())),
    }
}

type Pair<V> = (Box<SetValue<V>>, Box<SetValue<V>>);

/// Both operands of something that takes one type.
fn operands<R: Resolve>(
    operator: &str,
    kind: &str,
    nodes: &[Node<'_>],
    resolver: &mut R,
) -> Result<Pair<R::Value>, Fault> {
    let [left, right] = nodes else { return Err(Fault::FunctionPlace(operator.to_owned())) };
    let (left, right) = (lower_value(left, resolver)?, lower_value(right, resolver)?);
    for operand in [&left, &right] {
        if let SetValue::Value(value) = operand
            && let Some(found) = R::known(value).map(Value::type_name)
            && found != kind
        {
            return Err(Fault::OperandKind { operator: operator.to_owned(), kind: found });
        }
    }
    Ok((Box::new(left), Box::new(right)))
}

fn distinct<V>(operator: &str, first: &Path, second: &SetValue<V>) -> Result<(), Fault> {
    if matches!(second, SetValue::Path(second) if second == first) {
        return Err(Fault::SameOperand { operator: operator.to_owned(), first: first.clone() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::names::{Names, Scope, Values};
    use super::*;

    fn message(text: &str) -> String {
        let names = Names::from([("#a".into(), "a".into())]);
        let values = Values::from([
            (":n".into(), Value::N("1".into())),
            (":s".into(), Value::S("SECRET".into())),
            (":l".into(), Value::L(Vec::new())),
            (":ss".into(), Value::Ss(vec!["x".into()])),
        ]);
        match parse(text, &mut Scope::new(&names, &values)) {
            Ok(_) => "read".into(),
            Err(error) => error.message().strip_prefix("Invalid UpdateExpression: ").unwrap().to_owned(),
        }
    }

    #[test]
    fn what_is_read() {
        for text in [
            "SET a = b, c.d[0] = :n + e REMOVE f ADD g :n DELETE h :ss",
            "remove a set b = if_not_exists(a, if_not_exists(c, :n)) - (d + :n)",
            "SET a = list_append(if_not_exists(#a, :l), :l)",
            "SET a = (:s)",
        ] {
            assert_eq!(message(text), "read", "{text}");
        }
    }

    #[test]
    fn what_is_refused() {
        for (text, expected) in [
            ("SET a = :n :n", "Syntax error; token: \":n\", near: \":n :n\""),
            ("SET a = if_not_exists(a, :n + :n)", "Syntax error; token: \"+\", near: \":n + :n\""),
            ("  ", "Syntax error; token: \"<EOF>\", near: \"  \""),
            ("ADD a b", "Syntax error; token: \"(redacted)\", near: \"(redacted)\", position: 6"),
            ("SET data = :n SET a = :n", "Attribute name is a reserved keyword; reserved keyword: data"),
            ("SET a = :n REMOVE b SET c = :n", "The \"SET\" section can only be used once in an update expression;"),
            ("SET a = SIZE(b)", "Invalid function name; function: SIZE"),
            ("SET a = size(b)", "The function is not allowed in an update expression; function: size"),
            (
                "SET a = list_append(list_append(:l, :l), :l)",
                "The function is not allowed to be used this way in an expression; function: list_append",
            ),
            (
                "SET a = :undefined, b = #undefined",
                "An expression attribute name used in the document path is not defined; attribute name: #undefined",
            ),
            (
                "SET a = if_not_exists(:undefined, :n)",
                "An expression attribute value used in expression is not defined; attribute value: :undefined",
            ),
            (
                "SET a = if_not_exists(:n, :n)",
                "Operator or function requires a document path; operator or function: if_not_exists",
            ),
            (
                "SET a = list_append(:l)",
                "Incorrect number of operands for operator or function; operator or function: list_append, number \
                 of operands: 1",
            ),
            (
                "SET a = b + :s",
                "Incorrect operand type for operator or function; operator or function: +, operand type: S",
            ),
            (
                "DELETE a :n",
                "Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER, typeSet: \
                 ALLOWED_FOR_ADD_OPERAND",
            ),
            (
                "REMOVE a.b SET #a = :n",
                "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: \
                 [a, b], path two: [a]",
            ),
        ] {
            assert_eq!(message(text), expected, "{text}");
        }
    }

    #[test]
    fn limits() {
        let sums =
            |count: usize| format!("SET {}", (0..count).map(|n| format!("a{n}=b+c")).collect::<Vec<_>>().join(","));
        assert_eq!(message(&sums(300)), "read");
        assert_eq!(message(&sums(301)), "The expression contains too many operators; operator count: 301");
    }
}
