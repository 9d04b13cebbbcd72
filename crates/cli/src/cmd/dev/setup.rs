//! The key and the configuration of `dynaseal dev`: made once in the current directory, never overwritten.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use super::page::Page;
use crate::error::Error;
use crate::whole_file;

/// The configuration's name.
pub(super) const CONFIG: &str = "dynaseal.toml";

/// Makes what is not there. A configuration that is there is used as it is, with whatever keys it names.
pub(super) fn prepare(page: &mut Page<impl Write>) -> Result<(), Error> {
    if Path::new(CONFIG).exists() {
        return page.entry("found", CONFIG, "what is encrypted, and with which key");
    }
    // An interrupted write of an early version left one so.
    if fs::read(KEY).is_ok_and(|key| key.trim_ascii().is_empty()) {
        return Err(Error::EmptyDevKey { name: KEY });
    }
    // The key first: a configuration without its key would stand in the way of the next run.
    let mut key = [0; 32];
    aws_lc_rs::rand::fill(&mut key).map_err(|_| file(KEY, io::Error::other("no random bytes")))?;
    let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    let made = create(KEY, 0o600, &format!("{hex}\n"))?;
    let words = "the key: 256 bits, readable by you alone";
    page.entry(if made { "wrote" } else { "found" }, KEY, words)?;
    create(CONFIG, 0o644, TEMPLATE)?;
    page.entry("wrote", CONFIG, "what is encrypted, and with which key")
}

/// Writes a new file; `false` if there is one already.
fn create(name: &'static str, mode: u32, text: &str) -> Result<bool, Error> {
    whole_file::create(Path::new(name), mode, text.as_bytes()).map_err(|source| file(name, source))
}

fn file(name: &'static str, source: io::Error) -> Error {
    Error::DevFile { name, source }
}

const KEY: &str = "dynaseal-dev.key";

const TEMPLATE: &str = r#"# Made by `dynaseal dev`. Change it as you like: it is never overwritten.
# `dynaseal check dynaseal.toml` explains what it does to each attribute.

# A key on this machine, for development. The file holds 64 hexadecimal digits.
[keys.main]
type = "raw-aes"
namespace = "dynaseal-dev"
name = "dev key"
key_file = "dynaseal-dev.key"

# One section for each table to protect; all others pass through untouched.
[tables.Users]
keys = "main"
partition_key = "userId"
# Whatever is not listed below is encrypted, and all of it is signed.
default_action = "encrypt_and_sign"
# Neither encrypted nor signed, so that UpdateItem can count with it.
unsigned = ["visits"]

[tables.Users.attributes]
# Keys cannot be encrypted: DynamoDB looks items up by them. They are signed.
userId = "sign_only"
# Signed but readable, so that filters in DynamoDB can use it.
tier = "sign_only"

# `dynaseal gateway` reads this section. For the real DynamoDB: upstream =
# "dynamodb" and a region; AWS credentials come from the environment.
[gateway]
listen = "127.0.0.1:8000"
upstream = "embedded"
"#;

#[cfg(test)]
mod tests {
    use dynaseal_engine::{Config, Outside};

    use super::*;

    struct OnlyTheKey;

    impl Outside for OnlyTheKey {
        fn env(&self, _: &str) -> Option<String> {
            None
        }

        fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
            assert_eq!(path, Path::new(KEY));
            Ok("5a17".repeat(16).into_bytes())
        }

        fn others_can_read(&self, _: &Path) -> bool {
            false
        }
    }

    #[test]
    fn the_template_is_a_configuration_without_faults_or_warnings() {
        let config = Config::parse(TEMPLATE, CONFIG, &OnlyTheKey).unwrap();
        assert!(config.warnings.is_empty(), "{:?}", config.warnings);
        assert_eq!(config.tables.keys().collect::<Vec<_>>(), ["Users"]);
        assert_eq!((config.gateway.upstream.as_str(), config.gateway.listen.port()), ("embedded", 8000));
        assert!(TEMPLATE.lines().all(|line| line.chars().count() <= 80));
    }
}
