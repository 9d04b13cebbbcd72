// Keys of AWS KMS through the application's own client: items under a KMS key, and under branch keys of a key store.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { inspect, promisify } from "node:util";
import { Dynaseal, DynasealError, seal } from "../dist/esm/index.mjs";
import { assertSealed, collect, raw, scripted, SECRET, stored } from "./support/harness.mjs";
import { branchKey, config, FAR, KEY, keyStoreSchema, startKms } from "./support/kms.mjs";
import { dynamodb, lib } from "./support/sdk.mjs";

let service, ours, documents, begun;

// Before the first test, when the store of the harness is up.
beforeEach(() => (begun ??= begin()));

async function begin() {
  service = await startKms(KEY, FAR);
  ours = service.client("eu-west-1");
  await raw.send(new dynamodb.CreateTableCommand(keyStoreSchema("KeyStore")));
  for (const Item of await branchKey(ours, "tenant", KEY, "KeyStore"))
    await raw.send(new dynamodb.PutItemCommand({ TableName: "KeyStore", Item }));
  documents = sealed(cold()).documents;
}

after(async () => {
  made.forEach((client) => client.destroy());
  ours?.destroy();
  await service?.stop();
});

/** An engine that has fetched no key yet, as another process has it. */
const cold = (options = {}, changed = config) => new Dynaseal(changed, { kms: ours, ...options });
const made = [];
const sealed = (dynaseal, script, more) => {
  const { client, ...rest } = scripted(script, more, dynaseal);
  made.push(client);
  return { client, ...rest };
};
/** The operations that KMS is asked for while `work` runs. */
const asked = async (work) => {
  const before = (await service.calls()).length;
  await work();
  return (await service.calls()).slice(before).map(([operation]) => operation);
};
/** Runs `work` while KMS has a trouble. */
const during = async (trouble, work) => {
  await service.order(trouble);
  try {
    return await work();
  } finally {
    await service.order({ calm: true });
  }
};
const codeOf = (promise) => promise.then(() => "no error", (error) => error.code ?? error.name);

const user = (id, more = {}) => ({ id, tier: "free", email: `${SECRET} ${id}`, ...more });
const order = (customer, number = 1, more = {}) => ({ customer, number, note: `${SECRET} ${customer}`, ...more });
const put = (to, TableName, Item, more = {}, options) => to.send(new lib.PutCommand({ TableName, Item, ...more }), options);
const get = async (from, TableName, Key, options) =>
  (await from.send(new lib.GetCommand({ TableName, Key, ConsistentRead: true }), options)).Item;
const add = (to, customer) =>
  to.send(
    new lib.UpdateCommand({
      TableName: "Orders",
      Key: { customer, number: 1 },
      UpdateExpression: "ADD balance :one",
      ExpressionAttributeValues: { ":one": 1 },
    }),
  );

test("a KMS key: each item is one call to seal and one to open", async () => {
  assert.deepEqual(await asked(() => put(documents, "Users", user("kms"))), ["GenerateDataKey"]);
  await assertSealed("Users", { id: { S: "kms" } }, ["id", "tier"], ["email"]);
  assert.deepEqual(
    await asked(async () => assert.deepEqual(await get(documents, "Users", { id: "kms" }), user("kms"))),
    ["Decrypt"],
  );
  const { Attributes } = await documents.send(
    new lib.UpdateCommand({
      TableName: "Users",
      Key: { id: "kms" },
      UpdateExpression: "SET email = :e",
      ExpressionAttributeValues: { ":e": `${SECRET} new` },
      ReturnValues: "ALL_NEW",
    }),
  );
  assert.deepEqual(Attributes, user("kms", { email: `${SECRET} new` }));
  const items = ["t1", "t2"].map((id) => user(id));
  await documents.send(
    new lib.TransactWriteCommand({ TransactItems: items.map((Item) => ({ Put: { TableName: "Users", Item } })) }),
  );
  const { Responses } = await documents.send(
    new lib.TransactGetCommand({ TransactItems: items.map(({ id }) => ({ Get: { TableName: "Users", Key: { id } } })) }),
  );
  assert.deepEqual(Responses.map(({ Item }) => Item), items);
});

test("a branch key is read from the key store with the sealed client itself, once", async () => {
  const { documents, operations } = sealed(cold());
  const written = [1, 2, 3].map((number) => order("branch", number));
  assert.deepEqual(
    await asked(async () => {
      for (const one of written) await put(documents, "Orders", one);
    }),
    ["Decrypt"],
  );
  assert.deepEqual(operations(), ["GetItem", "PutItem", "PutItem", "PutItem"]);
  await assertSealed("Orders", { customer: { S: "branch" }, number: { N: "1" } }, ["customer", "number"], ["note"]);
  const query = {
    TableName: "Orders",
    KeyConditionExpression: "customer = :c",
    ExpressionAttributeValues: { ":c": "branch" },
  };
  const reader = sealed(cold());
  const pages = await collect(lib.paginateQuery({ client: reader.documents }, query));
  assert.deepEqual(pages.flatMap(({ Items }) => Items), written);
  assert.deepEqual(reader.operations(), ["Query", "GetItem"]);
  assert.deepEqual(await get(sealed(cold()).documents, "Orders", { customer: "branch", number: 2 }), written[1]);
});

test("many cold calls at once ask for one key once", async () => {
  const { documents, operations } = sealed(cold());
  const all = Array.from({ length: 32 }, (_, number) => put(documents, "Orders", order("flight", number)));
  assert.deepEqual(await asked(() => Promise.all(all)), ["Decrypt"]);
  assert.equal(operations().filter((operation) => operation === "GetItem").length, 1);
});

test("a condition of the caller's own behind a cold key is the caller's to judge after a lost answer", async () => {
  // Fetching the key was no step of carrying out the write, so the write is still the caller's own.
  const { documents, operations } = sealed(cold(), [undefined, "lost"]);
  const once = put(documents, "Orders", order("own"), { ConditionExpression: "attribute_not_exists(customer)" });
  await assert.rejects(once, { name: "ConditionalCheckFailedException" });
  assert.deepEqual(operations(), ["GetItem", "PutItem", "PutItem"]);
});

test("a guarded write behind a cold key whose answer is lost is carried out once", async () => {
  await put(documents, "Orders", order("guarded", 1, { balance: 0 }));
  let lost = false;
  const lose = async (request, send) => {
    if (lost || !request.headers["x-amz-target"].endsWith("UpdateItem")) return send();
    lost = true;
    const { response } = await send();
    for await (const _ of response.body);
    throw Object.assign(new Error("socket hang up"), { code: "ECONNRESET", name: "TimeoutError" });
  };
  await add(sealed(cold(), Array(20).fill(lose)).documents, "guarded");
  assert.ok(lost);
  assert.equal((await get(documents, "Orders", { customer: "guarded", number: 1 })).balance, 1);
});

test("items by themselves need a client for the key store", async () => {
  const dynaseal = cold({ dynamodb: raw });
  const item = { customer: { S: "alone" }, number: { N: "1" }, note: { S: SECRET }, bytes: { B: new Uint8Array([0, 255]) } };
  const apart = await dynaseal.sealItem("Orders", item);
  assert.ok(apart.note.B instanceof Uint8Array);
  assert.deepEqual(await cold({ dynamodb: () => raw }).openItem("Orders", apart), item);
  const Records = [{ dynamodb: { NewImage: apart } }];
  const opened = await cold({ dynamodb: raw }).openRecords({ Records }, { table: "Orders" });
  assert.deepEqual(opened.Records[0].dynamodb.NewImage, item);
  await assert.rejects(cold().openItem("Orders", apart), (error) => {
    assert.deepEqual([error.code, error.kind], ["DSL-9006", "config"]);
    assert.match(error.hint, /dynamodb: new DynamoDBClient/);
    return true;
  });
});

test("without a KMS client the error says to give one, and nothing is sent", async () => {
  const { documents, operations } = sealed(cold({ kms: undefined }));
  await assert.rejects(put(documents, "Users", user("none")), (error) => {
    assert.ok(error instanceof DynasealError);
    assert.deepEqual([error.code, error.kind], ["DSL-9006", "config"]);
    assert.match(error.message, /GenerateDataKey in Region eu-west-1/);
    assert.match(error.hint, /kms: new KMSClient/);
    return true;
  });
  assert.deepEqual(operations(), []);
  // Who waits for the same key learns it too, and none waits for ever.
  const waiting = Array.from({ length: 8 }, (_, number) => codeOf(put(documents, "Orders", order("none", number))));
  assert.deepEqual(await Promise.all(waiting), Array(8).fill("DSL-9006"));
});

test("a client of another Region is refused, a function is asked for the Region of the key", async (t) => {
  const far = service.client("us-west-2");
  t.after(() => far.destroy());
  const typed = { id: { S: "region" }, email: { S: SECRET } };
  await assert.rejects(cold({ kms: far }).sealItem("Users", typed), (error) => {
    assert.deepEqual([error.code, error.kind], ["DSL-9009", "config"]);
    assert.match(error.message, /Region eu-west-1.*us-west-2/);
    return true;
  });
  assert.equal(await codeOf(cold({ kms: () => undefined }).sealItem("Users", typed)), "DSL-9009");
  const clients = { "eu-west-1": ours, "us-west-2": far };
  const regions = [];
  const kms = (region) => (regions.push(region), clients[region]);
  const both = { type: "multi", generator: "kms", children: ["far"] };
  const two = {
    keys: { kms: config.keys.kms, far: { type: "aws-kms", key_arn: FAR }, both },
    tables: { Users: { ...config.tables.Users, keys: "both" } },
  };
  assert.deepEqual(await cold({ kms }, two).sealItem("Users", typed).then((item) => item.id), typed.id);
  assert.deepEqual(regions, ["eu-west-1", "us-west-2"]);
});

test("without the package @aws-sdk/client-kms the error says to install it", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "dynaseal-alone-"));
  t.after(() => rm(folder, { recursive: true }));
  const source = new URL("..", import.meta.url).pathname;
  const natives = (await readdir(source)).filter((name) => name.endsWith(".node"));
  for (const name of ["dist", "package.json", ...natives]) await cp(join(source, name), join(folder, name), { recursive: true });
  const script = `
    const { Dynaseal } = require("./dist/cjs/index.js");
    const kms = { config: { region: "eu-west-1" }, send() { throw new Error("it was sent"); } };
    new Dynaseal(${JSON.stringify(config)}, { kms }).sealItem("Users", { id: { S: "1" }, email: { S: "x" } })
      .catch(({ code, kind, hint }) => console.log(JSON.stringify([code, kind, hint])));`;
  await writeFile(join(folder, "alone.cjs"), script);
  const { stdout } = await promisify(execFile)(process.execPath, ["alone.cjs"], { cwd: folder });
  assert.deepEqual(JSON.parse(stdout), ["DSL-9010", "config", "npm install @aws-sdk/client-kms"]);
});

test("throttling is retried by the application's own client, and then an error that may be retried", async () => {
  const passing = { trouble: "Throttle", operation: "GenerateDataKey", times: 2 };
  await during(passing, () => put(documents, "Users", user("throttled")));
  assert.deepEqual(await get(documents, "Users", { id: "throttled" }), user("throttled"));
  await during({ trouble: "Throttle" }, async () => {
    const calls = await asked(() =>
      assert.rejects(put(documents, "Users", user("throttled for long")), (error) => {
        assert.deepEqual([error.code, error.kind, error.retryable], ["DSL-4101", "outage", true]);
        return true;
      }),
    );
    assert.deepEqual(calls, Array(3).fill("GenerateDataKey"));
  });
  assert.equal(await stored("Users", { id: { S: "throttled for long" } }), undefined);
});

test("what KMS refuses and what it should not answer", async () => {
  await put(documents, "Users", user("refused"));
  const read = () => codeOf(get(documents, "Users", { id: "refused" }));
  const once = { kms: service.client("eu-west-1", { maxAttempts: 1 }) };
  made.push(once.kms);
  const hasty = sealed(cold(once)).documents;
  for (const [trouble, code] of [
    ["AccessDenied", "DSL-4103"],
    ["Garbage", "DSL-4113"],
    ["Internal", "DSL-4102"],
    ["Down", "DSL-4112"],
  ]) {
    assert.equal(await during({ trouble }, () => codeOf(get(hasty, "Users", { id: "refused" }))), code, trouble);
  }
  await service.order({ key: KEY, state: "Disabled" });
  assert.equal(await read(), "DSL-4106");
  assert.equal(await codeOf(get(sealed(cold()).documents, "Orders", { customer: "branch", number: 1 })), "DSL-4106");
  await service.order({ key: KEY, state: "Enabled" });
  assert.equal(await read(), "no error");
});

test("an answer that is not JSON", async () => {
  const { config } = service.client("eu-west-1");
  const requestHandler = {
    metadata: config.requestHandler.metadata,
    handle: async () => ({ response: { statusCode: 200, headers: {}, body: Buffer.from("<html>") } }),
    destroy() {},
    updateHttpClientConfig() {},
    httpHandlerConfigs: () => ({}),
  };
  const kms = service.client("eu-west-1", { requestHandler });
  assert.equal(await codeOf(cold({ kms }).sealItem("Users", { id: { S: "1" }, email: { S: SECRET } })), "DSL-4113");
});

test("an abort ends a call of KMS, and who waited for the same key gets it", async () => {
  const controller = new AbortController();
  const one = sealed(cold());
  await service.order({ trouble: { Slow: 30 }, operation: "Decrypt", times: 1 });
  const aborted = put(one.documents, "Orders", order("aborted"), {}, { abortSignal: controller.signal });
  const waiting = put(one.documents, "Orders", order("waited"));
  const started = Date.now();
  setTimeout(() => controller.abort(), 200);
  await assert.rejects(aborted, { name: "AbortError" });
  await waiting;
  assert.ok(Date.now() - started < 10_000);
  await service.order({ calm: true });
  assert.deepEqual(one.operations().filter((operation) => operation === "PutItem"), ["PutItem"]);
  assert.equal(await get(documents, "Orders", { customer: "aborted", number: 1 }), undefined);
});

test("a record of the key store that was moved from another branch key is refused", async () => {
  const [first, active] = await branchKey(ours, "stranger", KEY, "KeyStore");
  for (const item of [first, active])
    await raw.send(
      new dynamodb.PutItemCommand({ TableName: "KeyStore", Item: { ...item, "branch-key-id": { S: "moved" } } }),
    );
  const moved = { ...config, keys: { ...config.keys, tenants: { ...config.keys.tenants, branch_key_id: "moved" } } };
  const { documents } = sealed(cold({}, moved));
  assert.equal(await codeOf(put(documents, "Orders", order("moved"))), "DSL-4132");
  assert.equal(await stored("Orders", { customer: { S: "moved" }, number: { N: "1" } }), undefined);
});

test("no key is in what the clients log", async (t) => {
  const lines = [];
  const log = (...parts) => lines.push(inspect(parts, { depth: null, maxArrayLength: null, maxStringLength: null }));
  const logger = { trace: log, debug: log, info: log, warn: log, error: log };
  const inner = service.client("eu-west-1").config.requestHandler;
  const keys = [];
  const requestHandler = {
    metadata: inner.metadata,
    destroy: () => inner.destroy(),
    updateHttpClientConfig() {},
    httpHandlerConfigs: () => ({}),
    async handle(request, options) {
      const { response } = await inner.handle(request, options);
      const chunks = [];
      for await (const chunk of response.body) chunks.push(chunk);
      const body = Buffer.concat(chunks);
      keys.push(Buffer.from(JSON.parse(body).Plaintext, "base64"));
      response.body = body;
      return { response };
    },
  };
  const kms = service.client("eu-west-1", { logger, requestHandler });
  t.after(() => kms.destroy());
  const { documents } = sealed(cold({ kms }), [], { logger });
  await put(documents, "Users", user("logged"));
  await put(documents, "Orders", order("logged"));
  await get(documents, "Users", { id: "logged" });
  assert.equal(keys.length, 3);
  const logged = lines.join("\n");
  assert.match(logged, /GenerateDataKeyCommand/);
  assert.ok(!logged.includes(SECRET));
  for (const key of keys) {
    const forms = [key.toString("base64"), key.toString("hex"), inspect(key).slice(8, -1), [...key].join(", ")];
    // Arrays of bytes are printed over several lines.
    const flat = logged.replace(/\s+/g, " ");
    for (const form of forms) assert.ok(!logged.includes(form) && !flat.includes(form));
  }
});
