//! Properties of values over all ten types: what is written reads back, in JSON and in the format's own bytes.

#[allow(dead_code, unreachable_pub, reason = "other tests use other parts of it")]
#[path = "support/values.rs"]
mod values;

use dynaseal_item::{Item, Value, json, kat};
use proptest::prelude::*;
use values::{item, number, value};

proptest! {
    #[test]
    fn json_reads_back(item in item()) {
        let mut text = Vec::new();
        json::write_item(&item, &mut text);
        let text = String::from_utf8(text).unwrap();
        let again = json::read_item(&text).unwrap();
        prop_assert!(again == item);
    }

    #[test]
    fn bytes_read_back_in_normal_form(value in value()) {
        let bytes = kat::serialize(&value).unwrap();
        let read = kat::deserialize(&bytes).unwrap();
        // What was read is in normal form, and a normal form is its own.
        prop_assert_eq!(&kat::serialize(&read).unwrap(), &bytes);
        prop_assert_eq!(read.type_name(), value.type_name());
    }

    #[test]
    fn a_changed_byte_never_panics(value in value(), at in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let mut bytes = kat::serialize(&value).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= 1_u8 << bit;
        let _ = kat::deserialize(&bytes);
        bytes.truncate(at);
        let _ = kat::deserialize(&bytes);
    }

    #[test]
    fn a_number_has_one_normal_form(number in number()) {
        let normal = kat::normalize_number(&number).unwrap();
        prop_assert_eq!(&kat::normalize_number(&normal).unwrap(), &normal);
        for spelling in [format!("{normal}e0"), format!("+{normal}").replace("+-", "-"), format!("{normal}E+00")] {
            prop_assert_eq!(&kat::normalize_number(&spelling).unwrap(), &normal);
        }
    }

    #[test]
    fn text_that_is_no_item_is_refused_without_its_text(text in "[ -~]{0,40}") {
        if let Err(error) = json::read_item(&format!("{{\"k\":{{\"S\":\"marker\"}},{text}")) {
            prop_assert!(!error.to_string().contains("marker"));
        }
    }

    #[test]
    fn an_owned_copy_is_equal(item in item()) {
        let owned: Item<'static> = item.clone().into_owned();
        prop_assert!(owned == item);
        prop_assert!(item.iter().all(|(name, value)| owned.get(name) == Some(value)));
        prop_assert!(item.is_empty() || item.get("no such attribute") != Some(&Value::Null));
    }
}
