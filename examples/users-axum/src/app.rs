//! Routes, and every layer that a request passes, in order.

use std::future::ready;
use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::connect_info::IntoMakeServiceWithConnectInfo;
use axum::extract::{ConnectInfo, Request};
use axum::http::StatusCode;
use axum::middleware::map_request;
use axum::routing::{get, post};
use axum::{Extension, Router};
use dynaseal_web::{Peer, RequireHttps, secure_headers, sensitive_headers, trace};
use tower_http::timeout::TimeoutLayer;

use crate::attempts::Limits;
use crate::error::Error;
use crate::store::Store;
use crate::{sessions, users};

pub(crate) fn router(store: Store) -> Router {
    Router::new()
        .route("/users", post(users::register))
        .route("/users/{username}", get(users::read).patch(users::update).delete(users::delete))
        .route("/sessions", post(sessions::open).delete(sessions::close))
        .fallback(async || Error::new(StatusCode::NOT_FOUND, "Not found"))
        .method_not_allowed_fallback(async || Error::new(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed"))
        .with_state(store)
        .layer(Extension(Limits::default()))
        // From the inside out: the last is the first that a request meets.
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, TIME))
        .layer(trace())
        .layer(sensitive_headers())
        .layer(secure_headers())
        .layer(RequireHttps::new())
}

/// The routes for connections with or without TLS.
pub(crate) fn service(app: Router, tls: bool) -> IntoMakeServiceWithConnectInfo<Router, SocketAddr> {
    let known = map_request(move |ConnectInfo(peer): ConnectInfo<SocketAddr>, mut request: Request| {
        request.extensions_mut().insert(Peer { address: peer.ip(), tls });
        ready(request)
    });
    app.layer(known).into_make_service_with_connect_info()
}

const TIME: Duration = Duration::from_secs(30);
