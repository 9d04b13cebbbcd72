//! "Did you mean": the word that somebody may have meant who wrote another.

/// The candidate nearest to `word`, or the one that it begins.
pub(crate) fn nearest<'c>(word: &str, candidates: impl Iterator<Item = &'c str> + Clone) -> Option<&'c str> {
    let word = word.to_lowercase();
    let distance = |other: &str| strsim::damerau_levenshtein(&word, &other.to_lowercase());
    // Callers choose the word, and the work grows with its length.
    let letters = word.chars().take(LONGEST + 1).count();
    if letters > LONGEST {
        return None;
    }
    let (distance, best) = candidates.clone().map(|other| (distance(other), other)).min()?;
    // A third of the letters may differ; a word of its own is no misspelling.
    if distance <= letters.max(3) / 3 {
        return Some(best);
    }
    let mut begun = candidates.filter(|other| letters >= 3 && other.to_lowercase().starts_with(&word));
    begun.next().filter(|_| begun.next().is_none())
}

/// The candidate that may have been meant, as it ends a sentence: ` (did you mean "Users"?)`; nothing where there is none.
pub fn did_you_mean<'c>(word: &str, candidates: impl Iterator<Item = &'c str> + Clone) -> String {
    nearest(word, candidates).map(|word| format!(" (did you mean \"{word}\"?)")).unwrap_or_default()
}

/// Whoever misspells a longer word has it at hand to compare.
const LONGEST: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_suggested_and_a_stranger_is_not() {
        let words = ["partition_key", "sort_key", "suite"];
        assert_eq!(nearest("partiton_key", words.into_iter()), Some("partition_key"));
        assert_eq!(nearest("sutie", words.into_iter()), Some("suite"));
        assert_eq!(nearest("Suite", words.into_iter()), Some("suite"));
        assert_eq!(nearest("partition", words.into_iter()), Some("partition_key"));
        assert_eq!(nearest("colour", words.into_iter()), None);
        assert_eq!(nearest("update", ["UpdateItem", "PutItem"].into_iter()), Some("UpdateItem"));
        assert_eq!(nearest("update", ["UpdateItem", "UpdateTable"].into_iter()), None);
        assert_eq!(nearest(&"x".repeat(81), ["x"].into_iter()), None);
        assert_eq!(nearest("x", [].into_iter()), None);
    }
}
