//! Which ids a new branch key may have: those that everybody who reads them takes for the same. One of an older key, or of
//! another program's, is used as it is.

/// What is wrong with an id, if anything is.
pub(super) fn fault(id: &str) -> Option<&'static str> {
    let is_blank = |char: char| char.is_whitespace();
    if id.chars().all(is_blank) {
        return Some("is blank");
    }
    if id.contains('\u{feff}') {
        return Some("has a byte order mark (U+FEFF), as some programs put before a text");
    }
    if id.chars().any(char::is_control) {
        return Some("has a control character, such as a line end or a tab");
    }
    if id.chars().any(turns) {
        return Some("has a character that turns the direction of writing around, so that it is shown as another one");
    }
    if id.chars().any(is_unseen) {
        return Some("has a character that cannot be seen");
    }
    (id.starts_with(is_blank) || id.ends_with(is_blank)).then_some("begins or ends with a blank")
}

fn turns(char: char) -> bool {
    matches!(char, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Of no width, or as empty as a blank.
fn is_unseen(char: char) -> bool {
    matches!(char,
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200d}'
        | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_what_it_looks_like() {
        for fine in ["acme", "tenant-\u{e9}", "a b", "1", "\u{540d}\u{524d}", "a/b:c", "\u{1f600}", "\u{5d0}\u{5d1}"] {
            assert_eq!(fault(fine), None, "{fine:?}");
        }
        for (wrong, word) in [
            (" ", "blank"),
            ("\u{a0}\u{3000}", "blank"),
            (" lead", "begins or ends"),
            ("trail ", "begins or ends"),
            ("trail\u{2003}", "begins or ends"),
            ("\u{feff}acme", "byte order mark"),
            ("ac\u{feff}me", "byte order mark"),
            ("acme\n", "control"),
            ("ac\tme", "control"),
            ("ac\0me", "control"),
            ("ac\u{9b}me", "control"),
            ("\u{202e}emca", "direction"),
            ("acme\u{200f}", "direction"),
            ("ac\u{2066}me", "direction"),
            ("ac\u{200b}me", "cannot be seen"),
            ("\u{3164}", "cannot be seen"),
            ("ac\u{ad}me", "cannot be seen"),
            ("acme\u{e0041}", "cannot be seen"),
        ] {
            assert!(fault(wrong).is_some_and(|what| what.contains(word)), "{wrong:?}: {:?}", fault(wrong));
        }
    }
}
