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
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use crate::error::Error;
use crate::settings::{Limits, Settings};
use crate::stack::Stack;

/// A gateway that listens. Connections wait until [`Server::serve`] takes them.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    stack: Arc<Stack>,
    limits: Limits,
}

/// How a gateway stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// How many connections still had a request when the time to drain was over.
    pub cut: usize,
}

impl Server {
    /// Listens. An address that other machines reach is refused unless the settings allow it.
    pub async fn bind(settings: Settings, engine: Arc<Engine>, wire: Arc<dyn Wire>) -> Result<Self, Error> {
        let address = settings.listen;
        if !address.ip().to_canonical().is_loopback() && !settings.allow_remote {
            return Err(Error::RemoteListen { address });
        }
        let failed = |source| Error::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let stack = Arc::new(Stack::new(engine, wire, settings.limits));
        Ok(Self { listener, address, stack, limits: settings.limits })
    }

    /// The address it listens on, with the port that was chosen if port 0 was asked for.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` is done, then takes no more connections, lets open requests finish and closes idle ones.
    pub async fn serve(self, stop: impl Future<Output = ()>) -> Stopped {
        let mut stop = pin!(stop);
        let places = Arc::new(Semaphore::new(self.limits.connections));
        let graceful = GracefulShutdown::new();
        let mut connections = JoinSet::new();
        tracing::info!(address = %self.address, "listening");
        loop {
            tokio::select! {
                biased;
                () = &mut stop => break,
                Some(_) = connections.join_next() => {}
                accepted = accept(&self.listener, &places) => match accepted {
                    Ok((stream, place)) => {
                        let served = graceful.watch(connection(stream, &self.stack, &self.limits));
                        connections.spawn(async move {
                            // A connection's own errors (reset, malformed head, idle too long) concern nobody else.
                            let _ = served.await;
                            drop(place);
                        });
                    }
                    Err(error) => {
                        // Out of file descriptors, most likely: the ones in use must end before another try can help.
                        tracing::warn!(kind = %error.kind(), "a connection could not be accepted");
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

async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let place = places.clone().acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    // Answers are single writes; waiting to fill a packet would only delay them.
    stream.set_nodelay(true)?;
    Ok((stream, place))
}

fn connection(
    stream: TcpStream,
    stack: &Arc<Stack>,
    limits: &Limits,
) -> http1::Connection<
    TokioIo<TcpStream>,
    impl hyper::service::HttpService<
        hyper::body::Incoming,
        ResBody = http_body_util::Full<bytes::Bytes>,
        Error = Infallible,
        Future: Send,
    > + use<>,
> {
    let stack = stack.clone();
    let service = service_fn(move |request| {
        let stack = stack.clone();
        async move { Ok::<_, Infallible>(stack.answer(request).await) }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_time)
        .max_header_size(limits.head)
        .serve_connection(TokioIo::new(stream), service)
}

const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
