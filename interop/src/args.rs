//! The command line.

use std::ops::Range;
use std::path::PathBuf;

use dynaseal_interop::node;

/// What to run.
pub struct Args {
    pub items: u64,
    pub seed: u64,
    pub only: Option<u64>,
    /// The script of the Node package that does its part.
    pub node: Option<PathBuf>,
}

impl Args {
    /// Reads `--items N`, `--seed N`, and `--only N` or `--node SCRIPT`.
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut items = None;
        let mut args = Self { items: 0, seed: 1, only: None, node: None };
        while let Some(word) = words.next() {
            if word == "--node" {
                args.node = Some(words.next().ok_or("--node needs a script")?.into());
                continue;
            }
            let mut number = || {
                let value = words.next().ok_or_else(|| format!("{word} needs a number"))?;
                value.parse().map_err(|_| format!("{word} needs a number, not {value}"))
            };
            match word.as_str() {
                "--items" => items = Some(number()?),
                "--seed" => args.seed = number()?,
                "--only" => args.only = Some(number()?),
                _ => return Err(format!("unknown option {word}; there are --items, --seed, --only and --node")),
            }
        }
        if args.node.is_some() && args.only.is_some() {
            return Err("--only does not go with --node".to_owned());
        }
        args.items = items.unwrap_or(if args.node.is_some() { 5 * node::TURN } else { 2000 });
        Ok(args)
    }

    /// The cases to run.
    pub fn numbers(&self) -> Range<u64> {
        match self.only {
            Some(number) => number..number + 1,
            None => 0..self.items,
        }
    }
}
