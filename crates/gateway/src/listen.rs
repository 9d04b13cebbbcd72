//! Sockets: bind, accept, serve, drain.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use dynaseal_engine::{Engine, Wire};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::error::Error;
use crate::lines::{Line, Lines, Place};
use crate::paced::Paced;
use crate::settings::{Limits, Settings};
use crate::shortage::{self, Shortages};
use crate::stack::Stack;
use crate::start::{self, Fact};

/// A gateway that listens. Connections wait until [`Server::serve`] takes them.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    stack: Arc<Stack>,
    limits: Limits,
    protection: Protection,
    facts: Vec<Fact>,
}

/// What the engine says of tables, for the line that tells of the start.
struct Protection {
    tables: String,
    others: &'static str,
}

impl Protection {
    fn of(engine: &Engine) -> Self {
        Self { tables: engine.protected().join(","), others: engine.other_tables().word() }
    }

    fn facts(&self) -> [Fact; 2] {
        let protects = match self.tables.as_str() {
            "" => Fact::warning("protects", "NOTHING: every item passes as it is"),
            tables => Fact::new("protects", tables.replace(',', ", ")),
        };
        [protects, Fact::new("other tables", format!("{} (other_tables)", self.others))]
    }
}

/// How a gateway stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// How many connections still had a request when the time to drain was over.
    pub cut: usize,
}

impl Server {
    /// Listens. An address that other machines reach is refused unless the settings allow it.
    pub async fn bind(mut settings: Settings, engine: Arc<Engine>, wire: Arc<dyn Wire>) -> Result<Self, Error> {
        let address = settings.listen;
        if !address.ip().to_canonical().is_loopback() && !settings.allow_remote {
            return Err(Error::RemoteListen { address });
        }
        let failed = |source| Error::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let limits = settings.limits;
        let (protection, facts) = (Protection::of(&engine), std::mem::take(&mut settings.facts));
        let stack = Arc::new(Stack::new(engine, wire, settings));
        Ok(Self { listener, address, stack, limits, protection, facts })
    }

    /// The address it listens on, with the port that was chosen if port 0 was asked for.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    fn tell(&self) {
        let mut facts = vec![Fact::new("listens on", format!("http://{}", self.address))];
        if !self.address.ip().to_canonical().is_loopback() {
            facts.push(Fact::warning(
                "callers",
                "are not checked, and other machines reach this address (allow_remote)",
            ));
        }
        facts.extend(self.protection.facts());
        facts.extend(self.facts.iter().cloned());
        start::tell(&facts);
    }

    /// Serves until `stop` is done, then takes no more connections, lets open requests finish and closes idle ones.
    pub async fn serve(self, stop: impl Future<Output = ()>) -> Stopped {
        let mut stop = pin!(stop);
        let graceful = GracefulShutdown::new();
        let mut connections = JoinSet::new();
        let shortages = Shortages::default();
        self.tell();
        let Protection { tables, others } = &self.protection;
        tracing::info!(address = %self.address, protected = tables, other_tables = others, "listening");
        loop {
            tokio::select! {
                biased;
                () = &mut stop => break,
                Some(_) = connections.join_next() => {}
                accepted = accept(&self.listener, self.stack.lines()) => match accepted {
                    // A peer with as many connections at work as it may have.
                    Ok((_, None)) => {}
                    Ok((stream, Some(place))) => {
                        let stream = Paced::new(stream, place.line().clone(), &self.limits);
                        let served = graceful.watch(connection(stream, place.line(), &self.stack, &self.limits));
                        connections.spawn(async move {
                            // A connection's own errors (reset, malformed head, idle or slow) concern nobody else.
                            tokio::select! {
                                _ = served => {}
                                () = place.line().closed() => {}
                            }
                        });
                    }
                    Err(error) => if let Some(limit) = shortage::of_accept(&error) {
                        // What is in use must end before another try can help.
                        shortages.meet(limit);
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
        drop(self.listener);
        tracing::info!(connections = connections.len(), "draining");
        let drained = tokio::time::timeout(self.limits.drain_time, async {
            graceful.shutdown().await;
            while connections.join_next().await.is_some() {}
        });
        let _ = drained.await;
        let stopped = Stopped { cut: connections.len() };
        connections.shutdown().await;
        tracing::info!(cut = stopped.cut, "stopped");
        stopped
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

async fn accept(listener: &TcpListener, lines: &Arc<Lines>) -> io::Result<(TcpStream, Option<Place>)> {
    lines.room().await;
    let (stream, peer) = listener.accept().await?;
    // Answers are single writes; waiting to fill a packet would only delay them.
    stream.set_nodelay(true)?;
    Ok((stream, lines.enter(peer.ip())))
}

fn connection(
    stream: Paced,
    line: &Arc<Line>,
    stack: &Arc<Stack>,
    limits: &Limits,
) -> http1::Connection<
    TokioIo<Paced>,
    impl hyper::service::HttpService<
        hyper::body::Incoming,
        ResBody = http_body_util::Full<bytes::Bytes>,
        Error = Infallible,
        Future: Send,
    > + use<>,
> {
    let (stack, line) = (stack.clone(), line.clone());
    let service = service_fn(move |request| {
        let (stack, line) = (stack.clone(), line.clone());
        async move { Ok::<_, Infallible>(stack.answer(request, &line).await) }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        // From the end of the request before; of a head that has begun `paced.rs` takes the time.
        .header_read_timeout(limits.idle_time)
        .max_header_size(limits.head)
        .serve_connection(TokioIo::new(stream), service)
}

const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
