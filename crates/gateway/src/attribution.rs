//! Who calls, told on: the upstream's logs name the client's SDK and not the gateway alone, and a trace does not end here. None
//! of it is written to our own log.

use std::sync::Arc;

use dynaseal_engine::{Answer, Attribution, BoxFuture, Call, Wire, WireError};
use http::HeaderMap;
use http::header::USER_AGENT;

/// A wire whose calls are made for one caller.
pub(crate) struct Attributed<'w> {
    inner: &'w dyn Wire,
    caller: Arc<Attribution>,
}

impl<'w> Attributed<'w> {
    pub(crate) fn new(inner: &'w dyn Wire, headers: &HeaderMap) -> Self {
        Self { inner, caller: Arc::new(of(headers)) }
    }
}

impl Wire for Attributed<'_> {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        self.inner.send(Call { attribution: Some(self.caller.clone()), ..call })
    }
}

fn of(headers: &HeaderMap) -> Attribution {
    let one = |name: &str| {
        let mut values = headers.get_all(name).iter();
        values.next().filter(|_| values.next().is_none()).and_then(|value| value.to_str().ok())
    };
    let user_agent = match one(USER_AGENT.as_str()).map(str::trim).filter(|text| !text.is_empty()) {
        Some(text) => format!("{} {MARK}", text.get(..LONGEST).unwrap_or(text)),
        None => MARK.to_owned(),
    };
    let traceparent = one("traceparent").filter(|text| is_traceparent(text)).map(str::to_owned);
    // Without the other it says nothing.
    let tracestate = one("tracestate").filter(|text| traceparent.is_some() && text.len() <= LONGEST).map(str::to_owned);
    Attribution { user_agent, traceparent, tracestate }
}

/// `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`. Later versions may add parts behind.
fn is_traceparent(text: &str) -> bool {
    let mut parts = text.split('-');
    let mut hexadecimal = |length: usize| {
        let part = parts.next().filter(|part| part.len() == length);
        part.filter(|part| part.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)))
    };
    let (version, trace, parent, flags) = (hexadecimal(2), hexadecimal(32), hexadecimal(16), hexadecimal(2));
    let is_set = |part: Option<&str>| part.is_some_and(|part| part.bytes().any(|byte| byte != b'0'));
    let is_known = version.is_some_and(|version| version != "ff" && (version != "00" || text.len() == TRACEPARENT));
    is_known && is_set(trace) && is_set(parent) && flags.is_some() && text.len() <= LONGEST
}

/// What is added to the caller's `user-agent`.
const MARK: &str = concat!("dynaseal-gateway/", env!("CARGO_PKG_VERSION"));
/// Of what callers write that much is sent on; it is far more than SDKs write.
const LONGEST: usize = 512;
/// The length of a `traceparent` of version 00.
const TRACEPARENT: usize = 55;

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn with(pairs: &[(&'static str, &str)]) -> Attribution {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        of(&headers)
    }

    #[test]
    fn a_user_agent_is_marked_and_bounded() {
        assert_eq!(with(&[]).user_agent, MARK);
        assert_eq!(with(&[("user-agent", " ")]).user_agent, MARK);
        assert_eq!(with(&[("user-agent", "Boto3/1.44 md/x#y")]).user_agent, format!("Boto3/1.44 md/x#y {MARK}"));
        assert_eq!(with(&[("user-agent", "caf\u{e9}")]).user_agent, MARK, "what is not ASCII is none that SDKs write");
        assert_eq!(with(&[("user-agent", &"x".repeat(20_000))]).user_agent.len(), LONGEST + 1 + MARK.len());
    }

    #[test]
    fn a_trace_goes_on_if_it_is_one() {
        let trace = with(&[("traceparent", TRACE), ("tracestate", "a=1,b=2")]);
        assert_eq!((trace.traceparent.as_deref(), trace.tracestate.as_deref()), (Some(TRACE), Some("a=1,b=2")));
        let later = format!("cc{}-more", &TRACE[2..]);
        assert_eq!(with(&[("traceparent", &later)]).traceparent, Some(later));
        for wrong in [
            "",
            "canary",
            "00-canary",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        ] {
            let trace = with(&[("traceparent", wrong), ("tracestate", "a=1")]);
            assert_eq!((trace.traceparent, trace.tracestate), (None, None), "{wrong}");
        }
        assert_eq!(with(&[("traceparent", TRACE), ("traceparent", TRACE)]).traceparent, None);
    }
}
