//! What a gateway says of itself when it starts, in one block: what it protects, where calls go, in which Region, with whose
//! credentials, and what is missing. It names, and shows no secret.

use std::fmt::{self, Display};

/// One line of the block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What it is about.
    pub about: &'static str,
    /// What there is to say.
    pub text: String,
    /// Whether it is something that is missing or dangerous, so that it is said as a warning, too.
    pub warns: bool,
}

impl Fact {
    pub(crate) fn new(about: &'static str, text: impl Into<String>) -> Self {
        Self { about, text: text.into(), warns: false }
    }

    pub(crate) fn warning(about: &'static str, text: impl Into<String>) -> Self {
        Self { about, text: text.into(), warns: true }
    }
}

/// Writes the block, and each warning in it once more at its own level.
pub(crate) fn tell(facts: &[Fact]) {
    tracing::info!("dynaseal gateway {}{}", env!("CARGO_PKG_VERSION"), Block(facts));
    for Fact { about, text, .. } in facts.iter().filter(|fact| fact.warns) {
        tracing::warn!("{about}: {text}");
    }
}

struct Block<'f>(&'f [Fact]);

impl Display for Block<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.0.iter().map(|fact| fact.about.len()).max().unwrap_or_default();
        for Fact { about, text, .. } in self.0 {
            // Names come from a configuration, and one line is one fact.
            let text = text.escape_debug().to_string().replace("\\\"", "\"").replace("\\'", "'");
            write!(f, "\n  {about:width$}  {text}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fact_is_a_line() {
        let facts =
            [Fact::new("protects", "Users, prod-*"), Fact::warning("credentials", "none\n  KMS  a lie \u{1b}[31m")];
        let text = Block(&facts).to_string();
        assert_eq!(text, "\n  protects     Users, prod-*\n  credentials  none\\n  KMS  a lie \\u{1b}[31m");
    }
}
