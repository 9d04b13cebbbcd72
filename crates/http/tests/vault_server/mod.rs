//! The transit engine in memory as a server on loopback. It remembers what it was asked, and misbehaves on order.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use dynaseal_engine::{Call, Service, Wire};
use dynaseal_keys::testing::FakeTransit;
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// How it answers.
#[derive(Clone)]
pub(crate) enum Manner {
    /// As Vault does.
    Serves,
    /// By sending callers elsewhere.
    Redirects(String),
    /// With so many bytes more than anyone asked for.
    SaysTooMuch(usize),
    /// Not at all.
    Hangs,
}

/// A server that lets one token in.
#[derive(Clone)]
pub(crate) struct Vault(Arc<State>);

struct State {
    address: SocketAddr,
    transit: FakeTransit,
    token: Mutex<String>,
    manner: Mutex<Manner>,
    seen: Mutex<Vec<(Parts, Bytes)>>,
}

impl Vault {
    /// With the key `branch-keys`.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self(Arc::new(State {
            address: listener.local_addr().unwrap(),
            transit: FakeTransit::default().with_key("branch-keys"),
            token: Mutex::new(TOKEN.to_owned()),
            manner: Mutex::new(Manner::Serves),
            seen: Mutex::default(),
        }));
        let served = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = served.clone();
                let service = service_fn(move |request| server.clone().answer(request));
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.0.address)
    }

    pub(crate) fn transit(&self) -> &FakeTransit {
        &self.0.transit
    }

    pub(crate) fn behave(&self, manner: Manner) {
        *self.0.manner.lock().unwrap() = manner;
    }

    /// Lets another token in, and the one before no more.
    pub(crate) fn renew(&self, token: &str) {
        token.clone_into(&mut self.0.token.lock().unwrap());
    }

    /// Every request so far, and from now on none.
    pub(crate) fn take_seen(&self) -> Vec<(Parts, Bytes)> {
        std::mem::take(&mut *self.0.seen.lock().unwrap())
    }

    async fn answer(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        self.0.seen.lock().unwrap().push((head.clone(), body.clone()));
        let manner = self.0.manner.lock().unwrap().clone();
        let answer = match manner {
            Manner::Serves => self.serve(&head, body).await,
            Manner::Redirects(url) => {
                let elsewhere = Response::builder().status(StatusCode::TEMPORARY_REDIRECT);
                elsewhere.header("location", format!("{url}{}", head.uri.path())).body(Full::default()).unwrap()
            }
            Manner::SaysTooMuch(more) => said(200, format!("{{\"data\":\"{}\"}}", "x".repeat(more))),
            Manner::Hangs => std::future::pending().await,
        };
        Ok(answer)
    }

    async fn serve(&self, head: &Parts, body: Bytes) -> Response<Full<Bytes>> {
        let text = |name: &str| head.headers.get(name).map_or("", |value| value.to_str().unwrap());
        let Some(path) = head.uri.path().strip_prefix("/v1/").filter(|_| head.method == Method::POST) else {
            return said(404, r#"{"errors":[]}"#);
        };
        if text("x-vault-request") != "true" || text("content-type") != "application/json" {
            return said(412, r#"{"errors":["not a client of Vault"]}"#);
        }
        if text("x-vault-token") != *self.0.token.lock().unwrap() {
            return said(403, r#"{"errors":["permission denied"]}"#);
        }
        let answer = self.0.transit.send(Call::new(Service::Vault, path.to_owned(), body.to_vec())).await.unwrap();
        said(answer.status, answer.body)
    }
}

fn said(status: u16, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let answer = Response::builder().status(status).header("content-type", "application/json");
    answer.body(Full::new(body.into())).unwrap()
}

/// The token that is let in at first.
pub(crate) const TOKEN: &str = "test-token-canary-71c0";
