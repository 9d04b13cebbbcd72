//! `dynaseal keys …` as typed.

use std::path::PathBuf;
use std::time::Duration;

use crate::args::pair;

/// Branch keys: create, rotate, list, and take them away.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct KeysArgs {
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = "dynaseal.toml", global = true)]
    pub(crate) config: PathBuf,
    /// Which key of the configuration, of type hierarchical [default: the only one].
    #[arg(long, value_name = "NAME", global = true)]
    pub(crate) keys: Option<String>,
    /// One JSON object a line instead of text.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Append what is done to this file, one JSON object a line: a regular file that is new, empty, or one of these.
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) audit_log: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) action: Action,
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Action {
    /// Create the key store's table in DynamoDB.
    CreateStore,
    /// Create a branch key.
    Create(CreateArgs),
    /// Give branch keys a new version; what was sealed before stays readable.
    Rotate(RotateArgs),
    /// List the branch keys: age, versions, last rotation.
    List,
    /// Show one branch key: its versions and its encryption context.
    Describe(OneArgs),
    /// Take a branch key out of use until it is enabled again.
    Disable(ConfirmedArgs),
    /// Put a disabled branch key back into use.
    Enable(OneArgs),
    /// Delete a branch key for ever, and so all that was sealed under it (erasure).
    #[command(after_help = ERASURE)]
    Destroy(ConfirmedArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct CreateArgs {
    /// Its id, such as a tenant's [default: a random UUID]. An id of one's own needs an encryption context.
    #[arg(value_name = "ID")]
    pub(crate) id: Option<String>,
    /// A pair of the custom encryption context, such as tenant=acme; may be given several times.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) context: Vec<(String, String)>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RotateArgs {
    /// The branch key's id.
    #[arg(value_name = "ID", required_unless_present = "older_than", conflicts_with = "older_than")]
    pub(crate) id: Option<String>,
    /// Rotate every branch key whose active version is older than this: 90d, 12h or 30m. One whose version is dated in the
    /// future is rotated, too.
    #[arg(long, value_name = "AGE", value_parser = age)]
    pub(crate) older_than: Option<Duration>,
    /// Say what would be rotated and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct OneArgs {
    /// The branch key's id.
    #[arg(value_name = "ID")]
    pub(crate) id: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ConfirmedArgs {
    /// The branch key's id.
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// The id once more, instead of typing it when asked.
    #[arg(long, value_name = "ID")]
    pub(crate) confirm: Option<String>,
    /// Say what would be done and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

fn age(text: &str) -> Result<Duration, &'static str> {
    const WRONG: &str = "an age is a number and d, h or m, such as 90d";
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or(WRONG)?;
    let seconds = match unit {
        "d" => 86_400,
        "h" => 3_600,
        "m" => 60,
        _ => return Err(WRONG),
    };
    let number: u64 = number.parse().map_err(|_| WRONG)?;
    number.checked_mul(seconds).map(Duration::from_secs).ok_or(WRONG)
}

const AFTER: &str = "\
The configuration's [gateway] section says where DynamoDB and KMS are; credentials
come from the AWS credential chain. `dynaseal explain KEYS.md` has the policies that
each command needs. For a scheduler: dynaseal keys rotate --older-than 90d --json

Exit codes: 0 done; 1 some branch keys were not rotated, or `list` found one that is
unfinished; 2 usage, configuration, a missing right, or an output or audit log that
cannot be written; 3 try again later; 141 whoever read the output went away. What
was done is on stdout, what was not on stderr, each as it happens.";
const ERASURE: &str = "\
What was sealed under the branch key cannot be opened by anyone once caches have
expired (cache_ttl). Other branch keys are not touched. What stays: keys of items,
attributes that are only signed, and backups of the key store's table: see
`dynaseal explain KEYS.md`.
Needs --audit-log, so that a record is left. If it is interrupted, run it again.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_and_pairs() {
        assert_eq!(age("90d"), Ok(Duration::from_secs(7_776_000)));
        assert_eq!((age("12h"), age("0m")), (Ok(Duration::from_secs(43_200)), Ok(Duration::ZERO)));
        for wrong in ["", "d", "90", "-1d", "1w", "1.5d", "99999999999999999999d", "9999999999999999d", "é"] {
            assert!(age(wrong).is_err(), "{wrong}");
        }
        assert_eq!(pair("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert!(pair("=b").is_err() && pair("a").is_err());
    }
}
