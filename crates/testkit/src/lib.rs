//! TESTS OF WHOLE PROGRAMS: what surrounds a process, and how it goes wrong.
//!
//! ```text
//!   full_disk.rs   a small file system that fills up
//!        │
//!   program.rs     a child whose streams are unread, closed or gone, under ulimit's bounds, signalled by its id
//!        │            └── gateway.rs: `dynaseal gateway` on top, with a log that is read
//!   client.rs ───> the child ───> stand_in.rs ───> fake_aws.rs
//!   one call                      a proxy that     KMS and DynamoDB in memory, over HTTP
//!                                 answers wrongly
//!                                 on order
//! ```
//!
//! It is a development dependency only and is not published. Whatever goes wrong in it ends the test.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a part of tests: it stops at the first thing that is not as it should be"
)]

mod client;
pub mod fake_aws;
mod full_disk;
mod gateway;
mod program;
mod stand_in;

pub use client::{Answer, call, free_address, get};
pub use full_disk::FullDisk;
pub use gateway::{Gateway, TEST_KEY};
pub use program::{Ended, Input, Program, Running, Stream};
pub use stand_in::{StandIn, Wrong};
