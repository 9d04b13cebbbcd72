//! One HTTP request over a connection of its own, bounded in time.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status line's number.
    pub status: u16,
    /// The body, as text.
    pub body: String,
}

/// One unsigned call of DynamoDB.
///
/// # Errors
/// What the connection says, and `limit` passing without an answer.
pub fn call(address: &str, operation: &str, body: &str, limit: Duration) -> io::Result<Answer> {
    let head = format!(
        "POST / HTTP/1.1\r\nHost: {address}\r\nX-Amz-Target: DynamoDB_20120810.{operation}\r\n\
         Content-Type: application/x-amz-json-1.0\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    exchange(address, &format!("{head}{body}"), limit)
}

/// One page, such as `/metrics`.
///
/// # Errors
/// As [`call`].
pub fn get(address: &str, path: &str, limit: Duration) -> io::Result<Answer> {
    exchange(address, &format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"), limit)
}

/// An address on loopback that nobody listened on a moment ago, for a child whose log cannot tell where it listens.
#[must_use]
pub fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").to_string()
}

fn exchange(address: &str, request: &str, limit: Duration) -> io::Result<Answer> {
    let parsed = address.parse().map_err(io::Error::other)?;
    let mut stream = TcpStream::connect_timeout(&parsed, limit)?;
    stream.set_read_timeout(Some(limit))?;
    stream.set_write_timeout(Some(limit))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let text = String::from_utf8_lossy(&answer);
    let (head, body) = text.split_once("\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
    Ok(Answer { status, body: body.to_owned() })
}
