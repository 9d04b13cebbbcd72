//! What KMS would be asked for records, told without asking it.

use super::*;

/// What stands in the context beside the record's own attributes.
fn is_bound(world: &World, record: &dynaseal_keys::BoundRecord) -> bool {
    let stored = world.items().into_iter().find(|item| {
        (item["branch-key-id"]["S"].as_str(), item["type"]["S"].as_str())
            == (Some(&*record.record.id), Some(&*record.record.r#type))
    });
    let stored = stored.unwrap().as_object().unwrap().clone();
    // All attributes but `enc`, and `tablename`.
    record.context.iter().count() == stored.len()
        && record.context.get("tablename") == Some(LOGICAL)
        && record
            .context
            .iter()
            .filter(|(name, _)| *name != "tablename")
            .all(|(name, value)| stored[name].as_object().unwrap().values().next().unwrap() == value)
}

#[test]
fn a_branch_key_is_asked_with_all_that_its_records_say() {
    let world = World::new();
    let version = world.create("t").version;
    let (kms, io) = (world.aws.kms.calls().len(), world.io());
    let records = run(world.store.bound("t", io)).unwrap();
    let seen = records.each_ref().map(|record| (&*record.record.r#type, record.seals, record.keys.clone()));
    let opening = format!("branch:version:{version}");
    assert_eq!(seen, [(active_type(), true, vec![KEY.to_owned()]), (&*opening, false, vec![KEY.to_owned()])]);
    assert!(records.iter().all(|record| is_bound(&world, record)));
    assert_eq!(world.aws.kms.calls().len(), kms);
    assert_eq!(
        world.store.context_of("x").iter().collect::<Vec<_>>(),
        [("branch-key-id", "x"), ("tablename", LOGICAL)]
    );

    // What a reader would be told.
    let code = |store: &KeyStoreTable, id| run(store.bound(id, io)).unwrap_err().code();
    assert_eq!(code(&world.store, "x"), "DSL-4005");
    assert_eq!(code(&store(KmsConfiguration::Key(MRK.into())), "t"), "DSL-4133");
    run(world.store.disable("t", io)).unwrap();
    assert_eq!(code(&world.store, "t"), "DSL-4137");
}

#[test]
fn a_survey_has_one_record_of_each_kind_for_each_kms_key() {
    let world = World::new();
    for id in ["a", "b", "gone"] {
        world.create(id);
    }
    run(store(KmsConfiguration::Key(MRK.into())).create(tenant("m"), world.io())).unwrap();
    run(world.store.disable("gone", world.io())).unwrap();
    world.set("a", active_type(), "enc", None);
    world.aws.table.page_size(1);
    let of = |keys| run(store(keys).survey(world.io())).unwrap();
    let names = |survey: &dynaseal_keys::Survey| {
        survey.records.iter().map(|one| (one.record.id.to_string(), one.seals, one.keys.join(" "))).collect::<Vec<_>>()
    };
    let record = |id: &str, seals, keys: &str| (id.to_owned(), seals, keys.to_owned());
    // A record that cannot be read is passed over, as are those put aside.
    let found = of(discovery(&[]));
    let own = [record("b", true, KEY), record("a", false, KEY)];
    assert_eq!(names(&found), [&own[..], &[record("m", true, MRK), record("m", false, MRK)]].concat());
    assert!(found.refused.is_empty() && found.records.iter().all(|record| is_bound(&world, record)));
    let replicas = format!("{REPLICA} {MRK}");
    let found = of(discovery(&["us-east-1", "eu-west-1"]));
    assert_eq!(names(&found)[2..], [record("m", true, &replicas), record("m", false, &replicas)]);
    // Records of other keys are told once for each.
    let found = of(KmsConfiguration::Key(KEY.into()));
    assert_eq!(names(&found), own);
    assert_eq!(found.refused.iter().map(dynaseal_keys::StoreError::code).collect::<Vec<_>>(), ["DSL-4133"]);
}
