//! Which names tables can have, so that no section protects a table that cannot be: for tables, patterns and key stores.

use super::fault::{Faults, Span, TABLE_NAME};

/// What a name stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Named {
    Table,
    /// Several tables: `*` stands for any text.
    Pattern,
    KeyStore,
}

impl Named {
    /// What a section of `[tables]` is about.
    pub(crate) fn of_section(name: &str) -> Self {
        if name.contains('*') { Self::Pattern } else { Self::Table }
    }
}

/// Whether a section of `[tables]` stands for several tables.
pub(crate) fn is_pattern(name: &str) -> bool {
    Named::of_section(name) == Named::Pattern
}

/// A section of `[tables]` as the configuration writes it.
pub(crate) fn title(name: &str) -> String {
    let quotes = if name.contains(['*', '.']) { "\"" } else { "" };
    format!("[tables.{quotes}{name}{quotes}]")
}

/// Whether DynamoDB has tables of this name, or names that the pattern matches. If not, that is a fault.
pub(super) fn check(name: &str, named: Named, place: &Span, faults: &mut Faults<'_>) -> bool {
    if is_possible(name, named) {
        return true;
    }
    let what = match named {
        Named::Table | Named::Pattern => "[tables]",
        Named::KeyStore => "key_store_table",
    };
    let hint = match table_of_arn(name) {
        Some(table) => {
            format!("write the name alone, \"{table}\": it is looked for in the account and Region of the call")
        }
        None => RULE.to_owned(),
    };
    faults.error(place, TABLE_NAME, format!("{what} names {}, which no table can be called", quoted(name)), hint);
    false
}

/// Whether DynamoDB has tables of this name.
#[must_use]
pub fn is_table_name(name: &str) -> bool {
    is_possible(name, Named::Table)
}

pub(crate) fn is_possible(name: &str, named: Named) -> bool {
    let is_star = |one: char| one == '*' && named == Named::Pattern;
    let is_allowed = |one: char| one.is_ascii_alphanumeric() || matches!(one, '_' | '.' | '-');
    let shortest = if named == Named::Pattern { 0 } else { SHORTEST };
    let fixed = name.chars().filter(|one| !is_star(*one)).count();
    name.chars().all(|one| is_allowed(one) || is_star(one)) && (shortest..=LONGEST).contains(&fixed)
}

/// The name at the end of a table's ARN, if it is one that a table can have.
fn table_of_arn(name: &str) -> Option<&str> {
    let (before, table) = name.split_once(":table/")?;
    (before.starts_with("arn:") && is_possible(table, Named::of_section(table))).then_some(table)
}

/// A name as a message shows it: nothing in it moves a cursor or turns the text around.
fn quoted(name: &str) -> String {
    let shown: String = name.chars().take(SHOWN).collect();
    let more = if name.chars().nth(SHOWN).is_some() { "…" } else { "" };
    format!("\"{}{more}\"", shown.escape_default())
}

const SHORTEST: usize = 3;
const LONGEST: usize = 255;
/// How many characters of a name are shown.
const SHOWN: usize = 80;
const RULE: &str =
    "a table's name has 3 to 255 of the characters a-z, A-Z, 0-9, _, - and .; a name with a * stands for several";
