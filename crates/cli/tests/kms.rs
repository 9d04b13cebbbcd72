//! Keys of AWS KMS in whole processes: `dynaseal gateway` under the SDK, `seal` and `open`, with a KMS over HTTP. Nothing of
//! an item and no key is found in what they wrote.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests, not tests themselves"
)]

mod command;
mod support;

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use dynaseal_engine::{Answer, BoxFuture, Call, Wire, WireError};
use dynaseal_gateway::RuntimeClock;
use dynaseal_keys::testing::{FakeKms, KeyState, Trouble};
use dynaseal_testkit::fake_aws;
use serde_json::{Value, json};
use support::{Gateway, PROGRAM, TEST_KEY};

#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_works_through_a_gateway_whose_keys_are_in_kms() {
    let (kms, folder) = (TestKms::start().await, tempfile::tempdir().unwrap());
    let gateway = gateway(folder.path(), &kms);
    let db = client(&gateway, RetryConfig::standard().with_initial_backoff(Duration::from_millis(10)));
    create(&db).await;
    put(&db, "1").await.unwrap();
    assert_eq!(get(&db, "1").await.unwrap(), s(SECRET));
    let found = db.query().table_name("Users").key_condition_expression("id = :i");
    let found = found.expression_attribute_values(":i", s("1")).send().await.unwrap().items.unwrap();
    assert_eq!((found.len(), &found[0]["email"]), (1, &s(SECRET)));

    // The gateway's tries are used up, and then it is the SDK's turn.
    kms.fake.trouble(Trouble::Throttle, None, 4);
    assert_eq!(get(&db, "1").await.unwrap(), s(SECRET));
    kms.fake.trouble(Trouble::Internal, None, 4);
    put(&db, "2").await.unwrap();

    let once = client(&gateway, RetryConfig::disabled());
    for (trouble, status, code) in [
        (Trouble::Throttle, 503, "DSL-4101"),
        (Trouble::Down(WireError::Broken), 503, "DSL-4112"),
        (Trouble::AccessDenied, 400, "DSL-4103"),
    ] {
        kms.fake.trouble(trouble, None, usize::MAX);
        assert_refused(&get(&once, "1").await.unwrap_err(), status, code);
        assert_refused(&put(&once, "3").await.unwrap_err(), status, code);
        kms.fake.calm();
        get(&once, "1").await.unwrap();
    }
    kms.fake.set_state(KEY, KeyState::Disabled);
    let error = get(&once, "1").await.unwrap_err();
    assert_refused(&error, 400, "DSL-4106");
    assert!(error.message().unwrap().contains("Enable the key"), "{error:?}");
    kms.fake.set_state(KEY, KeyState::Enabled);
    get(&once, "1").await.unwrap();

    let log = gateway.stop();
    assert!(log.contains("calls of KMS") && log.contains(&kms.url), "{log}");
    assert!(log.contains("operation=\"GenerateDataKey\" outcome=\"ok\""), "{log}");
    assert!(log.contains("outcome=\"throttled\"") && log.contains("code=\"DSL-4106\""), "{log}");
    kms.assert_nothing_written(folder.path());
}

#[tokio::test(flavor = "multi_thread")]
async fn seal_and_open_use_keys_of_kms_and_local_keys_need_no_network() {
    let (kms, folder) = (TestKms::start().await, tempfile::tempdir().unwrap());
    fs::write(folder.path().join("dynaseal.toml"), config(&kms.url)).unwrap();
    let folder = folder.path().to_owned();
    let items: String =
        (0..20).map(|n| format!("{}\n", json!({"id": {"S": n.to_string()}, "email": {"S": SECRET}}))).collect();

    let (sealed, opened, local) = blocking({
        let (folder, items) = (folder.clone(), items.clone());
        move || {
            let sealed = run(&folder, "seal", "Users", &items, true);
            let opened = run(&folder, "open", "Users", &sealed.stdout, true);
            // No credentials and no Region: nothing of the network is opened.
            let local = run(&folder, "seal", "Local", &items, false);
            (sealed, opened, local)
        }
    })
    .await;
    assert_eq!((sealed.status.code(), sealed.stderr.as_str()), (Some(0), ""));
    assert!(!sealed.stdout.contains(SECRET));
    assert_eq!((opened.status.code(), opened.stderr.as_str()), (Some(0), ""));
    assert_eq!(lines(&opened.stdout), lines(&items));
    assert_eq!((kms.fake.count("GenerateDataKey"), kms.fake.count("Decrypt")), (20, 20));
    assert_eq!((local.status.code(), local.stderr.as_str(), local.stdout.lines().count()), (Some(0), "", 20));

    kms.fake.set_state(KEY, KeyState::Disabled);
    let (disabled, nobody) = blocking({
        let folder = folder.clone();
        let stored = sealed.stdout.lines().next().unwrap().to_owned();
        move || (run(&folder, "open", "Users", &stored, true), run(&folder, "open", "Users", &stored, false))
    })
    .await;
    // It is not the data that is wrong.
    assert_eq!(disabled.status.code(), Some(2));
    assert!(disabled.stderr.contains("error[DSL-4106]: stopped at line 1"), "{}", disabled.stderr);
    // Without a Region the command does not start, and says what to set.
    assert_eq!(nobody.status.code(), Some(2));
    assert!(nobody.stderr.contains("DSL-7005") && nobody.stderr.contains("AWS_REGION"), "{}", nobody.stderr);
    assert!(!disabled.stderr.contains(SECRET) && !nobody.stderr.contains(SECRET));
}

#[test]
fn keys_of_vault_say_what_the_environment_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let config = "[gateway]\nupstream = \"embedded\"\n\
        [keys.tenants]\ntype = \"hierarchical\"\nkey_store_table = \"Keys\"\nvault_key = \"app\"\nbranch_key_id = \"t\"\n\
        [tables.Users]\nkeys = \"tenants\"\npartition_key = \"id\"\ndefault_action = \"encrypt_and_sign\"\n";
    fs::write(folder.path().join("dynaseal.toml"), config).unwrap();
    for (address, what) in [
        ("", "VAULT_ADDR: it is not set"),
        ("http://vault.example.com:8200", "VAULT_ADDR: http://vault.example.com:8200 has no TLS"),
    ] {
        let args = ["seal", "--config", "dynaseal.toml", "--table", "Users"];
        let mut command = command::dynaseal(folder.path(), &args);
        command.env("VAULT_ADDR", address).env("VAULT_TOKEN", "canary-token").env_remove("VAULT_TOKEN_FILE");
        let ran = command::finish(command, "");
        assert_eq!(ran.status.code(), Some(2));
        let said = ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in ["DSL-9011", what, "such as https://vault.example.com:8200"] {
            assert!(said.contains(part), "{said}");
        }
        assert!(!said.contains("canary"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn check_says_where_calls_of_kms_go() {
    let folder = tempfile::tempdir().unwrap();
    let checked = |config: String, json: bool| {
        fs::write(folder.path().join("dynaseal.toml"), config).unwrap();
        let args = ["check", "dynaseal.toml", "--json"];
        let ran = command::run(folder.path(), if json { &args } else { &args[..2] }, "");
        assert_eq!(ran.status.code(), Some(0), "{}", ran.stderr);
        ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let here = checked(config("http://127.0.0.1:9"), false);
    assert!(here.contains("AWS KMS at http://127.0.0.1:9."), "{here}");
    let at_aws = config("x").replace("kms_endpoint = \"x\"", "region = \"eu-west-1\"");
    let words = checked(at_aws.clone(), false);
    assert!(words.contains("AWS KMS in the Region of each key; where a key names none: eu-west-1."), "{words}");
    let said: Value = serde_json::from_str(&checked(at_aws, true)).unwrap();
    assert_eq!(said["kms"], json!({"endpoint": null, "region": "eu-west-1"}));
    let local = checked(config("http://127.0.0.1:9").replace("keys = \"kms\"", "keys = \"main\""), true);
    assert_eq!(serde_json::from_str::<Value>(&local).unwrap()["kms"], Value::Null);
}

/// A KMS over HTTP that remembers each key it gave out.
struct TestKms {
    fake: FakeKms,
    url: String,
    given: Arc<Mutex<Vec<String>>>,
}

impl TestKms {
    async fn start() -> Self {
        let fake = FakeKms::with_clock(Arc::new(RuntimeClock)).with_key(KEY);
        let given = Arc::default();
        let wire = Arc::new(Remembering { fake: fake.clone(), given: Arc::clone(&given) });
        let address = fake_aws::serve_through(fake.clone(), wire).await.unwrap();
        Self { fake, url: format!("http://{address}"), given }
    }

    /// Neither markers nor keys are in any file of the folder.
    #[track_caller]
    fn assert_nothing_written(&self, folder: &Path) {
        let given = self.given.lock().unwrap();
        assert!(given.len() > 4, "nothing to look for");
        let raw: Vec<_> = given.iter().map(|key| base64_simd::STANDARD.decode_to_vec(key).unwrap()).collect();
        let mut files = 0;
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let bytes = fs::read(&path).unwrap();
            let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
            assert!(!holds(SECRET.as_bytes()), "the item is in {}", path.display());
            for (text, raw) in given.iter().zip(&raw) {
                assert!(!holds(text.as_bytes()) && !holds(raw), "a key is in {}", path.display());
            }
            files += 1;
        }
        assert!(files >= 3, "only {files} files");
    }
}

struct Remembering {
    fake: FakeKms,
    given: Arc<Mutex<Vec<String>>>,
}

impl Wire for Remembering {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        Box::pin(async move {
            let answer = self.fake.send(call).await?;
            let body: Value = serde_json::from_slice(&answer.body).unwrap();
            self.given.lock().unwrap().extend(body["Plaintext"].as_str().map(str::to_owned));
            Ok(answer)
        })
    }
}

fn gateway(folder: &Path, kms: &TestKms) -> Gateway {
    Gateway::start(PROGRAM, folder, "gateway", &config(&kms.url), &["--log", "trace"], TEST_KEY)
}

fn client(gateway: &Gateway, retries: RetryConfig) -> Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .endpoint_url(format!("http://{}", gateway.address))
        .retry_config(retries);
    Client::from_conf(config.build())
}

async fn create(db: &Client) {
    let key = KeySchemaElement::builder().attribute_name("id").key_type(KeyType::Hash).build().unwrap();
    let id = AttributeDefinition::builder().attribute_name("id").attribute_type(ScalarAttributeType::S);
    let create = db.create_table().table_name("Users").billing_mode(BillingMode::PayPerRequest);
    create.key_schema(key).attribute_definitions(id.build().unwrap()).send().await.unwrap();
}

async fn put(db: &Client, id: &str) -> Result<(), aws_sdk_dynamodb::Error> {
    db.put_item().table_name("Users").item("id", s(id)).item("email", s(SECRET)).send().await?;
    Ok(())
}

async fn get(db: &Client, id: &str) -> Result<AttributeValue, aws_sdk_dynamodb::Error> {
    let got = db.get_item().table_name("Users").key("id", s(id)).send().await?;
    Ok(got.item.unwrap()["email"].clone())
}

#[track_caller]
fn assert_refused(error: &aws_sdk_dynamodb::Error, status: u16, code: &str) {
    let name = if status == 400 { "AccessDeniedException" } else { "ServiceUnavailable" };
    assert_eq!((error.code(), error.message().unwrap().split(':').next()), (Some(name), Some(code)), "{error:?}");
    let text = DisplayErrorContext(error).to_string();
    assert!(text.contains(KEY) && !text.contains(SECRET), "{text}");
}

fn run(folder: &Path, what: &str, table: &str, input: &str, with_credentials: bool) -> command::Ran {
    let mut command = command::dynaseal(folder, &[what, "--config", "dynaseal.toml", "--table", table]);
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"] {
        command.env_remove(name);
    }
    // No question to the metadata service of a machine in the cloud, and no profile of whoever runs this.
    command.env("AWS_EC2_METADATA_DISABLED", "true").env("AWS_CONFIG_FILE", folder.join("none"));
    command.env("AWS_SHARED_CREDENTIALS_FILE", folder.join("none"));
    if with_credentials {
        command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test").env("AWS_REGION", "eu-west-1");
    }
    command::finish(command, input)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn config(kms: &str) -> String {
    format!(
        r#"
[gateway]
listen = "127.0.0.1:0"
upstream = "embedded"
database = "data.db"
kms_endpoint = "{kms}"

[keys.kms]
type = "aws-kms"
key_arn = "{KEY}"

[keys.main]
type = "raw-aes"
namespace = "test"
name = "test-key"
key_env = "DYNASEAL_TEST_KEY"

[tables.Users]
keys = "kms"
partition_key = "id"
default_action = "encrypt_and_sign"
[tables.Users.attributes]
id = "sign_only"

[tables.Local]
keys = "main"
partition_key = "id"
default_action = "encrypt_and_sign"
[tables.Local.attributes]
id = "sign_only"
"#
    )
}

const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const SECRET: &str = "canary-91bd@example.com";
