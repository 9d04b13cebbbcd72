//! Numbers as DynamoDB computes with them: up to 38 significant digits, from 1E-130 to 9.99…E+125, exact or an error.
//! 38 digits fit in 128 bits, so no big-number crate is needed; none has exactly this range.

use std::cmp::Ordering;
use std::fmt;

/// `±coefficient × 10^exponent`, the coefficient not divisible by ten; zero has exponent zero.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Decimal {
    negative: bool,
    coefficient: u128,
    exponent: i32,
}

/// A number that DynamoDB does not store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberFault {
    /// Not a number.
    Syntax,
    /// More than 38 significant digits.
    Precision,
    /// Too large.
    Overflow,
    /// Too close to zero.
    Underflow,
}

impl NumberFault {
    pub(super) fn text(self) -> &'static str {
        match self {
            NumberFault::Syntax => "The parameter cannot be converted to a numeric value: (redacted)",
            NumberFault::Precision => "Attempting to store more than 38 significant digits in a Number",
            NumberFault::Overflow => {
                "Number overflow. Attempting to store a number with magnitude larger than supported range"
            }
            NumberFault::Underflow => {
                "Number underflow. Attempting to store a number with magnitude smaller than supported range"
            }
        }
    }
}

impl Decimal {
    /// Reads `[+-]digits[.digits][e[+-]digits]`.
    pub fn parse(text: &str) -> Result<Self, NumberFault> {
        let (negative, unsigned) = sign(text);
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent).ok_or(NumberFault::Syntax)?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = || whole.bytes().chain(fraction.bytes());
        if digits().next().is_none() || !digits().all(|byte| byte.is_ascii_digit()) {
            return Err(NumberFault::Syntax);
        }
        let mut coefficient: u128 = 0;
        // Zeros that only count if another digit follows.
        let mut zeros: u32 = 0;
        for digit in digits() {
            if digit == b'0' {
                zeros = zeros.saturating_add(1);
                continue;
            }
            let places = if coefficient == 0 { 1 } else { zeros.saturating_add(1) };
            coefficient = 10_u128
                .checked_pow(places)
                .and_then(|shift| coefficient.checked_mul(shift))
                .and_then(|shifted| shifted.checked_add(u128::from(digit - b'0')))
                .filter(|shifted| *shifted < TOO_MANY_DIGITS)
                .ok_or(NumberFault::Precision)?;
            zeros = 0;
        }
        let scale = i64::from(zeros) - i64::try_from(fraction.len()).map_err(|_| NumberFault::Syntax)?;
        Self::new(negative, coefficient, exponent.saturating_add(scale))
    }

    /// The same of a number in a request. DynamoDB gives zero the range of other numbers, as if its last digit were a one,
    /// and reads no exponent that does not fit into 64 bits.
    pub fn stored(text: &str) -> Result<Self, NumberFault> {
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let exponent = exponent.parse::<i64>().map_err(|_| NumberFault::Syntax);
        let number = Self::parse(text);
        let (number, exponent) = (exponent.and(number)?, exponent?);
        if number.coefficient == 0 {
            let fraction = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len());
            in_range(exponent.saturating_sub(i64::try_from(fraction).unwrap_or(i64::MAX)))?;
        }
        Ok(number)
    }

    /// The exact sum.
    pub fn plus(self, other: Self) -> Result<Self, NumberFault> {
        if self.coefficient == 0 {
            return Ok(other);
        }
        if other.coefficient == 0 {
            return Ok(self);
        }
        let (high, low) = if self.exponent >= other.exponent { (self, other) } else { (other, self) };
        let shift = high.exponent.abs_diff(low.exponent);
        // A sum that does not fit needs more than 38 digits: `low` ends in a digit that counts. DynamoDB calls that
        // an overflow.
        let aligned = 10_u128.checked_pow(shift).and_then(|shift| high.coefficient.checked_mul(shift));
        let aligned = aligned.ok_or(NumberFault::Overflow)?;
        let (negative, coefficient) = if high.negative == low.negative {
            (high.negative, aligned.checked_add(low.coefficient).ok_or(NumberFault::Overflow)?)
        } else if aligned >= low.coefficient {
            (high.negative, aligned - low.coefficient)
        } else {
            (low.negative, low.coefficient - aligned)
        };
        let sum = Self::new(negative, coefficient, low.exponent.into());
        sum.map_err(|fault| if fault == NumberFault::Precision { NumberFault::Overflow } else { fault })
    }

    /// The exact difference.
    pub fn minus(self, other: Self) -> Result<Self, NumberFault> {
        self.plus(Self { negative: !other.negative && other.coefficient != 0, ..other })
    }

    fn new(negative: bool, mut coefficient: u128, mut exponent: i64) -> Result<Self, NumberFault> {
        if coefficient == 0 {
            return Ok(Self { negative: false, coefficient: 0, exponent: 0 });
        }
        while coefficient.is_multiple_of(10) {
            coefficient /= 10;
            exponent = exponent.saturating_add(1);
        }
        if coefficient >= TOO_MANY_DIGITS {
            return Err(NumberFault::Precision);
        }
        let magnitude = exponent.saturating_add(i64::from(coefficient.ilog10()));
        in_range(magnitude)?;
        let exponent = i32::try_from(exponent).map_err(|_| NumberFault::Underflow)?;
        Ok(Self { negative, coefficient, exponent })
    }

    /// The power of ten of the first digit.
    fn magnitude(self) -> i32 {
        self.exponent.saturating_add(i32::try_from(self.coefficient.checked_ilog10().unwrap_or(0)).unwrap_or(0))
    }

    fn compare_size(self, other: Self) -> Ordering {
        if self.coefficient == 0 || other.coefficient == 0 {
            return self.coefficient.cmp(&other.coefficient);
        }
        // With the same first place, the shorter number is filled up with zeros; 38 digits fit.
        let digits = |number: Self| {
            let missing = 37_u32.saturating_sub(number.coefficient.ilog10());
            number.coefficient.saturating_mul(10_u128.saturating_pow(missing))
        };
        self.magnitude().cmp(&other.magnitude()).then_with(|| digits(self).cmp(&digits(other)))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.compare_size(*other),
            (true, true) => other.compare_size(*self),
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// As DynamoDB prints numbers: plain digits, never an exponent.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.coefficient.to_string();
        f.write_str(if self.negative { "-" } else { "" })?;
        let Ok(shift) = usize::try_from(self.exponent) else {
            let places = usize::try_from(self.exponent.unsigned_abs()).unwrap_or(usize::MAX);
            let (whole, fraction) =
                digits.split_at_checked(digits.len().saturating_sub(places)).unwrap_or(("", &digits));
            let whole = if whole.is_empty() { "0" } else { whole };
            return write!(f, "{whole}.{fraction:0>places$}");
        };
        write!(f, "{digits}{}", "0".repeat(shift))
    }
}

/// Numbers are values, and values are what this program protects.
impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Decimal(redacted)")
    }
}

fn in_range(magnitude: i64) -> Result<(), NumberFault> {
    match magnitude {
        ..MIN_MAGNITUDE => Err(NumberFault::Underflow),
        MIN_MAGNITUDE..=MAX_MAGNITUDE => Ok(()),
        _ => Err(NumberFault::Overflow),
    }
}

fn sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// An exponent too long for 64 bits is far out of range unless the number is zero, so it saturates.
fn parse_exponent(text: &str) -> Option<i64> {
    const FAR: i64 = 1 << 40;
    let (negative, digits) = sign(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let value = digits.bytes().fold(0_i64, |value, digit| (value * 10 + i64::from(digit - b'0')).min(FAR));
    Some(if negative { -value } else { value })
}

const TOO_MANY_DIGITS: u128 = 10_u128.pow(38);
const MAX_MAGNITUDE: i64 = 125;
const MIN_MAGNITUDE: i64 = -130;

#[cfg(test)]
mod tests;
