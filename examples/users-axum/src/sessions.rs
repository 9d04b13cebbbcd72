//! `/sessions`: log in and out; and who calls.

use axum::extract::{FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::{Extension, Json};
use dynaseal_web::Peer;
use serde_json::{Value, json};

use crate::attempts::Limits;
use crate::error::Error;
use crate::input::{Body, is_username};
use crate::store::{Session, Store, now};
use crate::{passwords, tokens};

/// `POST /sessions`
pub(crate) async fn open(
    State(store): State<Store>,
    Extension(limits): Extension<Limits>,
    Extension(peer): Extension<Peer>,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Error> {
    let [username, password] = body.members([("username", |_| true), ("password", |_| true)])?;
    // DynamoDB would refuse some texts as a key; no user has such a name.
    let known = is_username(&username);
    let attempt = limits.logins.begin(if known { &username } else { "" }, peer.address)?;
    let user = if known { store.user(&username).await? } else { None };
    let hash = user.as_ref().map(|user| user.password_hash.clone());
    let right = passwords::verify(password, hash).await?;
    let Some(user) = user.filter(|_| right) else {
        return Err(Error::new(StatusCode::UNAUTHORIZED, "Wrong username or password"));
    };
    attempt.succeeded();
    let token = tokens::new()?;
    let session = Session { username, account: user.account, expires_at: now() + LIFETIME };
    store.add_session(&tokens::hash(&token), session).await?;
    Ok((StatusCode::CREATED, Json(json!({ "token": token, "expiresIn": LIFETIME }))))
}

/// `DELETE /sessions`
pub(crate) async fn close(State(store): State<Store>, caller: Caller) -> Result<StatusCode, Error> {
    store.remove_session(&caller.token_hash).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whoever holds the request's token.
pub(crate) struct Caller {
    pub(crate) username: String,
    /// The account that the token was made for: a name that was freed and taken again is another account.
    pub(crate) account: String,
    token_hash: String,
}

impl Caller {
    /// Unless the path names somebody else.
    pub(crate) fn is(&self, username: &str) -> Result<(), Error> {
        if self.username == username { Ok(()) } else { Err(Error::new(StatusCode::FORBIDDEN, "Forbidden")) }
    }
}

impl FromRequestParts<Store> for Caller {
    type Rejection = Error;

    async fn from_request_parts(head: &mut Parts, store: &Store) -> Result<Self, Error> {
        let header = head.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let (scheme, token) = header.and_then(|text| text.split_once(' ')).ok_or_else(Error::unauthorized)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(Error::unauthorized());
        }
        let token_hash = tokens::hash(token.trim_start());
        let session = store.session(&token_hash).await?.ok_or_else(Error::unauthorized)?;
        Ok(Self { username: session.username, account: session.account, token_hash })
    }
}

/// Seconds.
const LIFETIME: u64 = 3600;
