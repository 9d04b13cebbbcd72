//! Items that DynamoDB takes, and what it makes of them.

use aws_sdk_dynamodb::types::AttributeValue;
use dynaseal_item::{Action, SchemaSpec, Suite};

use crate::rings::Ring;
use crate::run::{Sides, open_aws};
use crate::values::Attributes;

/// The item without what the format allows and a store refuses: keys that are empty or of another type, empty sets, and a zero
/// with an exponent that no other number could have.
pub fn item(table: &SchemaSpec, ring: Ring, mut item: Attributes) -> Attributes {
    item.values_mut().for_each(mend);
    for key in [Some(&table.partition_key), table.sort_key.as_ref()].into_iter().flatten() {
        let fits = match item.get(key) {
            Some(AttributeValue::S(text)) => (1..=LONGEST_KEY / 4).contains(&text.chars().count()),
            Some(AttributeValue::B(bytes)) => (1..=LONGEST_KEY).contains(&bytes.as_ref().len()),
            value => matches!(value, Some(AttributeValue::N(_))),
        };
        if !fits {
            item.insert(key.clone(), AttributeValue::S(format!("{ring:?}")));
        }
    }
    item
}

fn mend(value: &mut AttributeValue) {
    match value {
        AttributeValue::Ss(all) | AttributeValue::Ns(all) if all.is_empty() => *value = AttributeValue::Null(true),
        AttributeValue::Bs(all) if all.is_empty() => *value = AttributeValue::Null(true),
        AttributeValue::N(number) if number == "0E500" => *value = AttributeValue::N("0".to_owned()),
        AttributeValue::L(all) => all.iter_mut().for_each(mend),
        AttributeValue::M(all) => all.values_mut().for_each(mend),
        _ => {}
    }
}

/// The item with numbers and sets in normal form, as AWS's crate writes them when it encrypts: a store may give them back so.
pub fn normal(sides: &Sides, item: &Attributes) -> Result<Attributes, String> {
    let mut actions = vec![(KEY.to_owned(), Action::SignOnly)];
    actions.extend(item.keys().map(|name| (name.clone(), Action::EncryptAndSign)));
    let table = SchemaSpec {
        logical_name: "normal".to_owned(),
        partition_key: KEY.to_owned(),
        actions,
        suite: Suite::Hmac,
        ..SchemaSpec::default()
    };
    let mut with_key = item.clone();
    with_key.insert(KEY.to_owned(), AttributeValue::Bool(true));
    let sealed = sides.aws.encryptor(&table, Ring::Aes256)?.seal(&with_key)?;
    let mut normal = open_aws(sides, &table, Ring::Aes256, &sealed)?;
    normal.remove(KEY);
    Ok(normal)
}

/// No generated name has these letters.
const KEY: &str = "key";
/// DynamoDB's limit for a sort key, in bytes.
const LONGEST_KEY: usize = 1024;
