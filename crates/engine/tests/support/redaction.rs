//! Messages that hide what may be a value, beside those that show it.

/// Whether `ours` says the same as `theirs` but for the parts that it hides, and for the place that it gives instead.
pub fn hides_only(ours: &str, theirs: &str) -> bool {
    const HIDDEN: &str = "(redacted)";
    let place = ours.rsplit_once(", position: ").filter(|(_, digits)| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let shown: Vec<_> = place.map_or(ours, |(text, _)| text).split(HIDDEN).collect();
    let [first, middle @ .., last] = shown.as_slice() else { return false };
    let Some(rest) = theirs.strip_prefix(first).and_then(|rest| rest.strip_suffix(last)) else { return false };
    let found = middle.iter().try_fold(rest, |rest, part| rest.split_once(part).map(|(_, after)| after));
    found.is_some()
}
