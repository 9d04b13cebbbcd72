//! The section of the gateway.

use super::*;

#[test]
fn the_gateway_section_is_read_and_checked() {
    let text = r#"allow_no_tables = true
[gateway]
listen = "localhost:9000"
upstream = "embedded"
database = "data.db"
region = "eu-west-1"
connect_timeout = 1.5
timeout = 20
drain_timeout = 30
max_in_flight = 10
max_connections = 100
max_connections_per_peer = 20
stall_timeout = 2
min_rate = 1024
allowed_hosts = ["Gateway.example.com"]
ca = "private-ca.pem"
"#;
    let config = parse(text).unwrap();
    let gateway = &config.gateway;
    assert_eq!(gateway.listen, "127.0.0.1:9000".parse().unwrap());
    assert_eq!(gateway.database.as_deref(), Some(Path::new("conf/data.db")));
    assert_eq!(gateway.connect_timeout, Some(Duration::from_millis(1500)));
    assert_eq!((gateway.max_in_flight, gateway.allow_remote), (Some(10), false));
    assert_eq!((gateway.max_connections, gateway.max_connections_per_peer), (Some(100), Some(20)));
    assert_eq!((gateway.stall_timeout, gateway.min_rate), (Some(Duration::from_secs(2)), Some(1024)));
    assert_eq!(gateway.allowed_hosts, ["gateway.example.com"]);
    assert_eq!((gateway.ca.as_deref(), gateway.danger_plain_upstream), (Some(Path::new("conf/private-ca.pem")), false));
    assert_eq!(config.warnings.iter().map(|w| w.code).collect::<Vec<_>>(), ["DSL-5204"]);

    let text = r#"allow_no_tables = true
[gateway]
listen = "0.0.0.0:8000"
upstream = "http://dynamodb.example:8000"
database = "data.db"
timeout = 0
drain_timeout = "30"
max_in_flight = 0
allowed_hosts = ["http://x.example", "x.example", "*.example"]
"#;
    let expected = [
        "3:10 DSL-5006 listen can be reached from other machines, and callers are not checked",
        "4:12 DSL-5005 upstream sends to \"dynamodb.example\" without TLS",
        "5:12 DSL-5006 database has no meaning with upstream = \"http://dynamodb.example:8000\"",
        "6:11 DSL-5005 timeout in [gateway] is out of range",
        "7:17 DSL-5004 drain_timeout in [gateway] is of type string",
        "8:17 DSL-5005 max_in_flight in [gateway] is out of range",
        "9:18 DSL-5005 allowed_hosts cannot hold \"http://x.example\"",
        "9:51 DSL-5005 allowed_hosts cannot hold \"*.example\"",
    ];
    assert_eq!(faults(text), expected);
}

#[test]
fn upstreams_need_tls_unless_they_are_on_this_machine() {
    let right = ["dynamodb", "https://x.example", "http://localhost:8000", "http://127.0.0.1:1", "http://[::1]:8000/"];
    let wrong =
        ["", "ftp://x", "https://", "http://", "http://localhost.example", "http://localhost@x.example", "https://a@b"];
    for (upstreams, expected) in [(&right[..], true), (&wrong[..], false)] {
        for upstream in upstreams {
            assert_eq!(
                parse(&format!("allow_no_tables = true\n[gateway]\nupstream = \"{upstream}\"")).is_ok(),
                expected,
                "{upstream}"
            );
            let is_url = expected && upstream.contains("://");
            assert_eq!(
                parse(&format!("allow_no_tables = true\n[gateway]\nkms_endpoint = \"{upstream}\"")).is_ok(),
                is_url,
                "{upstream}"
            );
        }
    }
}

#[test]
fn an_upstream_without_tls_takes_a_loud_word() {
    let gateway = |lines: &str| format!("allow_no_tables = true\n[gateway]\n{lines}");
    let dangerous = parse(&gateway("upstream = \"http://dynamodb:8000\"\ndanger_plain_upstream = true")).unwrap();
    assert!(dangerous.gateway.danger_plain_upstream);
    let warnings: Vec<_> = dangerous.warnings.iter().map(|fault| (fault.line, fault.code)).collect();
    assert_eq!(warnings, [(1, "DSL-5204"), (4, "DSL-5208")]);
    let plain = parse(&gateway("upstream = \"http://dynamodb:8000\"")).unwrap_err();
    let fault = plain.iter().next().unwrap();
    assert!(fault.message.contains("without TLS") && fault.hint.contains("danger_plain_upstream = true"), "{fault:?}");
    // It is for the upstream alone, and where it changes nothing it is a mistake.
    for lines in [
        "danger_plain_upstream = true",
        "upstream = \"https://x.example\"\ndanger_plain_upstream = true",
        "upstream = \"http://localhost:8000\"\ndanger_plain_upstream = true",
        "upstream = \"http://dynamodb:8000\"\nkms_endpoint = \"http://kms:8000\"\ndanger_plain_upstream = true",
        "upstream = \"http://dynamodb:8000/path\"\ndanger_plain_upstream = true",
        "upstream = \"http://user@dynamodb:8000\"\ndanger_plain_upstream = true",
    ] {
        assert!(parse(&gateway(lines)).is_err(), "{lines}");
    }
    // As the gateway itself judges a URL.
    for (url, taken) in [
        ("http://LOCALHOST:8000", true),
        ("http://[::ffff:127.0.0.1]:8000", true),
        ("https://x.example/path", false),
        ("https://x.example?q", false),
        ("https://x.example/", true),
    ] {
        assert_eq!(parse(&gateway(&format!("upstream = \"{url}\""))).is_ok(), taken, "{url}");
    }
}
