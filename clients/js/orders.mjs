// Orders through the gateway: both sides started before a file's tests and ended after them, and what the tests share.

import assert from "node:assert/strict";
import { after, before } from "node:test";
import { GetItemCommand } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, GetCommand, PutCommand } from "@aws-sdk/lib-dynamodb";
import { start } from "./gateway.mjs";

export const SECRET = "canary-4f1c9a"; // stands in every encrypted attribute that a test writes

export let client, documents, raw, streams, rawStreams;
let gateways;

before(async () => {
  gateways = await start();
  ({ client, raw, streams, rawStreams } = gateways);
  documents = DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
});

after(async () => {
  for (const { status, printed } of await gateways.stop()) {
    assert.equal(status, 0, "a gateway did not drain and end well");
    assert.ok(!printed.includes(SECRET), "plaintext in a gateway's output");
  }
});

export const order = (customer, number, more = {}) => ({
  customer,
  number,
  status: number % 2 ? "open" : "shipped",
  note: `${SECRET} ${number}`,
  ...more,
});

export const typedKey = (customer, number) => ({ customer: { S: customer }, number: { N: String(number) } });

/** The item as the database holds it. */
export const stored = async (TableName, customer, number) =>
  (await raw.send(new GetItemCommand({ TableName, Key: typedKey(customer, number) }))).Item;

export const put = (Item, more = {}) => documents.send(new PutCommand({ TableName: "Orders", Item, ...more }));

export const get = async (customer, number) =>
  (await documents.send(new GetCommand({ TableName: "Orders", Key: { customer, number } }))).Item;

export const collect = async (pages) => {
  const all = [];
  for await (const page of pages) all.push(page);
  return all;
};

/** A refusal is the caller's error, says what and why, and repeats no value. */
export const refused = (operation, name) => (error) => {
  assert.equal(error.name, "ValidationException");
  assert.equal(error.$metadata.httpStatusCode, 400);
  for (const word of ["DSL-2003", operation, name]) assert.ok(error.message.includes(word), error.message);
  assert.ok(!error.message.includes(SECRET));
  return true;
};
