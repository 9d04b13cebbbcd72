//! `dynaseal dev`: the newcomer's command. A key, a configuration, an embedded DynamoDB, and one story told on it.
//!
//! ```text
//!  an application ──> --port        gateway ──> seals, opens ──┐
//!                                                              ├──> one embedded database
//!  a sealed client ─> --plain-port  gateway without tables ────┘
//! ```

mod page;
mod setup;
mod story;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use dynaseal_engine::{Config, Engine};
use dynaseal_gateway::{Embedded, RuntimeClock, Server, Settings, on_all_cores, with_keys};

use super::{Outcome, gateway};
use crate::error::Error;
use crate::output::Stdout;
use page::Page;
use story::Story;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The port on 127.0.0.1; 0 takes any free one.
    #[arg(long, value_name = "PORT", default_value_t = 8000)]
    port: u16,
    /// The port of the same database past the gateway: items as they are stored, for a look and for programs that seal by
    /// themselves [default: the next one, or any that is free].
    #[arg(long, value_name = "PORT")]
    plain_port: Option<u16>,
    /// Stop after the story: exit 0 if every step went as told, 1 if not.
    #[arg(long)]
    once: bool,
}

pub(crate) fn run(args: &Args) -> Result<Outcome, Error> {
    let mut page = Page::new(Stdout);
    page.title("Dynaseal: a DynamoDB on this machine that sees only sealed items")?;
    setup::prepare(&mut page)?;
    let config = gateway::load(setup::CONFIG.as_ref())?;
    gateway::runtime()?.block_on(tell_and_serve(args, config, &mut page))
}

async fn tell_and_serve(args: &Args, config: Config, page: &mut Page<Stdout>) -> Result<Outcome, Error> {
    // The configuration's upstream is for `dynaseal gateway`; of its database, a file is kept and used.
    let database = Embedded::open(config.gateway.database.as_deref())?;
    let where_to = config.gateway.database.as_ref().map_or("in memory".into(), |file| file.display().to_string());
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port));
    let settings = Settings { listen, allow_remote: false, ..gateway::settings(&config.gateway) };
    let story = Story::of(&config, database.clone());
    let target = gateway::target(&config.gateway, |service| config.needs(service));
    let wire = with_keys(database.clone(), &target, gateway::upstream_limits(&config.gateway)).await?;
    let engine = Arc::new(on_all_cores(config.into_engine(Arc::new(RuntimeClock))));
    let server = Server::bind(settings.clone(), engine, wire).await.map_err(|error| busy(error, args.port))?;
    let plain = bind_plain(args, settings, database).await?;
    let [url, plain_url] = [&server, &plain].map(|server| format!("http://{}", server.local_addr()));
    page.entry("listen", &url, &format!("seals and opens; the database is {where_to}"))?;
    page.entry("plain", &plain_url, "the same tables as they are stored")?;

    let (told, stop) = tokio::sync::oneshot::channel::<()>();
    let once = args.once;
    let serving = tokio::spawn(async move {
        if once {
            let stop = async { drop(stop.await) };
            server.serve(stop).await;
            Ok(Outcome::Done)
        } else {
            let plain = tokio::spawn(gateway::until_stopped(plain, gateway::watch()?));
            let outcome = gateway::until_stopped(server, gateway::watch()?).await;
            // Both stop by the same signal; what the plain one still has to answer is waited for, too.
            let _ = plain.await;
            outcome
        }
    });
    let went_as_told = story.tell(&url, page).await?;
    if once {
        drop(told);
    } else {
        page.serving(&url, &plain_url)?;
    }
    let served = serving.await.map_err(|error| dynaseal_gateway::Error::Process {
        what: "the gateway's task",
        source: io::Error::other(error),
    })?;
    Ok(if went_as_told { served? } else { Outcome::Found })
}

/// The database without a gateway before it. A port that nobody asked for may be another one.
async fn bind_plain(args: &Args, settings: Settings, database: Embedded) -> Result<Server, Error> {
    let next = if args.port == 0 { 0 } else { args.port.checked_add(1).unwrap_or(0) };
    let ports = args.plain_port.map_or_else(|| vec![next, 0], |port| vec![port]);
    let mut last = None;
    for port in ports {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let engine = Arc::new(Engine::new([], Arc::new(RuntimeClock)).with_no_tables_allowed(true));
        let settings = Settings { listen, ..settings.clone() };
        match Server::bind(settings, engine, Arc::new(database.clone())).await.map_err(|error| busy(error, port)) {
            Ok(server) => return Ok(server),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or(Error::PortInUse { port: args.port }))
}

/// The one failure to start that a newcomer is likely to meet.
fn busy(error: dynaseal_gateway::Error, port: u16) -> Error {
    match error {
        dynaseal_gateway::Error::Listen { source, .. } if source.kind() == io::ErrorKind::AddrInUse => {
            Error::PortInUse { port }
        }
        other => other.into(),
    }
}
