// Published programs that keep their state in DynamoDB, one of each kind, as docs/WORKS-WITH.md has them: each does the same on a
// plain table and on one that is sealed but for what DynamoDB itself reads, and ends the same.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { DynamoDBAdapter } from "@auth/dynamodb-adapter";
import { CreateTableCommand, DynamoDB, ScanCommand } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocument } from "@aws-sdk/lib-dynamodb";
import { dynamoDBLockClientFactory } from "@deliveryhero/dynamodb-lock";
import { RateLimiterDynamo } from "rate-limiter-flexible";
import { startGateway } from "../servers.mjs";

const require = createRequire(import.meta.url);
// Its files for import name each other without their endings, which Node.js does not take.
const { DynamoDBSaver } = require("@rwai/langgraphjs-checkpoint-dynamodb");

const SECRET = "canary-7d41be";
const text = (AttributeName) => ({ AttributeName, AttributeType: "S" });
const keys = (hash, range) => [
  { AttributeName: hash, KeyType: "HASH" },
  ...(range ? [{ AttributeName: range, KeyType: "RANGE" }] : []),
];
const table = (hash, range, more = {}) => ({
  KeySchema: keys(hash, range),
  AttributeDefinitions: [hash, range].filter(Boolean).map(text),
  BillingMode: "PAY_PER_REQUEST",
  ...more,
});

/** Each table, and what of it is stored readable beside its keys. */
const TABLES = {
  Locks: [table("lockId", "lockGroup"), []],
  Sessions: [table("id"), ["expires"]],
  Accounts: [
    table("pk", "sk", {
      AttributeDefinitions: ["pk", "sk", "GSI1PK", "GSI1SK"].map(text),
      GlobalSecondaryIndexes: [{ IndexName: "GSI1", KeySchema: keys("GSI1PK", "GSI1SK"), Projection: { ProjectionType: "ALL" } }],
    }),
    ["GSI1PK", "GSI1SK"],
  ],
  Limits: [table("key"), ["expire"]],
  Checkpoints: [table("thread_id", "checkpoint_id"), []],
  Writes: [table("thread_id_checkpoint_id_checkpoint_ns", "task_id_idx"), []],
};

let folder, store, front, raw, client;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "dynaseal-programs-"));
  store = await startGateway(folder, "store", 'allow_no_tables = true\n[gateway]\nlisten = "127.0.0.1:0"\nupstream = "embedded"\n');
  const sections = Object.entries(TABLES).map(([name, [{ KeySchema }, readable]]) => {
    const [hash, range] = KeySchema.map(({ AttributeName }) => AttributeName);
    const attributes = [hash, range, ...readable].filter(Boolean).map((one) => `"${one}" = "sign_only"\n`);
    const sort = range ? `sort_key = "${range}"\n` : "";
    const rules = `keys = "test"\npartition_key = "${hash}"\n${sort}suite = "hmac"\ndefault_action = "encrypt_and_sign"\n`;
    return `[tables.${name}]\n${rules}[tables.${name}.attributes]\n${attributes.join("")}`;
  });
  const key = '[keys.test]\ntype = "raw-aes"\nnamespace = "clients"\nname = "test key"\nkey_env = "DYNASEAL_TEST_KEY"\n';
  const gateway = `[gateway]\nlisten = "127.0.0.1:0"\nupstream = "${store.url}"\nregion = "us-east-1"\n`;
  front = await startGateway(folder, "programs", key + sections.join("") + gateway);
  const connection = { region: "us-east-1", credentials: { accessKeyId: "test", secretAccessKey: "test" } };
  raw = new DynamoDB({ ...connection, endpoint: store.url });
  client = new DynamoDB({ ...connection, endpoint: front.url });
  for (const [name, [schema]] of Object.entries(TABLES))
    for (const TableName of [name, `${name}Plain`]) await client.send(new CreateTableCommand({ TableName, ...schema }));
});

after(async () => {
  client?.destroy();
  raw?.destroy();
  await front?.stop();
  await store?.stop();
  if (folder) await rm(folder, { recursive: true });
});

/** Runs the same on the plain and on the sealed tables; what it gives must be the same, and what is stored sealed. */
const program = (name, tables, run) =>
  test(name, async () => {
    const plain = await run((table) => `${table}Plain`);
    assert.deepEqual(await run((table) => table), plain);
    for (const table of tables) {
      const { Items } = await raw.send(new ScanCommand({ TableName: table }));
      assert.ok(Items.length > 0, table);
      const [{ KeySchema }, readable] = TABLES[table];
      const shown = [...KeySchema.map(({ AttributeName }) => AttributeName), ...readable];
      for (const item of Items) {
        assert.ok(item.aws_dbe_head && item.aws_dbe_foot, table);
        for (const [name, value] of Object.entries(item)) if (!shown.includes(name)) assert.deepEqual(Object.keys(value), ["B"], name);
        assert.ok(!JSON.stringify(item, (_key, value) => (value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : value)).includes(SECRET));
      }
    }
  });

program("a lock client: @deliveryhero/dynamodb-lock", ["Locks"], async (named) => {
  const clientOf = () => dynamoDBLockClientFactory(DynamoDBDocument.from(client), { tableName: named("Locks"), partitionKey: "lockId", sortKey: "lockGroup" });
  const [one, two] = [clientOf(), clientOf()];
  const options = { leaseDurationInMs: 60_000, prolongLeaseEnabled: false, trustLocalTime: true, waitDurationInMs: 10, maxRetryCount: 1 };
  const outcome = (lock) => lock.then(({ lockId }) => lockId, (error) => error.constructor.name);
  const held = await one.lock("group", "job", { ...options, additionalAttributes: { owner: SECRET } });
  const told = [await outcome(two.lock("group", "job", options))];
  await one.releaseLock(held);
  told.push(await outcome(two.lock("group", "job", options)));
  // Who does not release it loses it when its lease is over.
  await one.lock("group", "short", { ...options, leaseDurationInMs: 100 });
  told.push(await outcome(two.lock("group", "short", { ...options, maxRetryCount: 500 })));
  const contended = [one, two, clientOf()].map((any) => outcome(any.lock("group", "contended", options)));
  told.push((await Promise.all(contended)).sort());
  return told;
});

program("a session store: connect-dynamodb", ["Sessions"], async (named) => {
  function Store() {}
  const Sessions = require("connect-dynamodb")({ Store });
  const sessions = new Sessions({ client, table: named("Sessions"), prefix: "" });
  const call = (method, ...args) =>
    new Promise((resolve, reject) => sessions[method](...args, (error, value) => (error ? reject(error) : resolve(value))));
  const session = { cookie: { maxAge: 60_000 }, user: SECRET, lastModified: undefined };
  await call("set", "s-1", session);
  await call("set", "s-2", { ...session, user: "other" });
  const read = [(await call("get", "s-1")).user, await call("get", "nobody")];
  await call("touch", "s-1", session);
  await call("destroy", "s-2");
  read.push((await call("get", "s-1")).user, await call("get", "s-2"));
  await call("set", "old", { cookie: { maxAge: -60_000 }, user: SECRET });
  await call("reap");
  read.push(await call("get", "old"));
  return read;
});

program("an adapter of Auth.js: @auth/dynamodb-adapter", ["Accounts"], async (named) => {
  const adapter = DynamoDBAdapter(DynamoDBDocument.from(client, { marshallOptions: { convertEmptyValues: true, removeUndefinedValues: true, convertClassInstanceToMap: true } }), {
    tableName: named("Accounts"),
  });
  const user = await adapter.createUser({ email: `${SECRET}@example.com`.replace(SECRET, "ada"), name: SECRET, emailVerified: new Date(0) });
  const told = [];
  const tell = (value) => told.push(JSON.parse(JSON.stringify(value ?? null).replaceAll(user.id, "ID").replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "UUID")));
  tell(await adapter.getUser(user.id));
  tell(await adapter.getUserByEmail("ada@example.com"));
  tell(await adapter.updateUser({ id: user.id, name: `${SECRET} II` }));
  await adapter.linkAccount({ userId: user.id, provider: "github", providerAccountId: "7", type: "oauth", access_token: SECRET });
  tell(await adapter.getUserByAccount({ provider: "github", providerAccountId: "7" }));
  const expires = new Date("2099-01-01T00:00:00.000Z");
  tell(await adapter.createSession({ sessionToken: "t-1", userId: user.id, expires }));
  tell(await adapter.getSessionAndUser("t-1"));
  tell(await adapter.updateSession({ sessionToken: "t-1", expires: new Date("2099-02-01T00:00:00.000Z") }));
  await adapter.createVerificationToken({ identifier: "ada", token: "v-1", expires });
  tell(await adapter.useVerificationToken({ identifier: "ada", token: "v-1" }));
  tell(await adapter.useVerificationToken({ identifier: "ada", token: "v-1" }));
  await adapter.deleteSession("t-1");
  tell(await adapter.getSessionAndUser("t-1"));
  await adapter.unlinkAccount({ provider: "github", providerAccountId: "7" });
  tell(await adapter.getUserByAccount({ provider: "github", providerAccountId: "7" }));
  const gone = await adapter.createUser({ email: "gone@example.com", emailVerified: null });
  await adapter.deleteUser(gone.id);
  tell(await adapter.getUser(gone.id));
  return told;
});

program("a rate limiter: rate-limiter-flexible", ["Limits"], async (named) => {
  const made = { storeClient: client, tableName: named("Limits"), tableCreated: true, ttlSet: true, keyPrefix: "l" };
  const limiter = await new Promise((resolve) => {
    const limiter = new RateLimiterDynamo({ ...made, points: 20, duration: 60 }, () => resolve(limiter));
  });
  const all = await Promise.all(
    Array.from({ length: 30 }, () => limiter.consume("ada").then(({ consumedPoints }) => consumedPoints, ({ consumedPoints }) => `no ${consumedPoints}`)),
  );
  const told = [all.filter((one) => typeof one === "number").sort((one, two) => one - two), all.filter((one) => typeof one === "string").length];
  const of = (result) => result && [result.consumedPoints, result.remainingPoints];
  told.push(of(await limiter.get("ada")), of(await limiter.get("nobody")), of(await limiter.penalty("ada", 2)), of(await limiter.reward("ada", 1)));
  await limiter.block("eve", 60);
  told.push(await limiter.consume("eve").then(of, (refused) => ["refused", refused.remainingPoints]), await limiter.delete("ada"), of(await limiter.get("ada")));
  return told;
});

program("a checkpoint saver: @rwai/langgraphjs-checkpoint-dynamodb", ["Checkpoints", "Writes"], async (named) => {
  const saver = new DynamoDBSaver({
    clientConfig: { endpoint: front.url, region: "us-east-1", credentials: { accessKeyId: "test", secretAccessKey: "test" } },
    checkpointsTableName: named("Checkpoints"),
    writesTableName: named("Writes"),
  });
  const checkpoint = (id, secret) => ({ v: 1, id, ts: "2026-01-01T00:00:00.000Z", channel_values: { secret }, channel_versions: {}, versions_seen: {}, pending_sends: [] });
  let config = { configurable: { thread_id: "thread", checkpoint_ns: "" } };
  for (const [at, id] of ["c-1", "c-2", "c-3"].entries())
    config = await saver.put(config, checkpoint(id, `${SECRET} ${"x".repeat(at * 20_000)}`), { source: "loop", step: at, writes: {}, parents: {} });
  await saver.putWrites(config, [["secret", SECRET], ["other", 7]], "task");
  const told = [await saver.getTuple(config), await saver.getTuple({ configurable: { thread_id: "thread", checkpoint_ns: "" } }), await saver.getTuple({ configurable: { thread_id: "nobody", checkpoint_ns: "" } })];
  for await (const one of saver.list({ configurable: { thread_id: "thread", checkpoint_ns: "" } }, { limit: 2 })) told.push(one);
  saver.client?.destroy?.();
  return JSON.parse(JSON.stringify(told));
});
