//! The world of the tests of AWS KMS's key rings: a KMS with four keys and an alias, and rings over them.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use dynaseal_item::{Context, EncryptedDataKey, OpenKeys, Suite};
use dynaseal_keys::testing::{FakeKms, FixedClock};
use dynaseal_keys::{
    Answer, AwsKmsRing, BoxFuture, Call, Discovery, Error, Io, Keyring, Provider, RawAes, Wire, WireError,
};
use serde_json::Value as Json;

pub(crate) const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/11111111-1111-4111-8111-111111111111";
pub(crate) const OTHER: &str = "arn:aws:kms:eu-west-1:111122223333:key/22222222-2222-4222-8222-222222222222";
pub(crate) const MRK: &str = "arn:aws:kms:eu-west-1:111122223333:key/mrk-33333333333343338333333333333333";
pub(crate) const REPLICA: &str = "arn:aws:kms:us-east-1:111122223333:key/mrk-33333333333343338333333333333333";
pub(crate) const ALIAS: &str = "arn:aws:kms:eu-west-1:111122223333:alias/app";

/// A KMS whose calls are written down, and whose good answers can be changed.
pub(crate) struct Seen {
    pub(crate) fake: FakeKms,
    calls: Mutex<Vec<(Call, Json)>>,
    change: Option<(&'static str, Json)>,
}

impl Seen {
    pub(crate) fn new() -> Self {
        let fake = [KEY, OTHER, MRK, REPLICA].into_iter().fold(FakeKms::default(), FakeKms::with_key);
        fake.set_alias("alias/app", KEY);
        Self { fake, calls: Mutex::default(), change: None }
    }

    /// The same KMS, whose good answers have another value in a field.
    pub(crate) fn changed(&self, field: &'static str, value: Json) -> Self {
        Self { fake: self.fake.clone(), calls: Mutex::default(), change: Some((field, value)) }
    }

    /// The calls since this was last asked.
    pub(crate) fn calls(&self) -> Vec<(Call, Json)> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }

    pub(crate) fn seal(&self, ring: &Arc<dyn Keyring>) -> Result<Vec<EncryptedDataKey<'static>>, Error> {
        self.seal_bound(ring, &context())
    }

    pub(crate) fn seal_bound(
        &self,
        ring: &Arc<dyn Keyring>,
        context: &Context,
    ) -> Result<Vec<EncryptedDataKey<'static>>, Error> {
        let (clock, provider) = (FixedClock::default(), Provider::new(ring.clone()));
        let io = Io { wire: self, clock: &clock };
        let keys = pollster::block_on(provider.seal_keys(Suite::Hmac, context, io))?;
        Ok(keys.wrapped.into_iter().map(|(data_key, _)| data_key).collect())
    }

    pub(crate) fn open(&self, ring: &Arc<dyn Keyring>, data_keys: &[EncryptedDataKey<'_>]) -> Result<OpenKeys, Error> {
        self.open_bound(ring, data_keys, &context())
    }

    pub(crate) fn open_bound(
        &self,
        ring: &Arc<dyn Keyring>,
        data_keys: &[EncryptedDataKey<'_>],
        context: &Context,
    ) -> Result<OpenKeys, Error> {
        let (clock, provider) = (FixedClock::default(), Provider::new(ring.clone()));
        let io = Io { wire: self, clock: &clock };
        pollster::block_on(provider.open_keys(Suite::Hmac, data_keys, context, io))
    }
}

impl Wire for Seen {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        let body = serde_json::from_slice(&call.body).unwrap();
        self.calls.lock().unwrap().push((call.clone(), body));
        Box::pin(async move {
            let mut answer = self.fake.send(call).await?;
            if let (true, Some((field, value))) = (answer.ok(), &self.change) {
                let mut body: Json = serde_json::from_slice(&answer.body).unwrap();
                body[field] = value.clone();
                answer.body = body.to_string().into_bytes();
            }
            Ok(answer)
        })
    }
}

pub(crate) fn single(key: &str) -> Arc<dyn Keyring> {
    Arc::new(AwsKmsRing::single(key, vec![]).unwrap())
}

pub(crate) fn mrk(key: &str, region: Option<&str>) -> Arc<dyn Keyring> {
    Arc::new(AwsKmsRing::multi_region(key, region, vec![]).unwrap())
}

pub(crate) fn discovery(partition: &str, accounts: &[&str], regions: &[&str]) -> Arc<dyn Keyring> {
    Arc::new(AwsKmsRing::discovery(keys(partition, accounts, regions), vec![]).unwrap())
}

pub(crate) fn mrk_discovery(partition: &str, accounts: &[&str], regions: &[&str]) -> Arc<dyn Keyring> {
    Arc::new(AwsKmsRing::multi_region_discovery(keys(partition, accounts, regions), vec![]).unwrap())
}

pub(crate) fn keys(partition: &str, accounts: &[&str], regions: &[&str]) -> Discovery {
    let accounts: BTreeSet<String> = accounts.iter().map(|&account| account.to_owned()).collect();
    let regions = regions.iter().map(|&region| region.to_owned()).collect();
    Discovery { partition: partition.to_owned(), accounts, regions }
}

/// A test key.
pub(crate) fn aes() -> Arc<dyn Keyring> {
    Arc::new(RawAes::new("tests", "a test key", &[7; 32]).unwrap())
}

fn context() -> Context {
    of(&[("aws-crypto-table-name", "Users"), ("tenant", "é")])
}

pub(crate) fn of(pairs: &[(&str, &str)]) -> Context {
    pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()
}
