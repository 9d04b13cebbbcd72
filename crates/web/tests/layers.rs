//! The layers around a service that answers, fails, and must not be reached over plain HTTP.
#![cfg(feature = "layers")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests, not tests themselves")]

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dynaseal_web::{Hsts, Peer, RequireHttps, secure_headers, sensitive_headers};
use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use tower::util::ServiceExt;
use tower::{Layer, service_fn};

/// Sends a request from `address` through the layer; gives the answer, and whether the service saw the request.
async fn send(layer: &RequireHttps, tls: bool, address: &str, request: Request<()>) -> (Response<String>, bool) {
    let seen = Arc::new(AtomicUsize::new(0));
    let count = seen.clone();
    let service = service_fn(move |_: Request<()>| {
        count.fetch_add(1, Ordering::SeqCst);
        async {
            let mut response = Response::new("no such thing".to_owned());
            *response.status_mut() = StatusCode::NOT_FOUND;
            Ok::<_, Infallible>(response)
        }
    });
    let mut request = request;
    if !address.is_empty() {
        request.extensions_mut().insert(Peer { address: address.parse::<IpAddr>().unwrap(), tls });
    }
    let response = layer.layer(service).oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let body = String::from_utf8(body.collect().await.unwrap().to_bytes().into()).unwrap();
    let response = Response::from_parts(head, body);
    (response, seen.load(Ordering::SeqCst) == 1)
}

fn get(path: &str, headers: &[(&str, &str)]) -> Request<()> {
    let builder = headers.iter().fold(Request::get(path), |builder, (name, value)| builder.header(*name, *value));
    builder.body(()).unwrap()
}

#[tokio::test]
async fn plain_http_is_refused_and_https_has_hsts_on_errors_too() {
    let layer = RequireHttps::new();
    let (response, seen) = send(&layer, false, "127.0.0.1", get("/", &[("x-forwarded-proto", "https")])).await;
    assert!(!seen);
    assert_eq!(
        (response.status(), response.body().as_str()),
        (StatusCode::BAD_REQUEST, r#"{"error":"HTTPS required"}"#)
    );
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(
        (&response.headers()["cache-control"], &response.headers()["connection"]),
        (&"no-store".parse().unwrap(), &"close".parse().unwrap())
    );
    assert!(!response.headers().contains_key("strict-transport-security"));

    let (response, seen) = send(&layer, true, "192.0.2.1", get("/", &[])).await;
    assert!(seen);
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert_eq!(response.headers()["strict-transport-security"], "max-age=31536000; includeSubDomains");

    let short = RequireHttps::new().hsts(Hsts { max_age: 60, include_subdomains: false });
    let (response, _) = send(&short, true, "192.0.2.1", get("/", &[])).await;
    assert_eq!(response.headers()["strict-transport-security"], "max-age=60");
}

#[tokio::test]
async fn forwarded_headers_count_only_from_trusted_proxies_and_only_if_all_say_https() {
    let layer = RequireHttps::new().trust("10.0.0.0/8".parse().unwrap()).trust("::1/128".parse().unwrap());
    for (address, values, secure) in [
        ("10.1.2.3", &["https"][..], true),
        ("::ffff:10.1.2.3", &["https"], true),
        ("::1", &["HTTPS"], true),
        ("10.1.2.3", &["https, https"], true),
        ("10.1.2.3", &["https, http"], false),
        ("10.1.2.3", &["https", "http"], false),
        ("10.1.2.3", &["http"], false),
        ("10.1.2.3", &[""], false),
        ("10.1.2.3", &[], false),
        ("11.1.2.3", &["https"], false),
        ("", &["https"], false),
    ] {
        let headers: Vec<_> = values.iter().map(|value| ("x-forwarded-proto", *value)).collect();
        let (_, seen) = send(&layer, false, address, get("/", &headers)).await;
        assert_eq!(seen, secure, "{address} {values:?}");
    }
}

#[tokio::test]
async fn a_redirect_hides_no_secret_and_goes_to_the_named_host() {
    let layer = RequireHttps::new().redirect_to("api.example.com".parse().unwrap());
    let (response, seen) = send(&layer, false, "192.0.2.1", get("/a?b=1", &[("host", "evil.example")])).await;
    assert!(!seen);
    assert_eq!(response.status(), StatusCode::PERMANENT_REDIRECT);
    assert_eq!(response.headers()["location"], "https://api.example.com/a?b=1");

    let mut post = get("/", &[]);
    *post.method_mut() = Method::POST;
    for request in [
        post,
        get("/", &[("authorization", "x")]),
        get("/", &[("cookie", "x")]),
        get("/", &[("x-api-key", "x")]),
        get("/", &[("content-length", "3")]),
        get("/?access_token=x", &[]),
        get("/?p%61ssword=x", &[]),
        get("/?a=1&user%5Bp%2561ssword%5D=x", &[]),
        get("/?a=1;api+key=x", &[]),
        get("/", &[("x-forwarded-proto", "https")]),
    ] {
        let shown = format!("{request:?}");
        let (response, seen) = send(&layer, false, "192.0.2.1", request).await;
        assert!(!seen && response.status() == StatusCode::BAD_REQUEST, "{shown}");
    }
}

#[tokio::test]
async fn secure_headers_are_on_every_answer_and_give_way() {
    let service = service_fn(|request: Request<()>| async move {
        let own = request.uri().path() == "/own";
        let response = Response::builder().header("x-test", "1");
        let response = if own { response.header("cache-control", "max-age=60") } else { response };
        Ok::<_, Infallible>(response.body(String::new()).unwrap())
    });
    let service = secure_headers::<String>().layer(service);
    let response = service.clone().oneshot(get("/", &[])).await.unwrap();
    for (name, value) in dynaseal_web::API_HEADERS {
        assert_eq!(response.headers()[&name], value);
    }
    let own = service.oneshot(get("/own", &[])).await.unwrap();
    assert_eq!(own.headers()["cache-control"], "max-age=60");
    assert_eq!(own.headers()["x-content-type-options"], "nosniff");
}

#[tokio::test]
async fn secrets_in_headers_are_not_printed() {
    let service = service_fn(|request: Request<()>| async move {
        assert!(!format!("{request:?}").contains("canary"));
        Ok::<_, Infallible>(Response::builder().header("set-cookie", "canary").body(String::new()).unwrap())
    });
    let request = get("/", &[("authorization", "canary"), ("x-api-key", "canary"), ("cookie", "canary")]);
    let response = sensitive_headers().layer(service).oneshot(request).await.unwrap();
    assert!(!format!("{response:?}").contains("canary"));
}
