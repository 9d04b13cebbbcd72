//! What cargo built, and how its tests are run without cargo: it would run one program of tests after another, and each of them
//! waits for sockets and clocks most of the time.

use std::path::{Path, PathBuf};

use crate::step::{Failed, Step, Steps, target};

/// The programs of tests, each with the folder of its package.
#[derive(Default)]
pub(crate) struct Programs {
    tests: Vec<Program>,
}

struct Program {
    /// The package and the test, as `cargo test` takes them.
    package: String,
    choice: Vec<String>,
    executable: PathBuf,
    folder: PathBuf,
}

/// Builds the programs that suites start, and where they are run all tests before: all with the features of the whole workspace, so
/// that nothing is compiled twice.
pub(crate) fn build(tests: bool) -> Vec<Step> {
    let tests = tests.then(|| Step::cargo("tests, built", &TESTS).args(WORKSPACE));
    let programs = ["build", "--bin", "dynaseal", "--bin", "users-axum", "--example", "fake_kms"];
    tests.into_iter().chain([Step::cargo("programs, built", &programs).args(WORKSPACE)]).collect()
}

/// Asks cargo for what it has built.
pub(crate) fn list(steps: &mut Steps) -> Result<Programs, Failed> {
    let messages = Step::cargo("tests, listed", &TESTS).args(WORKSPACE);
    let messages = steps.read(&messages.arg("--message-format=json-render-diagnostics"))?;
    let mut tests: Vec<_> = messages.lines().filter_map(Program::read).collect();
    if tests.is_empty() {
        return Err(Failed::new("cargo named no program of tests; repeat it with: cargo test --no-run --workspace"));
    }
    let place = |test: &Program| SLOW.iter().position(|name| test.is(name)).unwrap_or(SLOW.len());
    tests.sort_by_key(place);
    Ok(Programs { tests })
}

impl Programs {
    pub(crate) fn tests(&self) -> impl Iterator<Item = Step> {
        self.tests.iter().map(Program::step)
    }

    /// A file of tests, by its name.
    pub(crate) fn test(&self, name: &str) -> Result<Step, Failed> {
        let found = self.tests.iter().find(|test| test.is(name));
        found.map(Program::step).ok_or_else(|| Failed::new(format!("no tests of the workspace are called {name}")))
    }
}

pub(crate) fn dynaseal() -> PathBuf {
    target().join("debug/dynaseal")
}

pub(crate) fn users_axum() -> PathBuf {
    target().join("debug/users-axum")
}

pub(crate) fn fake_kms() -> PathBuf {
    target().join("debug/examples/fake_kms")
}

/// The Node package, built without optimisation, of what building the tests has built.
pub(crate) fn node_package() -> Step {
    Step::new("the Node package", "node").args(&["scripts/build.mjs", "--debug", "--shared"]).dir(NODE)
}

impl Program {
    /// One of cargo's messages, if it is about a program of tests.
    fn read(message: &str) -> Option<Self> {
        let executable = PathBuf::from(text(message, "executable")?);
        let (_, profile) = message.split_once("\"profile\":{")?;
        let is_test = profile.split('}').next()?.contains("\"test\":true");
        let folder = Path::new(text(message, "manifest_path")?).parent()?.to_path_buf();
        let (_, about) = message.split_once("\"target\":{")?;
        let name = text(about, "name")?.to_owned();
        let kind = about.split_once("\"kind\":[\"")?.1.split('"').next()?;
        let choice = match kind {
            "test" => vec!["--test".to_owned(), name],
            "bin" => vec!["--bin".to_owned(), name],
            // Tests of examples would be none.
            "example" | "bench" => return None,
            _ => vec!["--lib".to_owned()],
        };
        let id = text(message, "package_id")?;
        let package = id.rsplit(['#', '/']).next()?.split('@').next()?.to_owned();
        let package = if package.starts_with(|first: char| first.is_ascii_digit()) {
            folder.file_name()?.to_string_lossy().into_owned()
        } else {
            package
        };
        is_test.then_some(Self { package, choice, executable, folder })
    }

    fn is(&self, name: &str) -> bool {
        self.choice.iter().any(|word| word == name)
    }

    fn step(&self) -> Step {
        let name = format!("tests of {}, {}", self.package, self.choice.join(" ").trim_start_matches("--"));
        let repeat = format!("cargo test -p {} {}", self.package, self.choice.join(" "));
        let step = Step::new(name, &self.executable).arg("--quiet").dir(&self.folder).repeated_by(repeat);
        // As cargo sets it.
        step.env("CARGO_MANIFEST_DIR", &self.folder)
    }
}

/// The first text of this name in a JSON object. Cargo's messages have no escapes in what is asked for here.
fn text<'m>(message: &'m str, name: &str) -> Option<&'m str> {
    let (_, rest) = message.split_once(&format!("\"{name}\":\""))?;
    rest.split('"').next()
}

pub(crate) const NODE: &str = "crates/node";
pub(crate) const WORKSPACE: &[&str] = &["--workspace", "--all-features"];
const TESTS: [&str; 5] = ["test", "--no-run", "--lib", "--bins", "--tests"];
/// Files of tests that take longest, which begin first.
const SLOW: [&str; 10] = [
    "differential",
    "parity",
    "memory",
    "system",
    "sealed_rust",
    "clients_rust",
    "keys",
    "items",
    "attempts",
    "partiql",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_names_programs_of_tests() {
        let message = |kind: &str, name: &str, test: bool| {
            format!(
                "{{\"reason\":\"compiler-artifact\",\"package_id\":\"path+file:///p/crates/engine#dynaseal-engine@0.1.0\",\
                 \"manifest_path\":\"/p/crates/engine/Cargo.toml\",\"target\":{{\"kind\":[\"{kind}\"],\"crate_types\":[\"bin\"],\
                 \"name\":\"{name}\",\"src_path\":\"/p/x.rs\",\"test\":true}},\"profile\":{{\"opt_level\":\"0\",\"test\":{test}}},\
                 \"executable\":\"/p/target/debug/deps/{name}-1\",\"fresh\":true}}"
            )
        };
        let program = Program::read(&message("test", "lies", true)).unwrap();
        assert_eq!((program.package.as_str(), program.choice.join(" ")), ("dynaseal-engine", "--test lies".to_owned()));
        assert_eq!(program.folder, Path::new("/p/crates/engine"));
        assert_eq!(program.executable, Path::new("/p/target/debug/deps/lies-1"));
        assert_eq!(Program::read(&message("lib", "dynaseal_engine", true)).unwrap().choice, ["--lib"]);
        assert!(Program::read(&message("bin", "dynaseal", false)).is_none(), "the program itself");
        assert!(Program::read(&message("example", "fake_kms", true)).is_none());
        assert!(Program::read("{\"reason\":\"build-finished\",\"success\":true}").is_none());
        let short = message("test", "lies", true).replace("#dynaseal-engine@", "#");
        assert_eq!(Program::read(&short).unwrap().package, "engine", "cargo leaves a name out that is the folder's");
    }
}
