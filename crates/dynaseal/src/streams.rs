//! The sealed client of DynamoDB Streams.

use std::ops::Deref;

use aws_sdk_dynamodbstreams::config::Builder;
use dynaseal_engine::Service;

use crate::client::sealing_http_client;
use crate::error::Error;
use crate::guard::Guard;
use crate::sealing::Sealing;

/// Seals a client of DynamoDB Streams: GetRecords verifies and opens the images of protected tables. Like
/// [`seal`](crate::seal), but a key store is read with the client that [`Sealing::dynamodb`] takes, and so are the keys of
/// tables that a pattern protects.
///
/// Shard iterators carry the name of their table, so they come from a client that is sealed.
///
/// # Errors
/// As [`seal`](crate::seal).
///
/// # Panics
/// As [`seal`](crate::seal).
pub fn seal_streams(config: impl Into<Builder>, sealing: impl Into<Sealing>) -> Result<StreamsClient, Error> {
    let sealing = sealing.into().checked(Service::DynamoDbStreams)?;
    let config = config.into().build();
    let client = sealing_http_client(config.http_client(), sealing)?;
    let config = config.to_builder().http_client(client).interceptor(Guard).build();
    Ok(StreamsClient(aws_sdk_dynamodbstreams::Client::from_conf(config)))
}

/// A client of `aws_sdk_dynamodbstreams` that is sealed, to which it dereferences. Only [`seal_streams`] makes one.
#[derive(Clone, Debug)]
pub struct StreamsClient(aws_sdk_dynamodbstreams::Client);

impl Deref for StreamsClient {
    type Target = aws_sdk_dynamodbstreams::Client;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}
