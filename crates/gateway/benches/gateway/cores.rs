//! What a caller waits for a page of 50 signed items: opened by the thread that carries the call, and shared by the cores. Two
//! servers of this process, over an upstream that answers with a page at once, take turns.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dynaseal_engine::{Answer, BoxFuture, Call, Config, Engine, Machine, Wire, WireError};
use dynaseal_gateway::{RuntimeClock, Server, Settings, on_all_cores};
use serde_json::json;

use crate::load::Load;
use crate::process;
use crate::shape::{self, PROTECTED};

/// Medians of milliseconds per page.
pub(crate) struct Cores {
    wall: [f64; 2],
    cpu: [f64; 2],
    cores: usize,
}

pub(crate) fn measure(folder: &Path) -> Cores {
    let servers = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let key = folder.join("bench.key");
    std::fs::write(&key, shape::KEY).expect("a key file");
    let config = shape::CONFIG
        .replace("suite = \"hmac\"\n", "")
        .replace("key_env = \"DYNASEAL_BENCH_KEY\"", "key_file = \"bench.key\"");
    let engine = || {
        let file = folder.join("dynaseal.toml");
        Config::parse(&config, &file.to_string_lossy(), &Machine)
            .expect("a configuration")
            .into_engine(Arc::new(RuntimeClock))
    };
    let page = Arc::new(Page(servers.block_on(page(&engine()))));
    let addresses = [engine(), on_all_cores(engine())].map(|engine| {
        servers.block_on(async {
            let settings = Settings { listen: "127.0.0.1:0".parse().expect("an address"), ..Settings::default() };
            let server = Server::bind(settings, Arc::new(engine), page.clone()).await.expect("a server");
            let address = server.local_addr();
            tokio::spawn(server.serve(std::future::pending()));
            address.to_string()
        })
    });
    let client = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (mut wall, mut cpu) = ([const { Vec::new() }; 2], [const { Vec::new() }; 2]);
    client.block_on(async {
        let request = shape::request("Scan", &json!({ "TableName": PROTECTED }));
        for round in 0..=ROUNDS {
            for (at, address) in addresses.iter().enumerate() {
                let mut load = Load::connect(address).await;
                let (before, start) = (process::own_cpu(), Instant::now());
                for _ in 0..PAGES {
                    load.send(&request).await;
                }
                let (took, used) = (start.elapsed(), process::own_cpu() - before);
                // The first round warms what there is to warm.
                if round > 0 {
                    wall[at].push(each(took));
                    cpu[at].push(each(used));
                }
            }
        }
    });
    servers.shutdown_background();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Cores { wall: wall.map(median), cpu: cpu.map(median), cores }
}

impl Cores {
    pub(crate) fn within_target(&self) -> bool {
        self.cores == 1 || self.ratio() <= TARGET
    }

    fn ratio(&self) -> f64 {
        self.wall[1] / self.wall[0]
    }

    pub(crate) fn section(&self) -> String {
        let Self { wall, cpu, cores } = self;
        let ratio = self.ratio();
        format!(
            "`cargo bench -p dynaseal-gateway -- --write`\n\n\
             A page of 50 items `user`, signed with the suite ecdsa-p384, from request to answer over loopback, with an upstream that\n\
             has the page at hand: opened by one thread, as before, and by all {cores} cores, in one process and in turns. Medians over\n\
             {ROUNDS} rounds of {PAGES} pages; CPU is that of the whole process, the client's share included.\n\n\
             | | wall ms | of one thread | target | CPU ms |\n|---|--:|--:|--:|--:|\n\
             | one thread | {:.2} | | | {:.2} |\n\
             | all cores | {:.2} | {ratio:.2}x | {TARGET:.2}x | {:.2} |\n",
            wall[0], cpu[0], wall[1], cpu[1]
        )
    }
}

/// An upstream that has one answer.
struct Page(Vec<u8>);

impl Wire for Page {
    fn send(&self, _: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        Box::pin(async { Ok(Answer::new(200, self.0.clone())) })
    }
}

async fn page(engine: &Engine) -> Vec<u8> {
    let mut items = Vec::new();
    for number in 0..ITEMS {
        let sealed = engine.seal_item(&Page(Vec::new()), PROTECTED, &shape::item(number).to_string()).await;
        items.push(String::from_utf8(sealed.expect("a sealed item")).expect("JSON"));
    }
    format!(r#"{{"Count":{ITEMS},"ScannedCount":{ITEMS},"Items":[{}]}}"#, items.join(",")).into_bytes()
}

fn each(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0 / f64::from(PAGES)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

const ITEMS: u32 = 50;
const ROUNDS: u32 = 11;
const PAGES: u32 = 10;
/// The bound on a page's time on all of several cores, of its time on one.
const TARGET: f64 = 0.6;
