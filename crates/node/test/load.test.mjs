// Many calls at once and one after another, in worker threads, and pages so large that the event loop would notice.

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { Dynaseal, seal } from "../dist/esm/index.mjs";
import { connection, documents, dynaseal, SECRET } from "./support/harness.mjs";
import { dynamodb, lib, version } from "./support/sdk.mjs";
import { config } from "./support/tables.mjs";

const sharable = availableParallelism() > 1 && existsSync("/proc/self/task");
const key = (id) => ({ TableName: "Users", Key: { id } });
const SCAN = { service: "DynamoDB_20120810", operation: "Scan", header: "DynamoDB_20120810.Scan" };

/** One of each call. */
const mixed = [
  (id) =>
    new lib.PutCommand({
      TableName: "Users",
      Item: { id, email: `${SECRET} ${id}`, balance: 0, text: "x".repeat(500) },
    }),
  (id) => new lib.GetCommand(key(id)),
  (id) =>
    new lib.UpdateCommand({
      ...key(id),
      UpdateExpression: "ADD balance :one",
      ExpressionAttributeValues: { ":one": 1 },
    }),
  (id) =>
    new lib.QueryCommand({
      TableName: "Users",
      KeyConditionExpression: "id = :id",
      ExpressionAttributeValues: { ":id": id },
    }),
  (id) => new lib.BatchGetCommand({ RequestItems: { Users: { Keys: [{ id }] } } }),
  (id) => new lib.TransactGetCommand({ TransactItems: [{ Get: key(id) }] }),
  (id) =>
    new lib.DeleteCommand({
      ...key(id),
      ConditionExpression: "email = :e",
      ExpressionAttributeValues: { ":e": "another" },
    }),
  (id) =>
    new lib.QueryCommand({
      TableName: "Users",
      KeyConditionExpression: "email = :id",
      ExpressionAttributeValues: { ":id": id },
    }),
];
const REFUSED = new Set(["ConditionalCheckFailedException", "DynasealError"]);

async function round(from, calls) {
  const queue = Array.from({ length: calls }, (_, at) => from + at);
  let refused = 0;
  const worker = async () => {
    for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
      const command = mixed[at % mixed.length](`load ${at % 50}`);
      await documents.send(command).catch((error) => {
        if (!REFUSED.has(error.name)) throw error;
        refused += 1;
      });
    }
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  return refused;
}

/** What is in use, in MB: the native part whole, and of the heap what lives, since V8 keeps free space as it likes. */
const memory = () => {
  globalThis.gc?.();
  const { rss, heapTotal, heapUsed } = process.memoryUsage();
  return (rss - heapTotal + heapUsed) / 2 ** 20;
};

test("10,000 mixed calls leave memory flat", { skip: version !== "newest" && "one version is enough" }, async (t) => {
  for (let at = 0; at < 50; at += 1) await documents.send(mixed[0](`load ${at}`));
  // The first calls fill caches, connections and the heap's free space.
  await round(0, 2000);
  const before = memory();
  const refused = await round(2000, 10_000);
  const after = memory();
  t.diagnostic(`memory in use ${before.toFixed(0)} MB before, ${after.toFixed(0)} MB after`);
  assert.equal(refused, 2500, "one call of four is to be refused");
  assert.ok(after - before < 40, `${before} MB grew to ${after} MB`);
});

test("worker threads each seal and open, beside the main thread", async () => {
  const source = new URL("./support/worker.mjs", import.meta.url);
  const workers = Array.from({ length: 3 }, (_, number) => {
    const worker = new Worker(source, { workerData: { connection: connection(), number, secret: SECRET } });
    return new Promise((resolve, reject) => {
      let said;
      worker.once("message", (message) => (said = message));
      worker.once("error", reject);
      worker.once("exit", (code) => (code === 0 ? resolve(said) : reject(new Error(`a worker ended with ${code}`))));
    });
  });
  const main = Promise.all(Array.from({ length: 50 }, (_, at) => documents.send(mixed[0](`main ${at}`))));
  assert.deepEqual(
    await Promise.all(workers),
    [0, 1, 2].map((number) => ({ number, read: 25 })),
  );
  await main;
  // A worker that ends takes its engine with it; ours goes on.
  const { Item } = await documents.send(new lib.GetCommand({ TableName: "Users", Key: { id: "worker 1 7" } }));
  assert.equal(Item.email, `${SECRET} 7`);
});

test("a page of 1 MB is opened off the event loop", async (t) => {
  const hmac = new Dynaseal({ ...config, tables: { Users: config.tables.Users } });
  for (const [name, engine, table] of [
    ["hmac", hmac, "Users"],
    ["ecdsa-p384", dynaseal, "Orders"],
  ]) {
    // A page holds no item twice.
    const Items = [];
    for (let size = 0; size < 2 ** 20; size += Items.at(-1).length) {
      const number = String(Items.length);
      const item = {
        id: { S: `page-${number}` },
        customer: { S: "page" },
        number: { N: number },
        email: { S: SECRET },
        text: { S: "x".repeat(700) },
      };
      const sealed = await engine.sealItem(table, item);
      Items.push(
        JSON.stringify(sealed, (key, value) =>
          value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value,
        ),
      );
    }
    const page = Buffer.from(`{"Count":${Items.length},"ScannedCount":${Items.length},"Items":[${Items.join()}]}`);
    const rounds = [];
    for (let round = 0; round < 5; round += 1) rounds.push(await open(engine, table, page, Items.length));
    const [held, took] = ["held", "took"].map((what) => Math.min(...rounds.map((round) => round[what])));
    t.diagnostic(
      `${name}: ${Items.length} items in ${took.toFixed(1)} ms, of which this thread worked ${held.toFixed(2)} ms`,
    );
    assert.ok(held < 5, `${held} ms`);
  }
});

test("a page of signed items is shared by threads", { skip: !sharable && "one core, or no counters of threads" }, async (t) => {
  const Items = [];
  for (let number = 0; number < 50; number += 1) {
    const item = { customer: { S: "page" }, number: { N: `${number}` }, email: { S: SECRET } };
    Items.push(JSON.stringify(await dynaseal.sealItem("Orders", item), base64));
  }
  const page = Buffer.from(`{"Count":50,"Items":[${Items}]}`);
  let share = 1;
  for (let times = 0; times < 40; times += 1) {
    const call = Dynaseal.begin(dynaseal);
    const sent = await call.start(SCAN, Buffer.from('{"TableName":"Orders"}'));
    const [before, all] = [threadTimes(), process.cpuUsage()];
    const step = await call.resume(sent, 200, page);
    const { user, system } = process.cpuUsage(all);
    // Helpers are gone by then: the thread that stays and worked most is the one that carried the call.
    const carried = Math.max(...Object.entries(threadTimes()).map(([thread, time]) => time - (before[thread] ?? time)));
    call.close();
    assert.equal(step.kind, "done");
    share = Math.min(share, (carried * 1000) / (user + system));
  }
  t.diagnostic(`the thread that carries the call works ${(share * 100).toFixed(0)} % of it`);
  assert.ok(share < 0.7, `${share}`);
});

/** CPU milliseconds of each thread of this process. */
function threadTimes() {
  const time = (thread) => Number(readFileSync(`/proc/self/task/${thread}/schedstat`, "utf8").split(" ")[0]) / 1e6;
  return Object.fromEntries(readdirSync("/proc/self/task").map((thread) => [thread, time(thread)]));
}

test("no step with signed items holds up the event loop", async (t) => {
  const Items = [];
  for (let number = 0; number < 50; number += 1) {
    const item = { customer: { S: "page" }, number: { N: `${number}` }, email: { S: SECRET } };
    Items.push(JSON.stringify(await dynaseal.sealItem("Orders", item), base64));
  }
  const some = Items.slice(0, 20);
  const keys = some.map((_, number) => `{"customer":{"S":"page"},"number":{"N":"${number}"}}`);
  const plain = (number) => `{"customer":{"S":"page"},"number":{"N":"${number}"},"email":{"S":"${SECRET}"}}`;
  const stream = "arn:aws:dynamodb:us-east-1:000000000000:table/Orders/stream/2026-01-01T00:00:00.000";
  const record = (image, at) => `{"eventID":"${at}","eventSourceARN":"${stream}","dynamodb":{"Keys":${keys[at]},"NewImage":${image}}}`;
  const query = '{"TableName":"Orders","KeyConditionExpression":"customer = :c","ExpressionAttributeValues":{":c":{"S":"page"}}}';
  const steps = {
    Scan: ['{"TableName":"Orders"}', `{"Count":20,"Items":[${some}]}`],
    Query: [query, `{"Count":50,"Items":[${Items}]}`],
    BatchGetItem: [`{"RequestItems":{"Orders":{"Keys":[${keys}]}}}`, `{"Responses":{"Orders":[${some}]}}`],
    TransactGetItems: [
      `{"TransactItems":[${keys.map((Key) => `{"Get":{"TableName":"Orders","Key":${Key}}}`)}]}`,
      `{"Responses":[${some.map((item) => `{"Item":${item}}`)}]}`,
    ],
    BatchWriteItem: [`{"RequestItems":{"Orders":[${some.map((_, at) => `{"PutRequest":{"Item":${plain(at)}}}`)}]}}`, "{}"],
    TransactWriteItems: [
      `{"ClientRequestToken":"x","TransactItems":[${Items.map((_, at) => `{"Put":{"TableName":"Orders","Item":${plain(at)}}}`)}]}`,
      "{}",
    ],
  };
  for (const [operation, [request, answer]] of Object.entries(steps)) {
    const target = { service: "DynamoDB_20120810", operation, header: `DynamoDB_20120810.${operation}` };
    const held = await least(async (measure) => {
      const call = Dynaseal.begin(dynaseal);
      const sent = await measure(() => call.start(target, Buffer.from(request)));
      assert.equal(sent.kind, "send", sent.failure?.message);
      const step = await measure(() => call.resume(sent, 200, Buffer.from(answer)));
      call.close();
      assert.equal(step.kind, "done", step.failure?.message);
    });
    t.diagnostic(`${operation}: ${held.toFixed(2)} ms`);
    assert.ok(held < 2, `${operation}: ${held} ms`);
  }
  const event = JSON.parse(`{"Records":[${some.map(record)}]}`);
  const encoded = event.Records.map((record) => Buffer.from(JSON.stringify(record)).toString("base64"));
  const change = ({ dynamodb }) => ({ Metadata: {}, ...dynamodb });
  const Orders = { table: "Orders" };
  const big = { id: { S: "big" }, text: { S: "x".repeat(300_000) } };
  const sealed = await dynaseal.sealItem("Users", big);
  const calls = {
    "openRecords of Lambda": () => dynaseal.openRecords(event),
    "openRecords of Pipes": () => dynaseal.openRecords(event.Records),
    "openRecords of Kinesis": () => dynaseal.openRecords({ Records: encoded.map((data) => ({ kinesis: { data } })) }),
    "openRecords of Firehose": () => dynaseal.openRecords({ records: encoded.map((data) => ({ data })) }),
    "openRecords of a record": () => dynaseal.openRecords(event.Records[0]),
    "openRecords of an export": () => dynaseal.openRecords(change(event.Records[0]), Orders),
    sealItem: () => dynaseal.sealItem("Users", big),
    openItem: () => dynaseal.openItem("Users", sealed),
  };
  const longest = async (name, most, call) => {
    const held = await least((measure) => measure(call));
    t.diagnostic(`${name}: ${held.toFixed(2)} ms`);
    assert.ok(held < most, `${name}: ${held} ms`);
  };
  // With what JavaScript itself does to make JSON and objects of them, which nobody can do for it.
  for (const [name, call] of Object.entries(calls)) await longest(name, name.startsWith("openRecords") ? 2 : 6, call);
  // Without it: what the engine does of them here.
  const alone = {
    sealItem: [(call, text) => call.sealItem("Users", text), big],
    openItem: [(call, text) => call.openItem("Users", text), sealed],
    openRecords: [(call, text) => call.openRecords("Users", text), { dynamodb: { Keys: { id: big.id }, NewImage: sealed, OldImage: sealed } }],
  };
  for (const [name, [step, given]] of Object.entries(alone)) {
    const text = JSON.stringify(given, base64);
    await longest(`a step of ${name}`, 2, async () => {
      const call = Dynaseal.begin(dynaseal);
      assert.equal((await step(call, text)).kind, "done");
      call.close();
    });
  }
});

const base64 = (_key, value) => (value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value);

/** The least of what some rounds held this thread at once, in milliseconds: until a call gives its promise, or from then on. */
async function least(round) {
  let least = Infinity;
  for (let times = 0; times < 10; times += 1) {
    let most = 0;
    await round(async (step) => {
      const before = threadTime();
      const outcome = step();
      const between = threadTime();
      await outcome;
      most = Math.max(most, between - before, threadTime() - between);
      return outcome;
    });
    least = Math.min(least, most);
  }
  return least;
}

/** Opens a page as the middlewares do; all that this thread works for it is more than its longest turn. */
async function open(engine, table, page, items) {
  const call = Dynaseal.begin(engine);
  const sent = await call.start(SCAN, Buffer.from(`{"TableName":"${table}"}`));
  assert.equal(sent.kind, "send");
  const [began, worked] = [performance.now(), threadTime()];
  const step = await call.resume(sent, 200, page);
  const [held, took] = [threadTime() - worked, performance.now() - began];
  call.close();
  assert.equal(step.kind, "done");
  assert.equal(JSON.parse(step.body.toString()).Items.length, items);
  return { held, took };
}

/** CPU milliseconds of the main thread, whatever else this machine does; elsewhere than on Linux, the clock. */
function threadTime() {
  // The number is some milliseconds old unless the thread has just been off its core.
  Atomics.wait(NEVER, 0, 0, 0.05);
  const path = `/proc/${process.pid}/task/${process.pid}/schedstat`;
  return existsSync(path) ? Number(readFileSync(path, "utf8").split(" ")[0]) / 1e6 : performance.now();
}

const NEVER = new Int32Array(new SharedArrayBuffer(4));

test("calls that wait for one another go on in order", async () => {
  await documents.send(mixed[0]("order"));
  const add = () =>
    documents.send(
      new lib.UpdateCommand({
        ...key("order"),
        UpdateExpression: "ADD balance :one",
        ExpressionAttributeValues: { ":one": 1 },
        ReturnValues: "UPDATED_NEW",
      }),
    );
  const order = [];
  await Promise.all(Array.from({ length: 8 }, async (_, at) => order.push([at, (await add()).Attributes.balance])));
  assert.deepEqual(
    order.map(([, balance]) => balance),
    [1, 2, 3, 4, 5, 6, 7, 8],
  );
});

test("many sessions at once, each its own", async () => {
  const client = seal(new dynamodb.DynamoDBClient({ ...connection(), maxAttempts: 1 }), dynaseal);
  const many = lib.DynamoDBDocumentClient.from(client);
  const ids = Array.from({ length: 200 }, (_, at) => `many ${at}`);
  await Promise.all(ids.map((id) => many.send(mixed[0](id))));
  const read = await Promise.all(ids.map(async (id) => (await many.send(mixed[1](id))).Item.email));
  assert.deepEqual(
    read,
    ids.map((id) => `${SECRET} ${id}`),
  );
  client.destroy();
});
