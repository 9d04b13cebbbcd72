//! `/users`: register, read, update, delete.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use dynaseal_web::Peer;
use serde_json::{Value, json};

use crate::attempts::Limits;
use crate::error::Error;
use crate::input::{Body, is_email, is_password, is_username};
use crate::sessions::Caller;
use crate::store::{Store, User};
use crate::{passwords, tokens};

/// `POST /users`
pub(crate) async fn register(
    State(store): State<Store>,
    Extension(limits): Extension<Limits>,
    Extension(peer): Extension<Peer>,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Error> {
    let [username, email, password] =
        body.members([("username", is_username), ("email", is_email), ("password", is_password)])?;
    limits.registrations.begin("", peer.address)?;
    let password_hash = passwords::hash(password).await?;
    let shown = shown(&username, &email);
    store.add_user(User { username, account: tokens::account()?, email, password_hash }).await?;
    Ok((StatusCode::CREATED, shown))
}

/// `GET /users/{username}`
pub(crate) async fn read(
    State(store): State<Store>,
    caller: Caller,
    Path(username): Path<String>,
) -> Result<Json<Value>, Error> {
    caller.is(&username)?;
    let user = store.user(&username).await?.filter(|user| user.account == caller.account);
    let user = user.ok_or_else(|| Error::new(StatusCode::NOT_FOUND, "Not found"))?;
    Ok(shown(&username, &user.email))
}

/// `PATCH /users/{username}`
pub(crate) async fn update(
    State(store): State<Store>,
    caller: Caller,
    Path(username): Path<String>,
    body: Body,
) -> Result<Json<Value>, Error> {
    caller.is(&username)?;
    let [email] = body.members([("email", is_email)])?;
    store.set_email(&username, &caller.account, &email).await?;
    Ok(shown(&username, &email))
}

/// `DELETE /users/{username}`
pub(crate) async fn delete(
    State(store): State<Store>,
    caller: Caller,
    Path(username): Path<String>,
) -> Result<StatusCode, Error> {
    caller.is(&username)?;
    store.remove_user(&username, &caller.account).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn shown(username: &str, email: &str) -> Json<Value> {
    Json(json!({ "username": username, "email": email }))
}
