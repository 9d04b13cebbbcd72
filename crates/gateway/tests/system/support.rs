//! What the tests share: a gateway on a free port, a client, and wires and upstreams that misbehave on purpose.

use std::convert::Infallible;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use bytes::Bytes;
use dynaseal_engine::{Answer, BoxFuture, Call, Engine, SystemClock, Wire, WireError};
use dynaseal_gateway::{Server, Settings, Stopped, Target, Upstream, UpstreamLimits};
use http::request::Parts;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::SendRequest;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A gateway for no protected tables, in front of `wire`.
pub struct Gateway {
    pub address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Stopped>,
}

impl Gateway {
    pub async fn start(wire: Arc<dyn Wire>) -> Self {
        Self::start_with(Settings::default(), wire).await
    }

    pub async fn start_with(settings: Settings, wire: Arc<dyn Wire>) -> Self {
        Self::start_for(Engine::new([], Arc::new(SystemClock)), settings, wire).await
    }

    /// One for the protected tables of `engine`.
    pub async fn start_for(engine: Engine, mut settings: Settings, wire: Arc<dyn Wire>) -> Self {
        settings.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = Server::bind(settings, Arc::new(engine), wire).await.unwrap();
        let address = server.local_addr();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(server.serve(async {
            let _ = stopped.await;
        }));
        Self { address, stop, task }
    }

    /// Tells it to stop; the handle ends once it has.
    pub fn stop(self) -> JoinHandle<Stopped> {
        self.stop.send(()).unwrap();
        self.task
    }

    pub async fn connect(&self) -> Client {
        Client::connect(self.address).await
    }

    /// One call to DynamoDB Streams over a connection of its own.
    pub async fn call_streams(&self, operation: &str, body: &str) -> Reply {
        let target = target(&format!("DynamoDBStreams_20120810.{operation}"));
        self.connect().await.send(target, body.to_owned()).await
    }

    /// One call over a connection of its own.
    pub async fn call(&self, operation: &str, body: &str) -> Reply {
        self.connect().await.call(operation, body).await
    }
}

/// One connection.
pub struct Client(SendRequest<Full<Bytes>>);

impl Client {
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self(sender)
    }

    pub async fn call(&mut self, operation: &str, body: &str) -> Reply {
        self.send(target(&format!("DynamoDB_20120810.{operation}")), body.to_owned()).await
    }

    pub async fn send(&mut self, request: http::request::Builder, body: impl Into<Bytes>) -> Reply {
        self.0.ready().await.unwrap();
        let response = self.0.send_request(request.body(Full::new(body.into())).unwrap()).await.unwrap();
        let (head, body) = response.into_parts();
        Reply { status: head.status.as_u16(), headers: head.headers, body: body.collect().await.unwrap().to_bytes() }
    }
}

pub fn target(target: &str) -> http::request::Builder {
    Request::post("/").header("host", "gateway").header("x-amz-target", target)
}

#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {:?}", self.body))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Status, short error type and our code, once all that every error must have is there.
    #[track_caller]
    pub fn error(&self) -> (u16, String, String) {
        let body = self.json();
        let (_, kind) = body["__type"].as_str().expect("a type").rsplit_once('#').expect("a namespace");
        let message = body["message"].as_str().expect("a message");
        assert_eq!(self.header("content-type"), "application/x-amz-json-1.0");
        assert_eq!(self.header("x-amz-crc32"), crc32fast::hash(&self.body).to_string());
        assert!(!self.header("x-amzn-requestid").is_empty());
        (self.status, kind.to_owned(), message.split(':').next().unwrap().to_owned())
    }
}

#[track_caller]
pub fn assert_error(reply: &Reply, status: u16, kind: &str, code: &str) {
    assert_eq!(reply.error(), (status, kind.to_owned(), code.to_owned()), "{}", reply.json());
}

/// A wire that does what a function says.
pub struct FnWire<F>(pub F);

impl<F, R> Wire for FnWire<F>
where
    F: Fn(Call) -> R + Send + Sync,
    R: Future<Output = Result<Answer, WireError>> + Send + 'static,
{
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        Box::pin(self.0(call))
    }
}

pub fn ok(body: &str) -> Result<Answer, WireError> {
    Ok(Answer::new(200, body.into()))
}

/// An upstream that answers properly: with what `answer` makes of each request. It remembers them.
pub struct FakeUpstream {
    pub address: SocketAddr,
    pub seen: Arc<Mutex<Vec<(Parts, Bytes)>>>,
}

impl FakeUpstream {
    pub async fn start(answer: impl Fn() -> Response<Full<Bytes>> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let answer = Arc::new(answer);
        let remembered = seen.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answer, seen) = (answer.clone(), remembered.clone());
                let service = service_fn(move |request: Request<hyper::body::Incoming>| {
                    let (answer, seen) = (answer.clone(), seen.clone());
                    async move {
                        let (head, body) = request.into_parts();
                        let body = body.collect().await.unwrap().to_bytes();
                        seen.lock().unwrap().push((head, body));
                        Ok::<_, Infallible>(answer())
                    }
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Self { address, seen }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// An upstream that reads a request and then writes these bytes, waits, and closes.
pub async fn raw_upstream(bytes: &'static [u8], then_wait: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(bytes).await;
                tokio::time::sleep(then_wait).await;
            });
        }
    });
    format!("http://{address}")
}

#[path = "../../../http/tests/sigv4/mod.rs"]
mod sigv4;
pub use sigv4::{TEST_KEY_ID, TEST_SECRET, TEST_TOKEN, assert_signature, assert_signed_for};

pub fn upstream(url: &str, limits: UpstreamLimits) -> Arc<dyn Wire> {
    Arc::new(network(&Target::new(url, Some("eu-west-1".into()), None), limits))
}

pub fn network(target: &Target, limits: UpstreamLimits) -> Upstream {
    let credentials = Credentials::new(TEST_KEY_ID, TEST_SECRET, Some(TEST_TOKEN.into()), None, "test");
    Upstream::with_credentials(target, SharedCredentialsProvider::new(credentials), limits).unwrap()
}

pub fn brisk() -> UpstreamLimits {
    UpstreamLimits {
        connect_time: Duration::from_millis(300),
        answer_time: Duration::from_millis(600),
        ..UpstreamLimits::default()
    }
}
