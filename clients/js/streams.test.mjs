// The AWS SDK for JavaScript v3: the stream of a protected table.

import assert from "node:assert/strict";
import { test } from "node:test";
import { PutItemCommand } from "@aws-sdk/client-dynamodb";
import {
  DescribeStreamCommand,
  DynamoDBStreamsServiceException,
  GetRecordsCommand,
  GetShardIteratorCommand,
  ListStreamsCommand,
} from "@aws-sdk/client-dynamodb-streams";
import { DeleteCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { marshall } from "@aws-sdk/util-dynamodb";
import { documents, order, put, raw, rawStreams, SECRET, streams, typedKey } from "./orders.mjs";

/** An iterator to what is written to a table from now on. */
const iterator = async (client, TableName, more = { ShardIteratorType: "LATEST" }) => {
  const { Streams } = await client.send(new ListStreamsCommand({ TableName }));
  const { StreamArn } = Streams[0];
  const { StreamDescription } = await client.send(new DescribeStreamCommand({ StreamArn }));
  const { ShardId } = StreamDescription.Shards[0];
  return (await client.send(new GetShardIteratorCommand({ StreamArn, ShardId, ...more }))).ShardIterator;
};

/** All records behind an iterator, two at a time. */
const read = async (client, ShardIterator) => {
  const records = [];
  for (;;) {
    const page = await client.send(new GetRecordsCommand({ ShardIterator, Limit: 2 }));
    if (page.Records.length === 0) return records;
    records.push(...page.Records);
    ShardIterator = page.NextShardIterator;
  }
};

test("a life of an item, with its images opened", async () => {
  const [opened, stored] = [await iterator(streams, "Orders"), await iterator(rawStreams, "Orders")];
  const Key = { customer: "streams", number: 1 };
  const first = order("streams", 1, { views: 0, scan: new Uint8Array([0, 255]), lines: [{ sku: SECRET }] });
  await put(first);
  await documents.send(new UpdateCommand({
    TableName: "Orders", Key, UpdateExpression: "SET note = :n ADD #views :one",
    ExpressionAttributeNames: { "#views": "views" }, ExpressionAttributeValues: { ":n": `${SECRET} new`, ":one": 1 },
  }));
  await documents.send(new UpdateCommand({
    TableName: "Orders", Key, UpdateExpression: "ADD #views :one",
    ExpressionAttributeNames: { "#views": "views" }, ExpressionAttributeValues: { ":one": 1 },
  }));
  await documents.send(new DeleteCommand({ TableName: "Orders", Key }));

  const records = await read(streams, opened);
  const life = [first, { ...first, note: `${SECRET} new`, views: 1 }, { ...first, note: `${SECRET} new`, views: 2 }];
  const images = life.map((item) => marshall(item));
  assert.deepEqual(records.map(({ eventName }) => eventName), ["INSERT", "MODIFY", "MODIFY", "REMOVE"]);
  assert.deepEqual(records.map(({ dynamodb }) => dynamodb.OldImage), [undefined, ...images]);
  assert.deepEqual(records.map(({ dynamodb }) => dynamodb.NewImage), [...images, undefined]);

  const sealed = await read(rawStreams, stored);
  for (const [at, { dynamodb }] of records.entries()) {
    const { OldImage, NewImage, ...rest } = dynamodb;
    const { OldImage: oldSealed, NewImage: newSealed, ...restSealed } = sealed[at].dynamodb;
    assert.deepEqual(rest, restSealed);
    for (const image of [oldSealed, newSealed]) assert.ok(!image || image.aws_dbe_foot.B);
  }
});

test("a record that does not verify is named, and read past", async () => {
  const start = await iterator(streams, "Damaged");
  const damaged = order("streams", 1);
  await raw.send(new PutItemCommand({ TableName: "Damaged", Item: marshall(damaged) }));
  await put(order("streams", 2), { TableName: "Damaged" });
  const error = await streams.send(new GetRecordsCommand({ ShardIterator: start })).catch((error) => error);
  assert.ok(error instanceof DynamoDBStreamsServiceException);
  assert.equal(error.name, "ItemVerificationException");
  assert.match(error.message, /^DSL-3001: GetRecords on table Damaged, record 1, SequenceNumber \d+, NewImage/);
  assert.ok(!error.message.includes(SECRET));
  const [, SequenceNumber] = error.message.match(/SequenceNumber (\d+)/);
  const more = { ShardIteratorType: "AFTER_SEQUENCE_NUMBER", SequenceNumber };
  const records = await read(streams, await iterator(streams, "Damaged", more));
  assert.deepEqual(records.map(({ dynamodb }) => dynamodb.Keys), [typedKey("streams", 2)]);
  assert.deepEqual(records[0].dynamodb.NewImage, marshall(order("streams", 2)));
});

test("an iterator from elsewhere is refused with advice", async () => {
  const ShardIterator = await iterator(rawStreams, "Orders");
  await assert.rejects(streams.send(new GetRecordsCommand({ ShardIterator })), (error) => {
    assert.equal(error.name, "ValidationException");
    assert.match(error.message, /^DSL-2007: GetRecords: .*AFTER_SEQUENCE_NUMBER/);
    return true;
  });
});
