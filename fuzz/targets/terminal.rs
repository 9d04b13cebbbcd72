//! Value bytes: what reads is written in normal form, and the normal form reads back as itself.
#![no_main]

use dynaseal_item::kat::{deserialize, serialize};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(value) = deserialize(bytes) else { return };
    // Numbers are not checked on reading (FORMAT 2.4), so a value may read and still have no normal form.
    let Ok(normal) = serialize(&value) else { return };
    let again = deserialize(&normal).expect("what was written must read");
    assert_eq!(serialize(&again).expect("and be written again"), normal);
});
