//! Reader, workers, writer. The writer takes answers in the order of the batches; what is in flight is bounded by the
//! queue of answer slots, however slow one batch or the reader of stdout is.

use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::input::Input;
use super::lines::{Batch, Lines};
use super::progress::Progress;
use super::{Failed, LineFailure};
use crate::cmd::Outcome;
use crate::error::Error;
use crate::say;

/// What is done with one line of that number: appends to the output, or says why not.
pub(crate) type Work = dyn Fn(u64, &str, &mut Vec<u8>) -> Result<(), Failed> + Send + Sync;

/// A worked batch.
struct Done {
    out: Vec<u8>,
    failures: Vec<LineFailure>,
    bytes: u64,
}

/// A batch and where its answer goes.
type Job = (Batch, Sender<Done>);
/// Where the answer of a batch will be, or why there is none.
type Slot = io::Result<Receiver<Done>>;

/// Works on every line of stdin.
pub(crate) fn run(work: &Arc<Work>, threads: Option<NonZeroUsize>) -> Result<Outcome, Error> {
    let threads = threads.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
    let (to_workers, jobs) = bounded::<Job>(threads);
    let (to_writer, slots) = bounded::<Slot>(threads * 2);
    let spawn = |name: &str, body: Box<dyn FnOnce() + Send>| {
        let started = thread::Builder::new().name(name.to_owned()).spawn(body);
        started.map(drop).map_err(|_| Error::Worker { what: "could not be started" })
    };
    for _ in 0..threads {
        let (work, jobs) = (Arc::clone(work), jobs.clone());
        spawn(
            "worker",
            Box::new(move || jobs.iter().for_each(|(batch, answer)| drop(answer.send(one(&*work, &batch))))),
        )?;
    }
    drop(jobs);
    // The threads are not joined: when stdout is closed the reader may wait for input that never comes.
    spawn("reader", Box::new(move || read(&to_workers, &to_writer)))?;
    write(&slots)
}

fn read(to_workers: &Sender<Job>, to_writer: &Sender<Slot>) {
    let input = Input::new(io::stdin());
    let taken = input.taken();
    let mut lines = Lines::new(input);
    loop {
        let batch = match lines.next_batch() {
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

fn one(work: &Work, batch: &Batch) -> Done {
    let mut done = Done { out: Vec::new(), failures: Vec::new(), bytes: batch.bytes };
    for (number, line) in batch.lines() {
        let length = done.out.len();
        match line.and_then(|line| work(number, line, &mut done.out)) {
            Ok(()) if done.out.len() > length => done.out.push(b'\n'),
            // There is nothing to say about the line.
            Ok(()) => {}
            Err(failed) => {
                done.out.truncate(length);
                done.failures.push(failed.at(number));
            }
        }
    }
    done
}

fn write(slots: &Receiver<Slot>) -> Result<Outcome, Error> {
    let mut progress = Progress::new();
    let mut outcome = Outcome::Done;
    for slot in slots {
        let slot = slot.map_err(|source| Error::input("stdin", source))?;
        let done = slot.recv().map_err(|_| Error::Worker { what: "ended before its work was done" })?;
        if !done.failures.is_empty() {
            outcome = Outcome::Found;
            progress.aside(|| say::line_failures(&done.failures));
        }
        match say::page(&done.out) {
            Ok(say::Reader::There) => progress.add(done.bytes),
            Ok(say::Reader::Gone) => break,
            Err(error) => {
                progress.finish();
                return Err(error);
            }
        }
    }
    progress.finish();
    Ok(outcome)
}
