//! Reader, workers, writer. The writer takes answers in the order of the batches; what is in flight is bounded by the
//! queue of answer slots, however slow one batch or the reader of stdout is.

use std::io;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::input::Input;
use super::lines::{Batch, Lines, Unit};
use super::progress::Progress;
use super::tally::{Tally, Worked};
use super::{Cause, Failed};
use crate::cmd::Outcome;
use crate::error::Error;
use crate::output::leads_nowhere;
use crate::say;

/// What is done with one line of that number: appends to the output, or says why not.
pub(crate) type Work = dyn Fn(u64, &str, &mut Vec<u8>) -> Result<(), Failed> + Send + Sync;

/// How stdin is worked on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    pub(crate) unit: Unit,
    /// How many threads; one for each core if it is not said.
    pub(crate) threads: Option<u16>,
    /// The first line.
    pub(crate) first: NonZeroU64,
}

/// A worked batch.
struct Done {
    out: Vec<u8>,
    lines: Vec<Worked>,
    bytes: u64,
}

/// A batch and where its answer goes.
type Job = (Batch, Sender<Done>);
/// Where the answer of a batch will be, or why there is none.
type Slot = io::Result<Receiver<Done>>;

/// Works on every line of stdin.
pub(crate) fn run(work: &Arc<Work>, way: Way) -> Result<Outcome, Error> {
    if leads_nowhere() {
        let why =
            "it is closed, or the null device opened for reading, too; > /dev/null throws an output away on purpose";
        return Err(Error::Output { name: "stdout", source: io::Error::other(why) });
    }
    let cores = || thread::available_parallelism().map_or(1, usize::from);
    let threads = way.threads.map_or_else(cores, usize::from);
    let (to_workers, jobs) = bounded::<Job>(threads);
    let (to_writer, slots) = bounded::<Slot>(threads * 2);
    let spawn = |name: &str, body: Box<dyn FnOnce() + Send>| {
        let started = thread::Builder::new().name(name.to_owned()).spawn(body);
        started.map(drop).map_err(|_| Error::Worker { what: "could not be started" })
    };
    let outage = Arc::new(AtomicU64::new(u64::MAX));
    for _ in 0..threads {
        let (work, jobs, outage) = (Arc::clone(work), jobs.clone(), Arc::clone(&outage));
        let each = move |(batch, answer): Job| drop(answer.send(one(&*work, &batch, &outage)));
        spawn("worker", Box::new(move || jobs.iter().for_each(each)))?;
    }
    drop(jobs);
    // The threads are not joined: when stdout is closed the reader may wait for input that never comes.
    spawn("reader", Box::new(move || read(way, &to_workers, &to_writer)))?;
    let mut tally = Tally::default();
    let end = write(&slots, &mut tally);
    match (tally.say(&end), end) {
        (Err(error), Ok(_)) => Err(error),
        (_, end) => end,
    }
}

fn read(way: Way, to_workers: &Sender<Job>, to_writer: &Sender<Slot>) {
    let input = Input::new(io::stdin());
    let taken = input.taken();
    let mut lines = Lines::new(input, way.unit);
    let mut start = Some(lines.skip_to(way.first.get()));
    loop {
        let next = match start.take() {
            Some(Err(error)) => Err(error),
            Some(Ok(false)) => {
                Err(io::Error::other(format!("it has {} lines, and --from-line is beyond them", lines.count())))
            }
            _ => lines.next_batch(),
        };
        let batch = match next {
            // What was read of the input, which may be packed, is what its length is compared with.
            Ok(Some(mut batch)) => {
                batch.bytes = taken.take();
                batch
            }
            Ok(None) => return,
            Err(error) => {
                let _ = to_writer.send(Err(error));
                return;
            }
        };
        let (answer, slot) = bounded(1);
        // Either fails only when the writer has ended.
        if to_writer.send(Ok(slot)).is_err() || to_workers.send((batch, answer)).is_err() {
            return;
        }
    }
}

/// Works on a batch, up to the first line that meets an outage. What is behind that line need not be tried.
fn one(work: &Work, batch: &Batch, outage: &AtomicU64) -> Done {
    let mut done = Done { out: Vec::new(), lines: Vec::new(), bytes: batch.bytes };
    for (number, line) in batch.lines() {
        if number > outage.load(Ordering::Relaxed) {
            break;
        }
        let length = done.out.len();
        let failed = line.and_then(|line| work(number, line, &mut done.out)).err();
        if failed.is_some() {
            done.out.truncate(length);
        } else if done.out.len() > length {
            done.out.push(b'\n');
        }
        if failed.as_ref().is_some_and(|failed| failed.cause == Cause::Outage) {
            outage.fetch_min(number, Ordering::Relaxed);
        }
        done.lines.push(Worked { number, end: done.out.len(), failed });
    }
    done
}

fn write(slots: &Receiver<Slot>, tally: &mut Tally) -> Result<Outcome, Error> {
    let mut progress = Progress::new();
    let end = write_all(slots, tally, &mut progress);
    progress.finish();
    end
}

fn write_all(slots: &Receiver<Slot>, tally: &mut Tally, progress: &mut Progress) -> Result<Outcome, Error> {
    for slot in slots {
        let slot = slot.map_err(|source| Error::input("stdin", source))?;
        let done = slot.recv().map_err(|_| Error::Worker { what: "ended before its work was done" })?;
        let (end, failures, goes_on) = tally.take(done.lines);
        say::page(done.out.get(..end).unwrap_or_default())?;
        if !failures.is_empty() {
            progress.aside(|| say::line_failures(&failures))?;
        }
        goes_on?;
        progress.add(done.bytes);
    }
    tally.finish()
}
