//! What the embedded engine does not have, told as it is: libraries ask for it when they bind to a table, and an operation
//! that is unknown ends many of them. There are no backups, no replicas, no insights, no exports and no limits.

use dynaseal_engine::{Answer, Call, Service};
use dynoxide::{Database, DynoxideError};
use serde::Deserialize;
use serde_json::{Value, json};

/// The answer to an operation about something that is not there; `None` for every other.
pub(super) fn answer(database: &Database, call: &Call) -> Option<Answer> {
    if call.service != Service::DynamoDb {
        return None;
    }
    if let Some(list) = empty_list(&call.operation) {
        return Some(super::answer(200, list.to_string().into_bytes()));
    }
    let told = of_table(&call.operation)?;
    Some(match table(database, &call.body) {
        Ok((name, about)) => super::answer(200, told(&name, &about).to_string().into_bytes()),
        Err(DynoxideError::ResourceNotFoundException(_)) if call.operation == "DescribeContinuousBackups" => {
            super::answer(400, NO_TABLE.into())
        }
        Err(error) => super::answer(error.status_code(), error.to_json().into_bytes()),
    })
}

/// Lists that are about no table, or about any.
fn empty_list(operation: &str) -> Option<Value> {
    Some(match operation {
        // Nothing is limited here, so each is the largest number that every client can read.
        "DescribeLimits" => json!({
            "AccountMaxReadCapacityUnits": NO_LIMIT, "AccountMaxWriteCapacityUnits": NO_LIMIT,
            "TableMaxReadCapacityUnits": NO_LIMIT, "TableMaxWriteCapacityUnits": NO_LIMIT,
        }),
        "ListBackups" => json!({"BackupSummaries": []}),
        "ListContributorInsights" => json!({"ContributorInsightsSummaries": []}),
        "ListExports" => json!({"ExportSummaries": []}),
        "ListGlobalTables" => json!({"GlobalTables": []}),
        "ListImports" => json!({"ImportSummaryList": []}),
        _ => return None,
    })
}

type Told = fn(&str, &About) -> Value;

/// What is said of a table that is there.
fn of_table(operation: &str) -> Option<Told> {
    Some(match operation {
        "DescribeContinuousBackups" => |_, _| {
            json!({"ContinuousBackupsDescription": {
                "ContinuousBackupsStatus": "DISABLED",
                "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "DISABLED"},
            }})
        },
        "DescribeContributorInsights" => |table, about| {
            let mut told = json!({"TableName": table, "ContributorInsightsStatus": "DISABLED"});
            if let (Some(index), Some(told)) = (&about.index_name, told.as_object_mut()) {
                told.insert("IndexName".to_owned(), json!(index));
            }
            told
        },
        "DescribeKinesisStreamingDestination" => {
            |table, _| json!({"TableName": table, "KinesisDataStreamDestinations": []})
        }
        "DescribeTableReplicaAutoScaling" => {
            |table, _| json!({"TableAutoScalingDescription": {"TableName": table, "TableStatus": "ACTIVE", "Replicas": []}})
        }
        _ => return None,
    })
}

/// What a request is about.
#[derive(Deserialize)]
struct About {
    #[serde(rename = "TableName")]
    table_name: Option<String>,
    #[serde(rename = "IndexName")]
    index_name: Option<String>,
}

/// The table that a request names, by its name or ARN, if it is there.
fn table(database: &Database, body: &[u8]) -> Result<(String, About), DynoxideError> {
    let about: About = super::dispatch::read(body)?;
    let name = about.table_name.as_deref().map(|name| name.rsplit_once(":table/").map_or(name, |(_, name)| name));
    let description = super::dispatch::read(json!({ "TableName": name }).to_string().as_bytes())?;
    database.describe_table(description)?;
    Ok((name.unwrap_or_default().to_owned(), about))
}

/// DynamoDB's own name for it where backups are asked for.
const NO_TABLE: &str =
    r#"{"__type":"com.amazonaws.dynamodb.v20120810#TableNotFoundException","message":"Table not found"}"#;
const NO_LIMIT: u64 = (1 << 53) - 1;
