//! About how long work on items takes, in microseconds: who does it depends on that, and never what comes of it.
//!
//! What is known of an item is its suite and its size. Heads that must choose a thread before anything is planned know only a
//! text, whose items are counted. All of it may be short by half.

use std::sync::LazyLock;

use dynaseal_item::Suite;
use memchr::memchr;
use memchr::memmem::Finder;

use crate::pattern::Pattern;
use crate::run::Engine;

/// An item to seal, of so many bytes.
pub(crate) fn to_seal(suite: Suite, bytes: usize) -> usize {
    bytes / BYTES_A_MICROSECOND + if suite.signs() { TO_SIGN } else { UNSIGNED }
}

/// An item to open.
pub(crate) fn to_open(suite: Suite, bytes: usize) -> usize {
    bytes / BYTES_A_MICROSECOND + if suite.signs() { TO_VERIFY } else { UNSIGNED }
}

impl Engine {
    /// Whether it would take longer than so many microseconds to seal what a request holds, or an item that is given as JSON.
    #[must_use]
    pub fn is_long_to_seal(&self, text: &[u8], than: usize) -> bool {
        let each = to_seal(self.costliest(), 0);
        let items = ITEMS.iter().flat_map(|name| name.find_iter(text)).map(|_| each);
        is_more(text, items, than)
    }

    /// The same for opening what an answer holds, or an item.
    #[must_use]
    pub fn is_long_to_open(&self, text: &[u8], than: usize) -> bool {
        is_more(text, in_plain(text), than)
    }

    /// The same for a text of stream records, which may be carried in base64.
    #[must_use]
    pub fn is_long_to_open_records(&self, text: &[u8], than: usize) -> bool {
        let each = to_open(self.costliest(), 0);
        let carried = FOOTER_IN_BASE64.iter().flat_map(|footer| footer.find_iter(text)).map(|_| each);
        is_more(text, in_plain(text).chain(carried), than)
    }

    /// The suite of any table that takes longest.
    fn costliest(&self) -> Suite {
        let directory = self.directory();
        let named = directory.named().map(|table| table.schema().suite());
        let all = named.chain(directory.patterns().iter().map(Pattern::suite));
        all.max_by_key(|suite| to_open(*suite, 0)).unwrap_or(Suite::Hmac)
    }
}

fn is_more(text: &[u8], items: impl Iterator<Item = usize>, than: usize) -> bool {
    let mut cost = text.len() / BYTES_A_MICROSECOND;
    let mut items = items.fuse();
    // A text that is long by itself is not looked through.
    while cost <= than {
        let Some(item) = items.next() else { return false };
        cost = cost.saturating_add(item);
    }
    true
}

/// What each item takes that stands sealed in a text.
fn in_plain(text: &[u8]) -> impl Iterator<Item = usize> {
    FOOTER.find_iter(text).map(|at| {
        let suite = if is_signed(text.get(at..).unwrap_or_default()) { Suite::EcdsaP384 } else { Suite::Hmac };
        to_open(suite, 0)
    })
}

/// Whether a footer is as long as one with a signature. Without one it has 64 characters for each of its data keys, of which
/// there are seldom more than two.
fn is_signed(footer: &[u8]) -> bool {
    let mut rest = footer;
    let mut next = || {
        let at = memchr(b'"', rest)?;
        rest = rest.get(at + 1..)?;
        Some(at)
    };
    // The quotes of the name's end, of the type, and those around the value.
    let value = (0..4).try_for_each(|_| next().map(drop)).and_then(|()| next());
    value.is_none_or(|length| length > LONGEST_UNSIGNED)
}

/// An item's two HKDFs, a record of some attributes, and JSON.
const UNSIGNED: usize = 20;
/// The same with a signature of ECDSA over P-384.
const TO_SIGN: usize = 150;
const TO_VERIFY: usize = 300;
const BYTES_A_MICROSECOND: usize = 64;
const LONGEST_UNSIGNED: usize = 140;
static FOOTER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("aws_dbe_foot"));
/// The same wherever it stands in what is encoded: base64 has three forms of a text, by what comes before it.
static FOOTER_IN_BASE64: LazyLock<[Finder<'static>; 3]> =
    LazyLock::new(|| ["YXdzX2RiZV9mb290", "F3c19kYmVfZm9vd", "hd3NfZGJlX2Zvb3"].map(Finder::new));
/// What holds an item that is to be sealed; statements hold them as text.
static ITEMS: LazyLock<[Finder<'static>; 2]> = LazyLock::new(|| ["\"Item\"", "\"Statement\""].map(Finder::new));

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use dynaseal_item::{Action, SchemaSpec};
    use dynaseal_keys::{Provider, RawAes, SystemClock};

    use super::*;
    use crate::table::{Plaintext, Table};

    fn engine(suites: &[Suite]) -> Engine {
        let table = |(number, suite): (usize, &Suite)| {
            let ring = RawAes::new("test", "test key", &[7; 32]).unwrap();
            let spec = SchemaSpec {
                logical_name: format!("Table{number}"),
                partition_key: "id".to_owned(),
                actions: vec![("id".to_owned(), Action::SignOnly)],
                default_action: Some(Action::EncryptAndSign),
                suite: *suite,
                ..SchemaSpec::default()
            };
            let provider = Provider::new(Arc::new(ring));
            Table::new(format!("Table{number}"), spec.build().unwrap(), provider, Plaintext::Forbid)
        };
        Engine::new(suites.iter().enumerate().map(table), Arc::new(SystemClock))
    }

    /// The most microseconds that something is said to take longer than.
    fn most(is_longer: impl Fn(usize) -> bool) -> usize {
        (0..).find(|than| !is_longer(*than)).unwrap()
    }

    fn item(footer: usize) -> String {
        format!(r#"{{"id":{{"S":"1"}},"aws_dbe_foot": {{ "B": "{}" }}}}"#, "A".repeat(footer))
    }

    #[test]
    fn what_an_answer_takes_is_counted_by_its_footers() {
        let engine = engine(&[Suite::EcdsaP384, Suite::Hmac]);
        let cost = |text: &str| most(|than| engine.is_long_to_open(text.as_bytes(), than));
        let (signed, unsigned) = (item(64 + 140), item(64));
        for (items, each, expected) in [(1, &signed, 300), (7, &signed, 2100), (7, &unsigned, 140), (0, &signed, 0)] {
            let text = format!(r#"{{"Items":[{}]}}"#, vec![each.as_str(); items].join(","));
            assert_eq!(cost(&text), expected + text.len() / 64, "{items} items");
        }
        // Cut off in a footer, it may be any.
        assert_eq!(cost(signed.get(..60).unwrap()), 300);
        assert_eq!(cost(&"x".repeat(64_000)), 1000);
    }

    #[test]
    fn records_that_are_carried_in_base64_count_wherever_they_stand() {
        let (signing, hashing) = (engine(&[Suite::Hmac, Suite::EcdsaP384]), engine(&[Suite::Hmac]));
        let record = |before: usize| {
            let record = format!(r#"{}{{"NewImage":{},"OldImage":{}}}"#, " ".repeat(before), item(200), item(200));
            base64_simd::STANDARD.encode_to_string(record)
        };
        for before in 0..6 {
            let text = format!(r#"{{"Records":[{{"kinesis":{{"data":"{}"}}}}]}}"#, record(before));
            let cost = |engine: &Engine| most(|than| engine.is_long_to_open_records(text.as_bytes(), than));
            let bytes = text.len() / 64;
            assert_eq!([cost(&signing), cost(&hashing)], [600 + bytes, 40 + bytes], "after {before}");
        }
        let plain = item(200);
        assert_eq!(most(|than| signing.is_long_to_open_records(plain.as_bytes(), than)), 300 + plain.len() / 64);
    }

    #[test]
    fn what_a_request_takes_is_counted_by_its_items_and_statements() {
        let request = r#"{"RequestItems":{"T":[{"PutRequest":{"Item":{"id":{"S":"1"}}}},{"PutRequest":{"Item":{}}}]},"Statement":""}"#;
        for (suites, expected) in [(&[Suite::EcdsaP384, Suite::Hmac][..], 450), (&[Suite::Hmac], 60), (&[], 60)] {
            let engine = engine(suites);
            let cost = most(|than| engine.is_long_to_seal(request.as_bytes(), than));
            assert_eq!(cost, expected + request.len() / 64);
        }
    }
}
