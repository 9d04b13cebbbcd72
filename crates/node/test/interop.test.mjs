// What Node seals, a gateway with the same keys opens, and the other way round; and items by themselves.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { Dynaseal, seal } from "../dist/esm/index.mjs";
import { collect, connection, documents, dynaseal, raw, SECRET, store, stored } from "./support/harness.mjs";
import { dynamodb, lib } from "./support/sdk.mjs";
import { toml } from "./support/tables.mjs";

/** A client of a gateway that protects the tables. */
const gateway = () => (front ??= store.protect(toml).then((endpoint) => bare({ ...connection(), endpoint })));
const bare = (options) => lib.DynamoDBDocumentClient.from(new dynamodb.DynamoDBClient(options));
let front;

const user = (id) => ({
  id,
  tier: "free",
  email: `${SECRET} ${id}`,
  tags: ["ä", { deep: 1.5 }],
  blob: new Uint8Array([0, 255]),
});
const order = (customer, number) => ({ customer, number, note: `${SECRET} ${number}` });
const put = (client, TableName, Item) => client.send(new lib.PutCommand({ TableName, Item }));
const getUser = async (client, id) => (await client.send(new lib.GetCommand({ TableName: "Users", Key: { id } }))).Item;
const orders = async (client, customer) => {
  const query = {
    TableName: "Orders",
    KeyConditionExpression: "customer = :c",
    ExpressionAttributeValues: { ":c": customer },
  };
  return (await collect(lib.paginateQuery({ client }, query))).flatMap(({ Items }) => Items);
};
const add = (client, id) =>
  client.send(
    new lib.UpdateCommand({
      TableName: "Users",
      Key: { id },
      UpdateExpression: "ADD balance :one",
      ExpressionAttributeValues: { ":one": 1 },
    }),
  );

for (const [name, writer, reader] of [
  ["Node writes, the gateway reads", () => documents, gateway],
  ["the gateway writes, Node reads", gateway, () => documents],
]) {
  test(name, async () => {
    const [writes, reads] = [await writer(), await reader()];
    const item = user(name);
    await put(writes, "Users", item);
    assert.ok((await stored("Users", { id: { S: name } })).aws_dbe_head);
    const read = await getUser(reads, name);
    assert.deepEqual({ ...read, blob: [...read.blob] }, { ...item, blob: [...item.blob] });
    const written = Array.from({ length: 5 }, (_, number) => order(name, number));
    for (const one of written) await put(writes, "Orders", one);
    assert.deepEqual(await orders(reads, name), written);
  });
}

test("both update one item at once, and no update is lost", async () => {
  await put(documents, "Users", { id: "both", balance: 0 });
  const clients = [documents, await gateway()];
  await Promise.all(Array.from({ length: 16 }, (_, at) => add(clients[at % 2], "both")));
  assert.equal((await getUser(documents, "both")).balance, 16);
});

test("a client sealed from a file", async () => {
  const path = join(store.folder, "dynaseal.toml");
  await writeFile(path, `${toml}\n[gateway]\nlisten = "127.0.0.1:8000"\n`);
  await put(documents, "Users", user("file"));
  for (const config of [path, { config: path }, pathToFileURL(path)]) {
    const client = seal(new dynamodb.DynamoDBClient(connection()), config);
    assert.equal(seal(client, config), client);
    assert.equal((await getUser(lib.DynamoDBDocumentClient.from(client), "file")).email, `${SECRET} file`);
    client.destroy();
  }
});

test("items by themselves: sealed ones are put, stored ones and those of Lambda's events are opened", async () => {
  const item = {
    id: { S: "alone" },
    email: { S: SECRET },
    list: { L: [{ B: new Uint8Array([1, 2]) }, { NULL: true }] },
    set: { BS: [new Uint8Array([9])] },
  };
  const sealed = await dynaseal.sealItem("Users", item);
  assert.ok(sealed.email.B instanceof Uint8Array && sealed.aws_dbe_foot);
  await raw.send(new dynamodb.PutItemCommand({ TableName: "Users", Item: sealed }));
  assert.equal((await getUser(await gateway(), "alone")).email, SECRET);
  assert.deepEqual(await dynaseal.openItem("Users", await stored("Users", { id: { S: "alone" } })), item);

  // A stream event of Lambda, or a line of an export, holds binary as base64.
  const event = Object.fromEntries(
    Object.entries(sealed).map(([name, { B, ...value }]) => [
      name,
      B ? { B: Buffer.from(B).toString("base64") } : value,
    ]),
  );
  assert.deepEqual(await dynaseal.openItem("Users", event), item);
  assert.deepEqual(await dynaseal.openItem("Users", Object.assign(event, { __proto__: { evil: 1 } })), item);
});

test("an item that was changed, was never sealed, or is of a table that is not configured", async () => {
  const sealed = await dynaseal.sealItem("Users", { id: { S: "1" }, email: { S: SECRET } });
  const changed = { ...sealed, tier: { S: "paid" } };
  for (const [table, item, code, kind] of [
    ["Users", changed, /^DSL-3/, "data"],
    ["Users", { ...sealed, id: { S: "2" } }, /^DSL-4003$/, "keys"],
    ["Users", { id: { S: "1" }, email: { S: SECRET } }, /^DSL-3001$/, "data"],
    ["Nothing", sealed, /^DSL-2003$/, "caller"],
    ["Users", { ...sealed, id: "not typed" }, /^DSL-1/, "caller"],
  ]) {
    await assert.rejects(dynaseal.openItem(table, item), (error) => {
      assert.match(error.code, code);
      assert.equal(error.kind, kind);
      assert.ok(error.message.includes(table) && !error.message.includes(SECRET));
      return true;
    });
  }
  await assert.rejects(dynaseal.sealItem("Users", { email: { S: SECRET } }), { code: "DSL-1003" });
});

test("the configuration of another key cannot open", async () => {
  await put(documents, "Users", user("other key"));
  const other = new Dynaseal(join(store.folder, "dynaseal.toml"), { env: { DYNASEAL_TEST_KEY: "5a17".repeat(16) } });
  await assert.rejects(
    other.openItem("Users", await stored("Users", { id: { S: "other key" } })),
    (error) => error.kind === "keys",
  );
});
