//! The table that a command is about: a section of the configuration, or one that a pattern protects, with the keys that
//! were given.

use std::path::Path;

use dynaseal_engine::{Config, Misfit, Table, TableKeys, did_you_mean};

use crate::args::TableKeyArgs;
use crate::error::Error;

/// The table of that name.
pub(crate) fn chosen(config: &Config, file: &Path, name: &str, given: &TableKeyArgs) -> Result<Table, Error> {
    if let Some(table) = config.tables.get(name) {
        return agreed(table, file, given);
    }
    let Some(pattern) = config.pattern(name) else {
        let patterns = config.patterns.iter().map(|pattern| pattern.text());
        let known: Vec<_> = config.tables.keys().map(String::as_str).chain(patterns).collect();
        let near = did_you_mean(name, known.into_iter());
        return Err(Error::NoTable { file: file.to_owned(), table: name.to_owned(), near });
    };
    let wrong = |what| Error::TableKeys { file: file.to_owned(), table: name.to_owned(), what };
    let Some(partition_key) = given.partition_key.clone() else {
        return Err(wrong(format!("only the pattern \"{}\" names it, which does not tell its keys", pattern.text())));
    };
    let keys = TableKeys { partition_key, sort_key: given.sort_key.clone(), index_keys: Vec::new() };
    pattern.table(name, &keys).map_err(|misfit| match misfit {
        Misfit::Key { attribute, role } => {
            let pattern = pattern.text();
            wrong(format!(
                "\"{attribute}\" is given as {role}, but the pattern \"{pattern}\" does not store it readable"
            ))
        }
        Misfit::Schema(what) => wrong(what),
        other => wrong(format!("{other:?}")),
    })
}

/// A table whose section says its keys; what was given must be the same.
fn agreed(table: &Table, file: &Path, given: &TableKeyArgs) -> Result<Table, Error> {
    let schema = table.schema();
    let differs = |own: Option<&str>, given: &Option<String>| given.is_some() && given.as_deref() != own;
    if differs(Some(schema.partition_key()), &given.partition_key) || differs(schema.sort_key(), &given.sort_key) {
        let own = schema.keys().collect::<Vec<_>>().join(", ");
        let what = format!("its section says other keys than were given: {own}");
        return Err(Error::TableKeys { file: file.to_owned(), table: table.name().to_owned(), what });
    }
    Ok(table.clone())
}
