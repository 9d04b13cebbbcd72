//! A stand-in for a service over HTTP: it passes calls on to the real one, or answers wrongly on order.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A wrong answer to one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// The call is carried out, and its answer comes this much later.
    Waits(Duration),
    /// The call is not carried out, and this is said: a status and a body.
    Says(u16, String),
    /// The call is carried out, and this is said in place of its answer.
    CarriesOutAndSays(u16, String),
    /// The call is not carried out, and nothing is said for as long as the caller waits.
    Hangs,
    /// The call is carried out, and nothing is said.
    CarriesOutAndHangs,
    /// The call is not carried out, and the connection is closed without an answer.
    Closes,
    /// The call is carried out, and the connection is closed without an answer.
    CarriesOutAndCloses,
    /// The call is carried out, and its answer ends in the middle of its body.
    CutsShort,
}

/// A service's stand-in on loopback; it serves until its process ends.
#[derive(Clone, Debug)]
pub struct StandIn(Arc<State>);

#[derive(Debug)]
struct State {
    address: SocketAddr,
    /// The service behind it; without one every call must be answered on order.
    behind: Option<String>,
    orders: Mutex<Vec<Order>>,
    calls: Mutex<Vec<String>>,
}

#[derive(Debug)]
struct Order {
    operation: Option<String>,
    wrong: Wrong,
    times: usize,
}

impl StandIn {
    /// One before the service at `address`, such as `127.0.0.1:4711`.
    #[must_use]
    pub fn before(address: impl Into<String>) -> Self {
        Self::start(Some(address.into()))
    }

    /// One with nothing behind it: a call without an order is answered with 500.
    #[must_use]
    pub fn alone() -> Self {
        Self::start(None)
    }

    fn start(behind: Option<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state = State { address, behind, orders: Mutex::default(), calls: Mutex::default() };
        let stand_in = Self(Arc::new(state));
        let served = stand_in.clone();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let served = served.clone();
                // What goes wrong with one connection is its caller's to notice.
                thread::spawn(move || drop(served.serve(stream)));
            }
        });
        stand_in
    }

    /// Where it is, such as `http://127.0.0.1:4711`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.0.address)
    }

    /// From now on, the next `times` calls of an operation, or of any, are answered so. The first order that fits a call holds.
    pub fn order(&self, operation: Option<&str>, wrong: Wrong, times: usize) {
        self.0.orders.lock().unwrap().push(Order { operation: operation.map(ToOwned::to_owned), wrong, times });
    }

    /// Takes all orders back.
    pub fn calm(&self) {
        self.0.orders.lock().unwrap().clear();
    }

    /// The operations that were called so far; of a service without targets, the paths.
    #[must_use]
    pub fn calls(&self) -> Vec<String> {
        self.0.calls.lock().unwrap().clone()
    }

    fn serve(&self, stream: TcpStream) -> io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut stream = stream;
        while let Some(request) = Request::read(&mut reader)? {
            self.0.calls.lock().unwrap().push(request.operation.clone());
            let wrong = self.next_order(&request.operation);
            let carried_out = match &wrong {
                Some(Wrong::Says(..) | Wrong::Hangs | Wrong::Closes) => Vec::new(),
                _ => self.carry_out(&request)?,
            };
            match wrong {
                None => stream.write_all(&carried_out)?,
                Some(Wrong::Waits(time)) => {
                    thread::sleep(time);
                    stream.write_all(&carried_out)?;
                }
                Some(Wrong::Says(status, body) | Wrong::CarriesOutAndSays(status, body)) => {
                    stream.write_all(&response(status, &body))?;
                }
                Some(Wrong::Hangs | Wrong::CarriesOutAndHangs) => {
                    // Until the caller has had enough of it.
                    while reader.read(&mut [0; 4096])? > 0 {}
                    return Ok(());
                }
                Some(Wrong::Closes | Wrong::CarriesOutAndCloses) => return stream.shutdown(Shutdown::Both),
                Some(Wrong::CutsShort) => {
                    let body = carried_out.len().saturating_sub(1).max(1);
                    stream.write_all(&carried_out[..body.min(carried_out.len())])?;
                    return stream.shutdown(Shutdown::Both);
                }
            }
            if header(&request.head, "connection").is_some_and(|value| value.eq_ignore_ascii_case("close")) {
                return stream.shutdown(Shutdown::Both);
            }
        }
        Ok(())
    }

    fn next_order(&self, operation: &str) -> Option<Wrong> {
        let mut orders = self.0.orders.lock().unwrap();
        let fits = |order: &&mut Order| order.operation.as_deref().is_none_or(|of| of == operation) && order.times > 0;
        let order = orders.iter_mut().find(fits)?;
        order.times -= 1;
        Some(order.wrong.clone())
    }

    /// The whole answer of the service behind, head and body.
    fn carry_out(&self, request: &Request) -> io::Result<Vec<u8>> {
        let Some(behind) = &self.0.behind else { return Ok(response(500, "{}")) };
        let mut service = TcpStream::connect(behind)?;
        service.set_read_timeout(Some(PATIENCE))?;
        service.write_all(request.head.as_bytes())?;
        service.write_all(&request.body)?;
        let mut reader = BufReader::new(service);
        let (head, body) = message(&mut reader)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok([head.into_bytes(), body].concat())
    }
}

struct Request {
    head: String,
    body: Vec<u8>,
    operation: String,
}

impl Request {
    fn read(reader: &mut impl BufRead) -> io::Result<Option<Self>> {
        let Some((head, body)) = message(reader)? else { return Ok(None) };
        let target = header(&head, "x-amz-target").and_then(|target| target.split_once('.')).map(|(_, name)| name);
        let operation = target.or_else(|| head.split(' ').nth(1)).unwrap_or_default().to_owned();
        Ok(Some(Self { head, body, operation }))
    }
}

/// Head and body of one message of HTTP/1.1 that says its length, as all do that pass here.
fn message(reader: &mut impl BufRead) -> io::Result<Option<(String, Vec<u8>)>> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(None);
        }
    }
    let length = header(&head, "content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some((head, body)))
}

fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    lines.into_iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

fn response(status: u16, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status} -\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

const PATIENCE: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::call;

    #[test]
    fn it_answers_rightly_until_it_is_told_otherwise() {
        let service = StandIn::alone();
        service.order(None, Wrong::Says(200, r#"{"it":"is right"}"#.to_owned()), usize::MAX);
        let stand_in = StandIn::before(service.0.address.to_string());
        let ask = |operation| call(&stand_in.0.address.to_string(), operation, "{}", Duration::from_millis(400));
        assert_eq!(ask("PutItem").unwrap().body, r#"{"it":"is right"}"#);
        let orders = [
            (Wrong::Says(200, "<html>".into()), Ok((200, "<html>")), 0),
            (Wrong::CarriesOutAndSays(500, "{}".into()), Ok((500, "{}")), 1),
            (Wrong::Hangs, Err(()), 0),
            (Wrong::CarriesOutAndHangs, Err(()), 1),
            (Wrong::Closes, Err(()), 0),
            (Wrong::CarriesOutAndCloses, Err(()), 1),
            (Wrong::Waits(Duration::from_millis(9)), Ok((200, r#"{"it":"is right"}"#)), 1),
            (Wrong::CutsShort, Ok((200, r#"{"it":"is right""#)), 1),
        ];
        for (wrong, said, carried_out) in orders {
            let before = service.calls().len();
            stand_in.order(Some("GetItem"), wrong.clone(), 1);
            assert!(ask("PutItem").is_ok(), "the order is for another operation");
            let answer = ask("GetItem");
            let answer = answer.as_ref().map(|answer| (answer.status, &*answer.body)).map_err(|_| ());
            assert_eq!((answer, service.calls().len()), (said, before + 1 + carried_out), "{wrong:?}");
        }
        assert!(ask("GetItem").is_ok(), "each order was for one call");
        assert_eq!(stand_in.calls().len(), 18);
    }
}
