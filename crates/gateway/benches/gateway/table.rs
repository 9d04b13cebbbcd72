//! The numbers as a table.

use std::fmt::Write;
use std::time::Duration;

use crate::shape::Operation;

/// One run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell {
    /// CPU time per request.
    pub(crate) cpu: Duration,
    pub(crate) requests_per_second: f64,
}

/// The runs of one operation, a cell for each round.
pub(crate) struct Row {
    pub(crate) operation: Operation,
    passed: Vec<Cell>,
    protected: Vec<Cell>,
    through_nginx: Vec<Cell>,
}

impl Row {
    pub(crate) fn new(operation: Operation) -> Self {
        Self { operation, passed: Vec::new(), protected: Vec::new(), through_nginx: Vec::new() }
    }

    pub(crate) fn add(&mut self, passed: Cell, protected: Cell, through_nginx: Option<Cell>) {
        self.passed.push(passed);
        self.protected.push(protected);
        self.through_nginx.extend(through_nginx);
    }

    fn ratio(&self) -> f64 {
        cpu(&self.protected) / cpu(&self.passed)
    }
}

pub(crate) struct Report {
    pub(crate) rows: [Row; 2],
    pub(crate) rounds: u32,
    pub(crate) requests: u32,
}

impl Report {
    pub(crate) fn within_target(&self) -> bool {
        self.rows.iter().all(|row| row.ratio() <= TARGET)
    }

    pub(crate) fn markdown(&self) -> String {
        let mut out = "| operation | | gateway CPU µs | of pass-through | target | nginx CPU µs | requests/s |\n\
                       |---|---|--:|--:|--:|--:|--:|\n"
            .to_owned();
        for row in &self.rows {
            let name = row.operation.name();
            let mut line = |what, gateway: String, ratio: String, target: String, nginx: String, cells: &[Cell]| {
                let rate = median(cells.iter().map(|cell| cell.requests_per_second));
                let _ = writeln!(out, "| {name} | {what} | {gateway} | {ratio} | {target} | {nginx} | {rate:.0} |");
            };
            let none = String::new;
            let micros = |cells: &[Cell]| format!("{:.1}", cpu(cells));
            line("pass-through", micros(&row.passed), none(), none(), none(), &row.passed);
            let (ratio, target) = (format!("{:.2}x", row.ratio()), format!("{TARGET:.2}x"));
            line("protected", micros(&row.protected), ratio, target, none(), &row.protected);
            if !row.through_nginx.is_empty() {
                let nginx = micros(&row.through_nginx);
                line("nginx before pass-through", none(), none(), none(), nginx, &row.through_nginx);
            }
        }
        out
    }

    pub(crate) fn section(&self) -> String {
        let (rounds, requests) = (self.rounds, self.requests);
        format!(
            "`cargo bench -p dynaseal-gateway -- --write`\n\n\
             `dynaseal gateway`, release build, in a process of its own, with the embedded database in memory; the item\n\
             `user` with the hmac suite and a raw AES-256 key ring, beside the same item in a table without a\n\
             configuration. Load over loopback on 16 open connections from another process; medians over {rounds} rounds of\n\
             {requests} requests in which all rows take turns. CPU is user and system time of the gateway per request,\n\
             HTTP and database included. nginx (two workers, connections kept open) proxies to the same gateway and the\n\
             table without a configuration: its CPU is that of nginx alone. Gateway, nginx, database and load share two\n\
             cores, so the requests per second are a lower bound, and those behind nginx pay for both.\n\n{}",
            self.markdown()
        )
    }
}

/// Median microseconds per request.
fn cpu(cells: &[Cell]) -> f64 {
    median(cells.iter().map(|cell| cell.cpu.as_secs_f64() * 1e6))
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The bound on the gateway's CPU per request, protected over pass-through.
const TARGET: f64 = 1.5;
