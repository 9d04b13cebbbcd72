//! The condition under which a write that was decided here is carried out: the item is still the one that was read.

use dynaseal_item::{Item, Value};

use crate::expr::ast::{Comparator, Condition, Operand, Path};
use crate::table::Table;

use super::current::FOOTER;

/// The guard over what was read. `unsigned` are attributes that the decision read and the footer does not cover.
pub(super) fn guard<'v>(stored: Option<&'v Item<'v>>, table: &Table, unsigned: &[String]) -> Condition<&'v Value<'v>> {
    let Some(stored) = stored else { return absent(table.schema().partition_key()) };
    let same = |name: &str| stored.get(name).map_or_else(|| absent(name), |value| equal(name, value));
    if stored.get(FOOTER).is_some() {
        unsigned.iter().fold(same(FOOTER), |guard, name| guard.and(same(name)))
    } else {
        // Nothing stands for the whole of an unsealed item, so each attribute does.
        stored.iter().fold(absent(FOOTER), |guard, (name, value)| guard.and(equal(name, value)))
    }
}

fn equal<'v>(name: &str, value: &'v Value<'v>) -> Condition<&'v Value<'v>> {
    Condition::Compare(Operand::Path(Path::attribute(name)), Comparator::Equal, Operand::Value(value))
}

fn absent<'v>(name: &str) -> Condition<&'v Value<'v>> {
    Condition::NotExists(Path::attribute(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::print::Printer;
    use dynaseal_item::json::read_item;
    use dynaseal_item::{Action, SchemaSpec};
    use dynaseal_keys::{Provider, RawAes};

    fn printed(stored: Option<&str>) -> String {
        let schema = SchemaSpec {
            logical_name: "T".into(),
            partition_key: "id".into(),
            actions: vec![("id".into(), Action::SignOnly)],
            ..SchemaSpec::default()
        };
        let ring = RawAes::new("test", "test key", &[7; 32]).unwrap();
        let provider = Provider::new(std::sync::Arc::new(ring));
        let table = Table::new("T".into(), schema.build().unwrap(), provider, crate::Plaintext::Read);
        let stored = stored.map(|text| read_item(text).unwrap());
        let mut printer = Printer::default();
        let text = printer.condition(&guard(stored.as_ref(), &table, &["views".into(), "likes".into()]));
        printer.names().fold(text, |text, (placeholder, name)| text.replace(&placeholder, name))
    }

    #[test]
    fn a_footer_stands_for_all_that_is_signed() {
        let sealed = r#"{"id":{"S":"1"},"plan":{"S":"x"},"views":{"N":"1"},"aws_dbe_foot":{"B":"AA=="}}"#;
        assert_eq!(printed(Some(sealed)), "aws_dbe_foot = :v0 AND views = :v1 AND attribute_not_exists(likes)");
    }

    #[test]
    fn nothing_stands_for_an_unsealed_item_but_itself() {
        assert_eq!(printed(None), "attribute_not_exists(id)");
        let plain = r#"{"id":{"S":"1"},"plan":{"S":"x"}}"#;
        assert_eq!(printed(Some(plain)), "attribute_not_exists(aws_dbe_foot) AND id = :v0 AND plan = :v1");
    }
}
