//! A light load: requests that were built before, over connections that stay open, each waiting for its answer.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::shape;

/// Connections to one address.
pub(crate) struct Load(Vec<Connection>);

impl Load {
    pub(crate) async fn connect(address: &str) -> Self {
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            connections.push(Connection::open(address).await);
        }
        Self(connections)
    }

    /// Sends `count` requests, taking turns through `requests`; every answer must be a success.
    pub(crate) async fn run(&mut self, requests: &[Vec<u8>], count: u32) {
        let each = count / CONNECTIONS;
        let start = |number: usize| requests.iter().cycle().skip(number * requests.len() / self.0.len());
        let mut work = Vec::new();
        let starts: Vec<_> = (0..self.0.len()).map(start).collect();
        for (connection, own) in self.0.drain(..).zip(starts) {
            let own: Vec<Vec<u8>> = own.take(requests.len()).cloned().collect();
            work.push(tokio::spawn(connection.repeat(own, each)));
        }
        for connection in work {
            self.0.push(connection.await.expect("a connection that lasts"));
        }
    }

    /// Sends one request and gives the answer's body.
    pub(crate) async fn call(&mut self, operation: &str, body: &Value, status: u16) -> Value {
        let connection = &mut self.0[0];
        let length = connection.ask(&shape::request(operation, body), status).await;
        serde_json::from_slice(&connection.buffer[connection.buffer.len() - length..]).expect("JSON")
    }

    pub(crate) async fn send(&mut self, request: &[u8]) {
        self.0[0].ask(request, 200).await;
    }
}

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    async fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("a socket option");
        Self { stream, buffer: Vec::with_capacity(64 << 10) }
    }

    async fn repeat(mut self, requests: Vec<Vec<u8>>, count: u32) -> Self {
        for (request, _) in requests.iter().cycle().zip(0..count) {
            self.ask(request, 200).await;
        }
        self
    }

    /// Leaves the answer in the buffer and gives the length of its body.
    async fn ask(&mut self, request: &[u8], status: u16) -> usize {
        self.stream.write_all(request).await.expect("a request sent");
        self.buffer.clear();
        loop {
            let read = self.stream.read_buf(&mut self.buffer).await.expect("an answer");
            assert!(read > 0, "the connection was closed: {}", String::from_utf8_lossy(&self.buffer));
            if let Some((head, length)) = head(&self.buffer)
                && self.buffer.len() >= head + length
            {
                let expected = format!("HTTP/1.1 {status} ");
                let answer = &self.buffer;
                assert!(answer.starts_with(expected.as_bytes()), "{}", String::from_utf8_lossy(answer));
                assert_eq!(answer.len(), head + length);
                return length;
            }
        }
    }
}

/// The lengths of a complete head and of the body that it announces.
fn head(answer: &[u8]) -> Option<(usize, usize)> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&answer[..end]).expect("a head in ASCII");
    let length = head.lines().filter_map(|line| line.split_once(':')).find_map(|(name, value)| {
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().expect("a length"))
    });
    Some((end, length.expect("every answer of ours says its length")))
}

const CONNECTIONS: u32 = 16;
