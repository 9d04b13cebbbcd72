// Each operation of the SDK once, with nothing but its required members, so that what an SDK adds by itself (tokens, above all) is
// met as it comes. A sealed client on a protected table ends as the SDK alone does on a plain table of the same shape beside it:
// carried out, or with the same exception of the database.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { seal } from "../dist/esm/index.mjs";
import { client, connection, dynaseal, raw, SECRET } from "./support/harness.mjs";
import { operations } from "./support/model.mjs";
import { dynamodb, streams, version } from "./support/sdk.mjs";

const Key = { id: { S: "minimal" } };
const ARN = (table) => `arn:aws:dynamodb:us-east-1:000000000000:table/${table}`;
const about = (TableName) => ({ TableName });
const arn = (table) => ({ ResourceArn: ARN(table) });
const nothing = () => ({});
const kinesis = (TableName) => ({ TableName, StreamArn: "arn:aws:kinesis:us-east-1:000000000000:stream/x" });
const replicas = [{ Create: { RegionName: "eu-west-1" } }];
const bucket = { S3Bucket: "bucket" };

/** The request of each operation for a table. Those of streams find their stream before. */
const MINIMAL = {
  BatchExecuteStatement: (table) => ({ Statements: [{ Statement: `SELECT * FROM "${table}" WHERE id = 'minimal'` }] }),
  BatchGetItem: (table) => ({ RequestItems: { [table]: { Keys: [Key] } } }),
  BatchWriteItem: (table) => ({ RequestItems: { [table]: [{ PutRequest: { Item: { ...Key, email: { S: SECRET } } } }] } }),
  CreateBackup: (TableName) => ({ TableName, BackupName: "minimal" }),
  CreateGlobalTable: (GlobalTableName) => ({ GlobalTableName, ReplicationGroup: [{ RegionName: "eu-west-1" }] }),
  CreateTable: (TableName) => ({
    TableName,
    AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
    KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
    BillingMode: "PAY_PER_REQUEST",
  }),
  DeleteBackup: () => ({ BackupArn: `${ARN("Plain")}/backup/x` }),
  DeleteItem: (TableName) => ({ TableName, Key: { id: { S: "nobody" } } }),
  DeleteResourcePolicy: arn,
  DescribeBackup: () => ({ BackupArn: `${ARN("Plain")}/backup/x` }),
  DescribeContinuousBackups: about,
  DescribeContributorInsights: about,
  DescribeEndpoints: nothing,
  DescribeExport: (table) => ({ ExportArn: `${ARN(table)}/export/x` }),
  DescribeGlobalTable: (GlobalTableName) => ({ GlobalTableName }),
  DescribeGlobalTableSettings: (GlobalTableName) => ({ GlobalTableName }),
  DescribeImport: (table) => ({ ImportArn: `${ARN(table)}/import/x` }),
  DescribeKinesisStreamingDestination: about,
  DescribeLimits: nothing,
  DescribeTable: about,
  DescribeTableReplicaAutoScaling: about,
  DescribeTimeToLive: about,
  DisableKinesisStreamingDestination: kinesis,
  EnableKinesisStreamingDestination: kinesis,
  ExecuteStatement: (table) => ({ Statement: `SELECT * FROM "${table}" WHERE id = 'minimal'` }),
  ExecuteTransaction: (table) => ({ TransactStatements: [{ Statement: `SELECT * FROM "${table}" WHERE id = 'minimal'` }] }),
  ExportTableToPointInTime: (table) => ({ TableArn: ARN(table), ...bucket }),
  GetItem: (TableName) => ({ TableName, Key }),
  GetResourcePolicy: arn,
  ListBackups: nothing,
  ListContributorInsights: nothing,
  ListExports: nothing,
  ListGlobalTables: nothing,
  ListImports: nothing,
  ListTables: nothing,
  ListTagsOfResource: arn,
  PutItem: (TableName) => ({ TableName, Item: { ...Key, email: { S: SECRET } } }),
  PutResourcePolicy: (table) => ({ ...arn(table), Policy: "{}" }),
  Query: (TableName) => ({ TableName, KeyConditionExpression: "id = :id", ExpressionAttributeValues: { ":id": Key.id } }),
  RestoreTableFromBackup: (table) => ({ TargetTableName: `${table}-restored`, BackupArn: `${ARN("Plain")}/backup/x` }),
  RestoreTableToPointInTime: (table) => ({ SourceTableName: table, TargetTableName: `${table}-restored`, UseLatestRestorableTime: true }),
  Scan: about,
  TagResource: (table) => ({ ...arn(table), Tags: [{ Key: "team", Value: "x" }] }),
  TransactGetItems: (TableName) => ({ TransactItems: [{ Get: { TableName, Key } }] }),
  TransactWriteItems: (TableName) => ({ TransactItems: [{ Put: { TableName, Item: { ...Key, email: { S: SECRET } } } }] }),
  UntagResource: (table) => ({ ...arn(table), TagKeys: ["team"] }),
  UpdateContinuousBackups: (TableName) => ({ TableName, PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true } }),
  UpdateContributorInsights: (TableName) => ({ TableName, ContributorInsightsAction: "ENABLE" }),
  UpdateGlobalTable: (GlobalTableName) => ({ GlobalTableName, ReplicaUpdates: replicas }),
  UpdateGlobalTableSettings: (GlobalTableName) => ({ GlobalTableName }),
  UpdateItem: (TableName) => ({ TableName, Key }),
  UpdateKinesisStreamingDestination: kinesis,
  UpdateTable: about,
  UpdateTableReplicaAutoScaling: about,
  UpdateTimeToLive: (TableName) => ({ TableName, TimeToLiveSpecification: { AttributeName: "views", Enabled: true } }),
  DescribeStream: (_table, { StreamArn }) => ({ StreamArn }),
  GetRecords: (_table, { ShardIterator }) => ({ ShardIterator }),
  GetShardIterator: (_table, { StreamArn, ShardId }) => ({ StreamArn, ShardId, ShardIteratorType: "TRIM_HORIZON" }),
  ListStreams: nothing,
  // Last, since the others need the table.
  DeleteTable: about,
};

/** What a protected table must not do, or what the SDK must not hear, and Dynaseal says by name. */
const REFUSED = { DescribeEndpoints: "DSL-2012", ImportTable: undefined };
/** Operations that only the newest model knows, and which need more than a table. */
const BEYOND = ["CancelBulkOperation", "DescribeBulkOperation", "ImportTable", "ListBulkOperations", "SearchVectors", "StartBulkPutItems"];

/** Clients of streams, made once the store is there. */
let made;
const streamClients = () => {
  const bare = new streams.DynamoDBStreamsClient(connection());
  return (made ??= { opening: seal(new streams.DynamoDBStreamsClient(connection()), dynaseal), bare });
};
after(() => Object.values(made ?? {}).forEach((client) => client.destroy()));

test("the list has each operation of the newest SDK", { skip: version !== "newest" && "one version is enough" }, () => {
  const named = [...Object.keys(MINIMAL), ...BEYOND];
  assert.deepEqual(operations().map(({ name }) => name).filter((name) => !named.includes(name)), []);
});

const commandOf = (sdk, name) => sdk[`${name}Command`];

/** What becomes of a request: `done` with what was answered, or the exception's name. */
async function outcome(client, Command, input) {
  try {
    return { done: await client.send(new Command(input)) };
  } catch (error) {
    return { failed: error.code?.startsWith?.("DSL-") ? error.code : error.name, message: error.message };
  }
}

/** A shard of a stream of a table, if it has one. */
async function shard(TableName) {
  const { bare } = streamClients();
  const { Streams } = await bare.send(new streams.ListStreamsCommand({ TableName }));
  const [{ StreamArn }] = Streams;
  const { StreamDescription } = await bare.send(new streams.DescribeStreamCommand({ StreamArn }));
  return { StreamArn, ShardId: StreamDescription.Shards[0].ShardId };
}

for (const [name, input] of Object.entries(MINIMAL)) {
  const sdk = commandOf(dynamodb, name) ? dynamodb : streams;
  const Command = commandOf(sdk, name);
  test(name, { skip: !Command && "this version of the SDK does not know it" }, async () => {
    const isStream = sdk === streams;
    const [sealed, alone] = isStream ? [streamClients().opening, streamClients().bare] : [client, raw];
    const about = async (of, table) => {
      if (!isStream || name === "ListStreams") return input(table);
      const found = await shard(table);
      const iterator = { ...found, ShardIteratorType: "TRIM_HORIZON" };
      if (name === "GetRecords") Object.assign(found, await of.send(new streams.GetShardIteratorCommand(iterator)));
      return input(table, found);
    };
    const ours = await outcome(sealed, Command, await about(sealed, isStream ? "Unwatched" : "Users"));
    const theirs = await outcome(alone, Command, await about(alone, isStream ? "Unwatched" : "Plain"));
    if (Object.hasOwn(REFUSED, name)) return assert.equal(ours.failed, REFUSED[name], ours.message);
    assert.equal(ours.failed, theirs.failed, `${ours.message} and alone: ${theirs.message}`);
    if (ours.done && theirs.done) assert.deepEqual(Object.keys(ours.done).sort(), Object.keys(theirs.done).sort());
  });
}
