//! Which call of an SDK a request is an attempt of, as its headers say.

use dynaseal_engine::Invocation;
use http::HeaderMap;

/// `amz-sdk-invocation-id: 3b0a…` and `amz-sdk-request: attempt=2; max=3`, which every SDK of AWS sends.
#[must_use]
pub fn invocation(headers: &HeaderMap) -> Option<Invocation> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let id = text("amz-sdk-invocation-id").filter(|id| !id.is_empty())?;
    let parts = text("amz-sdk-request").into_iter().flat_map(|parts| parts.split(';'));
    let attempt = parts.filter_map(|part| part.trim().strip_prefix("attempt=")?.parse().ok()).next();
    Some(Invocation { id: id.to_owned(), attempt: attempt.unwrap_or(1) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_of_one_call_say_the_same_id() {
        let mut headers = HeaderMap::new();
        assert_eq!(invocation(&headers), None);
        headers.insert("amz-sdk-invocation-id", "3b0a".parse().unwrap());
        assert_eq!(invocation(&headers), Some(Invocation { id: "3b0a".into(), attempt: 1 }));
        headers.insert("amz-sdk-request", "ttl=20260101T000000Z; attempt=2; max=3".parse().unwrap());
        assert_eq!(invocation(&headers), Some(Invocation { id: "3b0a".into(), attempt: 2 }));
        headers.insert("amz-sdk-invocation-id", "".parse().unwrap());
        assert_eq!(invocation(&headers), None);
    }
}
