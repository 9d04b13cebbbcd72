//! What cannot be taken back is typed twice.

use std::io::{self, BufRead as _, IsTerminal as _};

use crate::error::Error;
use crate::output::Stream;
use crate::say;

/// Whether the id was typed again, on the command line or when asked. Without a terminal nobody can be asked.
pub(crate) fn confirmed(id: &str, given: Option<&str>, what: &str) -> Result<(), Error> {
    let typed = match given {
        Some(given) => given.to_owned(),
        None if io::stdin().is_terminal() => ask(id, what)?,
        None => return Err(Error::NotConfirmed { what: "nothing is there to ask on: stdin is not a terminal" }),
    };
    if typed == id { Ok(()) } else { Err(Error::NotConfirmed { what: "what was typed is not the branch key's id" }) }
}

fn ask(id: &str, what: &str) -> Result<String, Error> {
    let mut out = Vec::new();
    say::wrap(&format!("{what} Type the id, {}, to go on:", say::id(id)), "", &mut out);
    let input = |source| Error::Input { name: "stdin".to_owned(), source };
    Stream::Err.write(&out)?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map_err(input)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
