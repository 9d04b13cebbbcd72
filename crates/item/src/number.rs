//! The normal form of numbers (FORMAT 2.2): what is hashed, signed and encrypted, whatever the caller wrote.

use std::borrow::Cow;

use crate::error::ValueFault;

const MAX_DIGITS: usize = 38;
/// The value is 0.d₁d₂… × 10^p with p in this range.
const MAX_POINT: i64 = 126;
const MIN_POINT: i64 = -129;

/// The normal form of `text`, borrowed where it is that already.
pub(crate) fn normalize(text: &str) -> Result<Cow<'_, str>, ValueFault> {
    if is_plain_integer(text.as_bytes()) {
        return Ok(Cow::Borrowed(text));
    }
    let parts = Parts::parse(text.as_bytes()).ok_or(ValueFault::Number)?;
    let normal = parts.print().ok_or(ValueFault::Number)?;
    Ok(if normal == text { Cow::Borrowed(text) } else { Cow::Owned(normal) })
}

/// The common case: a short integer without a leading zero.
fn is_plain_integer(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    match digits {
        [b'0'] => digits.len() == text.len(),
        [b'1'..=b'9', rest @ ..] => rest.len() < MAX_DIGITS && rest.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

struct Parts<'a> {
    negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
}

impl<'a> Parts<'a> {
    fn parse(text: &'a [u8]) -> Option<Self> {
        let (negative, text) = sign(text);
        let (mantissa, exponent) = match text.iter().position(|byte| matches!(byte, b'e' | b'E')) {
            Some(at) => {
                let (mantissa, exponent) = text.split_at_checked(at)?;
                (mantissa, parse_exponent(exponent.get(1..)?)?)
            }
            None => (text, 0),
        };
        let (whole, fraction) = match mantissa.iter().position(|byte| *byte == b'.') {
            Some(at) => {
                let (whole, fraction) = mantissa.split_at_checked(at)?;
                (whole, fraction.get(1..)?)
            }
            None => (mantissa, &[][..]),
        };
        let digits = || whole.iter().chain(fraction);
        (digits().next().is_some() && digits().all(u8::is_ascii_digit)).then_some(Self {
            negative,
            whole,
            fraction,
            exponent,
        })
    }

    fn print(&self) -> Option<String> {
        let digits: Vec<u8> = self.whole.iter().chain(self.fraction).copied().collect();
        let Some(first) = digits.iter().position(|digit| *digit != b'0') else {
            return Some("0".to_owned());
        };
        let last = digits.iter().rposition(|digit| *digit != b'0')?;
        let significant = digits.get(first..=last)?;
        if significant.len() > MAX_DIGITS {
            return None;
        }
        let before_point = i64::try_from(self.whole.len()).ok()?.checked_sub(i64::try_from(first).ok()?)?;
        let point = before_point.checked_add(self.exponent)?;
        if !(MIN_POINT..=MAX_POINT).contains(&point) {
            return None;
        }
        Some(self.layout(significant, point))
    }

    /// 0.`significant` × 10^`point` as plain decimal.
    fn layout(&self, significant: &[u8], point: i64) -> String {
        let zeros = |count: i64| "0".repeat(usize::try_from(count).unwrap_or(0));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let size = i64::try_from(significant.len()).unwrap_or(i64::MAX);
        let sign = if self.negative { "-" } else { "" };
        if point <= 0 {
            return format!("{sign}0.{}{}", zeros(-point), text(significant));
        }
        match usize::try_from(point).ok().and_then(|at| significant.split_at_checked(at)) {
            Some((whole, fraction)) if !fraction.is_empty() => format!("{sign}{}.{}", text(whole), text(fraction)),
            _ => format!("{sign}{}{}", text(significant), zeros(point - size)),
        }
    }
}

fn sign(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    }
}

/// An exponent too long for 64 bits is far out of range unless the number is zero, so it saturates.
fn parse_exponent(text: &[u8]) -> Option<i64> {
    /// Beyond every exponent that could still come into range, and far from overflow.
    const FAR: i64 = 1 << 40;
    let (negative, digits) = sign(text);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = digits.iter().fold(0_i64, |value, digit| (value * 10 + i64::from(digit - b'0')).min(FAR));
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_number_meet() {
        for text in ["12000", "12e3", "+12E+3", "0012000.00", ".12e5", "1200000e-2"] {
            assert_eq!(normalize(text).unwrap(), "12000", "{text}");
        }
        for (text, normal) in
            [(".5", "0.5"), ("-0.50", "-0.5"), ("-0", "0"), ("0e99999999999999999999", "0"), ("1e-3", "0.001")]
        {
            assert_eq!(normalize(text).unwrap(), normal, "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", ".", "-", "e1", "1e", "1e+", " 1", "1 ", "1.2.3", "0x1", "NaN", "1_0", "1e126", "1e-131", "１"]
        {
            assert_eq!(normalize(text), Err(ValueFault::Number), "{text}");
        }
        assert!(normalize(&"9".repeat(38)).is_ok());
        assert!(normalize(&"9".repeat(39)).is_err());
    }
}
