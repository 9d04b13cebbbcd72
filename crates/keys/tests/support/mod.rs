//! What the tests of this folder share: a whole item through a key ring, without a runtime and without a network.

#![expect(clippy::panic, reason = "the helpers of a test may stop it")]

use std::fmt::{self, Display, Formatter};
use std::future::Future;
use std::pin::pin;
use std::task::{Context as Task, Poll, Waker};

use dynaseal_item::{Context, Draft, EncryptedDataKey, Item, OpenKeys, Schema, Sealed, Suite};
use dynaseal_keys::{Answer, BoxFuture, Call, Io, Provider, SystemClock, Wire, WireError, message_id};

/// Why an item was neither sealed nor opened.
#[derive(Debug)]
pub(crate) struct Refused {
    #[allow(dead_code, reason = "most tests print the message")]
    pub(crate) code: &'static str,
    message: String,
}

impl From<dynaseal_item::Error> for Refused {
    fn from(error: dynaseal_item::Error) -> Self {
        Self { code: error.code(), message: error.to_string() }
    }
}

impl From<dynaseal_keys::Error> for Refused {
    fn from(error: dynaseal_keys::Error) -> Self {
        Self { code: error.code(), message: error.to_string() }
    }
}

impl Display for Refused {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Seals an item, or says why not.
pub(crate) fn seal<'a>(io: Io<'_>, schema: &Schema, provider: &Provider, item: Item<'a>) -> Result<Item<'a>, Refused> {
    let draft = Draft::new(schema, item)?;
    let keys = ready(provider.seal_keys(draft.suite(), draft.context(), io))?;
    Ok(draft.seal(keys, &message_id()?)?)
}

/// Opens an item where it lies, or says why not.
pub(crate) fn open<'a>(
    io: Io<'_>,
    schema: &'a Schema,
    provider: &Provider,
    item: &'a mut Item<'_>,
) -> Result<Item<'a>, Refused> {
    let sealed = Sealed::parse(schema, item)?;
    let keys = open_keys(io, provider, sealed.suite(), sealed.data_keys(), sealed.context())?;
    Ok(sealed.verify(&keys).and_then(|verified| verified.open())?)
}

/// The keys of an item, or why there are none.
pub(crate) fn open_keys(
    io: Io<'_>,
    provider: &Provider,
    suite: Suite,
    data_keys: &[EncryptedDataKey<'_>],
    context: &Context,
) -> Result<OpenKeys, Refused> {
    Ok(ready(provider.open_keys(suite, data_keys, context, io))?)
}

/// The result of a future that waits for nothing: key rings do not, if their network does not.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Task::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("a key ring waited for something"),
    }
}

/// No network, and the time.
pub(crate) const IO: Io<'static> = Io { wire: &NoWire, clock: &SystemClock };

/// A network that is not there.
struct NoWire;

impl Wire for NoWire {
    fn send(&self, _: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        Box::pin(async { Err(WireError::Unreachable) })
    }
}
