//! Patterns as sets of names: which holds of several that match, which of two contains the other, and what both match.

use std::cmp::Ordering;

/// Of two patterns that match a name the one that holds comes first: the one with more characters that are no `*`; of two with
/// equally many the one with fewer `*`, which is the one inside the other if one is; else the first by its text.
pub(crate) fn closest_first(one: &str, other: &str) -> Ordering {
    let fixed = |text: &str| text.chars().filter(|char| *char != '*').count();
    let stars = |text: &str| collapsed(text).chars().filter(|char| *char == '*').count();
    let (fixed, stars) = (fixed(other).cmp(&fixed(one)), || stars(one).cmp(&stars(other)));
    fixed.then_with(stars).then_with(|| one.cmp(other))
}

/// Whether a name matches: `*` stands for any text.
pub(crate) fn is_match(pattern: &str, name: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(name) = name.strip_prefix(first) else { return false };
    let (middle, last) = rest.rsplit_once('*').unwrap_or(("", rest));
    let Some(mut name) = name.strip_suffix(last) else { return false };
    // The leftmost place for each part leaves the most room for the next.
    middle.split('*').all(|part| match name.split_once(part) {
        Some((_, rest)) => {
            name = rest;
            true
        }
        None => false,
    })
}

/// The same set of names with one `*` for several in a row: two patterns match the same names if these are the same.
pub(crate) fn collapsed(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    for char in pattern.chars() {
        if char != '*' || !out.ends_with('*') {
            out.push(char);
        }
    }
    out
}

/// Whether every name that `inner` matches is one of `outer`: a `*` is then a character that only a `*` can match.
pub(crate) fn contains(outer: &str, inner: &str) -> bool {
    is_match(outer, &collapsed(inner))
}

/// Whether a name can match two patterns, each with a `*`: what they begin and end with must agree.
pub(crate) fn overlap(one: &str, other: &str) -> bool {
    let [(first, last), (other_first, other_last)] = [ends(one), ends(other)];
    (first.starts_with(other_first) || other_first.starts_with(first))
        && (last.ends_with(other_last) || other_last.ends_with(last))
}

/// A name that two patterns match that [`overlap`].
pub(crate) fn example(one: &str, other: &str) -> String {
    let longer = |one: &str, other: &str| if one.len() < other.len() { other.to_owned() } else { one.to_owned() };
    let [(first, last), (other_first, other_last)] = [ends(one), ends(other)];
    let middle = |text: &str| -> Vec<String> {
        let parts: Vec<_> = text.split('*').collect();
        let inner = parts.get(1..parts.len().saturating_sub(1)).unwrap_or_default();
        inner.iter().map(|part| (*part).to_owned()).collect()
    };
    let parts = [vec![longer(first, other_first)], middle(one), middle(other), vec![longer(last, other_last)]];
    let parts: Vec<_> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
    parts.join("-")
}

/// Patterns and names that together match what two patterns both match, none inside another; `None` if they are too many.
pub(crate) fn common(one: &str, other: &str) -> Option<Vec<String>> {
    let [one, other] = [one, other].map(|text| collapsed(text).chars().collect::<Vec<_>>());
    let mut found = Vec::new();
    let mut steps = STEPS;
    both(&one, &other, String::new(), &mut found, &mut steps)?;
    let all: Vec<String> = found.into_iter().map(|text| collapsed(&text)).collect();
    let mut kept: Vec<String> = Vec::new();
    for text in all {
        if kept.iter().any(|other| contains(other, &text)) {
            continue;
        }
        kept.retain(|other| !contains(&text, other));
        kept.push(text);
    }
    // What stands for several tables comes first.
    kept.sort_by_key(|text| !text.contains('*'));
    Some(kept)
}

/// Follows every way in which both can go on behind `before`.
fn both(one: &[char], other: &[char], before: String, found: &mut Vec<String>, steps: &mut usize) -> Option<()> {
    *steps = steps.checked_sub(1)?;
    match (one.split_first(), other.split_first()) {
        (None, None) => found.push(before),
        (Some(('*', rest)), Some(('*', other_rest))) => {
            // One of the two texts ends first; the other's star goes on.
            both(rest, other, before.clone() + "*", found, steps)?;
            both(one, other_rest, before + "*", found, steps)?;
        }
        (Some(('*', rest)), Some((char, other_rest))) => {
            both(rest, other, before.clone(), found, steps)?;
            both(one, other_rest, with(before, *char), found, steps)?;
        }
        (Some(('*', rest)), None) => both(rest, other, before, found, steps)?,
        (Some((char, rest)), Some((same, other_rest))) if char == same => {
            both(rest, other_rest, with(before, *char), found, steps)?;
        }
        (_, Some(('*', _))) => both(other, one, before, found, steps)?,
        _ => {}
    }
    Some(())
}

fn with(mut text: String, char: char) -> String {
    text.push(char);
    text
}

/// What stands before the first `*` and behind the last.
fn ends(pattern: &str) -> (&str, &str) {
    let first = pattern.split('*').next().unwrap_or_default();
    (first, pattern.rsplit('*').next().unwrap_or_default())
}

/// Few patterns have more than two `*`; what takes more steps is not settled by another section.
const STEPS: usize = 20_000;

#[cfg(test)]
mod tests {
    use super::*;

    /// All names of up to five letters of three, asked one by one.
    fn names() -> Vec<String> {
        let mut all = vec![String::new()];
        let mut last = all.clone();
        for _ in 0..5 {
            last = last.iter().flat_map(|name| ["a", "b", "c"].map(|letter| name.clone() + letter)).collect();
            all.extend(last.clone());
        }
        all
    }

    const PATTERNS: [&str; 14] =
        ["*", "**", "a*", "*a", "a*b", "ab*", "*ab*", "*a*b*", "*b*a*", "ba*", "*b", "a*a", "aa*a", "a**b"];

    #[test]
    fn sets_are_what_names_say() {
        let names = names();
        for (one, other) in PATTERNS.iter().flat_map(|one| PATTERNS.map(|other| (*one, other))) {
            let of = |pattern| names.iter().filter(move |name| is_match(pattern, name)).collect::<Vec<_>>();
            let (ones, others) = (of(one), of(other));
            let shared: Vec<_> = ones.iter().copied().filter(|name| others.contains(name)).collect();
            assert_eq!(contains(one, other), shared.len() == others.len(), "{one} contains {other}");
            assert_eq!(collapsed(one) == collapsed(other), ones == others, "{one} is {other}");
            assert_eq!(overlap(one, other), !shared.is_empty(), "{one} overlaps {other}");
            let both = common(one, other).unwrap();
            let united: Vec<_> = names.iter().filter(|name| both.iter().any(|set| is_match(set, name))).collect();
            assert_eq!(united, shared, "{one} and {other}: {both:?}");
            if overlap(one, other) {
                let name = example(one, other);
                assert!(is_match(one, &name) && is_match(other, &name), "{one} and {other}: {name}");
            }
            // What is inside another holds, and the order is one.
            if contains(one, other) && !contains(other, one) {
                assert_eq!(closest_first(other, one), Ordering::Less, "{other} before {one}");
            }
            assert_eq!(closest_first(one, other), closest_first(other, one).reverse());
        }
    }

    #[test]
    fn what_two_patterns_share_is_told_in_patterns() {
        assert_eq!(common("app*", "*prod").unwrap(), ["app*prod", "approd"]);
        assert_eq!(example("app*", "*prod"), "app-prod");
        assert_eq!(common("app*", "web*").unwrap(), [""; 0]);
        assert_eq!(common(&"*a".repeat(60), &"*b".repeat(60)), None);
    }
}
