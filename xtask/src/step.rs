//! One step: a command with a name, timed, and with a line to repeat it when it fails.

use std::ffi::OsStr;
use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// A command to run, as a step of a longer task.
pub(crate) struct Step {
    name: &'static str,
    program: String,
    args: Vec<String>,
    envs: Vec<(&'static str, String)>,
    dir: PathBuf,
}

impl Step {
    pub(crate) fn new(name: &'static str, program: impl AsRef<OsStr>) -> Self {
        let program = program.as_ref().to_string_lossy().into_owned();
        Self { name, program, args: Vec::new(), envs: Vec::new(), dir: root() }
    }

    /// A step that runs cargo through rustup, so that `+toolchain` is understood.
    pub(crate) fn cargo(name: &'static str, args: &[&str]) -> Self {
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
    pub(crate) fn dir(mut self, dir: &str) -> Self {
        self.dir = root().join(dir);
        self
    }

    /// The line a person types at the repository's root to run this again.
    fn line(&self) -> String {
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
    done: Vec<(&'static str, Duration)>,
}

impl Steps {
    /// Runs a command, showing what it prints.
    pub(crate) fn run(&mut self, step: &Step) -> Result<(), Failed> {
        eprintln!("\n==> {}: {}", step.name, step.line());
        let start = Instant::now();
        let status = step.command().status();
        self.ended(step, start, status)
    }

    /// Runs commands at once, on a core each; what they print comes mixed. All of them end before the first failure is told.
    pub(crate) fn run_together(&mut self, steps: &[Step]) -> Result<(), Failed> {
        let begun: Vec<_> = steps
            .iter()
            .map(|step| {
                eprintln!("\n==> {}: {}", step.name, step.line());
                (step, Instant::now(), step.command().spawn())
            })
            .collect();
        let ended: Vec<_> = begun
            .into_iter()
            .map(|(step, start, child)| self.ended(step, start, child.and_then(|mut child| child.wait())))
            .collect();
        ended.into_iter().collect()
    }

    fn ended(&mut self, step: &Step, start: Instant, status: std::io::Result<ExitStatus>) -> Result<(), Failed> {
        let time = start.elapsed();
        self.done.push((step.name, time));
        match status {
            Ok(status) if status.success() => {
                eprintln!("==> {}: done in {:.1} s", step.name, time.as_secs_f64());
                Ok(())
            }
            Ok(status) => Err(Failed::step(step.name, &format!("{status}"), &step.line())),
            Err(error) => {
                let why = format!("could not start `{}`: {error}", step.program);
                Err(Failed::step(step.name, &why, &step.line()))
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
        self.done.push((name, start.elapsed()));
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
        let line = |(name, time): &(&str, Duration)| {
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
