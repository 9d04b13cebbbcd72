//! TLS towards the upstream: who is trusted, and what is said of whoever is not. The environment says it, so each case is a
//! process of its own.

use std::path::Path;
use std::sync::Arc;

use crate::process::{CHILD, child, output};
use crate::support::{Gateway, upstream};
use bytes::Bytes;
use dynaseal_gateway::{Target, UpstreamLimits, open_upstream, start_log};
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// The same TLS upstream is called by a gateway that trusts its certificate and by one that does not.
#[tokio::test(flavor = "multi_thread")]
async fn tls_upstreams_are_called_only_with_a_trusted_certificate_for_their_name() {
    if let Ok(url) = std::env::var(CHILD) {
        let _log = start_log(tracing::Level::INFO).unwrap();
        let gateway = Gateway::start(upstream(&url, UpstreamLimits::default())).await;
        let reply = gateway.call("ListTables", "{}").await;
        println!("status={} {}", reply.status, std::str::from_utf8(&reply.body).unwrap());
        return;
    }
    let name = "tls::tls_upstreams_are_called_only_with_a_trusted_certificate_for_their_name";
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let trusted = directory.path().join("trusted.pem");
    std::fs::write(&trusted, certified.cert.pem()).unwrap();
    let other = directory.path().join("other.pem");
    std::fs::write(&other, rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap().cert.pem()).unwrap();
    let port = tls_server(&certified).await;

    let run = |url: String, certificates: &Path| {
        let certificates = certificates.to_owned();
        tokio::task::spawn_blocking(move || child(name, &url, &[("SSL_CERT_FILE", certificates.as_os_str())]))
    };
    let good = output(&run(format!("https://localhost:{port}"), &trusted).await.unwrap());
    assert!(good.contains(r#"status=200 {"TableNames":[]}"#), "{good}");
    let old = expired();
    let of_old = directory.path().join("old.pem");
    std::fs::write(&of_old, old.cert.pem()).unwrap();
    for (url, certificates, why) in [
        (format!("https://localhost:{port}"), &other, "signed by no authority that is trusted"),
        (format!("https://127.0.0.1:{port}"), &trusted, "for another name"),
        (format!("https://localhost:{}", tls_server(&old).await), &of_old, "has expired"),
    ] {
        let ran = run(url, certificates).await.unwrap();
        let (told, log) = (output(&ran), String::from_utf8_lossy(&ran.stderr).into_owned());
        assert!(told.contains("status=503") && told.contains("DSL-6007"), "{told}");
        assert!(told.contains("TLS failed") && told.contains(why) && told.contains("AWS_CA_BUNDLE"), "{told}");
        // The operator reads it too, and which setting it takes.
        let line = log.lines().find(|line| line.contains("WARN") && line.contains("code=\"DSL-6007\""));
        let line = line.unwrap_or_else(|| panic!("{log}"));
        assert!(line.contains("TLS failed") && line.contains(why) && line.contains("`ca` of [gateway]"), "{line}");
    }
}

/// A private authority is trusted beside the system's, by a setting or as the AWS SDKs do; a file that is none is noticed at
/// start.
#[tokio::test(flavor = "multi_thread")]
async fn a_private_authority_is_trusted_beside_the_systems() {
    if let Ok(url) = std::env::var(CHILD) {
        let ca = std::env::var("DYNASEAL_TEST_CA").ok().map(Into::into);
        let target = Target::new(&url, Some("eu-west-1".into()), None).trusting(ca);
        match open_upstream(&target, UpstreamLimits::default()).await {
            Ok(opened) => {
                let reply = Gateway::start(opened.wire).await.call("ListTables", "{}").await;
                println!("status={} {}", reply.status, std::str::from_utf8(&reply.body).unwrap());
            }
            Err(error) => println!("{}: {error}. {}", error.code(), error.hint()),
        }
        return;
    }
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap().cert.pem();
    let (trusted, other) = (file("trusted.pem", &certified.cert.pem()), file("other.pem", &other));
    let both = file("both.pem", &format!("{}\n{}", std::fs::read_to_string(&other).unwrap(), certified.cert.pem()));
    let junk = file("junk.pem", "certainly no certificate");
    let garbled = file("garbled.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let (absent, folder) = (directory.path().join("absent.pem"), directory.path().to_owned());
    let url = format!("https://localhost:{}", tls_server(&certified).await);
    let run = |environment: Vec<(&'static str, &Path)>| {
        let url = url.clone();
        let mut environment: Vec<_> = environment.into_iter().map(|(name, path)| (name, path.to_owned())).collect();
        environment.push(("AWS_ACCESS_KEY_ID", "AKIDTEST".into()));
        environment.push(("AWS_SECRET_ACCESS_KEY", "test-secret".into()));
        let name = "tls::a_private_authority_is_trusted_beside_the_systems";
        tokio::task::spawn_blocking(move || {
            let environment: Vec<_> = environment.iter().map(|(name, path)| (*name, path.as_os_str())).collect();
            output(&child(name, &url, &environment))
        })
    };
    const CA: &str = "DYNASEAL_TEST_CA";
    for (environment, told) in [
        (vec![("SSL_CERT_FILE", &*other)], "DSL-6007"),
        (vec![("SSL_CERT_FILE", &*other), (CA, &trusted)], "status=200"),
        (vec![("SSL_CERT_FILE", &*other), (CA, &both)], "status=200"),
        (vec![("SSL_CERT_FILE", &*other), ("AWS_CA_BUNDLE", &trusted)], "status=200"),
        // What is added takes nothing away.
        (vec![("SSL_CERT_FILE", &*trusted), (CA, &other), ("AWS_CA_BUNDLE", &other)], "status=200"),
        (vec![("SSL_CERT_FILE", &*junk)], "DSL-7006: TLS cannot be set up: SSL_CERT_FILE"),
        (vec![("SSL_CERT_FILE", &*absent)], "DSL-7006: TLS cannot be set up: SSL_CERT_FILE"),
        (vec![("SSL_CERT_FILE", &*trusted), (CA, &junk)], "DSL-7006: TLS cannot be set up: ca of [gateway]"),
        (vec![("SSL_CERT_FILE", &*trusted), (CA, &garbled)], "DSL-7006: TLS cannot be set up: ca of [gateway]"),
        (vec![("SSL_CERT_FILE", &*trusted), (CA, &folder)], "DSL-7006: TLS cannot be set up: ca of [gateway]"),
        (vec![("SSL_CERT_FILE", &*trusted), (CA, Path::new("/dev/zero"))], "DSL-7006"),
        (vec![("SSL_CERT_FILE", &*trusted), ("AWS_CA_BUNDLE", &junk)], "DSL-7006: TLS cannot be set up: AWS_CA_BUNDLE"),
    ] {
        let printed = run(environment.clone()).await.unwrap();
        assert!(printed.contains(told), "{environment:?}: {printed}");
    }
}

/// A certificate for localhost whose time is over.
fn expired() -> rcgen::CertifiedKey<rcgen::KeyPair> {
    let mut parameters = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    parameters.not_before = rcgen::date_time_ymd(2020, 1, 1);
    parameters.not_after = rcgen::date_time_ymd(2020, 2, 1);
    let signing_key = rcgen::KeyPair::generate().unwrap();
    rcgen::CertifiedKey { cert: parameters.self_signed(&signing_key).unwrap(), signing_key }
}

async fn tls_server(certified: &rcgen::CertifiedKey<rcgen::KeyPair>) -> u16 {
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der()));
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let service = service_fn(async |_| {
                    Ok::<_, std::convert::Infallible>(http::Response::new(Full::<Bytes>::from(r#"{"TableNames":[]}"#)))
                });
                let _ =
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    port
}
