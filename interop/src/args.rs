//! The command line.

use std::ops::Range;

/// What to run.
pub struct Args {
    pub items: u64,
    pub seed: u64,
    pub only: Option<u64>,
}

impl Args {
    /// Reads `--items N`, `--seed N` and `--only N`.
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut args = Self { items: 2000, seed: 1, only: None };
        while let Some(word) = words.next() {
            let mut number = || {
                let value = words.next().ok_or_else(|| format!("{word} needs a number"))?;
                value.parse().map_err(|_| format!("{word} needs a number, not {value}"))
            };
            match word.as_str() {
                "--items" => args.items = number()?,
                "--seed" => args.seed = number()?,
                "--only" => args.only = Some(number()?),
                _ => return Err(format!("unknown option {word}; there are --items, --seed and --only")),
            }
        }
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
