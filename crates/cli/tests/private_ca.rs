//! DynamoDB with the key store, KMS and Vault behind TLS, each with a certificate of a private authority of its own: whole
//! processes reach them where a setting names the authorities, and say which setting it takes where none does.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests, not tests themselves"
)]

#[path = "../../gateway/tests/private_ca/mod.rs"]
mod authority;
mod command;
mod support;
#[path = "../../http/tests/vault_server/mod.rs"]
mod vault_server;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use authority::Authority;
use dynaseal_gateway::RuntimeClock;
use dynaseal_keys::testing::FakeKms;
use dynaseal_testkit::{call, fake_aws};
use serde_json::{Value, json};
use support::{Gateway, PROGRAM, TEST_KEY};
use tempfile::TempDir;
use vault_server::{TOKEN, Vault};

#[tokio::test(flavor = "multi_thread")]
async fn keys_behind_a_private_authority_are_used_where_a_setting_names_it() {
    let site = Site::start().await;
    tokio::task::spawn_blocking(move || {
        let folder = site.folder.path();
        site.configure("ca = \"all.pem\"\n");
        let none: &[(&str, &str)] = &[];
        for (keys, table, id) in [("kms", "Users", "t"), ("vault", "Vaulted", "v")] {
            site.works(&["keys", "--keys", keys, "create-store"], none);
            site.works(&["keys", "--keys", keys, "create", id, "--context", "a=b"], none);
            site.works(&["keys", "--keys", keys, "rotate", id], none);
            assert!(site.works(&["keys", "--keys", keys, "list"], none).contains(id));
            let item = json!({"id": {"S": "1"}, "email": {"S": "x"}}).to_string();
            // By the setting, and by the variable that the AWS SDKs know.
            for (ca, environment) in [("ca = \"all.pem\"\n", none), ("", &[("AWS_CA_BUNDLE", "all.pem")])] {
                site.configure(ca);
                let sealed = site.ran(&["seal", "--config", "dynaseal.toml", "--table", table], environment, &item);
                assert_eq!((sealed.0, sealed.2.as_str()), (Some(0), ""), "{table}");
                let opened = site.ran(&["open", "--config", "dynaseal.toml", "--table", table], environment, &sealed.1);
                assert_eq!(opened.0, Some(0), "{}", opened.2);
                assert_eq!(parsed(&opened.1), parsed(&item));
            }
            site.configure("ca = \"all.pem\"\n");
        }
        // A gateway, with the setting.
        let config = site.config("ca = \"all.pem\"\n");
        // Vault is for the commands here.
        let (config, _) = config.split_once("[keys.vault]").unwrap();
        let gateway = Gateway::start(PROGRAM, folder, "gateway", config, &[], TEST_KEY);
        for table in ["Users", "Single"] {
            let created = json!({"TableName": table, "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]});
            let item = json!({"id": {"S": "1"}, "email": {"S": "x"}});
            for (operation, body) in [
                ("CreateTable", created),
                ("PutItem", json!({"TableName": table, "Item": item})),
                ("GetItem", json!({"TableName": table, "Key": {"id": {"S": "1"}}})),
            ] {
                let answer = call(&gateway.address, operation, &body.to_string(), Duration::from_secs(20)).unwrap();
                assert_eq!(answer.status, 200, "{operation} {table}: {}", answer.body);
                assert!(operation != "GetItem" || parsed(&answer.body)["Item"] == item, "{}", answer.body);
            }
        }
        let log = gateway.stop();
        assert!(log.contains("all.pem") && !log.contains("DSL-6007"), "{log}");
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_is_not_trusted_is_told_with_the_setting() {
    let site = Site::start().await;
    tokio::task::spawn_blocking(move || {
        site.configure("ca = \"all.pem\"\n");
        for (keys, id) in [("kms", "t"), ("vault", "v")] {
            site.works(&["keys", "--keys", keys, "create-store"], &[]);
            site.works(&["keys", "--keys", keys, "create", id, "--context", "a=b"], &[]);
        }
        // Each of the three by itself is not trusted.
        for (ca, action, keys, code) in [
            ("kms.pem", "list", "kms", "DSL-4127"),
            ("database.pem", "rotate", "kms", "DSL-4112"),
            ("database.pem", "rotate", "vault", "DSL-4112"),
            ("kms.pem", "rotate", "vault", "DSL-4127"),
        ] {
            for (setting, bundle) in [(format!("ca = \"{ca}\"\n"), None), (String::new(), Some(ca))] {
                site.configure(&setting);
                let environment: Vec<_> = bundle.iter().map(|ca| ("AWS_CA_BUNDLE", *ca)).collect();
                let id = if keys == "kms" { "t" } else { "v" };
                let arguments = match action {
                    "list" => vec!["keys", "--keys", keys, "list"],
                    _ => vec!["keys", "--keys", keys, action, id],
                };
                let (status, _, told) = site.ran(&arguments, &environment, "");
                assert!(status.is_some_and(|status| status != 0), "{arguments:?}: {told}");
                let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
                for words in [code, "signed by no authority that is trusted", "`ca` of [gateway]", "AWS_CA_BUNDLE"] {
                    assert!(told.contains(words), "{ca} {arguments:?} does not say {words}: {told}");
                }
                assert!(!told.contains(TOKEN), "{told}");
            }
        }
    })
    .await
    .unwrap();
}

/// Three servers and a folder with a configuration.
struct Site {
    folder: TempDir,
    upstream: String,
    kms: String,
    vault: String,
    database: Gateway,
}

impl Site {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let plain = "allow_no_tables = true\n[gateway]\nlisten = \"127.0.0.1:0\"\nupstream = \"embedded\"\n";
        let database = Gateway::start(PROGRAM, folder.path(), "database", plain, &[], TEST_KEY);
        let fake = FakeKms::with_clock(Arc::new(RuntimeClock)).with_key(KEY);
        let kms = fake_aws::serve(fake).await.unwrap();
        let vault = Vault::start().await;
        let authorities = [Authority::new(), Authority::new(), Authority::new()];
        let vault_address = vault.url().strip_prefix("http://").unwrap().parse().unwrap();
        let site = Self {
            upstream: authorities[0].in_front_of(database.address.parse().unwrap()).await,
            kms: authorities[1].in_front_of(kms).await,
            vault: authorities[2].in_front_of(vault_address).await,
            database,
            folder,
        };
        let write = |name: &str, text: &str| fs::write(site.folder.path().join(name), text).unwrap();
        write("database.pem", &authorities[0].pem);
        write("kms.pem", &authorities[1].pem);
        write("all.pem", &authorities.iter().map(|authority| authority.pem.as_str()).collect::<String>());
        site
    }

    fn configure(&self, ca: &str) {
        fs::write(self.folder.path().join("dynaseal.toml"), self.config(ca)).unwrap();
    }

    fn config(&self, ca: &str) -> String {
        let Self { upstream, kms, .. } = self;
        let table = |name: &str, keys: &str| {
            format!(
                "[tables.{name}]\nkeys = \"{keys}\"\npartition_key = \"id\"\ndefault_action = \"encrypt_and_sign\"\n\
                 [tables.{name}.attributes]\nid = \"sign_only\"\n"
            )
        };
        let tables = [table("Users", "kms"), table("Single", "single")].concat();
        format!(
            "[gateway]\nlisten = \"127.0.0.1:0\"\nupstream = \"{upstream}\"\nregion = \"us-east-1\"\n\
             kms_endpoint = \"{kms}\"\n{ca}\
             [keys.kms]\ntype = \"hierarchical\"\nkey_store_table = \"Keys\"\nkms_key_arn = \"{KEY}\"\n\
             branch_key_id = \"t\"\ncache_ttl = 60\n\
             [keys.single]\ntype = \"aws-kms\"\nkey_arn = \"{KEY}\"\n{tables}\
             [keys.vault]\ntype = \"hierarchical\"\nkey_store_table = \"VaultKeys\"\nvault_key = \"branch-keys\"\n\
             branch_key_id = \"v\"\ncache_ttl = 60\n{}",
            table("Vaulted", "vault")
        )
    }

    /// What a command that must succeed prints.
    fn works(&self, arguments: &[&str], environment: &[(&str, &str)]) -> String {
        let (status, out, told) = self.ran(arguments, environment, "");
        assert_eq!(status, Some(0), "{arguments:?}: {told}");
        out
    }

    fn ran(&self, arguments: &[&str], environment: &[(&str, &str)], input: &str) -> (Option<i32>, String, String) {
        let folder: &Path = self.folder.path();
        let mut command = command::dynaseal(folder, arguments);
        command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test").env_remove("AWS_CA_BUNDLE");
        command.env("VAULT_ADDR", &self.vault).env("VAULT_TOKEN", TOKEN).envs(environment.iter().copied());
        let ran = command::finish(command, input);
        (ran.status.code(), ran.stdout, ran.stderr)
    }
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text.trim()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
