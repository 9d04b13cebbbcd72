//! What is hidden, as data: `facts/redact.json`, which the Node package reads too.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use regex_lite::{Regex, RegexBuilder};
use serde_json::Value;

/// `None` if the file cannot be read as what it must be, which a test rules out: then everything is hidden.
pub(super) static FACTS: LazyLock<Option<Facts>> =
    LazyLock::new(|| Facts::read(&serde_json::from_str(include_str!("../../../../facts/redact.json")).ok()?));

pub(super) struct Facts {
    pub limits: Limits,
    pub names: Names,
    pub nothing: Nothing,
    /// Characters that look like others, and what they are read as.
    pub folds: HashMap<char, String>,
    /// Ranges of code points that are not seen.
    pub ignored: Vec<(u32, u32)>,
    /// The zeros of other scripts; their other digits follow.
    pub zeros: Vec<u32>,
    pub entities: HashMap<String, String>,
    /// Words after which a credential follows: `Bearer x`.
    pub schemes: HashSet<String>,
    pub shapes: Vec<Shape>,
    /// Starts of tokens, and how many characters must follow.
    pub prefixes: Vec<(String, usize)>,
    pub cards: Regex,
}

pub(super) struct Limits {
    pub depth: usize,
    pub nodes: usize,
    pub list: usize,
    pub text: usize,
    /// Texts of one value are looked at until they are so many times the longest one: it is the slow part.
    pub texts: usize,
    pub name: usize,
    /// Encodings one inside of the other.
    pub levels: usize,
}

pub(super) struct Names {
    pub parts: Vec<String>,
    pub compounds: Vec<Compound>,
    pub words: HashSet<String>,
    pub exact: HashSet<String>,
    pub harmless: Vec<String>,
    pub metadata: HashSet<String>,
    pub flags: HashSet<String>,
    pub quantities: HashSet<String>,
    pub labels: HashSet<String>,
    /// Members that name another by its kind, and those that hold what one of these names.
    pub kinds: HashSet<String>,
    pub plain_values: HashSet<String>,
    pub values: HashSet<String>,
}

/// Values that say nothing, and of what.
pub(super) struct Nothing {
    /// What there can be small numbers of.
    pub counted: HashSet<String>,
    /// What has states, unless it is of what somebody makes up.
    pub stateful: Vec<String>,
    pub chosen: Vec<String>,
    pub states: HashSet<String>,
}

/// Two words that tell together.
pub(super) struct Compound {
    pub name: String,
    /// Also inside of a longer word.
    pub anywhere: bool,
}

/// A pattern, and texts of which one is in whatever it matches.
pub(super) struct Shape {
    pub needs: Vec<String>,
    pub pattern: Regex,
}

impl Facts {
    fn read(from: &Value) -> Option<Self> {
        let limit = |name: &str| usize::try_from(from.get("limits")?.get(name)?.as_u64()?).ok();
        let numbers = |list: &Value| -> Option<Vec<u32>> {
            list.as_array()?.iter().map(|one| u32::try_from(one.as_u64()?).ok()).collect()
        };
        let range = |pair: &Value| match numbers(pair)?[..] {
            [first, last] => Some((first, last)),
            _ => None,
        };
        let prefixes = from.get("prefixes")?.as_object()?.iter().map(|(least, all)| {
            let least = least.parse().ok()?;
            Some(texts(all)?.into_iter().map(|prefix| (prefix, least)).collect::<Vec<_>>())
        });
        Some(Self {
            limits: Limits {
                depth: limit("depth")?,
                nodes: limit("nodes")?,
                list: limit("list")?,
                text: limit("text")?,
                texts: limit("texts")?,
                name: limit("name")?,
                levels: limit("levels")?,
            },
            names: Names::read(from.get("names")?)?,
            nothing: Nothing::read(from.get("nothing")?)?,
            folds: pairs(from.get("folds")?)?
                .into_iter()
                .flat_map(|(to, all)| all.chars().map(|from| (from, to.clone())).collect::<Vec<_>>())
                .collect(),
            ignored: from.get("ignored")?.as_array()?.iter().map(range).collect::<Option<_>>()?,
            zeros: numbers(from.get("zeros")?)?,
            entities: pairs(from.get("entities")?)?.into_iter().collect(),
            schemes: texts(from.get("schemes")?)?.into_iter().collect(),
            shapes: from.get("patterns")?.as_array()?.iter().map(Shape::read).collect::<Option<_>>()?,
            prefixes: prefixes.collect::<Option<Vec<_>>>()?.into_iter().flatten().collect(),
            cards: Regex::new(from.get("cards")?.as_str()?).ok()?,
        })
    }
}

impl Names {
    fn read(from: &Value) -> Option<Self> {
        let set = |name: &str| Some(texts(from.get(name)?)?.into_iter().collect());
        let compounds = from.get("compounds")?.as_array()?.iter().map(|compound| {
            let (of, with) = (texts(compound.get("of")?)?, texts(compound.get("with")?)?);
            let anywhere = compound.get("anywhere").is_some();
            let combined = of.iter().flat_map(|one| with.iter().map(move |head| (one, head)));
            let made = combined.map(|(one, head)| Compound {
                name: format!("{one}{head}"),
                // A shorter one can be a part of a word that means something else.
                anywhere: anywhere && one.len() > 3,
            });
            Some(made.collect::<Vec<_>>())
        });
        Some(Self {
            parts: texts(from.get("parts")?)?,
            compounds: compounds.collect::<Option<Vec<_>>>()?.into_iter().flatten().collect(),
            words: set("words")?,
            exact: set("exact")?,
            harmless: texts(from.get("harmless")?)?,
            metadata: set("metadata")?,
            flags: set("flags")?,
            quantities: set("quantities")?,
            labels: set("labels")?,
            kinds: set("kinds")?,
            plain_values: set("plainValues")?,
            values: set("values")?,
        })
    }
}

impl Nothing {
    fn read(from: &Value) -> Option<Self> {
        let list = |name: &str| texts(from.get(name)?);
        Some(Self {
            counted: list("counted")?.into_iter().collect(),
            stateful: list("stateful")?,
            chosen: list("chosen")?,
            states: list("states")?.into_iter().collect(),
        })
    }
}

impl Shape {
    fn read(from: &Value) -> Option<Self> {
        let pattern = RegexBuilder::new(from.get("pattern")?.as_str()?);
        let ignores_case = from.get("ignoreCase").is_some();
        let pattern = RegexBuilder::case_insensitive(&mut { pattern }, ignores_case).build().ok()?;
        Some(Self { needs: texts(from.get("needs")?)?, pattern })
    }
}

fn texts(list: &Value) -> Option<Vec<String>> {
    list.as_array()?.iter().map(|one| Some(one.as_str()?.to_owned())).collect()
}

fn pairs(object: &Value) -> Option<Vec<(String, String)>> {
    object.as_object()?.iter().map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_read_whole() {
        let facts = FACTS.as_ref().unwrap();
        assert!(facts.shapes.len() > 20 && facts.prefixes.len() > 50 && facts.names.compounds.len() > 100);
    }
}
