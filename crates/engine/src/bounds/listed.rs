//! The lists of a request: how many entries DynamoDB takes in each, and its refusal of more and of none. DynamoDB shows the
//! whole list in it; here stands `(redacted)` in its place, since what an upstream was sent is sealed, and what the caller
//! wrote is not repeated.

use crate::answers;
use crate::expr::shown::HIDDEN;

/// A list of a request and how many entries DynamoDB takes in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) operation: &'static str,
    pub(crate) member: &'static str,
    pub(crate) most: usize,
}

pub(crate) const WRITES: Listed = Listed { operation: "BatchWriteItem", member: "RequestItems", most: 25 };
pub(crate) const KEYS: Listed = Listed { operation: "BatchGetItem", member: "RequestItems", most: 100 };
pub(crate) const PUTS: Listed = Listed { operation: "TransactWriteItems", member: "TransactItems", most: 100 };
pub(crate) const GETS: Listed = Listed { operation: "TransactGetItems", ..PUTS };
pub(crate) const BATCH: Listed = Listed { operation: "BatchExecuteStatement", member: "Statements", most: 25 };
pub(crate) const TRANSACTION: Listed =
    Listed { operation: "ExecuteTransaction", member: "TransactStatements", most: 100 };
pub(super) const LISTS: [Listed; 6] = [WRITES, KEYS, PUTS, GETS, BATCH, TRANSACTION];

impl Listed {
    /// That of an operation.
    pub(super) fn find(operation: &str) -> Option<Self> {
        LISTS.into_iter().find(|list| list.operation == operation)
    }

    /// DynamoDB's refusal of lists of so many entries by table, if they are too many in all or one has none.
    pub(crate) fn refusal(self, tables: &[(String, usize)]) -> Option<String> {
        let empty = tables.iter().find(|(_, entries)| *entries == 0);
        match empty {
            Some((name, _)) if self == KEYS => Some(of_keys(name, NONE)),
            Some(_) => Some(self.beyond(tables)),
            None => {
                let all: usize = tables.iter().map(|(_, entries)| entries).sum();
                (all > self.most).then(|| self.beyond(tables))
            }
        }
    }

    /// DynamoDB's refusal of too many entries; those of batches stand by table.
    pub(crate) fn beyond(self, tables: &[(String, usize)]) -> String {
        let Self { member, most, .. } = self;
        let longer = format!("Member must have length less than or equal to {most}");
        if self == KEYS {
            // DynamoDB names one table; which one it is of several is not known.
            let longest = tables.iter().max_by_key(|(_, entries)| *entries);
            return of_keys(longest.map_or(HIDDEN, |(name, _)| name), &longer);
        }
        let mut letters = member.chars();
        let first = letters.next().map(|first| first.to_ascii_lowercase()).into_iter();
        let member: String = first.chain(letters).collect();
        let (value, constraint) = match self == WRITES {
            true => (by_table(tables), format!("Map value must satisfy constraint: [{longer}, {NONE}]")),
            false => (format!("[{HIDDEN}]"), longer),
        };
        format!("{DETECTED} Value '{value}' at '{member}' failed to satisfy constraint: {constraint}")
    }
}

/// As DynamoDB writes a map of lists.
fn by_table(tables: &[(String, usize)]) -> String {
    let lists: Vec<_> = tables
        .iter()
        .map(|(name, entries)| format!("{}=[{}]", shown(name), if *entries == 0 { "" } else { HIDDEN }))
        .collect();
    format!("{{{}}}", lists.join(", "))
}

fn of_keys(table: &str, constraint: &str) -> String {
    let table = shown(table);
    format!("{DETECTED} Value at 'RequestItems.{table}.member.Keys' failed to satisfy constraint: {constraint}")
}

/// What no table can be named may be anything.
fn shown(name: &str) -> &str {
    if answers::name_fault(name).is_some() { HIDDEN } else { name }
}

const DETECTED: &str = "1 validation error detected:";
const NONE: &str = "Member must have length greater than or equal to 1";

#[cfg(test)]
mod tests {
    use super::*;

    fn tables(all: &[(&str, usize)]) -> Vec<(String, usize)> {
        all.iter().map(|(name, entries)| ((*name).to_owned(), *entries)).collect()
    }

    #[test]
    fn a_batch_of_writes_is_refused_as_the_map_that_it_is() {
        let at = "at 'requestItems' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length \
                  less than or equal to 25, Member must have length greater than or equal to 1]";
        for (given, shown) in [
            (&[("Users", 26)][..], "{Users=[(redacted)]}"),
            (&[("Users", 0)], "{Users=[]}"),
            (&[("Users", 1), ("Other", 0)], "{Users=[(redacted)], Other=[]}"),
            (
                &[("Users", 13), ("arn:aws:dynamodb:eu-west-1:1:table/Other", 13)],
                "{Users=[(redacted)], arn:aws:dynamodb:eu-west-1:1:table/Other=[(redacted)]}",
            ),
            (&[("SECRET 1", 26)], "{(redacted)=[(redacted)]}"),
        ] {
            let words = format!("1 validation error detected: Value '{shown}' {at}");
            assert_eq!(WRITES.refusal(&tables(given)), Some(words));
        }
        assert_eq!(WRITES.refusal(&tables(&[("Users", 13), ("Other", 12)])), None);
    }

    #[test]
    fn a_batch_of_keys_is_refused_for_one_table() {
        let words = |table: &str, constraint: &str| {
            Some(format!(
                "1 validation error detected: Value at 'RequestItems.{table}.member.Keys' failed to satisfy constraint: Member \
                 must have length {constraint}"
            ))
        };
        for (given, expected) in [
            (&[("Users", 101)][..], words("Users", "less than or equal to 100")),
            (&[("Other", 50), ("Users", 51)], words("Users", "less than or equal to 100")),
            (&[("Users", 101), ("Other", 0)], words("Other", "greater than or equal to 1")),
            (&[("SECRET 1", 101)], words("(redacted)", "less than or equal to 100")),
            (&[("Users", 50), ("Other", 50)], None),
        ] {
            assert_eq!(KEYS.refusal(&tables(given)), expected);
        }
    }

    #[test]
    fn other_lists_are_one_list() {
        for (list, member) in [
            (PUTS, "transactItems"),
            (GETS, "transactItems"),
            (BATCH, "statements"),
            (TRANSACTION, "transactStatements"),
        ] {
            let words = format!(
                "1 validation error detected: Value '[(redacted)]' at '{member}' failed to satisfy constraint: Member must \
                 have length less than or equal to {}",
                list.most
            );
            assert_eq!(list.beyond(&[]), words);
        }
    }
}
