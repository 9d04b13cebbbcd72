//! The two KMSs, each with the same keys: `$key` with `$alias`, `$other`, `$disabled`, `$deleted`, and `$replicated` with
//! `$replica` in another Region.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use dynaseal_keys::testing::{FakeKms, KeyState};
use dynaseal_keys::{Call, Service, Wire as _};
use serde_json::{Map, Value as Json, json};

use crate::script::{ELSEWHERE, HERE};

pub(crate) trait Kms {
    /// Makes the keys, and names them.
    fn prepare(&mut self) -> Map<String, Json>;

    fn call(&self, region: &str, operation: &str, body: &Json) -> (u16, Json);
}

/// The KMS for tests.
pub(crate) struct Fake {
    kms: FakeKms,
    runtime: tokio::runtime::Runtime,
}

impl Fake {
    pub(crate) fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        Self { kms: FakeKms::default(), runtime }
    }
}

impl Kms for Fake {
    fn prepare(&mut self) -> Map<String, Json> {
        let arn = |region: &str, id: &str| format!("arn:aws:kms:{region}:123456789012:key/{id}");
        let ids = ["key", "other", "disabled", "deleted"];
        let mut keys: Vec<(&str, String)> = ids
            .into_iter()
            .zip(1..)
            .map(|(name, number)| (name, arn(HERE, &format!("{number:08}-0000-4000-8000-000000000000"))))
            .collect();
        let replicated = "mrk-00000000000040008000000000000005";
        keys.extend([("replicated", arn(HERE, replicated)), ("replica", arn(ELSEWHERE, replicated))]);
        self.kms = keys.iter().fold(self.kms.clone(), |kms, (_, arn)| kms.with_key(arn));
        self.kms.set_alias("alias/app", &keys[0].1);
        self.kms.set_state(&keys[2].1, KeyState::Disabled);
        self.kms.set_state(&keys[3].1, KeyState::PendingDeletion);
        names(keys)
    }

    fn call(&self, region: &str, operation: &str, body: &Json) -> (u16, Json) {
        let call = Call::new(Service::Kms, operation.to_owned(), body.to_string().into_bytes());
        let answer = self.runtime.block_on(self.kms.send(call.in_region(Some(region)))).unwrap();
        (answer.status, serde_json::from_slice(&answer.body).unwrap())
    }
}

/// moto's server, on a port of its own, until this is dropped.
pub(crate) struct Moto {
    process: Child,
    address: String,
}

impl Moto {
    pub(crate) fn start(python: &OsStr) -> Self {
        let arguments = ["-m", "moto.server", "-H", "127.0.0.1", "-p", "0"];
        let mut process = Command::new(python)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let mut said = String::new();
        let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
            said.push_str(&line);
            line.split_once("Running on http://").map(|(_, address)| address.trim().to_owned())
        });
        // What it says later is read so that it never waits for a reader.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        let mut moto = Self { process, address: String::new() };
        moto.address = address.unwrap_or_else(|| panic!("moto did not start: {said}"));
        moto
    }

    fn must(&self, region: &str, operation: &str, body: &Json) -> Json {
        let (status, answer) = self.call(region, operation, body);
        assert_eq!(status, 200, "moto: {operation} {body}: {answer}");
        answer
    }
}

impl Kms for Moto {
    fn prepare(&mut self) -> Map<String, Json> {
        let create =
            |body: Json| self.must(HERE, "CreateKey", &body)["KeyMetadata"]["Arn"].as_str().unwrap().to_owned();
        let id = |arn: &str| json!(arn.split_once('/').unwrap().1);
        let names_of = ["key", "other", "disabled", "deleted"];
        let mut keys: Vec<(&str, String)> = names_of.map(|name| (name, create(json!({})))).into();
        keys.push(("replicated", create(json!({ "MultiRegion": true }))));
        self.must(HERE, "CreateAlias", &json!({ "AliasName": "alias/app", "TargetKeyId": id(&keys[0].1) }));
        self.must(HERE, "DisableKey", &json!({ "KeyId": id(&keys[2].1) }));
        self.must(HERE, "ScheduleKeyDeletion", &json!({ "KeyId": id(&keys[3].1) }));
        let body = json!({ "KeyId": id(&keys[4].1), "ReplicaRegion": ELSEWHERE });
        let replica = self.must(HERE, "ReplicateKey", &body)["ReplicaKeyMetadata"]["Arn"].as_str().unwrap().to_owned();
        keys.push(("replica", replica));
        names(keys)
    }

    fn call(&self, region: &str, operation: &str, body: &Json) -> (u16, Json) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let (address, body) = (&self.address, body.to_string());
        write!(
            stream,
            "POST / HTTP/1.0\r\nHost: {address}\r\nX-Amz-Target: TrentService.{operation}\r\n\
             Content-Type: application/x-amz-json-1.1\r\nContent-Length: {}\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/{region}/kms/aws4_request, SignedHeaders=host, \
             Signature=test\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        let (head, body) = reply.split_once("\r\n\r\n").unwrap_or_else(|| panic!("not HTTP: {reply}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or_default())
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Each key by its ARN and by its bare id.
fn names(keys: Vec<(&str, String)>) -> Map<String, Json> {
    let alias = keys[0].1.split_once("key/").unwrap().0.to_owned() + "alias/app";
    let mut names: Map<String, Json> = keys
        .into_iter()
        .flat_map(|(name, arn)| {
            let id = arn.split_once('/').unwrap().1.to_owned();
            [(format!("${name}"), json!(arn)), (format!("${name}'s id"), json!(id))]
        })
        .collect();
    names.insert("$alias".to_owned(), json!(alias));
    names
}
