// Stream records: through a sealed streams client, and as a Lambda handler gets them; and tables of a pattern, whose keys are asked for.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Dynaseal, DynasealError, seal } from "../dist/esm/index.mjs";
import { connection, raw, scripted, SECRET } from "./support/harness.mjs";
import { dynamodb, streams } from "./support/sdk.mjs";
import { config } from "./support/tables.mjs";

const rules = { keys: "test", suite: "hmac", default_action: "encrypt_and_sign", unsigned: ["views"] };
const watched = { ...config, tables: { Watched: { ...rules, partition_key: "id" }, "any-*": { ...rules, attributes: { id: "sign_only" } } } };
const Key = { id: { S: "1" } };
const item = (id, more) => ({
  id: { S: id },
  email: { S: SECRET },
  bytes: { L: [{ B: new Uint8Array([0, 255]) }, { N: "12345678901234567890.5" }] },
  ...more,
});

/** Clients of one engine, as one process has it, and one that is not sealed. */
const parts = () => (made ??= make());
let made;

function make() {
  const dynaseal = new Dynaseal(watched);
  const client = seal(new dynamodb.DynamoDBClient(connection()), dynaseal);
  const opening = seal(new streams.DynamoDBStreamsClient(connection()), dynaseal);
  return { dynaseal, client, opening, bare: new streams.DynamoDBStreamsClient(connection()) };
}

after(() => [made?.client, made?.opening, made?.bare].forEach((client) => client?.destroy()));

/** What a streams client reads of a table, from its beginning. */
async function records(from, TableName, more = {}) {
  const { Streams } = await from.send(new streams.ListStreamsCommand({ TableName }));
  const [{ StreamArn }] = Streams;
  const { StreamDescription } = await from.send(new streams.DescribeStreamCommand({ StreamArn }));
  const [{ ShardId }] = StreamDescription.Shards;
  const iterator = { StreamArn, ShardId, ShardIteratorType: "TRIM_HORIZON", ...more };
  const { ShardIterator } = await from.send(new streams.GetShardIteratorCommand(iterator));
  const page = await from.send(new streams.GetRecordsCommand({ ShardIterator }));
  return { ...page, StreamArn };
}

const put = (to, TableName, Item, more) => to.send(new dynamodb.PutItemCommand({ TableName, Item, ...more }));

/** The same as Lambda gives it: seconds, and binary as base64. */
const asLambda = ({ Records, StreamArn }) => ({
  Records: Records.map(({ dynamodb: { ApproximateCreationDateTime: time, ...change }, ...record }) => ({
    ...record,
    eventSourceARN: StreamArn,
    dynamodb: {
      ...JSON.parse(JSON.stringify(change, (_, value) => (value instanceof Uint8Array ? base64(value) : value))),
      ApproximateCreationDateTime: time.getTime() / 1000,
    },
  })),
});
const base64 = (bytes) => Buffer.from(bytes).toString("base64");
const images = ({ Records }) => Records.map(({ dynamodb: { OldImage, NewImage } }) => [OldImage, NewImage]);

test("the stream of a protected table, opened by a sealed client and from a Lambda event", async () => {
  const { client, opening, bare, dynaseal } = parts();
  const [first, second] = [item("1", { views: { N: "1" } }), item("1", { views: { N: "2" } })];
  await put(client, "Watched", first);
  await put(client, "Watched", second);
  await client.send(new dynamodb.DeleteItemCommand({ TableName: "Watched", Key }));
  const life = [[undefined, first], [first, second], [second, undefined]];
  assert.deepEqual(images(await records(opening, "Watched")), life);

  const stored = await records(bare, "Watched");
  assert.ok(stored.Records.every(({ dynamodb }) => (dynamodb.NewImage ?? dynamodb.OldImage).aws_dbe_foot));
  const before = structuredClone(stored);
  const opened = await dynaseal.openRecords(stored, { table: "Watched" });
  assert.deepEqual(images(opened), life);
  assert.deepEqual(stored, before, "the event itself is not changed");
  assert.deepEqual(withoutImages(opened), withoutImages(stored));
  assert.ok(opened.Records[0].dynamodb.ApproximateCreationDateTime instanceof Date);

  const event = asLambda(stored);
  const lambda = await dynaseal.openRecords(event);
  assert.deepEqual(images(lambda), life);
  assert.deepEqual(withoutImages(lambda), withoutImages(event));
  const one = await dynaseal.openRecords(event.Records[1]);
  assert.deepEqual(one, lambda.Records[1]);
});

const withoutImages = (event) => ({
  ...event,
  Records: event.Records.map((record) => ({ ...record, dynamodb: { ...record.dynamodb, OldImage: 0, NewImage: 0 } })),
});

test("a large event is opened while the event loop goes on", async () => {
  const { dynaseal } = parts();
  const sealed = await dynaseal.sealItem("Watched", item("large"));
  const record = { dynamodb: { Keys: { id: sealed.id }, NewImage: sealed } };
  const event = { Records: Array.from({ length: 2000 }, () => record) };
  let ticks = 0;
  const ticking = setInterval(() => (ticks += 1), 1);
  const waiting = dynaseal.openRecords(event, { table: "Watched" });
  const text = JSON.stringify(event).length;
  assert.ok(text > 1_000_000);
  ticks = 0;
  const opened = await waiting;
  clearInterval(ticking);
  assert.ok(ticks > 0);
  assert.ok(opened.Records.every(({ dynamodb: { NewImage } }) => NewImage.email.S === SECRET));
});

test("records of tables that are not protected are left as they are", async () => {
  const { bare, dynaseal } = parts();
  await put(raw, "Unwatched", item("plain"));
  const event = asLambda(await records(bare, "Unwatched"));
  assert.deepEqual(images(await dynaseal.openRecords(event)), [[undefined, item("plain")]]);
});

test("a table that cannot be told is not one that is not protected", async () => {
  const { dynaseal } = parts();
  const forged = { dynamodb: { Keys: Key, NewImage: item("forged") } };
  const arn = "arn:aws:dynamodb:us-east-1:000000000000:table/";
  const arns = ["", "Watched", " ", "arn", `${arn}`, `${arn}/stream/x`, `x${arn}Watched/stream/x`, `${arn}Watched /stream/x`];
  arns.push(`${arn}Wat%63hed/stream/x`, "arn:aws:kinesis:us-east-1:000000000000:stream/Watched", `${arn.slice(0, -7)}/Watched`);
  for (const eventSourceARN of arns) {
    await assert.rejects(dynaseal.openRecords({ Records: [{ ...forged, eventSourceARN }] }), { kind: "caller" }, eventSourceARN);
  }
  for (const eventSourceARN of [5, null, {}, ["x"]]) {
    await assert.rejects(dynaseal.openRecords({ Records: [{ ...forged, eventSourceARN }] }), { kind: "caller" });
  }
});

test("a record that was changed is named, without a value", async () => {
  const { dynaseal } = parts();
  const NewImage = await dynaseal.sealItem("Watched", item("1"));
  const change = { Keys: Key, SequenceNumber: "123", NewImage: { ...NewImage, added: { S: SECRET } } };
  const event = { Records: [{ dynamodb: { ...change, NewImage } }, { dynamodb: change }] };
  await assert.rejects(dynaseal.openRecords(event, { table: "Watched" }), (error) => {
    assert.equal(error.kind, "data");
    assert.match(error.message, /on table Watched, record 2, SequenceNumber 123, NewImage/);
    assert.ok(!error.message.includes(SECRET));
    return true;
  });
});

test("an event that its owner changes meanwhile is the one that was given", async () => {
  const { dynaseal } = parts();
  const sealed = await Promise.all(["1", "2", "3"].map((id) => dynaseal.sealItem("Watched", item(id))));
  const record = (id) => ({ dynamodb: { Keys: { id: { S: id } }, NewImage: sealed[id - 1] } });
  const forged = () => ({ dynamodb: { Keys: Key, NewImage: item("forged"), OldImage: item("forged") } });
  const changes = {
    push: ({ Records }) => Records.push(forged()),
    unshift: ({ Records }) => Records.unshift(forged()),
    reverse: ({ Records }) => Records.reverse(),
    splice: ({ Records }) => Records.splice(0, 2, forged(), forged()),
    empty: ({ Records }) => (Records.length = 0),
    list: (event) => (event.Records = [forged()]),
    image: ({ Records }) => (Records[1].dynamodb.OldImage = item("forged")),
    change: ({ Records }) => (Records[1].dynamodb = forged().dynamodb),
    gone: ({ Records }) => delete Records[0].dynamodb.NewImage,
  };
  for (const [how, change] of Object.entries(changes)) {
    const event = { Records: ["1", "2", "3"].map(record), more: how };
    const opening = dynaseal.openRecords(event, { table: "Watched" });
    change(event);
    const opened = await opening;
    assert.deepEqual(images(opened), ["1", "2", "3"].map((id) => [undefined, item(id)]), how);
    assert.equal(opened.more, how);
  }
  const one = record("1");
  const opening = dynaseal.openRecords(one, { table: "Watched" });
  one.dynamodb.OldImage = item("forged");
  assert.deepEqual((await opening).dynamodb, { Keys: Key, NewImage: item("1") });
});

test("an event whose members are not what it prints gives nothing unverified", async () => {
  const { dynaseal } = parts();
  const NewImage = await dynaseal.sealItem("Watched", item("1"));
  const Keys = Key;
  const printing = (object, json) => Object.assign(object, { toJSON: () => json });
  const whole = { Records: [{ dynamodb: { Keys, NewImage } }] };
  const tricks = [
    printing({ Records: [{ dynamodb: { Keys, NewImage: item("forged") } }] }, whole),
    { Records: [printing({ dynamodb: { Keys, NewImage: item("forged") } }, whole.Records[0])] },
    { Records: [{ dynamodb: printing({ Keys, NewImage: item("forged") }, { Keys }) }] },
    { Records: [{ dynamodb: printing({ Keys, NewImage: item("forged") }, { Keys, NewImage }) }] },
    { Records: [{ dynamodb: { Keys, NewImage: printing(item("forged"), NewImage) } }] },
  ];
  for (const trick of tricks) await assert.rejects(dynaseal.openRecords(trick, { table: "Watched" }), { name: "DynasealError" });
  // JSON has no form for a number or a date that is none, so that there is no image to open: what its members say is not one.
  const numbers = [NaN, Infinity, Object.assign(new Number(NaN), item("forged")), Object.assign(new Date(NaN), item("forged"))];
  const unwatched = "arn:aws:dynamodb:us-east-1:000000000000:table/Unwatched/stream/x";
  for (const name of ["NewImage", "OldImage"]) {
    for (const none of numbers) {
      const forms = [
        { Records: [{ dynamodb: { Keys, [name]: none } }] },
        [{ dynamodb: { Keys, [name]: none } }],
        { dynamodb: { Keys, [name]: none } },
        { Metadata: {}, Keys, [name]: none },
      ];
      for (const form of forms) await assert.rejects(dynaseal.openRecords(form, { table: "Watched" }), { code: "DSL-9013" });
      await assert.rejects(dynaseal.openRecords({ Records: [{ eventSourceARN: unwatched, dynamodb: { Keys, [name]: none } }] }), { code: "DSL-9013" });
    }
  }
  let reads = 0;
  const changing = { Records: [{ dynamodb: { Keys, get NewImage() { return (reads += 1) === 1 ? NewImage : item("forged"); } } }] };
  assert.deepEqual(images(await dynaseal.openRecords(changing, { table: "Watched" })), [[undefined, item("1")]]);
});

test("what is no event, or does not say of which table it is", async () => {
  const { dynaseal } = parts();
  const record = { dynamodb: { Keys: Key } };
  for (const wrong of [{}, { Records: 1 }, { Records: [1] }, [], { Records: [record] }]) {
    await assert.rejects(dynaseal.openRecords(wrong), { name: "DynasealError", kind: "caller" });
  }
  await assert.rejects(dynaseal.openRecords({ Records: [record] }, { table: "Watchd" }), { kind: "caller" });
  assert.deepEqual(await dynaseal.openRecords({ Records: [record] }, { table: "Watched" }), { Records: [record] });
});

test("a table of a pattern: its keys are asked for through the client, and known from then on", async () => {
  const { client, opening, bare, dynaseal } = parts();
  const without = [
    () => dynaseal.sealItem("any-1", item("1")),
    () => dynaseal.openItem("any-1", item("1")),
    () => dynaseal.openRecords({ Records: [{ dynamodb: { Keys: Key } }] }, { table: "any-1" }),
    () => records(opening, "any-1"),
  ];
  for (const act of without)
    await assert.rejects(act(), (error) => {
      assert.ok(error instanceof DynasealError && error.code === "DSL-2008");
      assert.match(error.message, /DescribeTable on table (any-1|arn:\S+any-1\S*) was not sent/);
      return true;
    });
  await put(client, "any-1", item("1"));
  for (const act of [without[0], without[2]]) await act();
  assert.deepEqual(images(await records(opening, "any-1")), [[undefined, item("1")]]);
  const event = asLambda(await records(bare, "any-1"));
  assert.deepEqual(images(await dynaseal.openRecords(event)), [[undefined, item("1")]]);
});

test("a table of a pattern: the call behind the question is the caller's own", async () => {
  const { client, operations } = scripted([undefined, "lost"], {}, new Dynaseal(watched));
  const once = put(client, "any-2", item("1"), { ConditionExpression: "attribute_not_exists(id)" });
  await assert.rejects(once, { name: "ConditionalCheckFailedException" });
  assert.deepEqual(operations(), ["DescribeTable", "PutItem", "PutItem"]);
  assert.deepEqual((await client.send(new dynamodb.GetItemCommand({ TableName: "any-2", Key }))).Item, item("1"));
});

test("records that Pipes, Kinesis, Firehose and an export hand over", async () => {
  const { client, bare, dynaseal } = parts();
  const [first, second] = [item("other forms", { views: { N: "1" } }), item("other forms", { views: { N: "2" } })];
  const ours = { id: { S: "other forms" } };
  await put(client, "Watched", first);
  await put(client, "Watched", second);
  const all = asLambda(await records(bare, "Watched")).Records;
  const record = all.find(({ dynamodb: { Keys, OldImage } }) => Keys.id.S === ours.id.S && OldImage !== undefined);
  const { OldImage, NewImage } = record.dynamodb;
  const opened = [first, second];

  const [piped] = await dynaseal.openRecords([record]);
  assert.deepEqual([piped.dynamodb.OldImage, piped.dynamodb.NewImage], opened);
  const line = { Metadata: { WriteTimestampMicros: { N: "1" } }, Keys: ours, OldImage, NewImage };
  const change = await dynaseal.openRecords(line, { table: "Watched" });
  assert.deepEqual([change.OldImage, change.NewImage, change.Metadata], [...opened, line.Metadata]);

  // What is carried as text stays text.
  const inJson = JSON.parse(JSON.stringify(opened, (_, value) => (value instanceof Uint8Array ? base64(value) : value)));
  const data = base64(JSON.stringify({ eventName: "MODIFY", tableName: "Watched", dynamodb: record.dynamodb }));
  const carried = (data) => {
    const { OldImage, NewImage } = JSON.parse(Buffer.from(data, "base64").toString()).dynamodb;
    assert.deepEqual([OldImage, NewImage], inJson);
  };
  const kinesis = { Records: [{ kinesis: { data, partitionKey: "1" }, eventSource: "aws:kinesis" }] };
  const before = structuredClone(kinesis);
  const event = await dynaseal.openRecords(kinesis);
  carried(event.Records[0].kinesis.data);
  assert.equal(event.Records[0].kinesis.partitionKey, "1");
  assert.deepEqual(kinesis, before);
  carried((await dynaseal.openRecords({ records: [{ recordId: "1", data }] })).records[0].data);
  carried((await dynaseal.openRecords([{ data, partitionKey: "1" }]))[0].data);
  carried((await dynaseal.openRecords({ Records: [{ Data: data }] })).Records[0].Data);

  // One changed byte fails each of them, and what is none of them is not given back as if it were opened.
  const changed = structuredClone(record);
  changed.dynamodb.NewImage.aws_dbe_foot.B = `A${changed.dynamodb.NewImage.aws_dbe_foot.B.slice(1)}`;
  if (changed.dynamodb.NewImage.aws_dbe_foot.B === NewImage.aws_dbe_foot.B) changed.dynamodb.NewImage.aws_dbe_foot.B = `B${NewImage.aws_dbe_foot.B.slice(1)}`;
  const wrong = base64(JSON.stringify({ tableName: "Watched", dynamodb: changed.dynamodb }));
  for (const given of [[changed], { Records: [{ kinesis: { data: wrong } }] }, { records: [{ data: wrong }] }, { ...line, NewImage: changed.dynamodb.NewImage }]) {
    await assert.rejects(dynaseal.openRecords(given, { table: "Watched" }), { kind: "data" });
  }
  for (const given of [[], [1], [{ id: { S: "1" } }], { Records: [{ kinesis: { data: base64("{}") } }] }, { records: [{ body: "x" }] }]) {
    await assert.rejects(dynaseal.openRecords(given, { table: "Watched" }), { name: "DynasealError" });
  }
  const liar = { Records: [{ kinesis: { data, toJSON: () => ({}) }, toJSON: () => record }] };
  await assert.rejects(dynaseal.openRecords(liar), { code: "DSL-9013" });
});
