//! `dynaseal gateway`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dynaseal_engine::{Config, GatewaySection, Machine, Service};
use dynaseal_gateway::{
    Limits, LogLevel, Opened, RuntimeClock, Server, Settings, StopSignals, Target, UpstreamLimits, VaultServer,
    look_at_tables, make_room, on_all_cores, open_upstream, start_log,
};
use tokio::runtime::Runtime;

use super::Outcome;
use crate::error::Error;
use crate::output::Stream;
use crate::say;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = "dynaseal.toml")]
    config: PathBuf,
    /// The address to listen on, instead of the configuration's.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// What to log on stderr: error, warn, info, debug (each request) or trace.
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    log: LogLevel,
}

pub(crate) fn run(args: &Args) -> Result<Outcome, Error> {
    let mut config = load(&args.config)?;
    if let Some(listen) = args.listen {
        config.gateway.listen = listen;
    }
    // Kept until the end, so that what is said last is written.
    let _log = start_log(args.log)?;
    runtime()?.block_on(serve(config))
}

async fn serve(config: Config) -> Result<Outcome, Error> {
    let section = &config.gateway;
    let target = target(section, |service| config.needs(service));
    let (mut settings, limits) = (settings(section), upstream_limits(section));
    let few = make_room(&mut settings.limits);
    let Opened { wire, facts } = open_upstream(&target, limits).await?;
    settings.facts = facts.into_iter().chain(few).collect();
    let engine = Arc::new(on_all_cores(config.into_engine(Arc::new(RuntimeClock))));
    // Before callers can be there, so that whoever reached it can end it in order.
    let stops = watch()?;
    let server = Server::bind(settings, Arc::clone(&engine), Arc::clone(&wire)).await?;
    // Beside the first calls, which it need not hold up.
    tokio::spawn(async move { look_at_tables(&engine, wire.as_ref()).await });
    until_stopped(server, stops).await
}

/// Reads a configuration and says on stderr what in it is worth a second look.
pub(crate) fn load(path: &Path) -> Result<Config, Error> {
    let config = Config::load(path, &Machine)?;
    let mut warnings = Vec::new();
    for warning in &config.warnings {
        say::fault("warning", warning, &mut warnings);
    }
    // Nothing can be said when stderr is gone.
    let _ = Stream::Err.write(&warnings);
    Ok(config)
}

/// Serves until the first Ctrl-C, SIGTERM or SIGHUP and its drain are over; a second request to end cuts the drain short.
pub(super) async fn until_stopped(server: Server, [mut first, mut second]: [StopSignals; 2]) -> Result<Outcome, Error> {
    tokio::select! {
        _ = server.serve(first.first()) => {}
        () = second.second() => {}
    }
    Ok(Outcome::Done)
}

/// What [`until_stopped`] waits for. From now on signals alone do not end the process.
pub(super) fn watch() -> Result<[StopSignals; 2], Error> {
    Ok([StopSignals::watch()?, StopSignals::watch()?])
}

/// Where calls go, those of the key management services that keys need among them.
pub(crate) fn target(section: &GatewaySection, needs: impl Fn(Service) -> bool) -> Target {
    let GatewaySection { upstream, region, database, kms_endpoint, .. } = section;
    let target = Target::new(upstream, region.clone(), database.clone()).trusting(section.ca.clone());
    let target = target.danger_plain_upstream(section.danger_plain_upstream);
    let target = if needs(Service::Kms) { target.with_kms(kms_endpoint.clone()) } else { target };
    if needs(Service::Vault) { target.with_vault(VaultServer::Environment) } else { target }
}

pub(super) fn settings(section: &GatewaySection) -> Settings {
    let default = Limits::default();
    Settings {
        listen: section.listen,
        allow_remote: section.allow_remote,
        hosts: section.allowed_hosts.clone(),
        limits: Limits {
            in_flight: section.max_in_flight.unwrap_or(default.in_flight),
            connections: section.max_connections.unwrap_or(default.connections),
            connections_of_peer: section.max_connections_per_peer.unwrap_or(default.connections_of_peer),
            stall_time: section.stall_timeout.unwrap_or(default.stall_time),
            rate: section.min_rate.unwrap_or(default.rate),
            drain_time: section.drain_timeout.unwrap_or(default.drain_time),
            ..default
        },
        ..Settings::default()
    }
}

pub(crate) fn upstream_limits(section: &GatewaySection) -> UpstreamLimits {
    let default = UpstreamLimits::default();
    UpstreamLimits {
        connect_time: section.connect_timeout.unwrap_or(default.connect_time),
        answer_time: section.timeout.unwrap_or(default.answer_time),
        ..default
    }
}

pub(crate) fn runtime() -> Result<Runtime, Error> {
    Runtime::new().map_err(|source| dynaseal_gateway::Error::Process { what: "the async runtime", source }.into())
}
