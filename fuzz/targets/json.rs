//! DynamoDB JSON: an item that reads is written as JSON that reads as the same item, to the byte.
#![no_main]

use dynaseal_item::json::{read_item, write_item};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(item) = read_item(text) else { return };
    let mut first = Vec::new();
    write_item(&item, &mut first);
    let first = String::from_utf8(first).expect("JSON is text");
    let again = read_item(&first).expect("what was written must read");
    assert!(item.iter().eq(again.iter()), "an item changed on its way through JSON");
    let mut second = Vec::new();
    write_item(&again, &mut second);
    assert_eq!(first.as_bytes(), second);
});
