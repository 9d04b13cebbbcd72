//! Passwords: Argon2id with the library's parameters, which are OWASP's.

use std::sync::{Arc, LazyLock};

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use axum::http::StatusCode;
use tokio::sync::Semaphore;

use crate::error::Error;

/// The hash to store.
pub(crate) async fn hash(password: String) -> Result<String, Error> {
    let hashed = working(move || Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string()));
    hashed.await?.map_err(|_| failed())
}

/// Whether a password is the one that was hashed. Without a hash, as for a user that does not exist, it takes as long.
pub(crate) async fn verify(password: String, hash: Option<String>) -> Result<bool, Error> {
    let exists = hash.is_some();
    let hash = match hash {
        Some(hash) => hash,
        None => hash_of_nobody().await?,
    };
    let verified = working(move || {
        let hash = PasswordHash::new(&hash)?;
        Ok::<_, argon2::password_hash::phc::Error>(
            Argon2::default().verify_password(password.as_bytes(), &hash).is_ok(),
        )
    });
    Ok(verified.await?.map_err(|_| failed())? && exists)
}

async fn hash_of_nobody() -> Result<String, Error> {
    static HASH: tokio::sync::OnceCell<String> = tokio::sync::OnceCell::const_new();
    HASH.get_or_try_init(|| hash(String::new())).await.cloned()
}

/// On a thread of its own: it takes milliseconds and 19 MiB. As many at once as there are cores; the others wait.
async fn working<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    static PLACES: LazyLock<Arc<Semaphore>> = LazyLock::new(|| {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Arc::new(Semaphore::new(cores))
    });
    let place = PLACES.clone().acquire_owned().await.map_err(|_| failed())?;
    let worked = tokio::task::spawn_blocking(move || {
        let done = work();
        drop(place);
        done
    });
    worked.await.map_err(|_| failed())
}

fn failed() -> Error {
    Error::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
}
