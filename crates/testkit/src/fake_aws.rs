//! The KMS in memory, served over HTTP on loopback, and orders for it at `/control`. A wire that answers calls of DynamoDB,
//! too, gets those that come.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use dynaseal_engine::{Answer, Call, Service, Wire, WireError};
use dynaseal_keys::testing::{FakeKms, KeyState, Trouble};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Serves `kms` until the runtime ends, and gives its address.
///
/// # Errors
/// Where no port is free.
pub async fn serve(kms: FakeKms) -> std::io::Result<SocketAddr> {
    serve_through(kms.clone(), Arc::new(kms)).await
}

/// The same, with calls going through `wire` and orders to `kms`.
///
/// # Errors
/// As [`serve`].
pub async fn serve_through(kms: FakeKms, wire: Arc<dyn Wire>) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (kms, wire) = (kms.clone(), wire.clone());
            let service = service_fn(move |request| answer(kms.clone(), wire.clone(), request));
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    Ok(address)
}

/// An error ends the connection without an answer.
async fn answer(
    kms: FakeKms,
    wire: Arc<dyn Wire>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, WireError> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| WireError::Broken)?.to_bytes();
    match (&head.method, head.uri.path()) {
        (&Method::GET, "/control") => Ok(json(StatusCode::OK, &state(&kms))),
        (&Method::POST, "/control") => Ok(match order(&kms, &body) {
            Ok(()) => json(StatusCode::OK, &json!({})),
            Err(what) => json(StatusCode::BAD_REQUEST, &json!({ "message": what })),
        }),
        (&Method::POST, "/") => match operation(&head.headers) {
            Ok((service, operation, region)) => {
                let call = Call::new(service, operation, body.to_vec()).in_region(Some(&region));
                wire.send(call).await.map(|answer| response(service, answer))
            }
            Err(what) => {
                let body = json!({ "__type": "IncompleteSignature", "message": what });
                Ok(json(StatusCode::BAD_REQUEST, &body))
            }
        },
        _ => Ok(json(StatusCode::NOT_FOUND, &json!({ "__type": "UnknownOperationException" }))),
    }
}

/// The operation of a request that is of its service's protocol and signed for it, and the Region that it is signed for.
fn operation(headers: &HeaderMap) -> Result<(Service, String, String), &'static str> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (prefix, operation) = text("x-amz-target").split_once('.').ok_or("the request has no target")?;
    let service = [Service::Kms, Service::DynamoDb].into_iter().find(|service| service.target_prefix() == prefix);
    let service = service.ok_or("the target is neither of KMS nor of DynamoDB")?;
    if text("content-type") != protocol(service) {
        return Err("the request is not of the protocol of its service");
    }
    let scope = if service == Service::Kms { "/kms/aws4_request" } else { "/dynamodb/aws4_request" };
    let (scope, _) = text("authorization").split_once(scope).ok_or("the request is not signed for its service")?;
    let region = scope.rsplit('/').next().unwrap_or_default();
    Ok((service, operation.to_owned(), region.to_owned()))
}

fn response(service: Service, answer: Answer) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert("content-type", http::HeaderValue::from_static(protocol(service)));
    response
}

fn json(status: StatusCode, body: &Value) -> Response<Full<Bytes>> {
    response(Service::Kms, Answer::new(status.as_u16(), body.to_string().into()))
}

fn protocol(service: Service) -> &'static str {
    if service == Service::Kms { "application/x-amz-json-1.1" } else { "application/x-amz-json-1.0" }
}

/// What was called: `{"calls": [["Decrypt", "arn:…"], …]}`.
fn state(kms: &FakeKms) -> Value {
    json!({ "calls": kms.calls() })
}

/// One order, or several of them in one object:
///
/// ```json
/// {"key": "arn:…", "state": "Disabled"}          Enabled, Disabled, PendingDeletion, or Deleted
/// {"trouble": "Throttle", "operation": "Decrypt", "times": 3}
///                                                Throttle, Internal, AccessDenied, Garbage, Down, or {"Slow": seconds}
/// {"calm": true}                                 no more trouble
/// ```
fn order(kms: &FakeKms, body: &[u8]) -> Result<(), &'static str> {
    let order: Value = serde_json::from_slice(body).map_err(|_| "an order is JSON")?;
    if order["calm"].as_bool() == Some(true) {
        kms.calm();
    }
    if let Some(state) = order["state"].as_str() {
        let key = order["key"].as_str().ok_or("which key?")?;
        match state {
            "Enabled" => kms.set_state(key, KeyState::Enabled),
            "Disabled" => kms.set_state(key, KeyState::Disabled),
            "PendingDeletion" => kms.set_state(key, KeyState::PendingDeletion),
            "Deleted" => kms.delete_key(key),
            _ => return Err("no such state"),
        }
    }
    let trouble = match &order["trouble"] {
        Value::Null => return Ok(()),
        Value::String(name) => match name.as_str() {
            "Throttle" => Trouble::Throttle,
            "Internal" => Trouble::Internal,
            "AccessDenied" => Trouble::AccessDenied,
            "Garbage" => Trouble::Garbage,
            "Down" => Trouble::Down(WireError::Broken),
            _ => return Err("no such trouble"),
        },
        slow => {
            let seconds = slow["Slow"].as_f64().ok_or("no such trouble")?;
            Trouble::Slow(Duration::try_from_secs_f64(seconds).map_err(|_| "no such time")?)
        }
    };
    let operation = match order["operation"].as_str() {
        None => None,
        Some(name) => Some(*OPERATIONS.iter().find(|known| **known == name).ok_or("no such operation")?),
    };
    let times = order["times"].as_u64().and_then(|times| usize::try_from(times).ok());
    kms.trouble(trouble, operation, times.unwrap_or(usize::MAX));
    Ok(())
}

const OPERATIONS: [&str; 8] = [
    "Decrypt",
    "DeriveSharedSecret",
    "DescribeKey",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "GetPublicKey",
    "ReEncrypt",
];
