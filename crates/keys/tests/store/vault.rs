//! A key store under Vault: the same records, protected by a key of the transit engine.

use dynaseal_keys::testing::FakeTransit;
use dynaseal_keys::{Answer, BoxFuture, Call, Service, VaultTransit, WireError};

use super::*;

/// DynamoDB and Vault.
struct Site(FakeAws, FakeTransit);

impl Wire for Site {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        if call.service == Service::Vault { self.1.send(call) } else { self.0.send(call) }
    }
}

#[test]
fn branch_keys_live_under_vault() {
    let key = VaultTransit::key("transit", "tenants").unwrap();
    let options = KeyStoreOptions {
        table: TABLE.into(),
        logical_name: LOGICAL.into(),
        kms: Arc::new(VaultTransit),
        keys: KmsConfiguration::Vault(key.clone()),
    };
    let store = KeyStoreTable::new(options).unwrap();
    assert!(store.needs(Service::Vault) && !store.needs(Service::Kms));
    let world = World::new();
    let site = Site(world.aws.clone(), FakeTransit::default().with_key("tenants"));
    let io = world.io_over(&site);
    let created = run(store.create(tenant("t"), io)).unwrap();
    let rotated = run(store.rotate("t", io)).unwrap();
    assert_eq!(run(store.active("t", io)).unwrap().version(), rotated.new);
    run(store.version("t", created.version, io)).unwrap();
    let shared = Arc::new(store.clone());
    assert!(opens(shared.clone(), shared, "t", io).unwrap());
    assert!(world.items().iter().all(|item| item["kms-arn"]["S"] == key.as_str()));
    assert!(world.aws.kms.calls().is_empty());

    assert_bounded(&store, "t", io, &|| world.aws.table.count("GetItem"));

    // A record that was changed is told as under KMS, and KMS is not asked about a key of Vault.
    world.set("t", active_type(), "aws-crypto-ec:tenant", Some(serde_json::json!({ "S": "another" })));
    assert_eq!(run(store.active("t", io)).unwrap_err().code(), "DSL-4132");
    assert_eq!(world.active("t").unwrap_err().code(), "DSL-4133");
}
