//! When a service may be asked again. It says so in two headers, and no SDK obeys both:
//!
//! | header              | form                                | obeyed by                        |
//! |---------------------|-------------------------------------|----------------------------------|
//! | `x-amz-retry-after` | milliseconds                        | boto3, JavaScript, Go, Rust      |
//! | `retry-after`       | seconds, or a date as HTTP writes it | Java, and what is no SDK of AWS's |
//!
//! So what came in one is sent on in both. Neither may hold a caller off for longer than half a minute,
//! whoever wrote it.

use std::time::{Duration, SystemTime};

use dynaseal_engine::RetryAfter;
use http::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};

/// What the headers of an answer say.
#[must_use]
pub fn read<'a>(header: impl Fn(&'static str) -> Option<&'a str>) -> RetryAfter {
    let of = |name| header(name).map(str::trim);
    RetryAfter {
        milliseconds: of(AMZ_RETRY_AFTER).and_then(whole).map(|number| number.min(1000 * LONGEST)),
        seconds: of("retry-after")
            .and_then(|text| whole(text).or_else(|| until(text)))
            .map(|number| number.min(LONGEST)),
    }
}

/// Writes both headers. Of seconds made of milliseconds, less than half a one is none.
pub fn write(retry_after: RetryAfter, headers: &mut HeaderMap) {
    let RetryAfter { milliseconds, seconds } = retry_after;
    let as_milliseconds = milliseconds.or_else(|| seconds.map(|seconds| seconds.saturating_mul(1000)));
    let rounded =
        milliseconds.map(|milliseconds| milliseconds.saturating_add(500) / 1000).filter(|seconds| *seconds > 0);
    if let Some(milliseconds) = as_milliseconds {
        headers.insert(HeaderName::from_static(AMZ_RETRY_AFTER), HeaderValue::from(milliseconds));
    }
    if let Some(seconds) = seconds.or(rounded) {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
}

/// A number of digits alone. One that is too large to be kept is still a long time.
fn whole(text: &str) -> Option<u32> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u32::MAX))
}

/// The seconds until a date, none if it is over.
fn until(date: &str) -> Option<u32> {
    let left = httpdate::parse_http_date(date).ok()?.duration_since(SystemTime::now()).unwrap_or(Duration::ZERO);
    Some(u32::try_from(left.as_secs()).unwrap_or(u32::MAX))
}

const AMZ_RETRY_AFTER: &str = "x-amz-retry-after";
/// In seconds. SDKs that bound `x-amz-retry-after` by themselves do so at five; Java's does not bound `Retry-After`.
const LONGEST: u32 = 30;

#[cfg(test)]
mod tests {
    use super::*;

    fn sent_on(pairs: &[(&str, &str)]) -> (Option<String>, Option<String>) {
        let read = read(|name| pairs.iter().find(|(other, _)| *other == name).map(|(_, value)| *value));
        let mut headers = HeaderMap::new();
        write(read, &mut headers);
        let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        (text("x-amz-retry-after"), text("retry-after"))
    }

    fn both(milliseconds: &str, seconds: &str) -> (Option<String>, Option<String>) {
        (Some(milliseconds.to_owned()), Some(seconds.to_owned()))
    }

    #[test]
    fn what_came_in_one_form_goes_on_in_both() {
        assert_eq!(sent_on(&[]), (None, None));
        assert_eq!(sent_on(&[("x-amz-retry-after", "2500")]), both("2500", "3"));
        assert_eq!(sent_on(&[("x-amz-retry-after", "499")]), (Some("499".into()), None));
        assert_eq!(sent_on(&[("retry-after", "2")]), both("2000", "2"));
        assert_eq!(sent_on(&[("x-amz-retry-after", "1234"), ("retry-after", "7")]), both("1234", "7"));
        assert_eq!(sent_on(&[("retry-after", "0")]), both("0", "0"));
    }

    #[test]
    fn nobody_is_held_off_for_long() {
        assert_eq!(sent_on(&[("x-amz-retry-after", "86400000")]), both("30000", "30"));
        assert_eq!(sent_on(&[("retry-after", "99999999999999999999")]), both("30000", "30"));
        assert_eq!(sent_on(&[("retry-after", "Tue, 31 Dec 2999 23:59:59 GMT")]), both("30000", "30"));
        assert_eq!(sent_on(&[("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")]), both("0", "0"));
    }

    #[test]
    fn what_is_no_time_is_dropped() {
        for text in ["", "-1", "1.5", "soon", "+3", "0x10", "1e9", "٣"] {
            assert_eq!(sent_on(&[("x-amz-retry-after", text), ("retry-after", text)]), (None, None), "{text}");
        }
    }
}
