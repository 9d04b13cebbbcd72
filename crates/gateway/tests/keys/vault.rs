//! The same troubles with Vault in the place of KMS.

use std::sync::atomic::Ordering;

use dynaseal_item::Kind;

use crate::chaos::{Case, TENANTS, of_all, run};
use crate::world::World;

fn cases() -> Vec<Case> {
    vec![
        of_all("Vault is sealed", "DSL-4102", Kind::Outage, |world| world.vault.trouble(Some(503))),
        of_all("Vault is at fault", "DSL-4102", Kind::Outage, |world| world.vault.trouble(Some(500))),
        of_all("Vault is asked too often", "DSL-4101", Kind::Outage, |world| world.vault.trouble(Some(429))),
        of_all("Vault is not there", "DSL-4112", Kind::Outage, |world| world.vault_down.store(true, Ordering::SeqCst)),
        of_all("the token is wrong", "DSL-4103", Kind::Keys, |world| world.vault.trouble(Some(403))),
        of_all("the key is gone", "DSL-4105", Kind::Keys, |world| world.vault.trouble(Some(404))),
    ]
}

#[tokio::test(start_paused = true)]
async fn every_trouble_with_vault_is_exact_and_passes_without_a_restart() {
    for case in cases() {
        let world = World::under("vault_key = \"branch-keys\"".to_owned(), TENANTS.map(str::to_owned)).await;
        run(&case, world).await;
    }
}
