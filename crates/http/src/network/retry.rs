//! A few tries for calls of KMS and Vault. Each of their operations that key rings use can be repeated: none changes a key,
//! and a data key that nobody received protects nothing.
//!
//! Reads of a key store are calls of DynamoDB and are not retried here: the wire cannot tell them from a caller's own, and
//! what they fail with is an answer that the caller's SDK retries.

use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use dynaseal_engine::{Answer, Refusal, Service, WireError};

/// Tries, and what keeps them from adding to an outage: a retry spends from a budget that answers fill up again.
#[derive(Debug)]
pub struct Retries {
    budget: AtomicU32,
    randomness: RandomState,
}

impl Default for Retries {
    fn default() -> Self {
        Self { budget: AtomicU32::new(BUDGET), randomness: RandomState::new() }
    }
}

impl Retries {
    /// Tries until there is an answer of the service that will not change, the tries or the budget are used up, or the time
    /// is over.
    ///
    /// # Errors
    /// The last try got no answer, or the time was over.
    pub async fn carry_out<F>(
        &self,
        service: Service,
        limit: Duration,
        attempt: impl Fn() -> F,
    ) -> Result<Answer, WireError>
    where
        F: Future<Output = Result<Answer, WireError>>,
    {
        let tries = async {
            let mut tried = 1;
            loop {
                let result = attempt().await;
                if !may_pass(service, &result) {
                    self.earn();
                    return result;
                }
                if tried == TRIES || !self.spend() {
                    return result;
                }
                tokio::time::sleep(self.pause(tried)).await;
                tried += 1;
            }
        };
        tokio::time::timeout(limit, tries).await.map_err(|_| WireError::Timeout)?
    }

    fn spend(&self) -> bool {
        let less = |left: u32| left.checked_sub(COST);
        self.budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }

    fn earn(&self) {
        let more = |left: u32| (left < BUDGET).then_some(left + 1);
        // Full already is as good.
        let _ = self.budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
    }

    /// A random part of what may be waited at most, so that those who failed together do not come back together.
    fn pause(&self, tried: u32) -> Duration {
        let random = u32::try_from(self.randomness.hash_one(Instant::now()) % PARTS).unwrap_or_default();
        PAUSE * (1 << tried) * random / 1024
    }
}

/// Whether the next try may end differently.
fn may_pass(service: Service, result: &Result<Answer, WireError>) -> bool {
    match result {
        Ok(answer) => !answer.ok() && Refusal::of_service(service, answer).is_passing(),
        Err(error) => !matches!(error, WireError::NoCredentials | WireError::NoToken | WireError::Tls(_)),
    }
}

/// How often a call is tried.
pub const TRIES: u32 = 3;
/// Half of the longest pause before the second try; each further one may be twice as long.
const PAUSE: Duration = Duration::from_millis(50);
/// A hundred retries, and then one for each five calls that get an answer.
const BUDGET: u32 = 100 * COST;
const COST: u32 = 5;
/// Into how many parts a pause is divided, to take a random number of them.
const PARTS: u64 = 1024;

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    fn answer(status: u16, kind: &str) -> Result<Answer, WireError> {
        Ok(Answer::new(status, format!("{{\"__type\":\"{kind}\"}}").into()))
    }

    /// Gives the results in turn; how many were asked for, and the last.
    async fn tried(retries: &Retries, results: Vec<Result<Answer, WireError>>) -> (usize, Result<Answer, WireError>) {
        let left = Mutex::new(results.into_iter());
        let count = AtomicU32::new(0);
        let last = retries.carry_out(Service::Kms, Duration::from_secs(20), || {
            count.fetch_add(1, Ordering::Relaxed);
            std::future::ready(left.lock().unwrap().next().unwrap())
        });
        let last = last.await;
        (usize::try_from(count.into_inner()).unwrap(), last)
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_pass_is_tried_three_times_and_all_else_once() {
        for passing in [
            answer(400, "ThrottlingException"),
            answer(500, "KMSInternalException"),
            answer(503, ""),
            Err(WireError::Unreachable),
            Err(WireError::Broken),
            Err(WireError::Timeout),
        ] {
            let (count, last) = tried(&Retries::default(), vec![passing.clone(), answer(200, "")]).await;
            assert!(count == 2 && last.unwrap().ok(), "{passing:?}");
            let (count, last) = tried(&Retries::default(), vec![passing.clone(); 3]).await;
            assert_eq!((count, last), (3, passing));
        }
        for lasting in [
            answer(200, ""),
            answer(400, "DisabledException"),
            answer(400, "AccessDeniedException"),
            Err(WireError::NoCredentials),
            Err(WireError::NoToken),
            Err(WireError::Tls(dynaseal_engine::TlsFault::UnknownIssuer)),
        ] {
            assert_eq!(tried(&Retries::default(), vec![lasting.clone()]).await, (1, lasting));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn in_a_lasting_outage_calls_are_tried_once() {
        let retries = Retries::default();
        let outage = || vec![Err(WireError::Unreachable); 3];
        let mut count = 0;
        for _ in 0..50 {
            count += tried(&retries, outage()).await.0;
        }
        assert_eq!((count, tried(&retries, outage()).await.0), (150, 1));
        for _ in 0..5 {
            assert_eq!(tried(&retries, vec![answer(200, "")]).await.0, 1);
        }
        assert_eq!((tried(&retries, outage()).await.0, tried(&retries, outage()).await.0), (2, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn all_tries_share_the_time_of_one_call() {
        let retries = Retries::default();
        let started = tokio::time::Instant::now();
        let hangs = || async {
            tokio::time::sleep(Duration::from_millis(350)).await;
            Err(WireError::Timeout)
        };
        assert_eq!(retries.carry_out(Service::Kms, Duration::from_secs(1), hangs).await, Err(WireError::Timeout));
        assert!(started.elapsed() <= Duration::from_millis(1010), "{:?}", started.elapsed());
        let pauses: Vec<_> = (1..TRIES).map(|tried| retries.pause(tried)).collect();
        assert!(pauses[0] < PAUSE * 2 && pauses[1] < PAUSE * 4, "{pauses:?}");
    }
}
