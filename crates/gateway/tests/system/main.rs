//! The gateway as a whole: over sockets, and in this process over an embedded database and wires on which something goes
//! wrong.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    clippy::print_stdout,
    unreachable_pub,
    reason = "helpers of tests, not tests themselves"
)]

mod protected;
mod support;
mod unsealed;

mod bodies;
mod decide;
mod guards;
mod index_reads;
mod indexes;
mod kms;
mod learned;
mod lies;
mod marks;
mod mixed;
mod process;
mod read;
mod server;
mod sockets;
mod streams;
mod tls;
mod transact;
mod upstream;
