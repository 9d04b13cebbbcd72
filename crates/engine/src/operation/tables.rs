//! Operations that make, change and copy tables and their indexes.

use super::Class::{Expression, List, Names, Object, Read, Setting, Settings, Table, Values};
use super::{Member, Members, Operation, member, passes, planned};

const TABLE_NAME: Member = member("TableName", Table);
const INDEX_NAME: Member = member("IndexName", Setting);
const TARGET_TABLE_NAME: Member = member("TargetTableName", Table);
const ATTRIBUTE_NAME: Member = member("AttributeName", Read);

const DEFINITIONS: Member = member("AttributeDefinitions", List(&[ATTRIBUTE_NAME, member("AttributeType", Setting)]));
const KEY_SCHEMA: Member = member("KeySchema", List(&[ATTRIBUTE_NAME, member("KeyType", Setting)]));
// What an index copies stays sealed.
const PROJECTION: Member =
    member("Projection", Object(&[member("ProjectionType", Setting), member("NonKeyAttributes", Settings)]));
const PROVISIONED: Members = &[member("ReadCapacityUnits", Setting), member("WriteCapacityUnits", Setting)];
const ON_DEMAND: Members = &[member("MaxReadRequestUnits", Setting), member("MaxWriteRequestUnits", Setting)];
const WARM: Members = &[member("ReadUnitsPerSecond", Setting), member("WriteUnitsPerSecond", Setting)];
const PROVISIONED_THROUGHPUT: Member = member("ProvisionedThroughput", Object(PROVISIONED));
const ON_DEMAND_THROUGHPUT: Member = member("OnDemandThroughput", Object(ON_DEMAND));
const WARM_THROUGHPUT: Member = member("WarmThroughput", Object(WARM));
const ENCRYPTION: Members =
    &[member("Enabled", Setting), member("SSEType", Setting), member("KMSMasterKeyId", Setting)];
const SSE: Member = member("SSESpecification", Object(ENCRYPTION));
const STREAM: Member =
    member("StreamSpecification", Object(&[member("StreamEnabled", Setting), member("StreamViewType", Setting)]));

const LOCAL_INDEX: Members = &[INDEX_NAME, KEY_SCHEMA, PROJECTION];
const GLOBAL_INDEX: Members =
    &[INDEX_NAME, KEY_SCHEMA, PROJECTION, PROVISIONED_THROUGHPUT, ON_DEMAND_THROUGHPUT, WARM_THROUGHPUT];
const VECTOR_INDEX: Members = &[
    INDEX_NAME,
    member("VectorAttribute", Object(&[ATTRIBUTE_NAME])),
    member("SearchSchema", List(&[ATTRIBUTE_NAME, member("SearchSchemaElementType", Setting)])),
    PROJECTION,
    member("Dimensions", Setting),
    member("DistanceFunction", Setting),
];
const GLOBAL_INDEXES: Member = member("GlobalSecondaryIndexes", List(GLOBAL_INDEX));
const VECTOR_INDEXES: Member = member("VectorIndexes", List(VECTOR_INDEX));

pub(super) const CREATE_TABLE: Operation = planned(
    "CreateTable",
    &[
        TABLE_NAME,
        DEFINITIONS,
        KEY_SCHEMA,
        member("LocalSecondaryIndexes", List(LOCAL_INDEX)),
        GLOBAL_INDEXES,
        VECTOR_INDEXES,
        member("BillingMode", Setting),
        PROVISIONED_THROUGHPUT,
        ON_DEMAND_THROUGHPUT,
        WARM_THROUGHPUT,
        STREAM,
        SSE,
        member("Tags", List(TAG)),
        member("TableClass", Setting),
        member("DeletionProtectionEnabled", Setting),
        member("ResourcePolicy", Setting),
        member("GlobalTableSourceArn", Table),
        member("GlobalTableSettingsReplicationMode", Setting),
    ],
);
pub(super) const TAG: Members = &[member("Key", Setting), member("Value", Setting)];

pub(super) const UPDATE_TABLE: Operation = planned(
    "UpdateTable",
    &[
        TABLE_NAME,
        DEFINITIONS,
        member("GlobalSecondaryIndexUpdates", List(GLOBAL_INDEX_UPDATE)),
        member("VectorIndexUpdates", List(VECTOR_INDEX_UPDATE)),
        member("ReplicaUpdates", List(REPLICA_UPDATE)),
        member("GlobalTableWitnessUpdates", List(WITNESS_UPDATE)),
        member("BillingMode", Setting),
        PROVISIONED_THROUGHPUT,
        ON_DEMAND_THROUGHPUT,
        WARM_THROUGHPUT,
        STREAM,
        SSE,
        member("TableClass", Setting),
        member("DeletionProtectionEnabled", Setting),
        member("MultiRegionConsistency", Setting),
        member("GlobalTableSettingsReplicationMode", Setting),
        member("DisassociationProtectionEnabled", Setting),
    ],
);
const GLOBAL_INDEX_UPDATE: Members = &[
    member("Create", Object(GLOBAL_INDEX)),
    member("Update", Object(&[INDEX_NAME, PROVISIONED_THROUGHPUT, ON_DEMAND_THROUGHPUT, WARM_THROUGHPUT])),
    member("Delete", Object(&[INDEX_NAME])),
];
const VECTOR_INDEX_UPDATE: Members = &[member("Create", Object(VECTOR_INDEX)), member("Delete", Object(&[INDEX_NAME]))];
const REPLICA_UPDATE: Members = &[
    member("Create", Object(REPLICA)),
    member("Update", Object(REPLICA)),
    member("Delete", Object(&[REGION])),
    member("Disassociate", Object(&[REGION, member("DisassociationMode", Setting)])),
];
const REPLICA: Members = &[
    REGION,
    member("KMSMasterKeyId", Setting),
    PROVISIONED_OVERRIDE,
    ON_DEMAND_OVERRIDE,
    member("GlobalSecondaryIndexes", List(&[INDEX_NAME, PROVISIONED_OVERRIDE, ON_DEMAND_OVERRIDE])),
    member("TableClassOverride", Setting),
];
const REGION: Member = member("RegionName", Setting);
const PROVISIONED_OVERRIDE: Member =
    member("ProvisionedThroughputOverride", Object(&[member("ReadCapacityUnits", Setting)]));
const ON_DEMAND_OVERRIDE: Member =
    member("OnDemandThroughputOverride", Object(&[member("MaxReadRequestUnits", Setting)]));
const WITNESS_UPDATE: Members = &[member("Create", Object(&[REGION])), member("Delete", Object(&[REGION]))];

pub(super) const DELETE_TABLE: Operation = passes("DeleteTable", &[TABLE_NAME]);
pub(super) const DESCRIBE_TABLE: Operation = passes("DescribeTable", &[TABLE_NAME]);
pub(super) const LIST_TABLES: Operation =
    passes("ListTables", &[member("ExclusiveStartTableName", Table), member("Limit", Setting)]);
pub(super) const DESCRIBE_TIME_TO_LIVE: Operation = passes("DescribeTimeToLive", &[TABLE_NAME]);
pub(super) const UPDATE_TIME_TO_LIVE: Operation = planned(
    "UpdateTimeToLive",
    &[TABLE_NAME, member("TimeToLiveSpecification", Object(&[member("Enabled", Setting), ATTRIBUTE_NAME]))],
);

pub(super) const IMPORT_TABLE: Operation = planned(
    "ImportTable",
    &[
        member("TableCreationParameters", Object(TABLE_CREATION)),
        member("S3BucketSource", Object(&[S3_OWNER, S3_BUCKET, member("S3KeyPrefix", Setting)])),
        member("InputFormat", Setting),
        member("InputFormatOptions", Object(&[member("Csv", Object(CSV))])),
        member("InputCompressionType", Setting),
        member("ClientToken", Setting),
    ],
);
/// The table that an import makes.
pub(crate) const TABLE_CREATION: Members = &[
    TABLE_NAME,
    DEFINITIONS,
    KEY_SCHEMA,
    GLOBAL_INDEXES,
    VECTOR_INDEXES,
    member("BillingMode", Setting),
    PROVISIONED_THROUGHPUT,
    ON_DEMAND_THROUGHPUT,
    SSE,
];
const CSV: Members = &[member("Delimiter", Setting), member("HeaderList", Settings)];
const S3_OWNER: Member = member("S3BucketOwner", Setting);
const S3_BUCKET: Member = member("S3Bucket", Setting);

pub(super) const EXPORT_TABLE_TO_POINT_IN_TIME: Operation = planned(
    "ExportTableToPointInTime",
    &[
        member("TableArn", Table),
        member("FilterSpecification", Object(FILTER_SPECIFICATION)),
        S3_OWNER,
        S3_BUCKET,
        member("S3Prefix", Setting),
        member("S3SseAlgorithm", Setting),
        member("S3SseKmsKeyId", Setting),
        member("ExportFormat", Setting),
        member("ExportTime", Setting),
        member("ExportType", Setting),
        member("IncrementalExportSpecification", Object(INCREMENT)),
        member("ClientToken", Setting),
    ],
);
/// What an export leaves out.
pub(crate) const FILTER_SPECIFICATION: Members = &[
    member("FilterExpression", Expression),
    member("KeyConditionExpression", Expression),
    member("ProjectionExpression", Expression),
    member("ExpressionAttributeNames", Names),
    member("ExpressionAttributeValues", Values),
];
const INCREMENT: Members =
    &[member("ExportFromTime", Setting), member("ExportToTime", Setting), member("ExportViewType", Setting)];

pub(super) const RESTORE_TABLE_FROM_BACKUP: Operation = planned(
    "RestoreTableFromBackup",
    &[
        TARGET_TABLE_NAME,
        member("BackupArn", Table),
        GLOBAL_OVERRIDE,
        LOCAL_OVERRIDE,
        VECTOR_OVERRIDE,
        BILLING_OVERRIDE,
        THROUGHPUT_OVERRIDE,
        DEMAND_OVERRIDE,
        SSE_OVERRIDE,
    ],
);
pub(super) const RESTORE_TABLE_TO_POINT_IN_TIME: Operation = planned(
    "RestoreTableToPointInTime",
    &[
        TARGET_TABLE_NAME,
        member("SourceTableName", Table),
        member("SourceTableArn", Table),
        member("UseLatestRestorableTime", Setting),
        member("RestoreDateTime", Setting),
        GLOBAL_OVERRIDE,
        LOCAL_OVERRIDE,
        VECTOR_OVERRIDE,
        BILLING_OVERRIDE,
        THROUGHPUT_OVERRIDE,
        DEMAND_OVERRIDE,
        SSE_OVERRIDE,
    ],
);
const GLOBAL_OVERRIDE: Member = member("GlobalSecondaryIndexOverride", List(GLOBAL_INDEX));
const LOCAL_OVERRIDE: Member = member("LocalSecondaryIndexOverride", List(LOCAL_INDEX));
const VECTOR_OVERRIDE: Member = member("VectorIndexOverride", List(VECTOR_INDEX));
const BILLING_OVERRIDE: Member = member("BillingModeOverride", Setting);
const THROUGHPUT_OVERRIDE: Member = member("ProvisionedThroughputOverride", Object(PROVISIONED));
const DEMAND_OVERRIDE: Member = member("OnDemandThroughputOverride", Object(ON_DEMAND));
const SSE_OVERRIDE: Member = member("SSESpecificationOverride", Object(ENCRYPTION));
