//! Users whose e-mail addresses DynamoDB cannot read. The contract is `examples/README.md`.
//!
//! ```text
//!  TLS, or plain HTTP to refuse ──> app.rs: layers, routes ──> users.rs, sessions.rs ──> store.rs ──> dynaseal ──> DynamoDB
//!                                              input.rs ──^         |  attempts.rs, passwords.rs, tokens.rs
//!                                  error.rs: the one way out <──────┘
//! ```

mod app;
mod attempts;
mod error;
mod input;
mod passwords;
mod sessions;
mod store;
mod tokens;
mod users;

use std::error::Error;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;

use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::store::Store;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    start_log()?;
    let store = Store::open(&variable("DYNASEAL_CONFIG", "dynaseal.toml")).await?;
    let app = app::router(store);

    rustls::crypto::aws_lc_rs::default_provider().install_default().map_err(|_| "there is a TLS provider already")?;
    let (certificate, key) = (variable("TLS_CERT", "cert.pem"), variable("TLS_KEY", "key.pem"));
    let tls = RustlsConfig::from_pem_file(&certificate, &key)
        .await
        .map_err(|error| format!("{certificate}, {key}: {error}"))?;
    let (https, http) = (Handle::<SocketAddr>::new(), Handle::<SocketAddr>::new());
    let addresses = [variable("LISTEN_HTTPS", "127.0.0.1:8443"), variable("LISTEN_HTTP", "127.0.0.1:8080")];
    let [at_https, at_http] = &addresses;
    let mut secure = axum_server::bind_rustls(at_https.parse()?, tls);
    // Only to say that HTTPS is required.
    let mut plain = axum_server::bind(at_http.parse()?);
    for builder in [secure.http_builder(), plain.http_builder()] {
        builder.http1().header_read_timeout(HEAD_TIME);
    }
    let secure = secure.handle(https.clone()).serve(app::service(app.clone(), true));
    let plain = plain.handle(http.clone()).serve(app::service(app, false));

    let announce = async {
        if let (Some(secure), Some(plain)) = (https.listening().await, http.listening().await) {
            writeln!(io::stdout(), "listening https://{secure} http://{plain}")?;
        }
        stopped().await?;
        for handle in [&https, &http] {
            handle.graceful_shutdown(Some(DRAIN));
        }
        Ok::<_, io::Error>(())
    };
    tokio::try_join!(secure, plain, announce).map_err(|error| format!("{}: {error}", addresses.join(", ")))?;
    Ok(())
}

/// Our own crates alone: libraries underneath log bodies and headers at their lower levels.
fn start_log() -> Result<(), Box<dyn Error>> {
    let level: Level = variable("LOG", "info").parse()?;
    let ours = ["users_axum", "dynaseal", "tower_http"].map(|target| (target, level));
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_ansi(false);
    tracing_subscriber::registry().with(Targets::new().with_targets(ours)).with(lines).try_init()?;
    Ok(())
}

/// Ctrl-C and, on Unix, SIGTERM.
async fn stopped() -> io::Result<()> {
    #[cfg(unix)]
    {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            _ = terminate.recv() => Ok(()),
            interrupted = tokio::signal::ctrl_c() => interrupted,
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}

fn variable(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_owned())
}

const DRAIN: Duration = Duration::from_secs(10);
/// How long a connection may take to send a request's head.
const HEAD_TIME: Duration = Duration::from_secs(30);
