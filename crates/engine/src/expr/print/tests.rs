use proptest::collection::vec;
use proptest::prelude::*;

use super::super::ast::{Comparator, check_paths};
use super::super::error::Kind;
use super::super::names::{Names, Scope, Values};
use super::super::projection::Projection;
use super::super::{condition, update};
use super::*;

type V = &'static Value<'static>;

/// One value for all places: its address and content are the same after reading.
static VALUE: Value<'static> = Value::Null;
static TEXT: Value<'static> = Value::S(std::borrow::Cow::Borrowed("S"));
static NUMBER: Value<'static> = Value::N(std::borrow::Cow::Borrowed("1"));
static LIST: Value<'static> = Value::L(Vec::new());

fn maps(printer: &Printer<'static>) -> (Names<'static>, Values<'static>) {
    let names = printer.names().map(|(key, name)| (key.into(), name.to_owned().into())).collect();
    (names, printer.values().map(|(key, value)| (key.into(), value.clone())).collect())
}

fn path() -> impl Strategy<Value = Path> {
    let name =
        || prop_oneof![Just("a"), Just("b"), Just("order"), Just("a.b"), Just("é"), Just("x y")].prop_map(String::from);
    let step = prop_oneof![name().prop_map(Step::Name), (0_usize..9).prop_map(Step::Index)];
    (name(), vec(step, 0..3)).prop_map(|(root, steps)| Path { root, steps })
}

fn operand() -> impl Strategy<Value = Operand<V>> {
    prop_oneof![
        path().prop_map(Operand::Path),
        Just(Operand::Value(&TEXT)),
        path().prop_map(|path| Operand::Size(Box::new(Operand::Path(path)))),
    ]
}

fn a_condition() -> impl Strategy<Value = Condition<V>> {
    let leaf = prop_oneof![
        (operand(), 0_usize..6, operand()).prop_map(|(left, sign, right)| {
            let sign = ["=", "<>", "<", "<=", ">", ">="][sign];
            Condition::Compare(left, Comparator::of(sign).unwrap(), right)
        }),
        (path(), operand(), operand()).prop_map(|(one, low, high)| Condition::Between(Operand::Path(one), low, high)),
        (operand(), vec(operand(), 1..4)).prop_map(|(one, all)| Condition::In(one, all)),
        path().prop_map(Condition::Exists),
        path().prop_map(Condition::NotExists),
        path().prop_map(|path| Condition::Type(Operand::Path(path), &TEXT)),
        (path(), path()).prop_map(|(one, two)| Condition::BeginsWith(Operand::Path(one), Operand::Path(two))),
        (operand(), Just(&VALUE)).prop_map(|(one, two)| Condition::Contains(one, Operand::Value(two))),
    ];
    leaf.prop_recursive(5, 40, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(left, right)| left.and(right)),
            (inner.clone(), inner.clone()).prop_map(|(left, right)| left.or(right)),
            inner.prop_map(Condition::not),
        ]
    })
}

fn set_value() -> impl Strategy<Value = SetValue<V>> {
    let leaf = prop_oneof![path().prop_map(SetValue::Path), Just(SetValue::Value(&NUMBER))];
    let sums = leaf.prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(left, right)| SetValue::Plus(Box::new(left), Box::new(right))),
            (inner.clone(), inner.clone()).prop_map(|(left, right)| SetValue::Minus(Box::new(left), Box::new(right))),
            (path(), inner).prop_map(|(path, default)| SetValue::IfNotExists(path, Box::new(default))),
        ]
    });
    let list = path().prop_map(|path| {
        let old = SetValue::IfNotExists(path, Box::new(SetValue::Value(&LIST)));
        SetValue::ListAppend(Box::new(old), Box::new(SetValue::Value(&LIST)))
    });
    prop_oneof![sums, list]
}

fn an_update() -> impl Strategy<Value = Update<V>> {
    let sections = (vec((path(), set_value()), 0..3), vec(path(), 0..3), vec(path(), 0..2));
    let actions = sections.prop_map(|(set, remove, add)| {
        let set = set.into_iter().map(|(path, value)| (path, Action::Set(value)));
        let remove = remove.into_iter().map(|path| (path, Action::Remove));
        let add = add.into_iter().map(|path| (path, Action::Add::<V>(&NUMBER)));
        Update { actions: set.chain(remove).chain(add).collect(), legacy: false }
    });
    actions.prop_filter("is an update", |update| {
        !update.actions.is_empty() && check_paths(&update.actions.iter().map(|(path, _)| path)).is_ok()
    })
}

proptest! {
    #[test]
    fn conditions_read_back(condition in a_condition()) {
        let mut printer = Printer::default();
        let text = printer.condition(&condition);
        let (names, values) = maps(&printer);
        let mut scope = Scope::new(&names, &values);
        match condition::parse(&text, Kind::Condition, &mut scope) {
            Ok(read) => {
                prop_assert_eq!(&read, &condition, "{}", text);
                prop_assert!(scope.check_unused().is_ok());
            }
            // Random operands may stand twice, and random trees may be large.
            Err(error) => prop_assert!(
                error.message().contains("must be distinct") || error.message().contains("allowed size"),
                "{text}: {}", error.message()
            ),
        }
    }

    #[test]
    fn updates_read_back(update in an_update()) {
        let mut printer = Printer::default();
        let text = printer.update(&update);
        let (names, values) = maps(&printer);
        match update::parse(&text, &mut Scope::new(&names, &values)) {
            Ok(read) => prop_assert_eq!(&read, &update, "{}", text),
            Err(error) => prop_assert!(error.message().contains("must be distinct"), "{text}: {}", error.message()),
        }
    }

    #[test]
    fn projections_read_back(paths in vec(path(), 1..4)) {
        prop_assume!(check_paths(&paths.iter()).is_ok());
        let mut printer = Printer::default();
        let text = printer.projection(&paths);
        let (names, values) = maps(&printer);
        let read = Projection::parse(&text, &mut Scope::new(&names, &values)).unwrap();
        prop_assert_eq!(read.paths(), paths);
    }
}

#[test]
fn a_guard_goes_in_front_and_clauses_can_be_left_out() {
    let (names, values) = (Names::new(), Values::from([(":v".into(), Value::N("1".into()))]));
    let mut scope = Scope::new(&names, &values);
    let original = condition::parse("a = :v OR b = :v", Kind::Condition, &mut scope).unwrap();
    let update = update::parse("SET a = :v, b = a + :v REMOVE c ADD d :v", &mut scope).unwrap();
    let guard =
        Condition::Compare(Operand::Path(Path::attribute("aws_dbe_foot")), Comparator::Equal, Operand::Value(&VALUE));
    let mut printer = Printer::default();
    assert_eq!(printer.condition(&guard.and(original)), "#n0 = :v0 AND (#n1 = :v1 OR #n2 = :v1)");
    let part = update.only(|root| root == "b" || root == "d").unwrap();
    assert_eq!(printer.update(&part), "SET #n2 = #n1 + :v1 ADD #n3 :v1");
    assert_eq!(printer.names().map(|(_, name)| name).collect::<Vec<_>>(), ["aws_dbe_foot", "a", "b", "d"]);
    assert!(update.only(|_| false).is_none());
}
