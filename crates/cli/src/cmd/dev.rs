//! `dynaseal dev`: the newcomer's command. A key, a configuration, an embedded DynamoDB, and one story told on it.

mod page;
mod setup;
mod story;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use dynaseal_engine::Config;
use dynaseal_gateway::{Embedded, RuntimeClock, Server, Settings, with_keys};

use super::{Outcome, gateway};
use crate::error::Error;
use page::Page;
use story::Story;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The port on 127.0.0.1; 0 takes any free one.
    #[arg(long, value_name = "PORT", default_value_t = 8000)]
    port: u16,
    /// Stop after the story: exit 0 if every step went as told, 1 if not.
    #[arg(long)]
    once: bool,
}

pub(crate) fn run(args: &Args) -> Result<Outcome, Error> {
    let mut page = Page::new(io::stdout());
    page.title("Dynaseal: a DynamoDB on this machine that sees only sealed items")?;
    setup::prepare(&mut page)?;
    let config = gateway::load(setup::CONFIG.as_ref())?;
    gateway::runtime()?.block_on(tell_and_serve(args, config, &mut page))
}

async fn tell_and_serve(args: &Args, config: Config, page: &mut Page<io::Stdout>) -> Result<Outcome, Error> {
    // The configuration's upstream is for `dynaseal gateway`; of its database, a file is kept and used.
    let database = Embedded::open(config.gateway.database.as_deref())?;
    let where_to = config.gateway.database.as_ref().map_or("in memory".into(), |file| file.display().to_string());
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port));
    let settings = Settings { listen, allow_remote: false, ..gateway::settings(&config.gateway) };
    let story = Story::of(&config, database.clone());
    let target = gateway::target(&config.gateway, |service| config.needs(service));
    let wire = with_keys(database, &target, gateway::upstream_limits(&config.gateway)).await?;
    let engine = Arc::new(config.into_engine(Arc::new(RuntimeClock)));
    let server = Server::bind(settings, engine, wire).await.map_err(|error| busy(error, args.port))?;
    let url = format!("http://{}", server.local_addr());
    page.entry("listen", &url, &format!("the database is {where_to}"))?;

    let (told, stop) = tokio::sync::oneshot::channel::<()>();
    let once = args.once;
    let serving = tokio::spawn(async move {
        if once {
            let stop = async { drop(stop.await) };
            server.serve(stop).await;
            Ok(Outcome::Done)
        } else {
            gateway::until_stopped(server).await
        }
    });
    let went_as_told = story.tell(&url, page).await?;
    if once {
        drop(told);
    } else {
        page.serving(&url)?;
    }
    let served = serving.await.map_err(|error| dynaseal_gateway::Error::Process {
        what: "the gateway's task",
        source: io::Error::other(error),
    })?;
    Ok(if went_as_told { served? } else { Outcome::Found })
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
