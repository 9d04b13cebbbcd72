//! A header that reads must be exactly the bytes that its fields print as: nothing is skipped, nothing is read two ways.
#![no_main]

use dynaseal_item::{Action, Header};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(header) = Header::parse(bytes) {
        assert_eq!(print(&header), bytes);
    }
});

/// Written after FORMAT 6.1, not after the parser.
fn print(header: &Header<'_>) -> Vec<u8> {
    let mut out = vec![header.version.byte(), header.suite.flavor()];
    out.extend_from_slice(header.message_id);
    let letters: Vec<u8> = header.legend.iter().map(letter).collect();
    part(&mut out, &letters);
    out.extend_from_slice(&u16::try_from(header.context.len()).unwrap().to_be_bytes());
    for (key, value) in &header.context {
        part(&mut out, key.as_bytes());
        part(&mut out, value.as_bytes());
    }
    out.push(u8::try_from(header.data_keys.len()).unwrap());
    for key in &header.data_keys {
        part(&mut out, &key.provider_id);
        part(&mut out, &key.provider_info);
        part(&mut out, &key.ciphertext);
    }
    out.extend_from_slice(header.commitment);
    out
}

fn part(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&u16::try_from(bytes.len()).unwrap().to_be_bytes());
    out.extend_from_slice(bytes);
}

fn letter(action: &Action) -> u8 {
    match action {
        Action::EncryptAndSign => b'e',
        Action::SignOnly => b's',
        Action::SignAndIncludeInEncryptionContext => b'c',
        Action::DoNothing => unreachable!("an unsigned attribute has no place in a legend"),
    }
}
