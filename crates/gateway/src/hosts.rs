//! Under which names the gateway lets itself be called. A page whose own name was pointed at this machine (DNS rebinding)
//! is of the gateway's origin to its browser, and only `Host` still says where the page came from.

use std::net::IpAddr;

use http::header::HOST;
use http::request::Parts;

/// Whether a request names the gateway as nobody else can name it: by an address, as probes do; by a name that the public
/// DNS cannot have; or by one that is configured. A request without a name is not a browser's.
pub(crate) fn is_ours(head: &Parts, allowed: &[String]) -> bool {
    let named = head.headers.get_all(HOST).iter().map(|value| value.to_str().ok());
    let target = head.uri.authority().map(|authority| Some(authority.as_str()));
    named.chain(target).all(|host| host.is_some_and(|host| is_name_of_ours(host, allowed)))
}

fn is_name_of_ours(host: &str, allowed: &[String]) -> bool {
    let Some(name) = without_port(host) else { return false };
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    name.parse::<IpAddr>().is_ok()
        || (!name.contains('.') && is_label(&name))
        || PRIVATE.iter().any(|domain| name.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')))
        || allowed.iter().any(|other| other.eq_ignore_ascii_case(&name))
}

/// The name before a port, or the address between brackets.
fn without_port(host: &str) -> Option<&str> {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => {
            let (address, rest) = rest.split_once(']')?;
            (address, rest)
        }
        None => host.find(':').and_then(|at| host.split_at_checked(at)).unwrap_or((host, "")),
    };
    let digits = port.strip_prefix(':').unwrap_or(port);
    digits.bytes().all(|byte| byte.is_ascii_digit()).then_some(name)
}

fn is_label(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// What the public DNS has no names under, and never will.
const PRIVATE: [&str; 5] = ["localhost", "internal", "test", "home.arpa", "svc.cluster.local"];

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn is_taken(hosts: &[&str], target: &str) -> bool {
        let request = hosts.iter().fold(Request::get(target), |request, host| request.header(HOST, *host));
        is_ours(&request.body(()).unwrap().into_parts().0, &["gw.example.com".to_owned()])
    }

    #[test]
    fn probes_and_neighbours_are_taken_and_strangers_are_not() {
        for host in [
            "127.0.0.1:8000",
            "10.1.2.3:8000",
            "[::1]:8000",
            "[fe80::1]",
            "localhost",
            "LOCALHOST:8000",
            "dynaseal:8000",
            "api.localhost",
            "host.docker.internal:8000",
            "dynaseal.prod.svc.cluster.local:8000",
            "gw.example.com",
            "GW.example.com.:443",
        ] {
            assert!(is_taken(&[host], "/metrics"), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:8000",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "notgw.example.com",
            "gw.example.com.evil.example",
            "internal.",
            "evil.local",
            "[::1].evil.example",
            "evil.example:x",
            "",
            ".",
        ] {
            assert_eq!(is_taken(&[host], "/metrics"), host == "internal.", "{host}");
        }
        assert!(is_taken(&[], "/metrics"));
        assert!(!is_taken(&["127.0.0.1", "evil.example"], "/metrics"));
        assert!(!is_taken(&["127.0.0.1"], "http://evil.example/metrics"));
    }
}
