//! What can be known of tables before the first call.

use dynaseal_engine::{Engine, Wire};

/// Warns of what DynamoDB says of the tables that are configured by name and does not fit the configuration. Without the right
/// to describe them, or before they are made, there is nothing to say.
pub async fn look_at_tables(engine: &Engine, wire: &dyn Wire) {
    for fault in engine.faults_of_tables(wire).await {
        tracing::warn!(code = fault.code(), table = fault.table(), "{fault}. {}.", fault.hint());
    }
}
