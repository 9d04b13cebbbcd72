// dynamoErrors() over a sealed client and a real store: what the engine itself throws.

import assert from "node:assert/strict";
import { test } from "node:test";

import { dynamoErrors } from "dynaseal/koa";

import { Dynaseal } from "../../dist/esm/index.mjs";
import { dynaseal, documents, raw, scripted, SECRET, stored } from "../support/harness.mjs";
import { dynamodb, lib } from "../support/sdk.mjs";
import { config } from "../support/tables.mjs";
import { serveKoa } from "./apps.mjs";

/** The answer to a request whose handler does `act`, the security events and what Koa's `error` event got. */
async function answerTo(t, act) {
  const events = [];
  const { call, errors } = await serveKoa(t, [dynamoErrors({ onSecurityEvent: (event) => events.push(event) }), act]);
  const { status, text } = await call();
  for (const shown of [text, JSON.stringify(events), ...errors.map(String)]) assert.ok(!shown.includes(SECRET), shown);
  return { status, ...JSON.parse(text), events: events.map(({ code, operation, table }) => `${code} ${operation} ${table}`), errors };
}

const TableName = "Users";
const put = (Item, more) => documents.send(new lib.PutCommand({ TableName, Item, ...more }));
const get = (id) => documents.send(new lib.GetCommand({ TableName, Key: { id } }));

test("a condition that plaintext decided", async (t) => {
  await put({ id: "koa", email: SECRET });
  const condition = { ConditionExpression: "email = :e", ExpressionAttributeValues: { ":e": "another" } };
  const { status, error, errors } = await answerTo(t, () => put({ id: "koa", email: SECRET }, condition));
  assert.deepEqual([status, error, errors], [409, "Condition not met", []]);
});

test("a changed, a moved and an unsealed item", async (t) => {
  await put({ id: "koa", email: SECRET });
  const item = await stored(TableName, { id: { S: "koa" } });
  for (const [id, Item] of [
    ["changed", { ...(await dynaseal.sealItem(TableName, { id: { S: "changed" } })), tier: { S: SECRET } }],
    ["moved", { ...item, id: { S: "moved" } }],
    ["unsealed", { id: { S: "unsealed" }, email: { S: SECRET } }],
  ]) {
    await raw.send(new dynamodb.PutItemCommand({ TableName, Item }));
    const { status, error, events, errors } = await answerTo(t, () => get(id));
    assert.deepEqual([status, error, errors, events.length], [500, "Internal Server Error", [], 1], id);
    assert.match(events[0], /^DSL-[34]\d{3} GetItem Users$/);
  }
});

test("an item that cannot be sealed names its attribute", async (t) => {
  const item = { id: "koa", aws_dbe_head: SECRET };
  const { status, error, fields } = await answerTo(t, () => put(item));
  assert.deepEqual([status, error, fields], [422, "Invalid input", ["aws_dbe_head"]]);
});

test("a call that is refused, and keys that are wrong, are the service's faults", async (t) => {
  const query = { TableName, KeyConditionExpression: "email = :e", ExpressionAttributeValues: { ":e": SECRET } };
  const other = new Dynaseal(config, { env: { DYNASEAL_TEST_KEY: "5a17".repeat(16) } });
  await put({ id: "koa", email: SECRET });
  const item = await stored(TableName, { id: { S: "koa" } });
  for (const act of [() => documents.send(new lib.QueryCommand(query)), () => dynaseal.openItem("Nothing", item), () => new Dynaseal({ ...config, keys: {} })]) {
    const { status, error, events, errors } = await answerTo(t, act);
    assert.deepEqual([status, error, events, errors.length], [500, "Internal Server Error", [], 1]);
    assert.match(errors[0].message, /^DynasealError \(fault, answered with 500, DSL-\d{4}/);
  }
  // A key of the right name with other bytes looks the same as a changed item, so it is reported as one.
  assert.deepEqual((await answerTo(t, () => other.openItem(TableName, item))).events.length, 1);
});

test("contention and a store that cannot be reached", async (t) => {
  const { documents: down } = scripted(Array(20).fill("refused"), { maxAttempts: 1 });
  const gone = await answerTo(t, () => down.send(new lib.GetCommand({ TableName, Key: { id: "koa" } })));
  assert.deepEqual([gone.status, gone.error], [503, "Unavailable, try again"]);

  const loses = { TableName, Key: { id: "koa" }, UpdateExpression: "ADD balance :one", ExpressionAttributeValues: { ":one": 1 } };
  const always = () => ({ response: { statusCode: 400, headers: {}, body: Buffer.from('{"__type":"x#ConditionalCheckFailedException"}') } });
  const script = Array.from({ length: 200 }, (_, at) => (at % 2 === 1 ? always : undefined));
  const { documents: contended } = scripted(script);
  const busy = await answerTo(t, () => contended.send(new lib.UpdateCommand(loses)));
  assert.deepEqual([busy.status, busy.error], [503, "Busy, try again"]);
});
