//! Everything around tables: backups, exports, global tables, policies, tags, and the calls of streams.

use super::Class::{List, Object, Setting, Settings, Table};
use super::tables::TAG;
use super::{Handling, Member, Members, Operation, member, passes, planned, streams};

const TABLE_NAME: Member = member("TableName", Table);
const INDEX_NAME: Member = member("IndexName", Setting);
const BACKUP_ARN: Member = member("BackupArn", Table);
const RESOURCE_ARN: Member = member("ResourceArn", Table);
const STREAM_ARN: Member = member("StreamArn", Table);
const TABLE_ARN: Member = member("TableArn", Table);
const BULK_ARN: Member = member("BulkOperationArn", Table);
const GLOBAL_NAME: Member = member("GlobalTableName", Table);
const NEXT_TOKEN: Member = member("NextToken", Setting);
const MAX_RESULTS: Member = member("MaxResults", Setting);
const LIMIT: Member = member("Limit", Setting);
const REGION: Member = member("RegionName", Setting);

pub(super) const CREATE_BACKUP: Operation = passes("CreateBackup", &[TABLE_NAME, member("BackupName", Setting)]);
pub(super) const DELETE_BACKUP: Operation = passes("DeleteBackup", &[BACKUP_ARN]);
pub(super) const DESCRIBE_BACKUP: Operation = passes("DescribeBackup", &[BACKUP_ARN]);
pub(super) const LIST_BACKUPS: Operation = passes(
    "ListBackups",
    &[
        TABLE_NAME,
        LIMIT,
        member("TimeRangeLowerBound", Setting),
        member("TimeRangeUpperBound", Setting),
        member("ExclusiveStartBackupArn", Table),
        member("BackupType", Setting),
    ],
);
pub(super) const DESCRIBE_CONTINUOUS_BACKUPS: Operation = passes("DescribeContinuousBackups", &[TABLE_NAME]);
pub(super) const UPDATE_CONTINUOUS_BACKUPS: Operation =
    passes("UpdateContinuousBackups", &[TABLE_NAME, member("PointInTimeRecoverySpecification", Object(RECOVERY))]);
const RECOVERY: Members = &[member("PointInTimeRecoveryEnabled", Setting), member("RecoveryPeriodInDays", Setting)];

pub(super) const DESCRIBE_EXPORT: Operation = passes("DescribeExport", &[member("ExportArn", Table)]);
pub(super) const LIST_EXPORTS: Operation = passes("ListExports", &[TABLE_ARN, MAX_RESULTS, NEXT_TOKEN]);
pub(super) const DESCRIBE_IMPORT: Operation = passes("DescribeImport", &[member("ImportArn", Table)]);
pub(super) const LIST_IMPORTS: Operation = passes("ListImports", &[TABLE_ARN, member("PageSize", Setting), NEXT_TOKEN]);

pub(super) const START_BULK_PUT_ITEMS: Operation = Operation {
    handling: Handling::Refused {
        what: "the items would be stored as they lie in the bucket, over those that are sealed",
        instead: "write the items through Dynaseal, with PutItem or BatchWriteItem",
    },
    ..planned(
        "StartBulkPutItems",
        &[
            TABLE_NAME,
            member("InputS3Configuration", Object(BULK_INPUT)),
            member("OutputS3Configuration", Object(BULK_OUTPUT)),
            member("MaxWriteRequestUnits", Setting),
            member("PerformanceTier", Setting),
            member("ClientToken", Setting),
        ],
    )
};
const BULK_INPUT: Members = &[
    member("S3BucketOwner", Setting),
    member("S3Bucket", Setting),
    member("S3KeyPrefix", Setting),
    member("InputFormat", Setting),
    member("InputCompressionType", Setting),
];
const BULK_OUTPUT: Members = &[
    member("S3BucketOwner", Setting),
    member("S3Bucket", Setting),
    member("S3KeyPrefix", Setting),
    member("S3SseAlgorithm", Setting),
    member("S3SseKmsKeyId", Setting),
    member("OutputType", Settings),
];
pub(super) const CANCEL_BULK_OPERATION: Operation = passes("CancelBulkOperation", &[BULK_ARN]);
pub(super) const DESCRIBE_BULK_OPERATION: Operation = passes("DescribeBulkOperation", &[BULK_ARN]);
pub(super) const LIST_BULK_OPERATIONS: Operation = passes("ListBulkOperations", &[MAX_RESULTS, NEXT_TOKEN]);

pub(super) const CREATE_GLOBAL_TABLE: Operation =
    passes("CreateGlobalTable", &[GLOBAL_NAME, member("ReplicationGroup", List(&[REGION]))]);
pub(super) const DESCRIBE_GLOBAL_TABLE: Operation = passes("DescribeGlobalTable", &[GLOBAL_NAME]);
pub(super) const DESCRIBE_GLOBAL_TABLE_SETTINGS: Operation = passes("DescribeGlobalTableSettings", &[GLOBAL_NAME]);
pub(super) const LIST_GLOBAL_TABLES: Operation =
    passes("ListGlobalTables", &[member("ExclusiveStartGlobalTableName", Table), LIMIT, REGION]);
pub(super) const UPDATE_GLOBAL_TABLE: Operation = passes(
    "UpdateGlobalTable",
    &[
        GLOBAL_NAME,
        member("ReplicaUpdates", List(&[member("Create", Object(&[REGION])), member("Delete", Object(&[REGION]))])),
    ],
);
pub(super) const UPDATE_GLOBAL_TABLE_SETTINGS: Operation = passes(
    "UpdateGlobalTableSettings",
    &[
        GLOBAL_NAME,
        member("GlobalTableBillingMode", Setting),
        member("GlobalTableProvisionedWriteCapacityUnits", Setting),
        member("GlobalTableProvisionedWriteCapacityAutoScalingSettingsUpdate", Object(AUTO_SCALING)),
        member(
            "GlobalTableGlobalSecondaryIndexSettingsUpdate",
            List(&[
                INDEX_NAME,
                member("ProvisionedWriteCapacityUnits", Setting),
                member("ProvisionedWriteCapacityAutoScalingSettingsUpdate", Object(AUTO_SCALING)),
            ]),
        ),
        member("ReplicaSettingsUpdate", List(REPLICA_SETTINGS)),
    ],
);
const REPLICA_SETTINGS: Members = &[
    REGION,
    member("ReplicaProvisionedReadCapacityUnits", Setting),
    member("ReplicaProvisionedReadCapacityAutoScalingSettingsUpdate", Object(AUTO_SCALING)),
    member(
        "ReplicaGlobalSecondaryIndexSettingsUpdate",
        List(&[
            INDEX_NAME,
            member("ProvisionedReadCapacityUnits", Setting),
            member("ProvisionedReadCapacityAutoScalingSettingsUpdate", Object(AUTO_SCALING)),
        ]),
    ),
    member("ReplicaTableClass", Setting),
];
const AUTO_SCALING: Members = &[
    member("MinimumUnits", Setting),
    member("MaximumUnits", Setting),
    member("AutoScalingDisabled", Setting),
    member("AutoScalingRoleArn", Setting),
    member("ScalingPolicyUpdate", Object(SCALING_POLICY)),
];
const SCALING_POLICY: Members =
    &[member("PolicyName", Setting), member("TargetTrackingScalingPolicyConfiguration", Object(TARGET_TRACKING))];
const TARGET_TRACKING: Members = &[
    member("DisableScaleIn", Setting),
    member("ScaleInCooldown", Setting),
    member("ScaleOutCooldown", Setting),
    member("TargetValue", Setting),
];
pub(super) const DESCRIBE_TABLE_REPLICA_AUTO_SCALING: Operation =
    passes("DescribeTableReplicaAutoScaling", &[TABLE_NAME]);
pub(super) const UPDATE_TABLE_REPLICA_AUTO_SCALING: Operation = passes(
    "UpdateTableReplicaAutoScaling",
    &[
        TABLE_NAME,
        member("ProvisionedWriteCapacityAutoScalingUpdate", Object(AUTO_SCALING)),
        member(
            "GlobalSecondaryIndexUpdates",
            List(&[INDEX_NAME, member("ProvisionedWriteCapacityAutoScalingUpdate", Object(AUTO_SCALING))]),
        ),
        member("ReplicaUpdates", List(REPLICA_SCALING)),
    ],
);
const REPLICA_SCALING: Members = &[
    REGION,
    member("ReplicaProvisionedReadCapacityAutoScalingUpdate", Object(AUTO_SCALING)),
    member(
        "ReplicaGlobalSecondaryIndexUpdates",
        List(&[INDEX_NAME, member("ProvisionedReadCapacityAutoScalingUpdate", Object(AUTO_SCALING))]),
    ),
];

pub(super) const DESCRIBE_CONTRIBUTOR_INSIGHTS: Operation =
    passes("DescribeContributorInsights", &[TABLE_NAME, INDEX_NAME]);
pub(super) const LIST_CONTRIBUTOR_INSIGHTS: Operation =
    passes("ListContributorInsights", &[TABLE_NAME, NEXT_TOKEN, MAX_RESULTS]);
pub(super) const UPDATE_CONTRIBUTOR_INSIGHTS: Operation = passes(
    "UpdateContributorInsights",
    &[TABLE_NAME, INDEX_NAME, member("ContributorInsightsAction", Setting), member("ContributorInsightsMode", Setting)],
);

pub(super) const DESCRIBE_KINESIS_STREAMING_DESTINATION: Operation =
    passes("DescribeKinesisStreamingDestination", &[TABLE_NAME]);
pub(super) const DISABLE_KINESIS_STREAMING_DESTINATION: Operation =
    passes("DisableKinesisStreamingDestination", KINESIS);
pub(super) const ENABLE_KINESIS_STREAMING_DESTINATION: Operation = passes("EnableKinesisStreamingDestination", KINESIS);
pub(super) const UPDATE_KINESIS_STREAMING_DESTINATION: Operation = passes(
    "UpdateKinesisStreamingDestination",
    &[TABLE_NAME, STREAM_ARN, member("UpdateKinesisStreamingConfiguration", Object(KINESIS_TIMES))],
);
const KINESIS: Members =
    &[TABLE_NAME, STREAM_ARN, member("EnableKinesisStreamingConfiguration", Object(KINESIS_TIMES))];
const KINESIS_TIMES: Members = &[member("ApproximateCreationDateTimePrecision", Setting)];

pub(super) const GET_RESOURCE_POLICY: Operation = passes("GetResourcePolicy", &[RESOURCE_ARN]);
pub(super) const PUT_RESOURCE_POLICY: Operation = passes(
    "PutResourcePolicy",
    &[RESOURCE_ARN, member("Policy", Setting), REVISION, member("ConfirmRemoveSelfResourceAccess", Setting)],
);
pub(super) const DELETE_RESOURCE_POLICY: Operation = passes("DeleteResourcePolicy", &[RESOURCE_ARN, REVISION]);
const REVISION: Member = member("ExpectedRevisionId", Setting);

pub(super) const LIST_TAGS_OF_RESOURCE: Operation = passes("ListTagsOfResource", &[RESOURCE_ARN, NEXT_TOKEN]);
pub(super) const TAG_RESOURCE: Operation = passes("TagResource", &[RESOURCE_ARN, member("Tags", List(TAG))]);
pub(super) const UNTAG_RESOURCE: Operation = passes("UntagResource", &[RESOURCE_ARN, member("TagKeys", Settings)]);

pub(super) const DESCRIBE_LIMITS: Operation = passes("DescribeLimits", &[]);
pub(super) const DESCRIBE_ENDPOINTS: Operation =
    Operation { handling: Handling::LeadsAway, ..passes("DescribeEndpoints", &[]) };

pub(super) const LIST_STREAMS: Operation =
    streams(&passes("ListStreams", &[TABLE_NAME, LIMIT, member("ExclusiveStartStreamArn", Table)]));
pub(super) const DESCRIBE_STREAM: Operation = streams(&passes(
    "DescribeStream",
    &[
        STREAM_ARN,
        LIMIT,
        member("ExclusiveStartShardId", Setting),
        member("ShardFilter", Object(&[member("Type", Setting), member("ShardId", Setting)])),
    ],
));
pub(super) const GET_SHARD_ITERATOR: Operation = streams(&planned(
    "GetShardIterator",
    &[
        STREAM_ARN,
        member("ShardId", Setting),
        member("ShardIteratorType", Setting),
        member("SequenceNumber", Setting),
        member("Timestamp", Setting),
    ],
));
pub(super) const GET_RECORDS: Operation = streams(&planned("GetRecords", &[member("ShardIterator", Setting), LIMIT]));
