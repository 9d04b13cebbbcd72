//! Opens the upstream that the settings name.

use std::sync::Arc;

use dynaseal_engine::Wire;

use crate::embedded::Embedded;
use crate::error::Error;
use crate::forward::Upstream;
use crate::settings::{Target, UpstreamLimits};

/// The wire to `target`.
pub async fn open(target: &Target, limits: UpstreamLimits) -> Result<Arc<dyn Wire>, Error> {
    Ok(match target {
        Target::Embedded { file } => Arc::new(Embedded::open(file.as_deref())?),
        Target::DynamoDb { region } => Arc::new(Upstream::dynamodb(region.clone(), limits).await?),
        Target::Endpoint { url, region } => Arc::new(Upstream::endpoint(url, region.clone(), limits).await?),
    })
}
