//! One call of a key management service, and the errors that name it.

use crate::error::Error;
use crate::keyring::{Io, KeyName};
use crate::kms::body::Reply;
use crate::kms::error::{KmsError, Refusal};
use crate::wire::{Answer, Call};

/// What is asked of which key.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) operation: &'static str,
    /// Whose key it is, in the words of [`KeyName`].
    pub(super) provider: &'static str,
    pub(super) key: &'a str,
}

impl Asked<'_> {
    /// Sends the call and reads its answer. How an answer says why it refuses is each service's own.
    pub(super) async fn answer(self, call: Call, why: fn(&Answer) -> Refusal, io: Io<'_>) -> Result<Reply, Error> {
        let no_answer = |source| KmsError::NoAnswer { operation: self.operation, key: self.name(), source };
        let answer = io.wire.send(call.aside()).await.map_err(no_answer)?;
        if !answer.ok() {
            return Err(self.refused(why(&answer)));
        }
        Reply::read(answer.body).ok_or_else(|| self.unusable("it is not a JSON object"))
    }

    pub(super) fn refused(self, refusal: Refusal) -> Error {
        KmsError::Refused { operation: self.operation, key: self.name(), refusal }.into()
    }

    pub(super) fn unusable(self, what: &'static str) -> Error {
        KmsError::Answer { operation: self.operation, key: self.name(), what }.into()
    }

    fn name(self) -> KeyName {
        KeyName::new(self.provider, self.key)
    }
}
