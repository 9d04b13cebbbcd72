// A library's model on two tables: App is protected and AppPlain is not, and the library must not be able to tell.

import assert from "node:assert/strict";
import { test } from "node:test";
import { DynamoDBDocumentClient, GetCommand } from "@aws-sdk/lib-dynamodb";
import { client, raw, SECRET } from "./orders.mjs";

const KEYS = ["pk", "sk", "gsi1pk", "gsi1sk", "gsi2pk", "gsi2sk"];

/**
 * Runs the same steps on both tables and asserts that every call was answered the same: items, counts, pages and errors.
 * What the steps assert themselves is thereby asserted of DynamoDB, too.
 */
export const onBoth = (name, steps) =>
  test(name, async () => {
    const calls = {};
    for (const table of ["AppPlain", "App"]) calls[table] = await answers(table, () => steps(table));
    assert.ok(calls.App.length > 0);
    assert.deepEqual(calls.App, calls.AppPlain);
  });

/** The item is stored with these attributes beside its keys: encrypted in App, as they are in AppPlain. */
export const assertSealed = async (TableName, Key, names) => {
  const { Item } = await DynamoDBDocumentClient.from(raw).send(new GetCommand({ TableName, Key }));
  const keys = KEYS.filter((name) => name in Item);
  const format = TableName === "App" ? ["aws_dbe_foot", "aws_dbe_head"] : [];
  assert.deepEqual(Object.keys(Item).sort(), [...keys, ...names, ...format].sort());
  for (const [name, value] of Object.entries(Item)) {
    assert.equal(value instanceof Uint8Array, TableName === "App" && !keys.includes(name), name);
    if (value instanceof Uint8Array) assert.ok(!Buffer.from(value).toString("latin1").includes(SECRET), name);
  }
};

/** What the SDK's client was answered meanwhile, call by call. */
async function answers(table, steps) {
  const calls = [];
  const record = (command, answer) => calls.push([command, comparable(table, answer)]);
  const listen = (next, { commandName }) => async (args) => {
    try {
      const result = await next(args);
      record(commandName, result.output);
      return result;
    } catch (error) {
      record(commandName, { ...error, name: error.name, message: error.message });
      throw error;
    }
  };
  client.middlewareStack.add(listen, { step: "initialize", name: "answers" });
  await steps().finally(() => client.middlewareStack.remove("answers"));
  return calls;
}

/** Without what no two calls have in common: request ids, times; sets have no order. */
function comparable(table, { $metadata, $response, ...answer }) {
  const text = JSON.stringify({ status: $metadata?.httpStatusCode, ...answer }, (name, value) =>
    ["SS", "NS", "BS"].includes(name) && Array.isArray(value) ? value.toSorted() : value);
  return JSON.parse(text.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME").replaceAll(table, "TABLE"));
}
