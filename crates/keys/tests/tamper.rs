//! Everything that anyone who can write the table could do to a stored item, one change at a time and exhaustively for
//! small items: each must be refused, except in unsigned attributes, where it must be accepted.
//! The number of changes is asserted too, so that no loop can silently run empty.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "the helpers of a test may stop it")]

mod support;

use std::sync::Arc;

use dynaseal_item::{
    Action, DataKey, Error, Item, OpenKeys, Schema, SchemaSpec, Sealed, Suite, TagKey, Value, Version,
};
use dynaseal_keys::{Provider, RawAes};

/// How many changes of each kind were tried.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    bits: usize,
    removals: usize,
    renames: usize,
    swaps: usize,
    exchanges: usize,
    types: usize,
    additions: usize,
    /// Changes to unsigned attributes, all of them accepted.
    accepted: usize,
}

#[test]
fn version_1_hmac() {
    assert_eq!(tamper(Version::V1, Suite::Hmac), expected(Suite::Hmac));
}

#[test]
fn version_1_ecdsa() {
    assert_eq!(tamper(Version::V1, Suite::EcdsaP384), expected(Suite::EcdsaP384));
}

#[test]
fn version_2_hmac() {
    assert_eq!(tamper(Version::V2, Suite::Hmac), expected(Suite::Hmac));
}

#[test]
fn version_2_ecdsa() {
    assert_eq!(tamper(Version::V2, Suite::EcdsaP384), expected(Suite::EcdsaP384));
}

/// What must have been tried on the item of 15 attributes, whatever its version.
fn expected(suite: Suite) -> Counts {
    // Header (FORMAT 6.1), footer, and the binary attributes `e`, `m` and `b`.
    let bytes = (36 + 11 + 2 + 1 + 7 + 25 + 98 + 32) + 48 + 23 + 36 + 4;
    // With ECDSA the header also holds the public key, and the footer the signature.
    let more = if suite == Suite::EcdsaP384 { (2 + 21 + 2 + 68) + 103 } else { 0 };
    Counts {
        // The rest are the flips in text and in the one BOOL that leave a value of the type.
        bits: 8 * (bytes + more) + 169,
        removals: 15,
        renames: 2 * 15,
        swaps: 15 * 14 / 2,
        // NULL and the set are the same in both items.
        exchanges: 15 - 2,
        types: 116,
        additions: 4,
        accepted: 75,
    }
}

/// By design: a signed number that is stored plainly is signed in its normal form, because DynamoDB itself respells
/// numbers. Whoever respells it changes nothing that a reader could notice.
#[test]
fn respelling_a_number_is_no_change() {
    let table = Table::new(Version::V1, Suite::Hmac);
    for (spelling, accepted) in [("17.0", true), ("1.7E1", true), ("+017", true), ("17.5", false), ("-17", false)] {
        let mut sealed = table.sealed("one");
        sealed.insert("n", Value::N(spelling.into()));
        let opened = support::open(support::IO, &table.schema, &table.provider, &mut sealed);
        assert_eq!(opened.is_ok(), accepted, "{spelling}");
    }
}

/// The same for the order of a signed set, which DynamoDB does not keep.
#[test]
fn reordering_a_set_is_no_change() {
    let table = Table::new(Version::V1, Suite::Hmac);
    let mut sealed = table.sealed("one");
    sealed.insert("ss", Value::Ss(vec!["b".into(), "a".into()]));
    assert!(support::open(support::IO, &table.schema, &table.provider, &mut sealed).is_ok());
}

/// No flip shows that the commitment is checked, since the record covers it too. It is there for an item that two data keys
/// could open: without encrypted attributes, any data key with the right tag key would do.
#[test]
fn only_the_committed_data_key_and_its_tag_key_will_do() {
    let table = Table::new(Version::V1, Suite::Hmac);
    let verify = |change: fn(OpenKeys) -> OpenKeys| {
        let mut item = table.sealed("one");
        let sealed = Sealed::parse(&table.schema, &mut item).unwrap();
        let keys =
            support::open_keys(support::IO, &table.provider, sealed.suite(), sealed.data_keys(), sealed.context())
                .unwrap();
        sealed.verify(&change(keys)).map(drop)
    };
    assert_eq!(verify(|keys| keys), Ok(()));
    assert_eq!(verify(|keys| OpenKeys { data_key: DataKey::new([1; 32]), ..keys }), Err(Error::Commitment));
    assert_eq!(verify(|keys| OpenKeys { tag_key: TagKey::new([1; 32]), ..keys }), Err(Error::Tag));
}

fn tamper(version: Version, suite: Suite) -> Counts {
    let table = Table::new(version, suite);
    let sealed = table.sealed("one");
    let other = table.sealed("other");
    let mut counts = Counts::default();
    table.expect(true, &sealed, "nothing changed");

    let names: Vec<String> = sealed.iter().map(|(name, _)| name.to_owned()).collect();
    for name in &names {
        let value = sealed.get(name).unwrap();
        for (place, changed) in flips(value).into_iter().enumerate() {
            table
                .put(&sealed, name, changed, &format!("bit {place} of {name}"), &mut counts, |counts| &mut counts.bits);
        }
        for changed in other_types(value) {
            let what = format!("{name} as {}", changed.type_name());
            table.put(&sealed, name, changed, &what, &mut counts, |counts| &mut counts.types);
        }
        let foreign = other.get(name).unwrap();
        if foreign != value {
            let what = format!("{name} of another item");
            table.put(&sealed, name, foreign.clone(), &what, &mut counts, |counts| &mut counts.exchanges);
        }
        table.without(&sealed, name, &mut counts);
        table.renamed(&sealed, name, &mut counts);
        for second in names.iter().skip_while(|second| *second != name).skip(1) {
            table.swapped(&sealed, name, second, &mut counts);
        }
    }
    for (name, accepted) in [("new", false), (":new", true), ("aws_dbe_new", true), ("aws_dbe_b_e", true)] {
        let mut changed = sealed.clone();
        changed.insert(name, Value::S("added".into()));
        table.expect(accepted, &changed, &format!("{name} added"));
        counts.additions += 1;
    }
    counts
}

/// A table with an attribute of each kind, and items for it.
struct Table {
    schema: Schema,
    provider: Provider,
}

impl Table {
    fn new(version: Version, suite: Suite) -> Self {
        let key = if version == Version::V1 { Action::SignOnly } else { Action::SignAndIncludeInEncryptionContext };
        let actions = [
            ("pk", key),
            ("sk", key),
            ("e", Action::EncryptAndSign),
            ("m", Action::EncryptAndSign),
            ("s", key),
            ("n", Action::SignOnly),
            ("b", Action::SignOnly),
            ("t", Action::SignOnly),
            ("nul", Action::SignOnly),
            ("ss", Action::SignOnly),
            ("l", Action::SignOnly),
            ("u", Action::DoNothing),
        ];
        let spec = SchemaSpec {
            logical_name: "Tést".to_owned(),
            partition_key: "pk".to_owned(),
            sort_key: Some("sk".to_owned()),
            actions: actions.map(|(name, action)| (name.to_owned(), action)).to_vec(),
            unsigned: vec!["u".to_owned()],
            unsigned_prefix: Some(":".to_owned()),
            suite,
            ..SchemaSpec::default()
        };
        Self { schema: spec.build().unwrap(), provider: test_key() }
    }

    /// A sealed item; `which` is its partition key and goes into every other attribute that can differ.
    fn sealed(&self, which: &str) -> Item<'static> {
        let text = |prefix: &str| format!("{prefix}{which}");
        let number = which.len();
        let mut item = Item::new();
        item.insert("pk", Value::S(text("").into()));
        item.insert("sk", Value::N(number.to_string().into()));
        item.insert("e", Value::S(text("é").into()));
        item.insert("m", Value::M(vec![("k".into(), Value::N(number.to_string().into()))]));
        item.insert("s", Value::S(text("s").into()));
        item.insert("n", Value::N((14 + number).to_string().into()));
        item.insert("b", Value::B(text("b").into_bytes().into()));
        item.insert("t", Value::Bool(number == 3));
        item.insert("nul", Value::Null);
        item.insert("ss", Value::Ss(vec!["a".into(), "b".into()]));
        item.insert(
            "l",
            Value::L(vec![Value::S(text("l").into()), Value::Null, Value::M(vec![("k".into(), Value::Null)])]),
        );
        item.insert("u", Value::S(text("u").into()));
        item.insert(":v", Value::N((100 + number).to_string().into()));
        let sealed = support::seal(support::IO, &self.schema, &self.provider, item).unwrap().into_owned();
        assert!(matches!((sealed.get("e"), sealed.get("m")), (Some(Value::B(_)), Some(Value::B(_)))));
        sealed
    }

    /// Changes one value. Only in an unsigned attribute that may go through.
    fn put(
        &self,
        sealed: &Item<'static>,
        name: &str,
        value: Value<'static>,
        what: &str,
        counts: &mut Counts,
        count: impl Fn(&mut Counts) -> &mut usize,
    ) {
        let mut changed = sealed.clone();
        changed.insert(name.to_owned(), value);
        *count(counts) += 1;
        self.judge(unsigned(name), &changed, what, counts);
    }

    fn without(&self, sealed: &Item<'static>, name: &str, counts: &mut Counts) {
        let mut changed = sealed.clone();
        changed.retain(|other| other != name);
        counts.removals += 1;
        self.judge(unsigned(name), &changed, &format!("{name} removed"), counts);
    }

    /// To a name inside the signature, and to one outside. An unsigned attribute may only go from outside to outside.
    fn renamed(&self, sealed: &Item<'static>, name: &str, counts: &mut Counts) {
        for new in [format!("{name}x"), format!(":{name}")] {
            let mut changed = sealed.clone();
            changed.retain(|other| other != name);
            changed.insert(new.clone(), sealed.get(name).unwrap().clone());
            counts.renames += 1;
            self.judge(unsigned(name) && unsigned(&new), &changed, &format!("{name} as {new}"), counts);
        }
    }

    fn swapped(&self, sealed: &Item<'static>, first: &str, second: &str, counts: &mut Counts) {
        let (one, two) = (sealed.get(first).unwrap().clone(), sealed.get(second).unwrap().clone());
        assert!(one != two, "{first} and {second} hold the same value, so their swap would be none");
        let mut changed = sealed.clone();
        changed.insert(first.to_owned(), two);
        changed.insert(second.to_owned(), one);
        counts.swaps += 1;
        self.judge(unsigned(first) && unsigned(second), &changed, &format!("{first} and {second} swapped"), counts);
    }

    fn judge(&self, accepted: bool, changed: &Item<'static>, what: &str, counts: &mut Counts) {
        counts.accepted += usize::from(accepted);
        self.expect(accepted, changed, what);
    }

    /// When a changed item is accepted, what is not signed comes back as it lies there.
    fn expect(&self, accepted: bool, item: &Item<'static>, what: &str) {
        let mut lent = item.clone();
        let opened = support::open(support::IO, &self.schema, &self.provider, &mut lent);
        match opened {
            Ok(_) if !accepted => panic!("{what}: accepted"),
            Err(error) if accepted => panic!("{what}: refused, {error}"),
            Ok(opened) => {
                for (name, value) in item.iter().filter(|(name, _)| unsigned(name)) {
                    assert!(opened.get(name) == Some(value), "{what}: {name} came back changed");
                }
                assert!(opened.iter().all(|(name, _)| !name.starts_with("aws_dbe_")), "{what}");
            }
            Err(_) => {}
        }
    }
}

fn test_key() -> Provider {
    Provider::new(Arc::new(RawAes::new("tests", "key", b"a test key of 32 bytes, not safe").unwrap()))
}

fn unsigned(name: &str) -> bool {
    name == "u" || name.starts_with(':')
}

/// The value with one bit changed, for every bit that leaves it a value of its type: text stays UTF-8, map keys and set
/// members stay different from each other.
fn flips(value: &Value<'static>) -> Vec<Value<'static>> {
    match value {
        Value::Null => Vec::new(),
        Value::Bool(bool) => vec![Value::Bool(!bool)],
        Value::S(text) => text_flips(text).into_iter().map(|text| Value::S(text.into())).collect(),
        Value::N(text) => text_flips(text).into_iter().map(|text| Value::N(text.into())).collect(),
        Value::B(bytes) => byte_flips(bytes).into_iter().map(|bytes| Value::B(bytes.into())).collect(),
        Value::Ss(all) => {
            let mut out = Vec::new();
            for (at, member) in all.iter().enumerate() {
                for text in text_flips(member).into_iter().filter(|text| !all.iter().any(|other| other == text)) {
                    let mut changed = all.clone();
                    changed[at] = text.into();
                    out.push(Value::Ss(changed));
                }
            }
            out
        }
        Value::L(all) => {
            let mut out = Vec::new();
            for (at, element) in all.iter().enumerate() {
                for changed_element in flips(element) {
                    let mut changed = all.clone();
                    changed[at] = changed_element;
                    out.push(Value::L(changed));
                }
            }
            out
        }
        Value::M(all) => {
            let mut out = Vec::new();
            for (at, (key, element)) in all.iter().enumerate() {
                let keys = text_flips(key).into_iter().map(|key| (key.into(), element.clone()));
                let values = flips(element).into_iter().map(|value| (key.clone(), value));
                for entry in keys.chain(values) {
                    let mut changed = all.clone();
                    changed[at] = entry;
                    out.push(Value::M(changed));
                }
            }
            out
        }
        Value::Ns(_) | Value::Bs(_) => panic!("the items here hold no such sets"),
    }
}

fn text_flips(text: &str) -> Vec<String> {
    byte_flips(text.as_bytes()).into_iter().filter_map(|bytes| String::from_utf8(bytes).ok()).collect()
}

fn byte_flips(bytes: &[u8]) -> Vec<Vec<u8>> {
    let flip = |bit: usize| {
        let mut changed = bytes.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        changed
    };
    (0..bytes.len() * 8).map(flip).collect()
}

/// The same content as far as another type can hold it.
fn other_types(value: &Value<'static>) -> Vec<Value<'static>> {
    let text = |text: &str| {
        vec![
            Value::S(text.to_owned().into()),
            Value::N(text.to_owned().into()),
            Value::B(text.as_bytes().to_vec().into()),
            Value::Ss(vec![text.to_owned().into()]),
            Value::Ns(vec![text.to_owned().into()]),
            Value::Bs(vec![text.as_bytes().to_vec().into()]),
        ]
    };
    let mut all = match value {
        Value::S(content) | Value::N(content) => text(content),
        Value::B(bytes) => text(&String::from_utf8_lossy(bytes)),
        Value::Ss(members) => vec![
            Value::Ns(members.clone()),
            Value::Bs(members.iter().map(|member| member.as_bytes().to_vec().into()).collect()),
            Value::L(members.iter().cloned().map(Value::S).collect()),
        ],
        Value::L(_) => vec![Value::M(Vec::new())],
        _ => Vec::new(),
    };
    all.extend([
        Value::Null,
        Value::Bool(true),
        Value::L(vec![value.clone()]),
        Value::M(vec![("k".into(), value.clone())]),
    ]);
    all.retain(|other| other.type_name() != value.type_name());
    all
}
