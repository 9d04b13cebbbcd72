//! What the right on the item table can do alone, and a backup of it: docs/KEYS.md, "What a stolen credential can do".

use dynaseal_item::{Action, Item, Schema, SchemaSpec, json as items};
use dynaseal_keys::Erasure;

use super::*;
use support::{open, seal};

/// Items whose tenants each have a branch key.
struct Items {
    world: World,
    schema: Schema,
}

impl Items {
    fn new() -> Self {
        let world = World::new();
        for id in ["a", "b"] {
            world.create(id);
        }
        let spec = SchemaSpec {
            logical_name: "Orders".into(),
            partition_key: "tenant".into(),
            sort_key: Some("id".into()),
            actions: [("tenant", Action::SignOnly), ("id", Action::SignOnly), ("secret", Action::EncryptAndSign)]
                .map(|(name, action)| (name.into(), action))
                .into(),
            ..SchemaSpec::default()
        };
        Self { world, schema: spec.build().unwrap() }
    }

    /// Keys whose cache is empty.
    fn keys(&self) -> Provider {
        let id = BranchKeyId::Attribute("tenant".into());
        let ring = Hierarchical::new(Arc::new(self.world.store.clone()), id, CacheOptions::new(Duration::from_secs(1)));
        Provider::new(Arc::new(ring.unwrap()))
    }

    fn sealed(&self, tenant: &str, id: &str, secret: &str) -> Value {
        let text = serde_json::json!({ "tenant": { "S": tenant }, "id": { "S": id }, "secret": { "S": secret } });
        let text = text.to_string();
        let item = items::read_item(&text).unwrap();
        stored(&seal(self.world.io(), &self.schema, &self.keys(), item).unwrap())
    }

    /// The secret, or why there is none.
    fn opened(&self, stored: &Value) -> Result<String, String> {
        let text = stored.to_string();
        let mut item = items::read_item(&text).unwrap();
        let keys = self.keys();
        let opened = open(self.world.io(), &self.schema, &keys, &mut item).map_err(|refused| refused.to_string())?;
        Ok(self::stored(&opened)["secret"]["S"].as_str().unwrap().to_owned())
    }
}

/// An item as the table has it.
fn stored(item: &Item<'_>) -> Value {
    let mut out = Vec::new();
    items::write_item(item, &mut out);
    serde_json::from_slice(&out).unwrap()
}

#[test]
fn the_table_alone_puts_an_older_item_back_and_nobody_notices() {
    let items = Items::new();
    let old = items.sealed("a", "1", "before");
    assert_eq!(items.opened(&items.sealed("a", "1", "after")).unwrap(), "after");
    assert_eq!(items.opened(&old).unwrap(), "before");
    // A rotation does not change that: what an old version sealed stays readable.
    run(items.world.store.rotate("a", items.world.io())).unwrap();
    assert_eq!(items.opened(&old).unwrap(), "before");
}

#[test]
fn the_table_alone_makes_no_item_of_others() {
    let items = Items::new();
    let (one, two, other) = (items.sealed("a", "1", "x"), items.sealed("a", "2", "y"), items.sealed("b", "1", "z"));
    for secret in ["x", "y", "z"] {
        let sealed = [&one, &two, &other].into_iter().filter(|item| items.opened(item).unwrap() == secret);
        assert_eq!(sealed.count(), 1);
        assert!(![&one, &two, &other].iter().any(|item| item["secret"].to_string().contains(&format!("\"{secret}\""))));
    }
    // Under another key of the same tenant, and under another tenant's.
    for (key, value) in [("id", "2"), ("tenant", "b")] {
        let mut moved = one.clone();
        moved[key]["S"] = value.into();
        items.opened(&moved).unwrap_err();
    }
    // Put together from two: the value, the header, the footer, each of another item or of an older one.
    let older = items.sealed("a", "1", "w");
    for from in [&two, &other, &older] {
        for part in ["secret", "aws_dbe_head", "aws_dbe_foot"] {
            let mut mixed = one.clone();
            mixed[part] = from[part].clone();
            items.opened(&mixed).unwrap_err();
        }
    }
}

#[test]
fn a_backup_of_the_table_is_worth_nothing_once_the_branch_key_is_destroyed() {
    let items = Items::new();
    let (own, other) = (items.sealed("a", "1", "x"), items.sealed("b", "1", "y"));
    items.world.aws.kms.allow(&[]);
    assert!(items.opened(&own).unwrap_err().contains("access is denied"));
    items.world.aws.kms.allow(&["Decrypt"]);
    run(items.world.store.destroy("a", Erasure::ForGood, items.world.io())).unwrap();
    items.opened(&own).unwrap_err();
    assert_eq!(items.opened(&other).unwrap(), "y");
}
