//! What is redacted inside of texts. Every pattern runs in linear time.

use std::sync::LazyLock;

use regex_lite::{Captures, NoExpand, Regex};

/// The text with a mark for what the patterns match, for numbers of payment cards, and for values after a sensitive name.
/// `None` if a pattern of ours is none: then no text passes.
pub(super) fn clean(text: &str, extra: &[Regex], mark: &str, is_sensitive: impl Fn(&str) -> bool) -> Option<String> {
    let patterns = PATTERNS.as_ref()?;
    let keep_scheme = |found: &Captures<'_>| format!("{}{mark}@", found.get(1).map_or("", |scheme| scheme.as_str()));
    let mut clean = patterns.user_info.replace_all(text, keep_scheme).into_owned();
    for (needles, pattern) in &patterns.whole {
        // Most texts have none, and a search for a word takes a fraction of the pattern's time.
        if needles.is_empty() || needles.iter().any(|needle| clean.contains(needle)) {
            clean = pattern.replace_all(&clean, NoExpand(mark)).into_owned();
        }
    }
    for pattern in extra {
        clean = pattern.replace_all(&clean, NoExpand(mark)).into_owned();
    }
    clean = replace_if(&clean, &patterns.aws_secret, mark, |run, _| is_aws_secret(run));
    clean = replace_if(&clean, &patterns.social_security, mark, |_, alone| alone);
    clean = replace_if(&clean, &patterns.digits, mark, |run, alone| alone && holds_card_number(run));
    Some(hide_pairs(&clean, patterns, mark, is_sensitive))
}

/// Whether digits, alone or in groups, hold the number of a payment card: known first digits, right length, Luhn's sum.
pub(super) fn holds_card_number(run: &str) -> bool {
    let groups: Vec<&str> = run.split([' ', '-']).collect();
    (0..groups.len()).any(|start| {
        let mut digits = String::new();
        for group in groups.iter().skip(start) {
            digits.push_str(group);
            if digits.len() > LONGEST_CARD {
                break;
            }
            if digits.len() >= SHORTEST_CARD && is_card_number(&digits) {
                return true;
            }
        }
        false
    })
}

/// Puts the mark where a match is to be hidden; `hides` is told whether the match is not a part of a longer row of digits.
fn replace_if(text: &str, pattern: &Regex, mark: &str, hides: impl Fn(&str, bool) -> bool) -> String {
    let is_digit = |char: char| char.is_ascii_digit();
    let judge = |found: &Captures<'_>| {
        let Some(found) = found.get(0) else { return mark.to_owned() };
        let goes_on = text.get(..found.start()).is_none_or(|before| before.ends_with(is_digit))
            || text.get(found.end()..).is_none_or(|after| after.starts_with(is_digit));
        if hides(found.as_str(), !goes_on) { mark.to_owned() } else { found.as_str().to_owned() }
    };
    pattern.replace_all(text, judge).into_owned()
}

/// A name and its value: `password=x`, `"password": "x"`, `Cookie: x`, `'password' => 'x'`, `--password x`, `<password>x<`. A
/// quoted value ends at its quote, another one with the line after a colon, and at a space or `&` after an equals sign; JSON
/// inside JSON, a list, an object or an open quote ends with the text.
fn hide_pairs(text: &str, patterns: &Patterns, mark: &str, is_sensitive: impl Fn(&str) -> bool) -> String {
    if !text.contains(['=', ':', '>', '-', '%']) {
        return text.to_owned();
    }
    let (mut clean, mut rest) = (String::new(), text);
    let mut at = 0;
    while let Some(found) = patterns.name.captures_at(rest, at) {
        let part = |group| found.get(group).map_or("", |part: regex_lite::Match<'_>| part.as_str());
        let (dashes, name, sign) = (part(1), part(2), part(3));
        at = found.get(0).map_or(rest.len(), |whole| whole.end());
        if (sign.is_empty() && dashes.is_empty()) || !is_sensitive(name) {
            continue;
        }
        let (head, tail) = rest.split_at(at);
        let length = match sign {
            ":" => end_of(&patterns.line_value, tail),
            ">" => end_of(&patterns.element_value, tail),
            // Nothing stands there.
            _ if tail.is_empty() || tail.starts_with(|char: char| char.is_whitespace() || char == '&') => Some(0),
            _ => end_of(&patterns.word_value, tail),
        };
        let length = length.unwrap_or(tail.len());
        if sign == ">" && length == 0 {
            continue;
        }
        clean = clean + head + mark;
        (rest, at) = (tail.split_at(length).1, 0);
    }
    clean + rest
}

fn end_of(value: &Regex, tail: &str) -> Option<usize> {
    value.find(tail).map(|found| found.end())
}

fn is_aws_secret(run: &str) -> bool {
    let has = |kind: fn(&u8) -> bool| run.bytes().any(|byte| kind(&byte));
    run.len() == 40
        && !run.contains('=')
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_digit)
}

fn is_card_number(digits: &str) -> bool {
    let values = digits.bytes().rev().map(|digit| u32::from(digit.wrapping_sub(b'0')));
    let sum: u32 = values
        .enumerate()
        .map(|(place, digit)| match digit * 2 {
            _ if place.is_multiple_of(2) => digit,
            twice @ 10.. => twice - 9,
            twice => twice,
        })
        .sum();
    sum.is_multiple_of(10) && PATTERNS.as_ref().is_none_or(|patterns| patterns.card.is_match(digits))
}

struct Patterns {
    /// The user and password of a URL; its scheme is kept.
    user_info: Regex,
    whole: Vec<(&'static [&'static str], Regex)>,
    /// Rows of the characters of AWS's secret keys, each of any length.
    aws_secret: Regex,
    social_security: Regex,
    /// Digits in groups, enough for a card.
    digits: Regex,
    card: Regex,
    name: Regex,
    line_value: Regex,
    word_value: Regex,
    element_value: Regex,
}

static PATTERNS: LazyLock<Option<Patterns>> = LazyLock::new(|| {
    let new = |pattern: &str| Regex::new(pattern).ok();
    Some(Patterns {
        user_info: new(r"(?i)\b([a-z][a-z0-9+.-]{0,20}://)[^\s/?#@]{1,512}@")?,
        whole: WHOLE.iter().map(|(needles, pattern)| Some((*needles, new(pattern)?))).collect::<Option<_>>()?,
        aws_secret: new("[A-Za-z0-9/+=]{40,}")?,
        social_security: new("[0-9]{3}-[0-9]{2}-[0-9]{4}")?,
        digits: new("[0-9](?:[ -]?[0-9]){12,}")?,
        card: new(CARD)?,
        name: new(
            r#"(-{0,2})([A-Za-z0-9_][A-Za-z0-9_.-]{0,127})(?:\\{0,8}["'`]?\s{0,4}(:|=>?|>|%3[AaDd])\s{0,4}|\s{1,4})"#,
        )?,
        line_value: new(&format!(r#"^(?:{QUOTED}|[^\s"'`\\\[{{][^\r\n]*)"#))?,
        word_value: new(&format!(r#"^(?:{QUOTED}|[^\s"'`\\\[{{&][^\s&]*)"#))?,
        element_value: new(r"^[^<\r\n]*")?,
    })
});

/// Patterns, each with words of which one is in whatever it matches.
const WHOLE: [(&[&str], &str); 7] = [
    (&["PRIVATE KEY"], r"(?s)-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(-----END [A-Z ]{0,40}-----|$)"),
    // JWT, and other JSON in base64.
    (&["eyJ"], r"\beyJ[A-Za-z0-9+/_-]{10,}={0,2}(\.[A-Za-z0-9_-]*){0,4}"),
    (&[], r"(?i)\b(bearer|basic|digest|negotiate)\s{1,4}[A-Za-z0-9._~+/=-]{6,}"),
    (&["AWS4-HMAC-SHA256"], r"\bAWS4-HMAC-SHA256\s[^\n]*"),
    // AWS: ids of keys and principals.
    (
        &["AK", "AS", "AB", "AC", "AG", "AI", "AR", "AN", "AP"],
        r"\b(AKIA|ASIA|ABIA|ACCA|AGPA|AIDA|AROA|ANPA|ANVA|APKA)[A-Z0-9]{12,}",
    ),
    (
        &["_", "-"],
        r"\b(gh[pousr]_|github_pat_|glpat-|npm_|xox[abeprs]-|sk-|[spr]k_(live|test)_|whsec_)[A-Za-z0-9_-]{10,}",
    ),
    // E-mail addresses, percent-encoded too.
    (
        &["@", "%40"],
        r#"(?i)("[^"\n]{1,64}"|[^\s@<>"'(),:;\[\]\\/=&?]{1,64})(@|%40)[a-z0-9\x{80}-\x{10ffff}-]{1,63}(\.[a-z0-9\x{80}-\x{10ffff}-]{1,63}){1,8}"#,
    ),
];
/// Visa, Mastercard, American Express, Discover, Diners Club, JCB, UnionPay, Maestro.
const CARD: &str = "^(4[0-9]{12}([0-9]{3}){0,2}|5[1-5][0-9]{14}|2[2-7][0-9]{14}|3[47][0-9]{13}|3(0[0-5]|[689][0-9])[0-9]{11}\
    |6[0-9]{15,18}|35[0-9]{14}|5[06-8][0-9]{10,17})$";
const SHORTEST_CARD: usize = 12;
const LONGEST_CARD: usize = 19;
const QUOTED: &str = r#""(?:[^"\\]|\\(?s:.))*"|'(?:[^'\\]|\\(?s:.))*'"#;
