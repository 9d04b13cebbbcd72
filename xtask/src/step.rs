//! One step: a command with a name, timed, and with a line to repeat it when it fails.

use std::ffi::OsStr;
use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// A command to run, as a step of a longer task.
pub(crate) struct Step {
    name: String,
    program: String,
    args: Vec<String>,
    envs: Vec<(&'static str, String)>,
    dir: PathBuf,
    repeat: Option<String>,
}

impl Step {
    pub(crate) fn new(name: impl Into<String>, program: impl AsRef<OsStr>) -> Self {
        let program = program.as_ref().to_string_lossy().into_owned();
        Self { name: name.into(), program, args: Vec::new(), envs: Vec::new(), dir: root(), repeat: None }
    }

    /// A step that runs cargo through rustup, so that `+toolchain` is understood.
    pub(crate) fn cargo(name: impl Into<String>, args: &[&str]) -> Self {
        Self::new(name, "cargo").args(args)
    }

    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_string_lossy().into_owned());
        self
    }

    pub(crate) fn args(mut self, args: &[&str]) -> Self {
        self.args.extend(args.iter().map(ToString::to_string));
        self
    }

    pub(crate) fn env(mut self, name: &'static str, value: impl AsRef<OsStr>) -> Self {
        self.envs.push((name, value.as_ref().to_string_lossy().into_owned()));
        self
    }

    /// Runs in `dir`, given relative to the repository's root.
    pub(crate) fn dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.dir = root().join(dir);
        self
    }

    pub(crate) fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Runs again by another line, where its own names what only a build knows.
    pub(crate) fn repeated_by(mut self, line: String) -> Self {
        self.repeat = Some(line);
        self
    }

    /// The line a person types at the repository's root to run this again.
    fn line(&self) -> String {
        if let Some(line) = &self.repeat {
            return line.clone();
        }
        // From another folder, paths must stay whole.
        let here = self.dir == root();
        let relative = |word: &str| if here { relative(word) } else { word.to_owned() };
        let mut words = Vec::new();
        for (name, value) in &self.envs {
            words.push(format!("{name}={}", quoted(&relative(value))));
        }
        words.push(quoted(&relative(&self.program)));
        words.extend(self.args.iter().map(|arg| quoted(&relative(arg))));
        let line = words.join(" ");
        match self.dir.strip_prefix(root()) {
            Ok(dir) if dir != Path::new("") => format!("(cd {} && {line})", dir.display()),
            _ => line,
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args).envs(self.envs.iter().map(|(name, value)| (name, value))).current_dir(&self.dir);
        command.stdin(Stdio::null());
        command
    }
}

/// The steps done so far, with their times.
#[derive(Default)]
pub(crate) struct Steps {
    done: Vec<(String, Duration)>,
}

impl Steps {
    /// Runs a command, showing what it prints.
    pub(crate) fn run(&mut self, step: &Step) -> Result<(), Failed> {
        eprintln!("\n==> {}: {}", step.name, step.line());
        let start = Instant::now();
        let status = step.command().status();
        self.ended(step, start.elapsed(), status)
    }

    /// Runs a command and hands over what it writes to standard output; the rest is shown.
    pub(crate) fn read(&mut self, step: &Step) -> Result<String, Failed> {
        eprintln!("\n==> {}: {}", step.name, step.line());
        let start = Instant::now();
        let output = step.command().stderr(Stdio::inherit()).output();
        let (status, text) = match output {
            Ok(output) => (Ok(output.status), String::from_utf8_lossy(&output.stdout).into_owned()),
            Err(error) => (Err(error), String::new()),
        };
        self.ended(step, start.elapsed(), status).map(|()| text)
    }

    /// Runs chains of steps, as many at once as there are cores and one more, since most of them wait now and then. The steps of a
    /// chain follow each other until one fails. What a step prints is shown when it has ended. All chains are run before the
    /// failures are told.
    pub(crate) fn run_chains(&mut self, chains: Vec<Vec<Step>>) -> Result<(), Failed> {
        let width = std::thread::available_parallelism().map_or(2, usize::from) + 1;
        let (left, ended) = (Mutex::new(chains.into_iter()), Mutex::new((self, Vec::new())));
        let next = || left.lock().ok().and_then(|mut left| left.next());
        std::thread::scope(|scope| {
            for _ in 0..width {
                scope.spawn(|| {
                    while let Some(chain) = next() {
                        for step in &chain {
                            let start = Instant::now();
                            let output = step.command().output();
                            let Ok(mut ended) = ended.lock() else { return };
                            if let Err(failed) = ended.0.ended_apart(step, start.elapsed(), output) {
                                ended.1.push(failed);
                                break;
                            }
                        }
                    }
                });
            }
        });
        let failures = ended.into_inner().map(|(_, failures)| failures).unwrap_or_default();
        Failed::all(failures)
    }

    /// The end of a step that was run beside others: shows at once what it printed.
    fn ended_apart(
        &mut self,
        step: &Step,
        time: Duration,
        output: std::io::Result<std::process::Output>,
    ) -> Result<(), Failed> {
        eprintln!("\n==> {}: {}", step.name, step.line());
        let status = output.map(|output| {
            let mut out = std::io::stderr().lock();
            let _ = out.write_all(&output.stdout).and_then(|()| out.write_all(&output.stderr));
            output.status
        });
        self.ended(step, time, status)
    }

    fn ended(&mut self, step: &Step, time: Duration, status: std::io::Result<ExitStatus>) -> Result<(), Failed> {
        self.done.push((step.name.clone(), time));
        match status {
            Ok(status) if status.success() => {
                eprintln!("==> {}: done in {:.1} s", step.name, time.as_secs_f64());
                Ok(())
            }
            Ok(status) => Err(Failed::step(&step.name, &format!("{status}"), &step.line())),
            Err(error) => {
                let why = format!("could not start `{}`: {error}", step.program);
                Err(Failed::step(&step.name, &why, &step.line()))
            }
        }
    }

    /// Runs a check written in Rust.
    pub(crate) fn check(
        &mut self,
        name: &'static str,
        repeat: &str,
        check: impl FnOnce() -> Result<String, String>,
    ) -> Result<(), Failed> {
        eprintln!("\n==> {name}");
        let start = Instant::now();
        let outcome = check();
        self.done.push((name.to_owned(), start.elapsed()));
        match outcome {
            Ok(words) => {
                eprintln!("==> {name}: {words}");
                Ok(())
            }
            Err(words) => Err(Failed::step(name, &words, repeat)),
        }
    }

    /// Adds the times to `steps.json` in the target folder, a JSON object a line, so that the steps of several commands can be
    /// added up. A machine that cannot write there loses nothing but this.
    pub(crate) fn keep(&self) {
        let line = |(name, time): &(String, Duration)| {
            format!("{{\"step\":\"{name}\",\"seconds\":{:.1}}}\n", time.as_secs_f64())
        };
        let lines: String = self.done.iter().map(line).collect();
        let file = std::fs::OpenOptions::new().create(true).append(true).open(target().join("steps.json"));
        let _ = file.and_then(|mut file| file.write_all(lines.as_bytes()));
    }

    pub(crate) fn print_table(&self) {
        if self.done.len() > 1 {
            eprintln!("\nsteps, with their seconds");
            for (name, time) in &self.done {
                eprintln!("{:>8.1}  {name}", time.as_secs_f64());
            }
        }
    }
}

/// Why a task stopped.
#[derive(Debug)]
pub(crate) struct Failed(String);

impl Failed {
    pub(crate) fn new(words: impl Into<String>) -> Self {
        Self(words.into())
    }

    /// Every failure in one.
    fn all(failures: Vec<Self>) -> Result<(), Self> {
        let words: Vec<_> = failures.into_iter().map(|Self(words)| words).collect();
        if words.is_empty() { Ok(()) } else { Err(Self(words.join("\n"))) }
    }

    fn step(name: &str, why: &str, line: &str) -> Self {
        Self(format!("step \"{name}\" failed: {why}\nrepeat it with:\n    {line}"))
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a command can be run and succeeds; its output is dropped.
pub(crate) fn works(program: impl AsRef<OsStr>, args: &[&str]) -> bool {
    output(program, args).is_some()
}

/// What a command prints, if it succeeds.
pub(crate) fn output(program: impl AsRef<OsStr>, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).current_dir(root()).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// The folder cargo builds into; this program lies in `<target>/<profile>`.
pub(crate) fn target() -> PathBuf {
    let exe = std::env::current_exe().ok();
    let target = exe.as_deref().and_then(Path::parent).and_then(Path::parent);
    target.map_or_else(|| root().join("target"), Path::to_path_buf)
}

fn relative(word: &str) -> String {
    let root = format!("{}/", root().display());
    word.strip_prefix(&root).map_or_else(|| word.to_owned(), ToOwned::to_owned)
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=+/.:,@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
