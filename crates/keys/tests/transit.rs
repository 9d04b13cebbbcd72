//! Vault's transit engine as a key management service: what it binds, and what it says when it cannot.

use std::time::Duration;

use dynaseal_item::{Context, Kind};
use dynaseal_keys::testing::{FakeTransit, FixedClock};
use dynaseal_keys::{Error, Io, Kms as _, VaultTransit};
use pollster::block_on;

fn context(tenant: &str) -> Context {
    [("branch-key-id".to_owned(), tenant.to_owned()), ("tablename".to_owned(), "é keys".to_owned())]
        .into_iter()
        .collect()
}

fn code<T>(result: Result<T, Error>) -> &'static str {
    result.map(|_| "it worked").map_err(|error| error.code()).unwrap_or_else(|code| code)
}

#[test]
fn a_key_is_bound_to_its_context_and_moved_from_one_to_another() {
    for (server, old) in [(FakeTransit::default(), false), (FakeTransit::default().old(), true)] {
        let server = server.with_key("app").with_key("other");
        let clock = FixedClock::new(Duration::from_secs(1));
        let io = Io { wire: &server, clock: &clock };
        let (app, other) =
            (VaultTransit::key("transit", "app").unwrap(), VaultTransit::key("transit", "other").unwrap());
        let (one, two) = (context("one"), context("two"));

        let wrapped = block_on(VaultTransit.generate(&app, &one, io)).unwrap();
        let key = block_on(VaultTransit.decrypt(&app, &wrapped, &one, io)).unwrap();
        let moved = block_on(VaultTransit.re_encrypt(&app, &wrapped, &one, &two, io)).unwrap();
        assert_eq!(*block_on(VaultTransit.decrypt(&app, &moved, &two, io)).unwrap(), *key);

        // The digest binds even where the server does not.
        for (wrapped, context) in [(&wrapped, &two), (&moved, &one), (&wrapped, &Context::new())] {
            assert_eq!(code(block_on(VaultTransit.decrypt(&app, wrapped, context, io))), "DSL-4108", "old: {old}");
            assert_eq!(code(block_on(VaultTransit.re_encrypt(&app, wrapped, context, &one, io))), "DSL-4108");
        }
        assert_eq!(code(block_on(VaultTransit.decrypt(&other, &wrapped, &one, io))), "DSL-4108");
        for place in 0..wrapped.len() {
            let mut changed = wrapped.clone();
            changed[place] ^= 1;
            let result = code(block_on(VaultTransit.decrypt(&app, &changed, &one, io)));
            assert!(result == "DSL-4108", "byte {place}: {result}");
        }
    }
}

#[test]
fn troubles_are_told_apart() {
    let server = FakeTransit::default().with_key("app");
    let clock = FixedClock::new(Duration::from_secs(1));
    let io = Io { wire: &server, clock: &clock };
    let app = VaultTransit::key("transit", "app").unwrap();
    let wrapped = block_on(VaultTransit.generate(&app, &context("one"), io)).unwrap();
    for (status, code, kind) in [
        (429, "DSL-4101", Kind::Outage),
        (503, "DSL-4102", Kind::Outage),
        (403, "DSL-4103", Kind::Keys),
        (404, "DSL-4105", Kind::Keys),
        (418, "DSL-4111", Kind::Keys),
    ] {
        server.trouble(Some(status));
        let error = block_on(VaultTransit.decrypt(&app, &wrapped, &context("one"), io)).unwrap_err();
        assert_eq!((error.code(), error.kind()), (code, kind), "{status}");
    }
    server.trouble(None);
    let missing = VaultTransit::key("transit", "missing").unwrap();
    let error = block_on(VaultTransit.decrypt(&missing, &wrapped, &context("one"), io)).unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"decrypt with the "vault-transit" key "transit/missing" was refused: there is no such key"#
    );
    assert!(block_on(VaultTransit.decrypt(&app, &wrapped, &context("one"), io)).is_ok());
}

#[test]
fn a_record_cannot_lead_the_call_to_another_path() {
    let server = FakeTransit::default().with_key("app");
    let clock = FixedClock::new(Duration::from_secs(1));
    let io = Io { wire: &server, clock: &clock };
    for key in ["vault-transit:transit/../../sys/seal", "vault-transit:app", "arn:aws:kms:eu-west-1:1:key/x"] {
        assert_eq!(code(block_on(VaultTransit.decrypt(key, b"vault:v1:AAAA", &Context::new(), io))), "DSL-4109");
    }
    assert_eq!(server.calls(), 0);
}

/// A KV engine of version 1 stores what it is sent, and says so with a status alone: no key may be in it that is used.
#[test]
fn another_engine_is_never_given_a_key() {
    for mount in ["kv", "secret"] {
        let server = FakeTransit::default().with_key("app");
        let clock = FixedClock::new(Duration::from_secs(1));
        let io = Io { wire: &server, clock: &clock };
        let key = VaultTransit::key(mount, "app").unwrap();
        let error = block_on(VaultTransit.generate(&key, &context("one"), io)).unwrap_err();
        assert_eq!((error.code(), error.kind()), ("DSL-4114", Kind::Keys), "{error}");
        assert!(error.to_string().contains("no transit engine") && error.hint().contains("vault_mount"), "{error}");
        // One call came, and what it brought is in nobody's hands.
        assert_eq!(server.calls(), 1);
        assert_eq!(server.stored().len(), usize::from(mount == "kv"));
        let error = block_on(VaultTransit.decrypt(&key, b"vault:v1:AAAA", &context("one"), io)).unwrap_err();
        assert_eq!(error.code(), "DSL-4114");
        assert!(
            block_on(VaultTransit.re_encrypt(&key, b"vault:v1:AAAA", &context("one"), &context("one"), io)).is_err()
        );
        // Nothing is encrypted where nothing was decrypted.
        assert!(server.stored().values().filter(|body| body.get("plaintext").is_some()).count() <= 1);
        assert_eq!(server.calls(), 3);
    }
}

#[test]
fn what_is_asked_first_is_not_the_key() {
    let server = FakeTransit::default().with_key("app");
    let clock = FixedClock::new(Duration::from_secs(1));
    let io = Io { wire: &server, clock: &clock };
    let app = VaultTransit::key("transit", "app").unwrap();
    let wrapped = block_on(VaultTransit.generate(&app, &context("one"), io)).unwrap();
    let key = block_on(VaultTransit.decrypt(&app, &wrapped, &context("one"), io)).unwrap();
    let encrypted = server.encrypted();
    let [thrown_away, kept] = &encrypted[..] else { panic!("{} encryptions", encrypted.len()) };
    assert_eq!((kept[..32] == *key, thrown_away[..32] == *key), (true, false));
    assert_eq!((thrown_away.len(), &thrown_away[32..]), (kept.len(), &kept[32..]));
}
