//! The command line as typed.

#[cfg(feature = "items")]
use std::collections::BTreeMap;
#[cfg(feature = "items")]
use std::num::NonZeroU64;
#[cfg(feature = "items")]
use std::path::PathBuf;

#[cfg(feature = "items")]
use crate::cmd::check::{Access, Target};
#[cfg(feature = "dev")]
use crate::cmd::dev;
use crate::cmd::gateway;
#[cfg(feature = "items")]
use crate::error::Error;
#[cfg(feature = "items")]
use crate::items::{lines::Unit, stream::Way};

/// Client-side encryption for DynamoDB, compatible with the AWS Database Encryption SDK.
#[derive(Debug, clap::Parser)]
#[command(name = "dynaseal", version, max_term_width = 80, after_help = EXIT_CODES)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Try it: an embedded DynamoDB, a key, a configuration, and one story.
    #[cfg(feature = "dev")]
    Dev(dev::Args),
    /// Serve the DynamoDB API; seal what goes in and open what comes out.
    Gateway(gateway::Args),
    /// Seal items: DynamoDB JSON, one a line, from stdin to stdout.
    #[cfg(feature = "items")]
    #[command(after_help = FAILED_ITEMS)]
    Seal(SealArgs),
    /// Verify and open items, export lines, answers, stream records and events, from stdin to stdout.
    #[cfg(feature = "items")]
    #[command(after_help = FORMS)]
    Open(OpenArgs),
    /// Name what a writer without Dynaseal added to sealed items, and take in what is wanted of it.
    #[cfg(feature = "items")]
    #[command(after_help = REPAIR)]
    Repair(RepairArgs),
    /// Show what the headers of sealed items say. Needs no keys.
    #[cfg(feature = "items")]
    #[command(after_help = NOT_VERIFIED)]
    Inspect(InspectArgs),
    /// Check a configuration; explain what happens to each attribute, or to a request.
    #[cfg(feature = "items")]
    #[command(after_help = REFUSED)]
    Check(CheckArgs),
    /// Branch keys: create, rotate, list, disable, destroy.
    #[cfg(feature = "items")]
    Keys(crate::keys::args::KeysArgs),
    /// Say what an error code such as DSL-3008 means, and what to do.
    Explain(ExplainArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct ExplainArgs {
    /// A code, such as DSL-3008 or 3008, or a document that a message names, such as KEYS.md.
    #[arg(value_name = "CODE")]
    pub(crate) code: String,
}

/// What a pattern of the configuration, such as [tables."prod-*"], does not tell of a table.
#[cfg(feature = "items")]
#[derive(Debug, Default, clap::Args)]
pub(crate) struct TableKeyArgs {
    /// The partition key of a table that only a pattern such as "prod-*" protects.
    #[arg(long, value_name = "NAME", requires = "table")]
    pub(crate) partition_key: Option<String>,
    /// Its sort key, if it has one.
    #[arg(long, value_name = "NAME", requires = "partition_key")]
    pub(crate) sort_key: Option<String>,
}

#[cfg(feature = "items")]
#[derive(Debug, clap::Args)]
pub(crate) struct SealArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    /// The table that the items belong to, by its name in the configuration.
    #[arg(long, value_name = "NAME")]
    pub(crate) table: String,
    #[command(flatten)]
    pub(crate) table_keys: TableKeyArgs,
    /// Seal items over 400 KB, too, which DynamoDB does not store.
    #[arg(long)]
    pub(crate) any_size: bool,
}

#[cfg(feature = "items")]
#[derive(Debug, clap::Args)]
pub(crate) struct RepairArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    /// The table that the items belong to, by its name in the configuration.
    #[arg(long, value_name = "NAME")]
    pub(crate) table: String,
    #[command(flatten)]
    pub(crate) table_keys: TableKeyArgs,
    /// An attribute that was added and is wanted; may be given several times. Its value is sealed as it stands: look at
    /// it first.
    #[arg(long, value_name = "NAME")]
    pub(crate) attribute: Vec<String>,
}

#[cfg(feature = "items")]
#[derive(Debug, clap::Args)]
pub(crate) struct OpenArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    /// The table of the items, by its name in the configuration. Records that name their table do not need it.
    #[arg(long, value_name = "NAME")]
    pub(crate) table: Option<String>,
    #[command(flatten)]
    pub(crate) table_keys: TableKeyArgs,
}

#[cfg(feature = "items")]
#[derive(Debug, clap::Args)]
pub(crate) struct InputArgs {
    /// The configuration, such as dynaseal.toml.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// How many items to work on at once, up to 256 [default: one per core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) threads: Option<u16>,
    /// Leave out the lines before this one, as a run that was stopped says: its output and that of this one make the whole.
    #[arg(long, value_name = "N", default_value = "1", hide_default_value = true)]
    pub(crate) from_line: NonZeroU64,
}

#[cfg(feature = "items")]
impl InputArgs {
    pub(crate) fn way(&self, unit: Unit) -> Way {
        Way { unit, threads: self.threads, first: self.from_line }
    }
}

#[cfg(feature = "items")]
#[derive(Debug, clap::Args)]
pub(crate) struct InspectArgs {
    /// Items, one a line, as DynamoDB JSON or export lines [default: stdin].
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// A configuration; tells which attributes are signed, so that each is shown with its action.
    #[arg(long, value_name = "FILE", requires = "table")]
    pub(crate) config: Option<PathBuf>,
    /// The table that the items belong to, by its name in the configuration.
    #[arg(long, value_name = "NAME", requires = "config")]
    pub(crate) table: Option<String>,
    #[command(flatten)]
    pub(crate) table_keys: TableKeyArgs,
    /// One JSON object a line instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(feature = "items")]
#[derive(Debug, clap::Args)]
pub(crate) struct CheckArgs {
    /// The configuration, such as dynaseal.toml.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Explain what becomes of a request: an operation, such as UpdateItem, whose JSON is on stdin.
    #[arg(long, value_name = "OPERATION")]
    pub(crate) explain: Option<Target>,
    /// Say which section holds for a table, and what it does: exit 1 if none does.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["explain", "credentials"])]
    pub(crate) table: Option<String>,
    /// Ask AWS KMS, by dry runs that change nothing, whether the credentials of this process may do with each key what
    /// the role needs, and no more.
    #[arg(
        long,
        value_name = "ROLE",
        conflicts_with = "explain",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "reads-and-writes"
    )]
    pub(crate) credentials: Option<Access>,
    #[command(flatten)]
    pub(crate) ask: AskArgs,
    /// One JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What `--credentials` cannot know from the configuration.
#[cfg(feature = "items")]
#[derive(Debug, clap::Args)]
#[group(requires = "credentials")]
pub(crate) struct AskArgs {
    /// With --credentials: a branch key to ask about, with the encryption context of its records in the key store; may be
    /// given several times, as may the next three.
    #[arg(long, value_name = "ID")]
    pub(crate) branch_key: Vec<String>,
    /// A key of AWS KMS that items or branch keys name, for key types in discovery.
    #[arg(long, value_name = "ARN", value_parser = key_arn)]
    pub(crate) key: Vec<String>,
    /// A key of AWS KMS that must be out of reach: what is allowed with it is an error.
    #[arg(long, value_name = "ARN", value_parser = key_arn)]
    pub(crate) other_key: Vec<String>,
    /// A pair of the encryption context that the calls have, for policies that ask for it.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) context: Vec<(String, String)>,
}

/// A name and its value.
#[cfg(feature = "items")]
pub(crate) fn pair(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("a pair is NAME=VALUE"),
    }
}

/// Each pair once; of two values one would be lost.
#[cfg(feature = "items")]
pub(crate) fn pairs(given: &[(String, String)]) -> Result<BTreeMap<String, String>, Error> {
    let mut pairs = BTreeMap::new();
    for (name, value) in given {
        if pairs.insert(name.clone(), value.clone()).is_some() {
            return Err(Error::PairTwice { name: name.clone() });
        }
    }
    Ok(pairs)
}

#[cfg(feature = "items")]
fn key_arn(text: &str) -> Result<String, &'static str> {
    let arn = dynaseal_keys::KeyArn::parse(text).map(|arn| arn.text.to_owned());
    arn.ok_or("write the ARN of a key, arn:aws:kms:REGION:ACCOUNT:key/ID")
}

const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    ran to its end, and something is wrong in the data: what failed is named
  2    could not be carried out: usage, configuration, missing credentials or rights,
       or an output that cannot be written
  3    try again later: DynamoDB, KMS or Vault is down, busy, or changed under it
  141  whoever read the output went away before its end

`dynaseal explain DSL-3008` says more about an error that has this code.";
#[cfg(feature = "items")]
const FAILED_ITEMS: &str = "\
One line of JSON each: an item, {\"Item\": …} or an answer with items in it; what
surrounds them stays. `jq -c .` makes one line of several. The input may be gzip.

An item that fails, or would be over the 400 KB that DynamoDB stores, is left out of
stdout and goes to stderr as one JSON line, {\"line\":N,\"code\":\"DSL-…\",\"message\":\"…\"};
the others go on, in order. Unless all went well the last line of stderr is the
sum: {\"lines\":N,\"done\":N,\"failed\":N}.

Where keys cannot be had the run stops: at once if a service is down, after ten
lines without a success between them if it refuses. The sum then has
\"go_on_from_line\":N: --from-line N seals the rest.

Exit codes: 0 every line is sealed; 1 some lines are wrong, and named; 2 usage,
configuration, a missing right, or an output that cannot be written; 3 try again
later; 141 whoever read the output went away.";
#[cfg(feature = "items")]
const FORMS: &str = "\
Each line holds one of these; all but items are opened inside what surrounds them:

  an item
  a line of an export, full {\"Item\": …} or incremental {\"Metadata\": …, \"Keys\": …}
  an answer of get-item, batch-get-item, query or scan
  a stream record, an event {\"Records\": […]}, an answer of GetRecords, also where
  a Kinesis stream carries the records; a list of records, as of EventBridge Pipes

JSON over several indented lines, such as a saved event, counts as one line and
comes out as one. Lines that make no whole JSON are taken one by one. The input may
be gzip. Exports in Amazon Ion are not read.

What fails is left out of stdout and goes to stderr as one JSON line,
{\"line\":N,\"code\":\"DSL-…\",\"message\":\"…\"}; the others go on, in order. An event
fails as a whole; jq -c '.Records[]' makes lines of it. Unless all went well the
last line of stderr is the sum: {\"lines\":N,\"done\":N,\"failed\":N}.

Where keys cannot be had the run stops: at once if a service is down, after ten
lines without a success between them if it refuses. The sum then has
\"go_on_from_line\":N: --from-line N opens the rest.

Exit codes: 0 every line is open; 1 some lines do not open, and are named; 2 usage,
configuration, a missing right, or an output that cannot be written; 3 try again
later; 141 whoever read the output went away.";
#[cfg(feature = "items")]
const REPAIR: &str = "\
Reads stored items from stdin, as `open` does. Without --attribute, what was added
to an item after it was sealed is named on stderr. With it, a request of UpdateItem
is printed that seals the item again with these attributes. All else must verify,
so nothing that was changed, removed or moved passes. The request has a condition:
it writes nothing if the item is another one by then.

  aws dynamodb get-item --consistent-read --table-name Users --key file://key.json |
    dynaseal repair --config dynaseal.toml --table Users --attribute lockedBy > fix.json
  aws dynamodb update-item --cli-input-json file://fix.json

Exit codes: 0 nothing was added, or every item has its request; 1 something was
added, or an item does not verify; 2, 3 and 141 as of `open`, which says when the
run stops and how to go on.";
#[cfg(feature = "items")]
const NOT_VERIFIED: &str = "\
What a header says is not verified: only `dynaseal open` checks the footer.

Exit codes: 0 every header was read; 1 some lines have none, and are named on
stderr; 2 usage, configuration, or an output that cannot be written; 141 whoever
read the output went away.";
#[cfg(feature = "items")]
const REFUSED: &str = "\
The exit code is 1 if the configuration has faults, the request is refused, or
the credentials lack something or reach a key that must be out of reach; 2 if it
cannot be carried out, 3 if it may be later. Nothing
is sent without --credentials, and no value of the request is printed:

  dynaseal check dynaseal.toml --explain UpdateItem < request.json
  dynaseal check dynaseal.toml --credentials && dynaseal gateway
  dynaseal check dynaseal.toml --credentials=reads --branch-key acme";
