//! Running `dynaseal gateway` processes, for whole-system tests.

pub(crate) use dynaseal_testkit::{Gateway, TEST_KEY};

/// The command under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_dynaseal");
