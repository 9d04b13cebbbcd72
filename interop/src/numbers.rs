//! Numbers in the many ways in which callers write them.

use std::collections::BTreeSet;

use fastrand::Rng;

use crate::generate::pick;

/// A number that has a normal form.
pub fn spelling(rng: &mut Rng) -> String {
    if rng.u32(0..4) == 0 {
        return (*pick(rng, &ODD)).to_owned();
    }
    let digits = rng.usize(1..=38);
    let mut number: String = (0..digits).map(|_| char::from(rng.u8(b'0'..=b'9'))).collect();
    // The magnitude must stay in 1E-130 to 9.99E+125 wherever the first digit that is not zero stands.
    let point = rng.usize(0..=digits);
    if rng.bool() {
        number.insert(point, '.');
        if rng.bool() {
            let sign = *pick(rng, &["", "+", "-"]);
            let exponent = rng.u32(0..=85);
            number = format!("{number}{}{sign}{exponent}", if rng.bool() { 'e' } else { 'E' });
        }
    }
    format!("{}{number}", pick(rng, &["", "", "-", "+", "00"]))
}

/// Members of a number set, no two of them equal.
pub fn distinct(rng: &mut Rng) -> Vec<String> {
    let all: BTreeSet<i32> = (0..rng.usize(0..6)).map(|_| rng.i32(-50..50)).collect();
    let mut all: Vec<String> = all.into_iter().map(|number| respell(rng, &number.to_string())).collect();
    rng.shuffle(&mut all);
    all
}

/// The same whole number, written in another way.
pub fn respell(rng: &mut Rng, number: &str) -> String {
    let (sign, digits) = match number.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => (if rng.bool() { "+" } else { "" }, number),
    };
    match rng.u32(0..6) {
        0 => format!("{sign}{digits}.0"),
        1 => format!("{sign}00{digits}"),
        2 => format!("{sign}{digits}e0"),
        3 => format!("{sign}{digits}0E-1"),
        4 => format!("{sign}{digits}."),
        _ => format!("{sign}{digits}"),
    }
}

/// Texts that are no number, or one that DynamoDB cannot hold.
pub const BAD: [&str; 14] = [
    "",
    " 1",
    "1 ",
    "abc",
    "1e",
    "e1",
    ".",
    "+",
    "1,5",
    "0x10",
    "NaN",
    "1E126",
    "1E-131",
    "123456789012345678901234567890123456789",
];

const ODD: [&str; 18] = [
    "0",
    "-0",
    "0.0",
    "0E500",
    "+.5",
    "-5.",
    "1e3",
    "1E+3",
    "1E-130",
    "-1E-130",
    "1E125",
    "9.9999999999999999999999999999999999999E+125",
    "12345678901234567890123456789012345678",
    "0.00000000000000000000000000000000000001",
    "1000000000000000000000000000000000000000000000000",
    "00000000000000000000000000000000000000000000001",
    "1.10000000000000000000000000000000000000000000000",
    "0.1e1",
];
