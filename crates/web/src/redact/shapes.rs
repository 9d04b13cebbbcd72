//! What tells by its shape, whatever stands before it. The shapes themselves: `facts/redact.json`.

use std::ops::Range;
use std::sync::LazyLock;

use regex_lite::Regex;

use super::facts::{FACTS, Facts};
use super::values::{Pattern, byte, window};

/// Where keys, tokens, addresses, and numbers of cards and people stand.
pub(super) fn secret_shapes(text: &str, facts: &Facts) -> Vec<Range<usize>> {
    let mut found = user_infos(text);
    let rest = without(text, &found);
    let text = rest.as_str();
    for shape in &facts.shapes {
        // Most texts have none, and a search for a word takes a fraction of the pattern's time.
        if shape.needs.is_empty() || shape.needs.iter().any(|need| text.contains(need)) {
            found.extend(shape.pattern.find_iter(text).map(|found| found.range()));
        }
    }
    found.extend(tokens(text, facts));
    found.extend(runs(text, is_base64).filter(|run| text.get(run.clone()).is_some_and(is_aws_secret)));
    if text.bytes().any(|byte| byte.is_ascii_digit()) {
        let alone =
            |run: &Range<usize>| !is_digit_at(text, run.start.checked_sub(1)) && !is_digit_at(text, Some(run.end));
        found.extend(all(&SOCIAL_SECURITY, text).filter(alone));
        found.extend(all(&DIGITS, text).filter(|run| text.get(run.clone()).is_some_and(holds_card_number)));
    }
    found
}

/// The users and passwords of URLs: all before the last `@` of its authority, or of the whole URL if a password goes on behind
/// the authority's end.
fn user_infos(text: &str) -> Vec<Range<usize>> {
    if !text.contains('@') {
        return Vec::new();
    }
    let ends_url = |char: char| char.is_whitespace() || "\"'`<>".contains(char);
    let starts = text.match_indices("://").map(|(at, _)| at + 3);
    let info = |start| {
        let rest = window(text, start, 1024);
        let authority = rest.split(|char| "/?#".contains(char) || ends_url(char)).next()?;
        let is_cut = !authority.contains('@') && (0..authority.len()).any(|at| starts_password(authority, at));
        let holder = if is_cut { rest.split(ends_url).next()? } else { authority };
        let length = holder.rfind('@').filter(|length| *length > 0)?;
        Some(start..start + length)
    };
    starts.filter_map(info).collect()
}

/// A colon behind which no port stands.
fn starts_password(authority: &str, at: usize) -> bool {
    byte(authority, at) == b':' && at + 1 < authority.len() && !byte(authority, at + 1).is_ascii_digit()
}

/// The text with blanks in the place of some parts: what is left of a URL is no e-mail address.
fn without(text: &str, parts: &[Range<usize>]) -> String {
    let mut rest = text.to_owned();
    for part in parts {
        if rest.get(part.clone()).is_some() {
            rest.replace_range(part.clone(), &" ".repeat(part.len()));
        }
    }
    rest
}

/// Tokens of well-known makers, which start with their mark.
fn tokens<'t>(text: &'t str, facts: &'t Facts) -> impl Iterator<Item = Range<usize>> + 't {
    facts.prefixes.iter().flat_map(move |(prefix, least)| {
        let mut done = 0;
        text.match_indices(prefix.as_str()).filter_map(move |(at, _)| {
            let before = at.checked_sub(1).map_or(b' ', |before| byte(text, before));
            if at < done || before.is_ascii_alphanumeric() || before == b'_' {
                return None;
            }
            let from = at + prefix.len();
            let run = text.get(from..)?;
            let end = run.find(|char: char| !char.is_ascii_alphanumeric() && !"_.~+/=%-".contains(char));
            done = from + end.unwrap_or(run.len());
            let token = text.get(from..done)?.trim_end_matches('.');
            (token.trim_end_matches('=').len() >= *least).then(|| at..from + token.len())
        })
    })
}

/// Rows of bytes that fit, 40 or more.
fn runs(text: &str, fits: fn(u8) -> bool) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < text.len() {
            let start = at;
            while at < text.len() && fits(byte(text, at)) {
                at += 1;
            }
            if at - start >= AWS_SECRET {
                return Some(start..at);
            }
            at += usize::from(at == start);
        }
        None
    })
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'+' | b'=')
}

/// 40 characters of base64 with small letters, capitals and digits.
fn is_aws_secret(run: &str) -> bool {
    let has = |kind: fn(&u8) -> bool| run.bytes().any(|byte| kind(&byte));
    run.len() == AWS_SECRET
        && !run.contains('=')
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_digit)
}

fn is_digit_at(text: &str, at: Option<usize>) -> bool {
    at.is_some_and(|at| byte(text, at).is_ascii_digit())
}

fn all<'t>(pattern: &'static Pattern, text: &'t str) -> impl Iterator<Item = Range<usize>> + 't {
    pattern.iter().flat_map(move |pattern| pattern.find_iter(text).map(|found| found.range()))
}

/// Whether digits, alone or in groups, hold the number of a payment card: known first digits, right length, Luhn's sum.
pub(super) fn holds_card_number(run: &str) -> bool {
    let groups: Vec<(&str, &str)> = groups(run).collect();
    (0..groups.len()).any(|start| {
        let (mut digits, mut is_loose) = (String::new(), false);
        let first = groups.get(start).map_or(0, |(_, group)| group.len());
        for (before, group) in groups.iter().skip(start) {
            is_loose |= !digits.is_empty() && before.contains(|char: char| char != ' ' && char != '-');
            digits.push_str(group);
            if digits.len() > LONGEST_CARD {
                break;
            }
            // Dots are in numbers of all kinds; in a card's they stand behind its first four digits.
            if (!is_loose || first == 4) && is_card_number(&digits) {
                return true;
            }
        }
        false
    })
}

/// Groups of digits, each with what stands before it.
fn groups(run: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = run;
    std::iter::from_fn(move || {
        let (before, from) = rest.split_at(rest.find(|char: char| char.is_ascii_digit())?);
        let end = from.find(|char: char| !char.is_ascii_digit()).unwrap_or(from.len());
        let (group, after) = from.split_at(end);
        rest = after;
        Some((before, group))
    })
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
    sum.is_multiple_of(10) && FACTS.as_ref().is_none_or(|facts| facts.cards.is_match(digits))
}

const LONGEST_CARD: usize = 19;
const AWS_SECRET: usize = 40;
static SOCIAL_SECURITY: Pattern = LazyLock::new(|| Regex::new("[0-9]{3}-[0-9]{2}-[0-9]{4}").ok());
/// Digits in groups, long enough for a card.
static DIGITS: Pattern = LazyLock::new(|| Regex::new("[0-9](?:[ ._/\\t:|*+\\\\-]{0,3}[0-9]){12,}").ok());
