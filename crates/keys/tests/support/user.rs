//! The item `user` of the benchmarks through a key ring, from DynamoDB JSON to DynamoDB JSON.

use dynaseal_item::{Action, Schema, SchemaSpec, Suite, json};
use dynaseal_keys::Provider;

use crate::support;

pub(crate) fn seal(schema: &Schema, provider: &Provider, text: &str) -> String {
    let item = support::seal(support::IO, schema, provider, json::read_item(text).unwrap()).unwrap();
    let mut out = Vec::with_capacity(2 * text.len() + 1024);
    json::write_item(&item, &mut out);
    String::from_utf8(out).unwrap()
}

pub(crate) fn open(schema: &Schema, provider: &Provider, text: &str) -> String {
    let mut sealed = json::read_item(text).unwrap();
    let item = support::open(support::IO, schema, provider, &mut sealed).unwrap();
    let mut out = Vec::with_capacity(text.len());
    json::write_item(&item, &mut out);
    String::from_utf8(out).unwrap()
}

/// 4 of 8 attributes are encrypted.
pub(crate) fn schema(suite: Suite) -> Schema {
    let encrypted = ["email", "name", "birthday", "address"].map(|name| (name.to_owned(), Action::EncryptAndSign));
    let signed = ["userId", "created", "plan", "active"].map(|name| (name.to_owned(), Action::SignOnly));
    let spec = SchemaSpec {
        logical_name: "Users".to_owned(),
        partition_key: "userId".to_owned(),
        actions: [encrypted, signed].concat(),
        suite,
        ..SchemaSpec::default()
    };
    spec.build().unwrap()
}

/// One of many users, 0.5 KB, with texts that are so many times as long.
pub(crate) fn user(number: usize, times: usize) -> String {
    let address = format!("1 Long Street, {}", "Some Town ".repeat(18));
    let texts = ["someone.with.a.name@example.com", "Someone With A Longer Name", &address, "standard"];
    let [email, name, address, plan] = texts.map(|text| text.repeat(times));
    format!(
        r#"{{"userId":{{"S":"user-{number:020}"}},"email":{{"S":"{email}"}},"name":{{"S":"{name}"}},"birthday":{{"S":"1970-01-01"}},"address":{{"S":"{address}"}},"created":{{"N":"1700000000"}},"plan":{{"S":"{plan}"}},"active":{{"BOOL":true}}}}"#
    )
}
