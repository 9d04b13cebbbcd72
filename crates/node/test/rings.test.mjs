// Every type of key ring that a configuration knows, through the application's own clients: what it seals is opened by another
// process and by the gateway, each call goes to the Region of its key, and what goes wrong has its code.

import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { Dynaseal } from "../dist/esm/index.mjs";
import { assertSealed, connection, raw, scripted, SECRET, store } from "./support/harness.mjs";
import { branchKey, keyStoreSchema, startKms } from "./support/kms.mjs";
import { branchKeys, configOf, EU, rings, tomlOf, US } from "./support/rings.mjs";
import { dynamodb, lib } from "./support/sdk.mjs";

const { cases, keys, remove } = await rings();
const clients = {};
let service, gateways, begun;

// Before the first test, when the store of the harness is up.
beforeEach(() => (begun ??= begin()));

async function begin() {
  service = await startKms(...keys);
  for (const region of [EU, US, "eu-central-1"]) clients[region] = service.client(region);
  const put = (TableName, Item) => raw.send(new dynamodb.PutItemCommand({ TableName, Item }));
  await raw.send(new dynamodb.CreateTableCommand(keyStoreSchema("KeyStore")));
  for (const [id, arn] of Object.entries(branchKeys)) {
    const records = await branchKey(clients[regionOf(arn)], id, arn, "KeyStore");
    for (const record of records) await put("KeyStore", record);
  }
  const id = [{ AttributeName: "id", KeyType: "HASH" }];
  const AttributeDefinitions = [{ AttributeName: "id", AttributeType: "S" }];
  for (const { table: TableName } of cases) {
    const schema = { TableName, KeySchema: id, AttributeDefinitions, BillingMode: "PAY_PER_REQUEST" };
    await raw.send(new dynamodb.CreateTableCommand(schema));
  }
  gateways = {};
  for (const side of ["seal", "open"]) {
    const endpoint = await store.protect(tomlOf(configOf(cases, side)), `kms_endpoint = "${service.url}"\n`);
    const client = new dynamodb.DynamoDBClient({ ...connection(), endpoint });
    made.push(client);
    gateways[side] = lib.DynamoDBDocumentClient.from(client);
  }
}

after(async () => {
  [...made, ...Object.values(clients)].forEach((client) => client.destroy());
  await service?.stop();
  await remove();
});

const made = [];
const regionOf = (arn) => arn.split(":")[3];

/** One side of a case, as a process that has fetched no key yet; `asked` gives what KMS was asked since, checked against the Regions. */
async function cold(one, side, kms) {
  const before = (await service.calls()).length;
  const regions = [];
  // A bare alias names no Region.
  const ofRegion = (region) => (regions.push(region), clients[region ?? EU]);
  const dynaseal = new Dynaseal(configOf([one], side), { kms: kms ?? ofRegion, dynamodb: raw });
  const { client, documents } = scripted([], { maxAttempts: 1 }, dynaseal);
  made.push(client);
  const asked = async () => {
    const calls = (await service.calls()).slice(before);
    if (!kms) assert.deepEqual(regions, calls.map(([, key]) => regionOf(key)));
    return calls;
  };
  return { dynaseal, documents, asked };
}

const user = (id) => ({ id, email: `${SECRET} ${id}` });
const put = (to, TableName, Item) => to.send(new lib.PutCommand({ TableName, Item }));
const get = async (from, TableName, id) => (await from.send(new lib.GetCommand({ TableName, Key: { id } }))).Item;
const item = { id: { S: "alone" }, email: { S: SECRET } };

test("there is a case for every type", () => {
  const none = { keys: { none: { type: "x" } }, tables: {} };
  assert.throws(
    () => new Dynaseal(none),
    ({ faults }) => {
      const known = faults.find(({ message }) => message.includes("type in [keys.none]")).hint.replace("write one of ", "");
      const tested = new Set(cases.flatMap(({ seal, open }) => [seal.type, open.type]));
      assert.deepEqual([...tested].sort(), known.split(", ").sort());
      return true;
    },
  );
});

for (const one of cases) {
  const { name, table, sealing, opening, only } = one;

  test(`${name}: a sealed client writes what another reads, and so does the gateway`, async () => {
    const [writer, reader] = [await cold(one, "seal"), await cold(one, "open")];
    await put(writer.documents, table, user("node"));
    assert.deepEqual(await writer.asked(), sealing);
    await assertSealed(table, { id: { S: "node" } }, ["id"], ["email"]);
    assert.deepEqual(await get(gateways.open, table, "node"), user("node"));

    await put(gateways.seal, table, user("gateway"));
    await assertSealed(table, { id: { S: "gateway" } }, ["id"], ["email"]);
    const late = await cold(one, "open");
    assert.deepEqual(await get(late.documents, table, "gateway"), user("gateway"));
    assert.deepEqual(await late.asked(), opening);
    assert.deepEqual(await get(reader.documents, table, "node"), user("node"));
  });

  test(`${name}: items by themselves`, async () => {
    const writer = await cold(one, "seal");
    const sealed = await writer.dynaseal.sealItem(table, item);
    assert.deepEqual(await writer.asked(), sealing);
    const reader = await cold(one, "open");
    assert.deepEqual(await reader.dynaseal.openItem(table, sealed), item);
    assert.deepEqual(await reader.asked(), opening);
    // What a key ring cannot do, it asks nobody for.
    const before = (await service.calls()).length;
    if (only === "seals" || only === "both") await told(writer.dynaseal.openItem(table, sealed), "DSL-4007");
    if (only === "opens" || only === "both") await told(reader.dynaseal.sealItem(table, item), "DSL-4014");
    assert.equal((await service.calls()).length, before);
  });
}

/** The error has the code and says what to do; it holds nothing of the item. */
async function told(promise, code, ...words) {
  await assert.rejects(promise, (error) => {
    assert.equal(error.code, code, error.message);
    for (const word of words) assert.ok(error.message.includes(word), error.message);
    assert.ok(error.message.endsWith(".") && error.hint && !error.stack.includes(SECRET), error.message);
    return true;
  });
}

for (const one of cases.filter(({ opening }) => opening.length > 0)) {
  const { name, table, opening, instead } = one;
  const [operation, key] = opening[0];

  test(`${name}: a disabled key, access denied, a client for another Region`, async (t) => {
    t.after(() => service.order({ calm: true, key, state: "Enabled" }));
    const sealed = await (await cold(one, "seal")).dynaseal.sealItem(table, item);

    await service.order({ key, state: "Disabled" });
    const reader = await cold(one, "open");
    const opened = reader.dynaseal.openItem(table, sealed);
    if (instead) assert.deepEqual(await opened, item);
    else await told(opened, "DSL-4106", operation, key);
    assert.deepEqual(await reader.asked(), instead ?? [opening[0]]);
    await service.order({ key, state: "Enabled" });

    await service.order({ trouble: "AccessDenied" });
    const denied = await cold(one, "open");
    await told(denied.dynaseal.openItem(table, sealed), instead ? "DSL-4002" : "DSL-4103", operation, key, "denied");
    await service.order({ calm: true });
    // The same process goes on once it may.
    assert.deepEqual(await denied.dynaseal.openItem(table, sealed), item);

    const elsewhere = await cold(one, "open", clients["eu-central-1"]);
    await told(elsewhere.dynaseal.openItem(table, sealed), "DSL-9009", operation, regionOf(key), "eu-central-1");
    assert.deepEqual(await elsewhere.asked(), []);
  });
}
