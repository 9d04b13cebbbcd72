//! A program as a child, in surroundings that are not as they should be.

use std::ffi::{OsStr, OsString};
use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// What becomes of what a child writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stream {
    /// It is read as it comes.
    Read,
    /// A pipe that nobody reads, until [`Running::read_now`].
    Unread,
    /// A pipe whose reader has gone.
    Gone,
    /// The descriptor is not open.
    Closed,
    /// A device that is always full.
    Full,
    /// Appended to a file.
    File(PathBuf),
    /// Nothing.
    Null,
}

/// What a child reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// These bytes, then the end.
    Bytes(Vec<u8>),
    /// A pipe into which nobody writes and that stays open until [`Running::close_input`].
    Silent,
    /// The descriptor is not open.
    Closed,
    /// The end at once.
    Null,
}

/// A program that is to be started.
#[derive(Clone, Debug)]
pub struct Program {
    program: OsString,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    folder: Option<PathBuf>,
    prelude: String,
    input: Input,
    streams: [Stream; 2],
}

impl Program {
    /// The program in this file; its input ends at once, its output is read.
    pub fn new(program: impl Into<OsString>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            folder: None,
            prelude: String::new(),
            input: Input::Null,
            streams: [Stream::Read, Stream::Read],
        }
    }

    /// With more arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// With a variable in its environment.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// In a folder.
    #[must_use]
    pub fn folder(mut self, folder: &Path) -> Self {
        self.folder = Some(folder.to_owned());
        self
    }

    /// With this input.
    #[must_use]
    pub fn input(mut self, input: Input) -> Self {
        self.input = input;
        self
    }

    /// With this standard output.
    #[must_use]
    pub fn stdout(mut self, stream: Stream) -> Self {
        self.streams[0] = stream;
        self
    }

    /// With this standard error.
    #[must_use]
    pub fn stderr(mut self, stream: Stream) -> Self {
        self.streams[1] = stream;
        self
    }

    /// Under a bound, as the shell's `ulimit` takes it: `-n 64` for open files, `-f 8` for blocks of a file.
    #[must_use]
    pub fn bound(mut self, ulimit: &str) -> Self {
        self.prelude.push_str(&format!("ulimit {ulimit} || exit 120; "));
        self
    }

    /// With a signal ignored from the start, as `nohup` does with `HUP`.
    #[must_use]
    pub fn ignoring(mut self, signal: &str) -> Self {
        self.prelude.push_str(&format!("trap '' {signal}; "));
        self
    }

    /// Starts it.
    #[must_use]
    pub fn start(self) -> Running {
        let mut command = self.command();
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        command.envs(self.environment);
        command.stdin(match self.input {
            Input::Null | Input::Closed => Stdio::null(),
            Input::Bytes(_) | Input::Silent => Stdio::piped(),
        });
        command.stdout(stdio(&self.streams[0])).stderr(stdio(&self.streams[1]));
        let mut running = Running::of(command.spawn().expect("the program starts"));
        if let Input::Bytes(bytes) = self.input {
            let mut input = running.input.take().expect("a pipe");
            // A program that ends early closes its input; what it says is checked by the caller.
            thread::spawn(move || drop(input.write_all(&bytes)));
        }
        for (number, stream) in self.streams.into_iter().enumerate() {
            match stream {
                Stream::Read => running.read_now(number + 1),
                Stream::Gone => running.unread[number] = None,
                _ => {}
            }
        }
        running
    }

    /// Runs it to its end, which must come within `limit`.
    #[must_use]
    pub fn run(self, limit: Duration) -> Ended {
        self.start().end(limit)
    }

    /// The program itself, or a shell that puts the surroundings in place and becomes the program, with the same id.
    fn command(&self) -> Command {
        let closed = [
            (self.input == Input::Closed).then_some(" <&-"),
            (self.streams[0] == Stream::Closed).then_some(" >&-"),
            (self.streams[1] == Stream::Closed).then_some(" 2>&-"),
        ];
        let closed: String = closed.into_iter().flatten().collect();
        if self.prelude.is_empty() && closed.is_empty() {
            let mut command = Command::new(&self.program);
            command.args(&self.arguments);
            return command;
        }
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("{}exec \"$0\" \"$@\"{closed}", self.prelude));
        command.arg(&self.program).args(&self.arguments);
        command
    }
}

fn stdio(stream: &Stream) -> Stdio {
    let open = |path: &Path| OpenOptions::new().append(true).create(true).open(path).expect("a file to write to");
    match stream {
        Stream::Read | Stream::Unread | Stream::Gone => Stdio::piped(),
        Stream::Closed | Stream::Null => Stdio::null(),
        Stream::Full => open(Path::new("/dev/full")).into(),
        Stream::File(path) => open(path).into(),
    }
}

/// A child that runs; it is killed when this is dropped, so that a test that fails leaves none behind.
#[derive(Debug)]
pub struct Running {
    child: Child,
    input: Option<ChildStdin>,
    unread: [Option<Pipe>; 2],
    read: [Option<Reader>; 2],
}

impl Running {
    fn of(mut child: Child) -> Self {
        let input = child.stdin.take();
        let unread = [child.stdout.take().map(Pipe::from), child.stderr.take().map(Pipe::from)];
        Self { child, input, unread, read: [None, None] }
    }

    /// The id of its process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name, such as `HUP`.
    pub fn signal(&self, name: &str) {
        let told = Command::new("kill").args([&format!("-{name}"), &self.id().to_string()]).status();
        assert!(told.expect("kill runs").success(), "the child could not be signalled");
    }

    /// Ends it by SIGKILL.
    pub fn kill(&mut self) {
        self.child.kill().expect("a child");
        self.child.wait().expect("a child");
    }

    /// Whether it has not ended yet.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_none()
    }

    /// Ends its input.
    pub fn close_input(&mut self) {
        self.input = None;
    }

    /// Starts to read descriptor 1 or 2, which was a pipe that nobody read.
    pub fn read_now(&mut self, descriptor: usize) {
        let pipe = self.unread[descriptor - 1].take().expect("an unread pipe");
        self.read[descriptor - 1] = Some(Reader::of(pipe));
    }

    /// What was read of descriptor 1 or 2 so far.
    #[must_use]
    pub fn text(&self, descriptor: usize) -> String {
        self.read[descriptor - 1].as_ref().map(Reader::text).unwrap_or_default()
    }

    /// Waits until what was read of a descriptor brings what is asked for.
    pub fn wait_for<T>(&mut self, descriptor: usize, limit: Duration, find: impl Fn(&str) -> Option<T>) -> T {
        let deadline = Instant::now() + limit;
        loop {
            let ended = !self.is_running();
            let text = self.text(descriptor);
            if let Some(found) = find(&text) {
                return found;
            }
            assert!(!ended && Instant::now() < deadline, "it did not come (ended: {ended}):\n{text}");
            thread::sleep(PAUSE);
        }
    }

    /// Its status, if it ends within `limit`.
    pub fn ends(&mut self, limit: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return Some(status);
            }
            if Instant::now() > deadline {
                return None;
            }
            thread::sleep(PAUSE);
        }
    }

    /// Waits for its end, which must come within `limit`, and for all that it wrote.
    #[must_use]
    pub fn end(mut self, limit: Duration) -> Ended {
        let status = self.ends(limit);
        let said = || format!("stdout:\n{}\nstderr:\n{}", self.text(1), self.text(2));
        let status = status.unwrap_or_else(|| panic!("the child does not end; {}", said()));
        let [stdout, stderr] = [0, 1].map(|at| self.read[at].take().map(Reader::finish).unwrap_or_default());
        Ended { status, stdout, stderr }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How a child ended and what it wrote, where that was read.
#[derive(Debug)]
pub struct Ended {
    /// Its status.
    pub status: ExitStatus,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

impl Ended {
    /// Its exit code; `None` if a signal ended it.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }
}

struct Pipe(Box<dyn Read + Send>);

impl<R: Read + Send + 'static> From<R> for Pipe {
    fn from(pipe: R) -> Self {
        Self(Box::new(pipe))
    }
}

impl std::fmt::Debug for Pipe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pipe")
    }
}

/// A thread that reads a pipe to its end.
#[derive(Debug)]
struct Reader {
    bytes: Arc<Mutex<Vec<u8>>>,
    thread: JoinHandle<()>,
}

impl Reader {
    fn of(mut pipe: Pipe) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let kept = bytes.clone();
        let thread = thread::spawn(move || {
            let mut part = [0; 4096];
            while let Ok(read @ 1..) = pipe.0.read(&mut part) {
                kept.lock().unwrap().extend_from_slice(&part[..read]);
            }
        });
        Self { bytes, thread }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap()).into_owned()
    }

    fn finish(self) -> String {
        self.thread.join().unwrap();
        String::from_utf8_lossy(&self.bytes.lock().unwrap()).into_owned()
    }
}

const PAUSE: Duration = Duration::from_millis(10);

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn sh(script: &str) -> Program {
        Program::new("sh").args(["-c", script])
    }

    #[test]
    fn streams_are_what_they_were_asked_to_be() {
        let both = sh("echo out; echo err >&2; cat").input(Input::Bytes(b"in".to_vec())).run(LIMIT);
        assert_eq!((both.code(), &*both.stdout, &*both.stderr), (Some(0), "out\nin", "err\n"));
        let wrong =
            |stream| sh("trap '' PIPE; sleep 0.1; echo out 2>/dev/null || exit 3").stdout(stream).run(LIMIT).code();
        for stream in [Stream::Closed, Stream::Full, Stream::Gone] {
            assert_eq!(wrong(stream.clone()), Some(3), "{stream:?}");
        }
        assert_eq!(wrong(Stream::Null), Some(0));
        let closed = sh("read line || exit 4").input(Input::Closed).run(LIMIT);
        assert_eq!(closed.code(), Some(4));
    }

    #[test]
    fn an_unread_pipe_blocks_until_it_is_read() {
        let mut blocked =
            sh("i=0; while [ $i -lt 9000 ]; do echo 0123456789; i=$((i+1)); done").stdout(Stream::Unread).start();
        assert_eq!(blocked.ends(Duration::from_millis(500)), None);
        blocked.read_now(1);
        assert_eq!(blocked.end(LIMIT).stdout.len(), 9000 * 11);
    }

    #[test]
    fn bounds_and_signals_reach_the_program_itself() {
        assert_eq!(sh("ulimit -n").bound("-n 64").run(LIMIT).stdout, "64\n");
        let mut sleeps = Program::new("sleep").args(["60"]).bound("-n 64").start();
        assert_eq!(sleeps.ends(Duration::from_millis(100)), None);
        sleeps.signal("HUP");
        assert_eq!(sleeps.end(LIMIT).code(), None);
        let mut stays = Program::new("sleep").args(["60"]).ignoring("HUP").start();
        thread::sleep(Duration::from_millis(200));
        stays.signal("HUP");
        assert_eq!(stays.ends(Duration::from_millis(200)), None);
    }

    const LIMIT: Duration = Duration::from_secs(20);
}
