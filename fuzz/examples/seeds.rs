//! Writes the seeds that need sealing: `cargo run --manifest-path fuzz/Cargo.toml --example seeds`.

use std::fs;
use std::path::Path;

use dynaseal_fuzz::{binary, plain, sealed};
use dynaseal_item::{Suite, json, kat};

fn main() -> std::io::Result<()> {
    let item = sealed(Suite::Hmac);
    let (head, foot) = (binary(&item, "aws_dbe_head"), binary(&item, "aws_dbe_foot"));
    seed("header", "hmac", head)?;
    // Signed under a fresh key, so this one differs every time.
    seed("header", "ecdsa", binary(&sealed(Suite::EcdsaP384), "aws_dbe_head"))?;
    seed("footer", "genuine", &[&[0], foot].concat())?;
    seed("footer", "swapped", &[&[0], &foot[48..], &foot[..48]].concat())?;
    seed("footer", "header", &[&[2], head].concat())?;
    seed("footer", "change", &[3, 2, 5, 1])?;
    seed("footer", "unsigned", &[3, 4, 0, 1])?;
    for (name, value) in plain().iter() {
        seed("terminal", name, &kat::serialize(value).expect("a valid value"))?;
    }
    let mut text = Vec::new();
    json::write_item(&item, &mut text);
    seed("json", "sealed", &text)
}

fn seed(target: &str, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(name), bytes)
}
