//! Every layer that a request passes, in order.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use bytes::Bytes;
use dynaseal_engine::{Call, Engine, Wire};
use dynaseal_http::{Reply, invocation};
use dynaseal_web::minimal_headers;
use http::header::{CONTENT_TYPE, EXPECT, ORIGIN};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;

use crate::caches;
use crate::kms::Counted;
use crate::limits::{Load, discard};
use crate::metrics::Metrics;
use crate::operation::{Label, Target};
use crate::reject::Reject;
use crate::respond::{self, Refused};
use crate::settings::Limits;
use crate::trace::{self, Record};

/// What all connections share.
pub(crate) struct Stack {
    engine: Arc<Engine>,
    wire: Counted,
    load: Load,
    metrics: Arc<Metrics>,
}

impl Stack {
    pub(crate) fn new(engine: Arc<Engine>, wire: Arc<dyn Wire>, limits: Limits) -> Self {
        let metrics = Arc::new(Metrics::new());
        Self { engine, wire: Counted::new(wire, metrics.clone()), load: Load::new(limits), metrics }
    }

    /// Request in, response out.
    pub(crate) async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let started = Instant::now();
        let (head, mut body) = request.into_parts();

        // 1. Health and metrics come before every limit: they must answer under load.
        if let Some(response) = self.side_door(&head) {
            return response;
        }

        // 2. A panic below ends its request, not the connection and the other requests' tables of work.
        let mut record = Record::new();
        let result = unpanicked(self.carry_out(&head, &mut body, &mut record)).await;

        // 3. Errors take shape here and nowhere else. What is left of an unwanted body is read, or the connection closed.
        let reply = result.unwrap_or_else(|refused| respond::refused(&refused));
        let mut close = false;
        if reply.code.is_some() {
            // A caller that waits for "100 Continue" has sent nothing and, refused, sends nothing; a slow one is not
            // waited for twice.
            let waits = head.headers.contains_key(EXPECT) && record.received == 0;
            let slow = reply.status == StatusCode::REQUEST_TIMEOUT;
            close = waits || slow || !discard(&mut body).await;
        }

        // 4. One line in the log and one count for each request, whatever became of it.
        let took = started.elapsed();
        self.metrics.count(record.label, reply.outcome, took);
        trace::request(&record, &reply, took);
        respond::response(reply, close)
    }

    async fn carry_out(&self, head: &Parts, body: &mut Incoming, record: &mut Record) -> Result<Reply, Refused> {
        // a. Only what an SDK on a server sends.
        let Target { service, operation } = admit(head)?;
        record.label = Label::of(operation);

        // b. A place among the requests in flight, kept until the answer is there.
        let _place = self.load.enter()?;

        // c. The body, bounded in size, time and the memory that all of them share.
        let (bytes, _held) = self.load.read(body).await?;
        record.body(&bytes);

        // d. The engine: seals, opens, refuses, or passes on; the wire below it signs and sends.
        let call = Call::new(service, operation.to_owned(), bytes).attempt_of(invocation(&head.headers));
        let answer = self.engine.call(&self.wire, call).await?;

        // e. What came back must be DynamoDB's to go on as it is.
        Ok(Reply::of_answer(operation, answer)?)
    }

    fn side_door(&self, head: &Parts) -> Option<Response<Full<Bytes>>> {
        if head.method != Method::GET {
            return None;
        }
        let (kind, text) = match head.uri.path() {
            "/healthz" => ("application/json", r#"{"status":"ok"}"#.to_owned()),
            "/metrics" => {
                let text = self.metrics.text(self.load.in_flight()) + &caches::text(&self.engine.cache_stats());
                ("text/plain; version=0.0.4", text)
            }
            _ => return None,
        };
        let mut response = Response::new(Full::from(text));
        minimal_headers(response.headers_mut());
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        Some(response)
    }
}

/// Takes `POST /` with a target. Pages in a browser are turned away: one that reaches 127.0.0.1, by DNS rebinding for
/// example, would otherwise use the gateway's keys and credentials. Browsers put `Origin` on every POST, SDKs never do.
fn admit(head: &Parts) -> Result<Target<'_>, Reject> {
    if head.headers.contains_key(ORIGIN) {
        return Err(Reject::Browser);
    }
    if head.method != Method::POST || head.uri.path() != "/" {
        return Err(Reject::Route);
    }
    let target = head.headers.get("x-amz-target").ok_or(Reject::Target)?;
    Target::parse(target.as_bytes()).ok_or(Reject::Target)
}

async fn unpanicked<T>(work: impl Future<Output = Result<T, Refused>>) -> Result<T, Refused> {
    let mut work = pin!(work);
    poll_fn(|cx| {
        // After a panic the future is not polled again, so nothing sees what it left half done.
        catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx)))
            .unwrap_or_else(|_| Poll::Ready(Err(Reject::Panicked.into())))
    })
    .await
}
