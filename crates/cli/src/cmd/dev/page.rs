//! What `dynaseal dev` prints: for a terminal of 80 columns, plain enough for a file.

use std::io::Write;

use serde_json::{Map, Value};

use crate::error::Error;
use crate::say;

/// Where the story is printed.
pub(super) struct Page<W>(W);

impl<W: Write> Page<W> {
    pub(super) fn new(out: W) -> Self {
        Self(out)
    }

    pub(super) fn title(&mut self, text: &str) -> Result<(), Error> {
        self.print(&format!("{text}\n\n"))
    }

    /// `wrote  dynaseal.toml  what is encrypted`.
    pub(super) fn entry(&mut self, verb: &str, name: &str, words: &str) -> Result<(), Error> {
        self.print(&format!("  {verb:<7}{name:<25}{words}\n"))
    }

    /// A step's heading.
    pub(super) fn step(&mut self, number: usize, text: &str) -> Result<(), Error> {
        self.print(&format!("\n{number}. {text}\n"))
    }

    /// A paragraph under a step; an empty one is an empty line.
    pub(super) fn words(&mut self, text: &str) -> Result<(), Error> {
        let mut lines = Vec::new();
        say::wrap(&format!("   {text}"), "   ", &mut lines);
        self.write(lines.trim_ascii_end())?;
        self.print("\n")
    }

    /// An item, an attribute a line: name, type, value; of binary values the length and the beginning.
    pub(super) fn item(&mut self, item: &Map<String, Value>) -> Result<(), Error> {
        for (name, value) in item {
            let (kind, text) = value
                .as_object()
                .and_then(|value| value.iter().next())
                .map_or(("?", String::new()), |(kind, value)| (kind.as_str(), shown(kind, value)));
            self.print(&format!("   {name:<14}{kind:<5}{text}\n"))?;
        }
        Ok(())
    }

    /// What to do next.
    pub(super) fn serving(&mut self, url: &str, plain: &str) -> Result<(), Error> {
        self.print(&format!(
            "\nServing until Ctrl-C. With any AWS SDK, set the endpoint to\n\
             {url}; any region and any credentials do. With the AWS CLI:\n\n  \
             AWS_ACCESS_KEY_ID=x AWS_SECRET_ACCESS_KEY=x AWS_REGION=us-east-1 \\\n    \
             aws dynamodb scan --table-name Users --endpoint-url {url}\n\n\
             {plain} shows the same tables as they are stored. It is also the\n\
             endpoint for a program that seals by itself, with the package dynaseal for\n\
             Node.js or the crate for Rust: what is sealed already is not sealed again.\n"
        ))
    }

    fn print(&mut self, text: &str) -> Result<(), Error> {
        self.write(text.as_bytes())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        // Each piece is shown when it happens, also through a pipe.
        self.0.write_all(bytes).and_then(|()| self.0.flush()).map_err(|source| Error::Output { name: "stdout", source })
    }
}

fn shown(kind: &str, value: &Value) -> String {
    match value {
        Value::String(base64) if kind == "B" => {
            let padding = base64.bytes().rev().take_while(|byte| *byte == b'=').count();
            let length = base64.len() / 4 * 3 - padding.min(2);
            let start: String = base64.chars().take(SHOWN).collect();
            let dots = if base64.len() > SHOWN { "…" } else { "" };
            format!("{length:>4} bytes  {start}{dots}")
        }
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// How many characters of base64 a line has room for.
const SHOWN: usize = 40;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn items_fit_into_80_columns_and_say_how_long_binaries_are() {
        let mut out = Vec::new();
        let item = json!({"aws_dbe_head": {"B": "QUJD".repeat(100)}, "short": {"B": "QQ=="}, "n": {"N": "7"}});
        Page::new(&mut out).item(item.as_object().unwrap()).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(text.contains("aws_dbe_head  B     300 bytes  QUJD"), "{text}");
        assert!(
            text.contains("short         B       1 bytes  QQ==\n") && text.contains("n             N    7\n"),
            "{text}"
        );
    }
}
