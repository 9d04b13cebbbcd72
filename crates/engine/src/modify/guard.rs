//! The condition under which a write that was decided here is carried out: the item is still the one that was read.

use std::collections::HashSet;

use dynaseal_item::{Item, Schema, Value};

use crate::expr::ast::{Comparator, Condition, Operand, Path};
use crate::expr::syntax::MAX_BYTES;
use crate::table::MARK;

use super::current::FOOTER;

/// The guard over what was read, of which `reads` are the attributes that the decision depends on: those that were not
/// there must still not be there. A footer covers the signed ones that were. Of an unsealed item, and for one write that
/// puts the whole item, every attribute counts. `None` if it does not fit into an expression; with a mark it always does.
pub(super) fn guard<'v>(
    stored: Option<&'v Item<'v>>,
    schema: &Schema,
    (reads, whole): (&[String], bool),
    mark: Option<&'v Value<'v>>,
) -> Option<Condition<&'v Value<'v>>> {
    let Some(stored) = stored else { return Some(absent(schema.partition_key())) };
    let (values, read): (_, HashSet<&str>) = (stored.by_name(), reads.iter().map(String::as_str).collect());
    let same = |name: &str| values.get(name).copied().map_or_else(|| absent(name), |value| equal(name, value));
    let is_sealed = values.contains_key(FOOTER);
    let covered = |name: &str| is_sealed && (name.starts_with("aws_dbe_") || schema.in_signature_scope(name));
    let mut guard = Guard::new(same(FOOTER));
    if let Some(mark) = mark {
        guard.add(equal(MARK, mark));
    }
    for name in reads.iter().filter(|name| !covered(name) || !values.contains_key(name.as_str())) {
        guard.add(same(name));
    }
    if whole || !is_sealed {
        let others = stored.iter().map(|(name, _)| name).filter(|name| !read.contains(name));
        others.filter(|name| *name != FOOTER && !covered(name)).for_each(|name| guard.add(same(name)));
    }
    if mark.is_some() {
        // Attributes that are configured by name could be added by one who puts back what it read, mark and all.
        let configured = schema.actions().map(|(name, _)| name).filter(|name| !values.contains_key(name));
        configured.filter(|name| !read.contains(name)).for_each(|name| guard.add(absent(name)));
    }
    (guard.fits || mark.is_some()).then_some(guard.condition)
}

/// Clauses, as far as DynamoDB takes them.
struct Guard<'v> {
    condition: Condition<&'v Value<'v>>,
    bytes: usize,
    operators: usize,
    /// Whether all that was added is in it.
    fits: bool,
}

impl<'v> Guard<'v> {
    fn new(condition: Condition<&'v Value<'v>>) -> Self {
        Self { bytes: length(&condition), condition, operators: 1, fits: true }
    }

    fn add(&mut self, clause: Condition<&'v Value<'v>>) {
        let bytes = self.bytes.saturating_add(length(&clause));
        // The clause's own and the AND before it.
        let operators = self.operators.saturating_add(2);
        if bytes > MAX_BYTES || operators > MAX_OPERATORS {
            self.fits = false;
            return;
        }
        (self.bytes, self.operators) = (bytes, operators);
        let before = std::mem::replace(&mut self.condition, absent(""));
        self.condition = before.and(clause);
    }
}

/// How long a clause is at most, with placeholders of four digits.
fn length(clause: &Condition<&Value<'_>>) -> usize {
    match clause {
        Condition::NotExists(_) => "attribute_not_exists(#n9999) AND ".len(),
        _ => "#n9999 = :v9999 AND ".len(),
    }
}

pub(super) fn equal<'v>(name: &str, value: &'v Value<'v>) -> Condition<&'v Value<'v>> {
    Condition::Compare(Operand::Path(Path::attribute(name)), Comparator::Equal, Operand::Value(value))
}

pub(super) fn absent<'v>(name: &str) -> Condition<&'v Value<'v>> {
    Condition::NotExists(Path::attribute(name))
}

/// Functions, comparisons and words between them.
const MAX_OPERATORS: usize = 300;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::print::Printer;
    use dynaseal_item::json::read_item;
    use dynaseal_item::{Action, SchemaSpec};

    fn schema() -> Schema {
        let spec = SchemaSpec {
            logical_name: "T".into(),
            partition_key: "id".into(),
            actions: vec![("id".into(), Action::SignOnly), ("email".into(), Action::EncryptAndSign)],
            default_action: Some(Action::SignOnly),
            unsigned: vec!["views".into(), "likes".into()],
            ..SchemaSpec::default()
        };
        spec.build().unwrap()
    }

    fn printed(stored: Option<&str>, reads: &[&str], whole: bool, mark: bool) -> Option<String> {
        let stored = stored.map(|text| read_item(text).unwrap());
        let reads: Vec<_> = reads.iter().map(|name| (*name).to_owned()).collect();
        let bytes = Value::B(vec![1].into());
        let mut printer = Printer::default();
        let guard = guard(stored.as_ref(), &schema(), (&reads, whole), mark.then_some(&bytes))?;
        let text = printer.condition(&guard);
        assert!(text.len() <= MAX_BYTES, "{}", text.len());
        assert!(text.matches('=').count() + text.matches("attribute_").count() + text.matches("AND").count() <= 300);
        Some(printer.names().fold(text + " ", |text, (placeholder, name)| {
            text.replace(&format!("{placeholder} "), &format!("{name} "))
                .replace(&format!("{placeholder})"), &format!("{name})"))
        }))
    }

    #[test]
    fn a_footer_stands_for_all_that_is_signed_and_there() {
        let sealed = r#"{"id":{"S":"1"},"plan":{"S":"x"},"views":{"N":"1"},"aws_dbe_foot":{"B":"AA=="}}"#;
        let printed = |reads: &[&str], whole| printed(Some(sealed), reads, whole, false).unwrap();
        assert_eq!(
            printed(&["views", "likes", "plan", "lockedBy"], false),
            "aws_dbe_foot = :v0 AND views = :v1 AND attribute_not_exists(likes) AND attribute_not_exists(lockedBy) "
        );
        assert_eq!(printed(&[], false), "aws_dbe_foot = :v0 ");
        assert_eq!(printed(&[], true), "aws_dbe_foot = :v0 AND views = :v1 ");
    }

    #[test]
    fn nothing_stands_for_an_unsealed_item_but_itself() {
        assert_eq!(printed(None, &["plan"], false, false).unwrap(), "attribute_not_exists(id) ");
        let plain = r#"{"id":{"S":"1"},"plan":{"S":"x"}}"#;
        assert_eq!(
            printed(Some(plain), &["lockedBy", "plan"], false, false).unwrap(),
            "attribute_not_exists(aws_dbe_foot) AND attribute_not_exists(lockedBy) AND plan = :v0 AND id = :v1 "
        );
        assert_eq!(
            printed(Some(plain), &[], false, true).unwrap(),
            "attribute_not_exists(aws_dbe_foot) AND aws_dbe_sealing = :v0 AND id = :v1 AND plan = :v2 AND \
             attribute_not_exists(email) "
        );
    }

    #[test]
    fn what_does_not_fit_needs_a_mark() {
        let fields =
            |count: usize| (0..count).map(|at| format!(r#""f{at}":{{"N":"1"}}"#)).collect::<Vec<_>>().join(",");
        let item = |count| format!("{{\"id\":{{\"S\":\"1\"}},{}}}", fields(count));
        assert!(printed(Some(&item(148)), &[], false, false).is_some());
        assert!(printed(Some(&item(149)), &[], false, false).is_none());
        assert!(printed(Some(&item(1000)), &[], false, true).is_some());
        let gone: Vec<_> = (0..200).map(|at| format!("gone{at}")).collect();
        let gone: Vec<_> = gone.iter().map(String::as_str).collect();
        assert!(printed(Some(&item(1)), &gone, false, false).is_none());
        assert!(printed(Some(&item(1)), &gone, false, true).is_some());
    }
}
