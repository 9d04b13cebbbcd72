//! Lists and descriptions, which open nothing.

use dynaseal_keys::testing::TableTrouble;
use dynaseal_keys::{BranchKeyState, Destroyed, Erasure};
use serde_json::json;

use super::*;

#[test]
fn every_branch_key_is_listed_whatever_the_pages() {
    let world = World::new();
    for number in 0..7 {
        world.create(&format!("t{number}"));
        world.clock.advance(Duration::from_secs(1));
    }
    let rotated = run(world.store.rotate("t3", world.io())).unwrap();
    let kms = world.aws.kms.calls().len();
    for size in [1, 2, 3, 22, 1000] {
        world.aws.table.page_size(size);
        let listed = run(world.store.list(world.io())).unwrap();
        let ids: Vec<_> = listed.iter().map(|key| key.id.as_str()).collect();
        assert_eq!(ids, ["t0", "t1", "t2", "t3", "t4", "t5", "t6"], "pages of {size}");
        let third = &listed[3];
        assert_eq!((third.active, third.versions, third.state), (Some(rotated.new), 2, BranchKeyState::Enabled));
        assert_eq!(third.created.as_ref().unwrap().as_str(), "2024-01-01T00:00:03.123456Z");
        assert_eq!(third.rotated.as_ref(), Some(&rotated.create_time));
        let age = world.clock_now() - third.rotated.as_ref().unwrap().since_epoch().unwrap();
        assert!(age < Duration::from_millis(1));
        assert_eq!((third.kms_arn.as_deref(), third.hierarchy_version.as_deref()), (Some(KEY), Some("1")));
        assert!(listed.iter().all(|key| key.strangers == 0));
    }
    assert_eq!(world.aws.kms.calls().len(), kms, "nothing is opened");
    let scans: Vec<_> = world.aws.table.calls().into_iter().filter(|(name, _)| name == "Scan").collect();
    assert!(scans.iter().all(|(_, body)| body["ConsistentRead"] == true && !body.to_string().contains("\"enc\"")));
}

impl World {
    fn clock_now(&self) -> Duration {
        use dynaseal_keys::Clock as _;
        self.clock.now()
    }
}

#[test]
fn an_empty_store_lists_nothing() {
    let world = World::new();
    assert_eq!(run(world.store.list(world.io())), Ok(Vec::new()));
    assert_eq!(run(world.store.describe("t", world.io())), Err(Error::NoBranchKey { id: "t".into() }));
}

#[test]
fn a_page_that_fails_is_an_error_and_not_a_shorter_list() {
    let world = World::new();
    world.create("a");
    world.create("b");
    world.aws.table.page_size(2);
    world.aws.table.trouble(TableTrouble::Refuse("AccessDeniedException"), "Scan", 1, 1);
    assert_eq!(run(world.store.list(world.io())).unwrap_err().code(), "DSL-4122");
}

#[test]
fn a_page_that_is_throttled_is_asked_again() {
    let world = World::new();
    world.create("a");
    world.create("b");
    world.aws.table.page_size(2);
    let before = world.clock_now();
    world.aws.table.trouble(TableTrouble::Refuse("ProvisionedThroughputExceededException"), "Scan", 1, 3);
    assert_eq!(run(world.store.list(world.io())).unwrap().len(), 2);
    assert!(world.clock_now() > before, "after a while");
    world.aws.table.trouble(TableTrouble::Refuse("ThrottlingException"), "Scan", 0, usize::MAX);
    assert_eq!(run(world.store.list(world.io())).unwrap_err().code(), "DSL-4124");
}

#[test]
fn a_description_has_all_versions() {
    let world = World::new();
    let mut versions = vec![world.create("t").version];
    world.create("other");
    for _ in 0..5 {
        world.clock.advance(Duration::from_secs(90 * 86_400));
        versions.push(run(world.store.rotate("t", world.io())).unwrap().new);
    }
    world.aws.table.page_size(2);
    let described = run(world.store.describe("t", world.io())).unwrap();
    assert_eq!(described.history.iter().map(|version| version.version).collect::<Vec<_>>(), versions);
    assert_eq!(described.summary.active, versions.last().copied());
    assert_eq!(described.context, BTreeMap::from([("tenant".to_owned(), "t".to_owned())]));
    assert!(described.has_beacon_key && described.summary.versions == 6);
    assert!(described.history.iter().all(|version| version.kms_arn.as_deref() == Some(KEY)));
    // As JSON it is one flat object.
    let json = serde_json::to_value(&described).unwrap();
    assert_eq!((&json["id"], &json["state"]), (&json!("t"), &json!("enabled")));
    assert_eq!(json["active"], json!(versions[5].to_string()));
    assert_eq!(json["history"][0]["create_time"], json!("2024-01-01T00:00:00.123456Z"));
}

#[test]
fn what_is_no_record_is_counted_and_does_not_get_in_the_way() {
    let world = World::new();
    world.create("t");
    world.aws.table.edit(TABLE, |items| {
        items.push(json!({ "branch-key-id": { "S": "t" }, "type": { "S": "MUTATION_INDEX" }, "x": { "BOOL": true } }));
        items.push(json!({ "branch-key-id": { "S": "zzz" }, "type": { "S": "note" } }));
    });
    let listed = run(world.store.list(world.io())).unwrap();
    assert_eq!((listed[0].strangers, listed[0].state), (1, BranchKeyState::Enabled));
    assert_eq!((listed[1].id.as_str(), listed[1].strangers, listed[1].state), ("zzz", 1, BranchKeyState::Unfinished));
    // An erasure leaves nothing.
    let Destroyed { records, versions, .. } = run(world.store.destroy("t", Erasure::ForGood, world.io())).unwrap();
    assert_eq!((records.len(), versions), (4, 1));
    assert!(world.types("t").is_empty());
}
