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
use hyper::body::{Body, Incoming};

use crate::attribution::Attributed;
use crate::caches;
use crate::encoding::{Encoding, Protocol};
use crate::hosts::is_ours;
use crate::kms::Counted;
use crate::limits::{Load, discard};
use crate::lines::{Line, Lines};
use crate::metrics::Metrics;
use crate::operation::{Label, Target};
use crate::reject::Reject;
use crate::respond::{self, Refused};
use crate::settings::Settings;
use crate::trace::{self, Record, Sparing};

/// What all connections share.
pub(crate) struct Stack {
    engine: Arc<Engine>,
    wire: Counted,
    load: Load,
    lines: Arc<Lines>,
    hosts: Vec<String>,
    metrics: Arc<Metrics>,
    sparing: Sparing,
}

impl Stack {
    pub(crate) fn new(engine: Arc<Engine>, wire: Arc<dyn Wire>, settings: Settings) -> Self {
        let (metrics, lines) = (Arc::new(Metrics::new()), Arc::new(Lines::new(&settings.limits)));
        let load = Load::new(settings.limits, lines.clone());
        Self {
            engine,
            wire: Counted::new(wire, metrics.clone()),
            load,
            lines,
            hosts: settings.hosts,
            metrics,
            sparing: Sparing::default(),
        }
    }

    pub(crate) fn lines(&self) -> &Arc<Lines> {
        &self.lines
    }

    /// Request in, response out. From now on until the response is there, the peer waits for us.
    pub(crate) async fn answer(&self, request: Request<Incoming>, line: &Line) -> Response<Full<Bytes>> {
        line.begins();
        let response = self.respond(request, line).await;
        line.answers(usize::try_from(response.body().size_hint().lower()).unwrap_or(usize::MAX));
        response
    }

    async fn respond(&self, request: Request<Incoming>, line: &Line) -> Response<Full<Bytes>> {
        let started = Instant::now();
        let (head, mut body) = request.into_parts();

        // 1. Health and metrics come before every limit: they must answer under load.
        if let Some(response) = self.side_door(&head) {
            return response;
        }

        // 2. A panic below ends its request, not the connection and the other requests' tables of work.
        let mut record = Record::new();
        let result = unpanicked(self.carry_out(&head, &mut body, line, &mut record)).await;

        // 3. Errors take shape here and nowhere else. What is left of an unwanted body is read, or the connection closed.
        let reply = result.unwrap_or_else(|refused| {
            if let Refused::Engine(error) = &refused {
                record.failed(error);
            }
            respond::refused(&refused)
        });
        let mut close = false;
        if reply.code.is_some() {
            // A caller that waits for "100 Continue" has sent nothing and, refused, sends nothing; a slow one is not
            // waited for twice.
            let waits = head.headers.contains_key(EXPECT) && record.received == 0;
            let slow = reply.status == StatusCode::REQUEST_TIMEOUT || line.is_for_probes();
            line.waits();
            close = waits || slow || !discard(&mut body).await;
        }

        // 4. One line in the log and one count for each request, whatever became of it.
        let took = started.elapsed();
        self.metrics.count(record.label, reply.outcome, took);
        trace::request(&record, &reply, took, &self.sparing);
        respond::response(reply, close, Protocol::of(&head))
    }

    async fn carry_out(
        &self,
        head: &Parts,
        body: &mut Incoming,
        line: &Line,
        record: &mut Record,
    ) -> Result<Reply, Refused> {
        // a. Only what an SDK on a server sends.
        let Target { service, operation } = admit(head, &self.hosts)?;
        record.label = Label::of(operation);
        if line.is_for_probes() {
            return Err(Reject::Busy.into());
        }

        // b. The body, bounded in size, time, pace and the memory that all of them share.
        line.waits();
        let encoding = Encoding::of(&head.headers)?;
        let (bytes, _held) = self.load.read(body, encoding, line).await?;
        line.works();
        record.body(&bytes);

        // c. A place among the requests in flight, kept until the answer is there. The body comes before it: a caller
        // who sends none would hold a place for nothing.
        let _place = self.load.enter()?;

        // d. The engine: seals, opens, refuses, or passes on; the wire below it signs and sends.
        let call = Call::new(service, operation.to_owned(), bytes).attempt_of(invocation(&head.headers));
        let wire = Attributed::new(&self.wire, &head.headers);
        let answer = self.engine.call(&wire, call).await?;

        // e. What came back must be DynamoDB's to go on as it is.
        Ok(Reply::of_answer(operation, answer)?)
    }

    fn side_door(&self, head: &Parts) -> Option<Response<Full<Bytes>>> {
        if head.method != Method::GET {
            return None;
        }
        let (kind, text) = match head.uri.path() {
            "/healthz" | "/metrics" if let Err(reject) = of_server(head, &self.hosts) => {
                return Some(respond::response(respond::refused(&reject.into()), false, Protocol::Json));
            }
            "/healthz" => ("application/json", r#"{"status":"ok"}"#.to_owned()),
            "/metrics" => {
                let text = self.metrics.text(self.load.in_flight(), self.lines.counts());
                ("text/plain; version=0.0.4", text + &caches::text(&self.engine.cache_stats()))
            }
            _ => return None,
        };
        let mut response = Response::new(Full::from(text));
        minimal_headers(response.headers_mut());
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        Some(response)
    }
}

/// Takes `POST /` with a target.
fn admit<'h>(head: &'h Parts, hosts: &[String]) -> Result<Target<'h>, Reject> {
    of_server(head, hosts)?;
    if !Protocol::of(head).is_read() {
        return Err(Reject::Protocol);
    }
    if head.method != Method::POST || head.uri.path() != "/" {
        return Err(Reject::Route);
    }
    // Of two targets nobody knows which one the upstream would take.
    let mut targets = head.headers.get_all("x-amz-target").iter();
    let target = targets.next().filter(|_| targets.next().is_none()).ok_or(Reject::Target)?;
    Target::parse(target.as_bytes()).ok_or(Reject::Target)
}

/// Turns pages in a browser away: one that reaches 127.0.0.1, by DNS rebinding for example, would otherwise use the
/// gateway's keys and credentials, or read its metrics. Browsers put `Origin` on every POST and on what they ask of other
/// sites, SDKs and probes never do; a page whose name was rebound says that name in `Host`.
fn of_server(head: &Parts, hosts: &[String]) -> Result<(), Reject> {
    if head.headers.contains_key(ORIGIN) {
        return Err(Reject::Browser);
    }
    if is_ours(head, hosts) { Ok(()) } else { Err(Reject::Host) }
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
