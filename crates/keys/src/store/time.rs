//! Times as records write them: ISO 8601, UTC, microseconds. KMS binds the text, so it is kept as it is.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

/// When a record was made, such as `2024-01-01T00:00:00.000000Z`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct CreateTime(String);

impl CreateTime {
    /// A time since the Unix epoch.
    #[must_use]
    pub fn new(since_epoch: Duration) -> Self {
        let seconds = since_epoch.as_secs();
        let (year, month, day) = civil(seconds / DAY);
        let (hour, minute, second) = (seconds % DAY / 3600, seconds % 3600 / 60, seconds % 60);
        let micros = since_epoch.subsec_micros();
        Self(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z"))
    }

    /// What a record says.
    #[must_use]
    pub fn stored(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The time since the Unix epoch; `None` if the text is not of this form, or of a time before the epoch.
    #[must_use]
    pub fn since_epoch(&self) -> Option<Duration> {
        let (date, time) = self.0.strip_suffix('Z')?.split_once('T')?;
        let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
        let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
        let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
        let days = days(year, month, day)?;
        // A leap second is the second that follows it.
        if hour > 23 || minute > 59 || second > 60 || !(1..=9).contains(&fraction.len()) {
            return None;
        }
        let [nanos] = numbers(&format!("{fraction:0<9}"), ' ', [9])?;
        let seconds = days * DAY + hour * 3600 + minute * 60 + second;
        Some(Duration::new(seconds, u32::try_from(nanos).ok()?))
    }
}

impl fmt::Display for CreateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Numbers of exactly so many digits, with a sign between them.
fn numbers<const N: usize>(text: &str, between: char, digits: [usize; N]) -> Option<[u64; N]> {
    let mut out = [0; N];
    let mut parts = text.split(between);
    for (number, digits) in out.iter_mut().zip(digits) {
        let part = parts.next().filter(|part| part.len() == digits && part.bytes().all(|b| b.is_ascii_digit()))?;
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(out)
}

/// The date of a day since the Unix epoch, by the Gregorian calendar.
fn civil(mut day: u64) -> (u64, u64, u64) {
    day += EPOCH;
    // Whole cycles of 400 years, then centuries, four years and years; the last day of a cycle is in its last part.
    let (cycle, day) = (day / CYCLE, day % CYCLE);
    let century = (day / CENTURY).min(3);
    let day = day - century * CENTURY;
    let (four, day) = (day / FOUR, day % FOUR);
    let one = (day / 365).min(3);
    let day = day - one * 365;
    // Years begin in March here, so that a leap day is the last of its year.
    let month = MONTHS.iter().rposition(|start| *start <= day).unwrap_or_default();
    let day = day - MONTHS.get(month).copied().unwrap_or_default() + 1;
    let (year, month) = (cycle * 400 + century * 100 + four * 4 + one, month as u64);
    if month < 10 { (year, month + 3, day) } else { (year + 1, month - 9, day) }
}

/// The day since the Unix epoch of a date; `None` if there is no such date, or it is before the epoch.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    let shifted = if month < 3 { year.checked_sub(1)? } else { year };
    let start = MONTHS.get(usize::try_from((month + 9) % 12).ok()?)?;
    let days = shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + start + day.checked_sub(1)?;
    let days = days.checked_sub(EPOCH)?;
    (civil(days) == (year, month, day)).then_some(days)
}

const DAY: u64 = 86_400;
/// Days from the 1st of March of the year 0 to the Unix epoch.
const EPOCH: u64 = 719_468;
/// Days of 400, 100 and 4 years.
const CYCLE: u64 = 146_097;
const CENTURY: u64 = 36_524;
const FOUR: u64 = 1_461;
/// The first day of each month in a year that begins in March.
const MONTHS: [u64; 12] = [0, 31, 61, 92, 122, 153, 184, 214, 245, 275, 306, 337];

#[cfg(test)]
mod tests {
    use super::*;

    /// Seconds since the epoch, from `date -u -d TEXT +%s`.
    const KNOWN: [(&str, u64); 12] = [
        ("1970-01-01T00:00:00.000000Z", 0),
        ("1972-02-29T23:59:59.000000Z", 68_255_999),
        ("1999-12-31T23:59:59.000000Z", 946_684_799),
        ("2000-02-29T12:00:00.000000Z", 951_825_600),
        ("2000-03-01T00:00:00.000000Z", 951_868_800),
        ("2024-01-01T00:00:00.000000Z", 1_704_067_200),
        ("2024-02-29T00:00:00.000000Z", 1_709_164_800),
        ("2024-12-31T23:59:59.000000Z", 1_735_689_599),
        ("2026-11-24T18:15:32.000000Z", 1_795_544_132),
        ("2100-02-28T23:59:59.000000Z", 4_107_542_399),
        ("2100-03-01T00:00:00.000000Z", 4_107_542_400),
        ("2400-02-29T00:00:00.000000Z", 13_574_563_200),
    ];

    #[test]
    fn known_times_go_both_ways() {
        for (text, seconds) in KNOWN {
            let time = Duration::from_secs(seconds);
            assert_eq!(CreateTime::new(time).as_str(), text);
            assert_eq!(CreateTime::stored(text).since_epoch(), Some(time), "{text}");
        }
        let micros = Duration::new(1_704_067_200, 1_234_567);
        assert_eq!(CreateTime::new(micros).as_str(), "2024-01-01T00:00:00.001234Z");
    }

    #[test]
    fn every_day_of_a_cycle_follows_the_one_before_it() {
        let mut before = civil(0);
        for day in 1..CYCLE + 366 {
            let (year, month, date) = civil(day);
            let follows = match before {
                (y, m, d) if y == year && m == month => date == d + 1,
                (y, m, _) if y == year => month == m + 1 && date == 1,
                (y, m, d) => year == y + 1 && (m, d) == (12, 31) && (month, date) == (1, 1),
            };
            assert!(follows, "{before:?} then {:?}", (year, month, date));
            assert_eq!(days(year, month, date), Some(day));
            before = (year, month, date);
        }
    }

    #[test]
    fn other_texts_are_no_times() {
        for text in [
            "",
            "2024-01-01",
            "2024-01-01T00:00:00.000000",
            "2024-1-01T00:00:00.000000Z",
            "2024-13-01T00:00:00.000000Z",
            "2024-00-01T00:00:00.000000Z",
            "2024-02-30T00:00:00.000000Z",
            "2023-02-29T00:00:00.000000Z",
            "2100-02-29T00:00:00.000000Z",
            "2024-01-00T00:00:00.000000Z",
            "2024-01-01T24:00:00.000000Z",
            "2024-01-01T00:60:00.000000Z",
            "2024-01-01T00:00:00.Z",
            "2024-01-01T00:00:00.0000000000Z",
            "2024-01-01T00:00:00:00Z",
            "1969-12-31T23:59:59.000000Z",
            "0000-01-01T00:00:00.000000Z",
            "+024-01-01T00:00:00.000000Z",
        ] {
            assert_eq!(CreateTime::stored(text).since_epoch(), None, "{text}");
        }
        let milliseconds = CreateTime::stored("2024-01-01T00:00:00.5Z").since_epoch();
        assert_eq!(milliseconds, Some(Duration::new(1_704_067_200, 500_000_000)));
        assert!(CreateTime::stored("2024-01-01T00:00:00Z").since_epoch().is_some());
    }
}
