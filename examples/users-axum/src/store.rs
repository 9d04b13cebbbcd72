//! DynamoDB, through a client that seals. What is encrypted stands in `examples/dynaseal.toml` and nowhere here.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use aws_config::BehaviorVersion;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::types::AttributeValue;
use axum::http::StatusCode;

use crate::error::Error;

#[derive(Clone, Debug)]
pub(crate) struct Store {
    // The type says that it is sealed: the SDK's own client would not do.
    db: dynaseal::Client,
}

/// As stored, but for the encryption.
pub(crate) struct User {
    pub(crate) username: String,
    pub(crate) account: String,
    pub(crate) email: String,
    pub(crate) password_hash: String,
}

pub(crate) struct Session {
    pub(crate) username: String,
    pub(crate) account: String,
    pub(crate) expires_at: u64,
}

impl Store {
    pub(crate) async fn open(config: &str) -> Result<Self, Box<dyn std::error::Error>> {
        let limits = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).operation_timeout(WHOLE).build();
        let aws = aws_config::defaults(BehaviorVersion::latest()).timeout_config(limits).load().await;
        Ok(Self { db: dynaseal::seal(&aws, dynaseal::load(config)?)? })
    }

    pub(crate) async fn add_user(&self, user: User) -> Result<(), Error> {
        let put = self.db.put_item().table_name("Users").condition_expression("attribute_not_exists(username)");
        let put = put.item("username", s(user.username)).item("account", s(user.account));
        let put = put.item("email", s(user.email)).item("passwordHash", s(user.password_hash));
        put.send().await.map_err(|error| Error::from(error).on_condition("User exists"))?;
        Ok(())
    }

    pub(crate) async fn user(&self, username: &str) -> Result<Option<User>, Error> {
        let get = self.db.get_item().table_name("Users").key("username", s(username)).consistent_read(true);
        let Some(mut item) = get.send().await?.item else { return Ok(None) };
        let mut text = |name| text(&mut item, name);
        let (account, email, password_hash) = (text("account")?, text("email")?, text("passwordHash")?);
        Ok(Some(User { username: username.to_owned(), account, email, password_hash }))
    }

    /// Sets an encrypted attribute, if another one is what it was when the caller logged in.
    pub(crate) async fn set_email(&self, username: &str, account: &str, email: &str) -> Result<(), Error> {
        let update = self.db.update_item().table_name("Users").key("username", s(username));
        let update = update.update_expression("SET email = :email").condition_expression("account = :account");
        let update = update.expression_attribute_values(":email", s(email));
        let update = update.expression_attribute_values(":account", s(account));
        update.send().await.map_err(|error| Error::from(error).on_condition(NO_USER))?;
        Ok(())
    }

    pub(crate) async fn remove_user(&self, username: &str, account: &str) -> Result<(), Error> {
        let delete = self.db.delete_item().table_name("Users").key("username", s(username));
        let delete = delete.condition_expression("account = :account");
        let delete = delete.expression_attribute_values(":account", s(account));
        delete.send().await.map_err(|error| Error::from(error).on_condition(NO_USER))?;
        Ok(())
    }

    pub(crate) async fn add_session(&self, token_hash: &str, session: Session) -> Result<(), Error> {
        let put = self.db.put_item().table_name("Sessions").item("tokenHash", s(token_hash));
        let put = put.item("username", s(session.username)).item("account", s(session.account));
        put.item("expiresAt", AttributeValue::N(session.expires_at.to_string())).send().await?;
        Ok(())
    }

    /// A session that has not run out.
    pub(crate) async fn session(&self, token_hash: &str) -> Result<Option<Session>, Error> {
        let get = self.db.get_item().table_name("Sessions").key("tokenHash", s(token_hash)).consistent_read(true);
        let Some(mut item) = get.send().await?.item else { return Ok(None) };
        let expires_at = item.remove("expiresAt").and_then(|value| value.as_n().ok()?.parse().ok()).unwrap_or(0);
        let mut text = |name| text(&mut item, name);
        let session = Session { username: text("username")?, account: text("account")?, expires_at };
        // DynamoDB removes what has run out within days, not at once.
        Ok(Some(session).filter(|session| session.expires_at > now()))
    }

    pub(crate) async fn remove_session(&self, token_hash: &str) -> Result<(), Error> {
        self.db.delete_item().table_name("Sessions").key("tokenHash", s(token_hash)).send().await?;
        Ok(())
    }
}

/// Seconds since 1970, as DynamoDB's time to live counts.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

/// The item was verified, so an attribute that is not there was never written.
fn text(item: &mut HashMap<String, AttributeValue>, name: &str) -> Result<String, Error> {
    match item.remove(name) {
        Some(AttributeValue::S(text)) => Ok(text),
        _ => Err(Error::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")),
    }
}

const NO_USER: &str = "User does not exist";
const ATTEMPT: Duration = Duration::from_secs(3);
const WHOLE: Duration = Duration::from_secs(8);
