use proptest::prelude::*;

use super::*;

fn number(text: &str) -> Decimal {
    Decimal::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault:?}"))
}

fn plus(left: &str, right: &str) -> Result<String, NumberFault> {
    number(left).plus(number(right)).map(|sum| sum.to_string())
}

#[test]
fn spellings_of_one_number_meet() {
    for text in ["12000", "12e3", "+12E+3", "0012000.00", ".12e5", "1200000e-2", "12000."] {
        assert_eq!(number(text).to_string(), "12000", "{text}");
    }
    for (text, printed) in [("-0.50", "-0.5"), ("-0", "0"), ("0e9999999999", "0"), ("1e-3", "0.001"), ("1.05", "1.05")]
    {
        assert_eq!(number(text).to_string(), printed);
    }
}

#[test]
fn the_range_is_dynamodbs() {
    for text in ["", ".", "-", "e1", "1e", "1e+", " 1", "1 ", "1.2.3", "0x1", "NaN", "1_0", "１"] {
        assert_eq!(Decimal::parse(text), Err(NumberFault::Syntax), "{text}");
    }
    let nines = "9".repeat(38);
    assert_eq!(number(&format!("{nines}e88")).to_string(), nines.clone() + &"0".repeat(88));
    assert_eq!(Decimal::parse(&format!("{nines}9")), Err(NumberFault::Precision));
    assert_eq!(Decimal::parse(&format!("1{}1", "0".repeat(37))), Err(NumberFault::Precision));
    assert_eq!(Decimal::parse("1e126"), Err(NumberFault::Overflow));
    assert_eq!(Decimal::parse("0.9e-130"), Err(NumberFault::Underflow));
    assert!(Decimal::parse("1.1e-130").is_ok() && Decimal::parse("-9.99e125").is_ok());
}

#[test]
fn a_zero_of_a_request_has_a_range_too() {
    for text in ["0", "-0", "0.000", "0e125", "0.0e-129", "0e-130", "+0", "1e-130"] {
        assert!(Decimal::stored(text).is_ok(), "{text}");
    }
    assert_eq!(Decimal::stored("0E400"), Err(NumberFault::Overflow));
    assert_eq!(Decimal::stored("0e126"), Err(NumberFault::Overflow));
    assert_eq!(Decimal::stored("0.0e-130"), Err(NumberFault::Underflow));
    assert_eq!(Decimal::stored("0e99999999999999999999"), Err(NumberFault::Syntax));
    assert_eq!(Decimal::stored("1e99999999999999999999"), Err(NumberFault::Syntax));
}

#[test]
fn sums_are_exact_or_refused() {
    assert_eq!(plus("0.1", "0.2"), Ok("0.3".into()));
    assert_eq!(plus("1", "10000000000000000000000"), Ok("10000000000000000000001".into()));
    assert_eq!(plus("-5", "5"), Ok("0".into()));
    assert_eq!(plus("1e38", "-1"), Ok("9".repeat(38)));
    assert_eq!(plus("1e38", "1"), Err(NumberFault::Overflow));
    assert_eq!(plus("5e38", "-1"), Err(NumberFault::Overflow));
    assert_eq!(plus("1e50", "1"), Err(NumberFault::Overflow));
    assert_eq!(plus("9e125", "9e125"), Err(NumberFault::Overflow));
    assert_eq!(plus("9e125", "9e124"), Ok("99".to_owned() + &"0".repeat(124)));
    assert_eq!(plus("1.1e-130", "-1e-130"), Err(NumberFault::Underflow));
    assert_eq!(number("3").minus(number("0")), Ok(number("3")));
    assert_eq!(number("0").minus(number("3")).map(|n| n.to_string()), Ok("-3".into()));
}

#[test]
fn order_is_by_value() {
    let ascending = ["-1e125", "-10", "-9.5", "-1e-130", "0", "1e-130", "0.5", "1", "1.0000001", "9", "10", "1e125"];
    for pair in ascending.windows(2) {
        assert!(number(pair[0]) < number(pair[1]), "{pair:?}");
    }
    assert_eq!(number("1.0"), number("1"));
}

proptest! {
    #[test]
    fn arithmetic_agrees_with_integers(left in -(1_i64 << 62)..1_i64 << 62, right in -(1_i64 << 62)..1_i64 << 62, scale in -40_i32..40) {
        let read = |value: i64| number(&format!("{value}e{scale}"));
        prop_assert_eq!(read(left).plus(read(right)), Ok(read(left + right)));
        prop_assert_eq!(read(left).minus(read(right)), Ok(read(left - right)));
        prop_assert_eq!(read(left).cmp(&read(right)), left.cmp(&right));
    }

    #[test]
    fn what_is_printed_is_read_back(coefficient in 0..TOO_MANY_DIGITS, exponent in -130_i32..88, negative: bool) {
        let text = format!("{}{coefficient}e{exponent}", if negative { "-" } else { "" });
        let read = number(&text);
        let printed = read.to_string();
        prop_assert_eq!(number(&printed), read);
        prop_assert_eq!(dynaseal_item::kat::normalize_number(&text).unwrap(), printed);
    }
}
