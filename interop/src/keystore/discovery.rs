//! Key stores that name no KMS key: each record says which one to ask. Branch keys are made and rotated with a named key, by
//! either side; then each discovery opens what both sealed and seals for both, or refuses all of it.
//!
//! ```text
//!  AWS's Discovery      asks the key that the record names, in the Region of the client
//!  AWS's MrDiscovery    of a multi-Region key the replica in its Region; else as above
//!  ours                 in the Region that the record names, if the account is one of ours; with Regions, as MrDiscovery
//! ```

use dynaseal_keys::KmsConfiguration as OurKmsConfiguration;

use super::*;
use crate::aws::{any_kms_key, any_replica};
use crate::standin::OTHER_REGION;

/// Runs it and fails unless all of it ran.
pub(super) fn exchange(sides: &Sides, report: &mut Report) {
    for (place, (keys, maker)) in MADE.into_iter().enumerate() {
        let made = make(sides, keys, maker);
        for (reading, opens) in READINGS {
            let name = format!("{}: {keys:?}, made by {maker:?}", reading.name());
            match &made {
                Err(error) => report.fail(Section::Discovery, &name, "a branch key is made", error),
                Ok(made) => made.read(&reading.store(sides), opens[place], &name, report),
            }
            report.require(Section::Discovery, &name, if opens[place] { OPENED } else { REFUSED });
        }
    }
}

/// The branch keys, and whether each discovery opens what is under them, in the same order.
const MADE: [(Keys, Side); 5] = [
    // The records name a key in `REGION`, whoever made them.
    (Keys::One, Side::Aws),
    (Keys::One, Side::Us),
    // The replica in `REGION`.
    (Keys::MultiRegion, Side::Aws),
    // The replica in `OTHER_REGION`.
    (Keys::MultiRegion, Side::Us),
    (Keys::Foreign, Side::Aws),
];
const READINGS: [(Reading, [bool; MADE.len()]); 8] = [
    (Reading::Aws(REGION), [true, true, true, false, true]),
    (Reading::Aws(OTHER_REGION), [false, false, false, true, false]),
    (Reading::AwsMultiRegion(REGION), [true, true, true, true, true]),
    (Reading::AwsMultiRegion(OTHER_REGION), [false, false, true, true, false]),
    (Reading::Us(&[]), [true, true, true, true, false]),
    (Reading::Us(&[REGION]), [true, true, true, true, false]),
    (Reading::Us(&[OTHER_REGION]), [false, false, true, true, false]),
    (Reading::Us(&[OTHER_REGION, REGION]), [true, true, true, true, false]),
];

/// How a key store in discovery is configured, and on which side.
#[derive(Clone, Copy, Debug)]
enum Reading {
    Aws(&'static str),
    AwsMultiRegion(&'static str),
    Us(&'static [&'static str]),
}

impl Reading {
    fn store(self, sides: &Sides) -> Store<'_> {
        let client = match self {
            Self::Aws(region) => Client::Aws(sides.aws.key_store(any_kms_key(), region)),
            Self::AwsMultiRegion(region) => Client::Aws(sides.aws.key_store(any_replica(region), region)),
            Self::Us(regions) => {
                let keys = OurKmsConfiguration::Discovery(ours::any_key(regions));
                Client::Us(Arc::new(ours::key_store(keys)))
            }
        };
        Store { sides, client }
    }

    fn name(self) -> String {
        match self {
            Self::Aws(region) => format!("AWS Discovery in {region}"),
            Self::AwsMultiRegion(region) => format!("AWS MrDiscovery in {region}"),
            Self::Us([]) => "ours".to_owned(),
            Self::Us(regions) => format!("ours in {}", regions.join(", ")),
        }
    }
}

/// A branch key of two versions, and items that both sides sealed under each.
struct Made<'a> {
    id: String,
    item: Attributes,
    sealed: Vec<Attributes>,
    /// Stores that name the KMS key, one of each side.
    named: Vec<Store<'a>>,
}

fn make(sides: &Sides, keys: Keys, maker: Side) -> Result<Made<'_>, String> {
    let named: Vec<_> = BOTH.into_iter().map(|side| side.store(sides, keys)).collect();
    let id = maker.store(sides, keys).create(Some(&format!("discovered-{keys:?}-{maker:?}")))?;
    let item = item();
    let mut sealed = Vec::new();
    for version in 0..2 {
        if version > 0 {
            maker.store(sides, keys).rotate(&id)?;
        }
        for store in &named {
            sealed.push(store.seal(&id, &item)?);
        }
    }
    Ok(Made { id, item, sealed, named })
}

impl Made<'_> {
    fn read(&self, store: &Store<'_>, opens: bool, name: &str, report: &mut Report) {
        let mut check = |what: String, result: Result<(), String>| match result {
            Ok(()) => report.pass(Section::Discovery, name),
            Err(error) => report.fail(Section::Discovery, name, what, error),
        };
        let same = |opened: Result<Attributes, String>| {
            opened.and_then(|opened| if opened == self.item { Ok(()) } else { Err("it differs".to_owned()) })
        };
        let (elsewhere, no_key) = match store.client {
            Client::Aws(_) => ("NotFoundException", "MUST BE kmsKeyArn or kmsMRKeyArn"),
            Client::Us(_) => ("is protected by the KMS key", "is configured for discovery"),
        };
        for (number, sealed) in self.sealed.iter().enumerate() {
            let opened = store.open(&self.id, sealed);
            check(format!("item {number}"), if opens { same(opened) } else { refused(opened, elsewhere) });
        }
        let sealed = store.seal(&self.id, &self.item);
        match (opens, sealed) {
            (true, Ok(sealed)) => {
                for named in &self.named {
                    check("what it seals".to_owned(), same(named.open(&self.id, &sealed)));
                }
            }
            (true, Err(error)) => check("it seals".to_owned(), Err(error)),
            (false, sealed) => check("it seals".to_owned(), refused(sealed, elsewhere)),
        }
        let before = records(store.sides, &self.id);
        check("a new branch key".to_owned(), refused(store.create(None), no_key));
        check("a new version".to_owned(), refused(store.rotate(&self.id), no_key));
        let kept = records(store.sides, &self.id) == before;
        check("its records".to_owned(), if kept { Ok(()) } else { Err("they changed".to_owned()) });
    }
}

/// Whether it was refused, and for this reason.
fn refused<T>(result: Result<T, String>, why: &str) -> Result<(), String> {
    match result {
        Err(error) if error.contains(why) => Ok(()),
        Err(error) => Err(format!("refused for another reason: {error}")),
        Ok(_) => Err("it was not refused".to_owned()),
    }
}

/// Four items opened; one sealed, and opened by both; neither made nor rotated, and nothing changed.
const OPENED: u64 = 4 + 2 + 3;
/// Four items and a sealing refused; neither made nor rotated, and nothing changed.
const REFUSED: u64 = 4 + 1 + 3;
