// Each operation on items with nothing but its required members, and with what the SDK adds to them on its own: a protected
// table must answer as a plain one does.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as sdk from "@aws-sdk/client-dynamodb";
import { client, put, order, stored, typedKey } from "./orders.mjs";

const CUSTOMER = "required";
const key = typedKey(CUSTOMER, 1);
const where = `customer = '${CUSTOMER}' AND number = 1`;

/** Inputs of a table, in the order in which they are sent. */
const calls = (table) => [
  ["PutItem", { TableName: table, Item: key }],
  ["GetItem", { TableName: table, Key: key }],
  ["UpdateItem", { TableName: table, Key: key }],
  ["BatchWriteItem", { RequestItems: { [table]: [{ PutRequest: { Item: key } }] } }],
  ["BatchGetItem", { RequestItems: { [table]: { Keys: [key] } } }],
  ["Query", { TableName: table }],
  ["Query", {
    TableName: table,
    KeyConditionExpression: "customer = :c",
    ExpressionAttributeValues: { ":c": { S: CUSTOMER } },
  }],
  ["TransactGetItems", { TransactItems: [{ Get: { TableName: table, Key: key } }] }],
  ["TransactWriteItems", { TransactItems: [{ Put: { TableName: table, Item: key } }] }],
  ["ExecuteStatement", { Statement: `SELECT * FROM "${table}" WHERE ${where}` }],
  ["BatchExecuteStatement", { Statements: [{ Statement: `SELECT * FROM "${table}" WHERE ${where}` }] }],
  ["ExecuteTransaction", { TransactStatements: [{ Statement: `SELECT * FROM "${table}" WHERE ${where}` }] }],
  ["ExecuteTransaction", { TransactStatements: [{ Statement: `DELETE FROM "${table}" WHERE ${where}` }] }],
  ["ExecuteTransaction", {
    TransactStatements: [{ Statement: `INSERT INTO "${table}" VALUE {'customer': '${CUSTOMER}', 'number': 1}` }],
  }],
  ["DeleteItem", { TableName: table, Key: key }],
  ["DescribeTable", { TableName: table }],
  ["DescribeTimeToLive", { TableName: table }],
  ["DescribeContinuousBackups", { TableName: table }],
  ["UpdateTable", { TableName: table }],
  ["ListTables", {}],
  ["DescribeLimits", {}],
];

async function outcome(operation, input, table) {
  try {
    const { $metadata, ...output } = await client.send(new sdk[`${operation}Command`](input));
    return JSON.stringify(Object.keys(output).filter((name) => output[name] !== undefined).sort());
  } catch (error) {
    return `${error.name}: ${error.message.replaceAll(table, "TABLE")}`;
  }
}

test("each operation with its required members", async () => {
  const plain = calls("Plain");
  for (const [at, [operation, input]] of calls("Orders").entries()) {
    const both = [await outcome(operation, input, "Orders"), await outcome(operation, plain[at][1], "Plain")];
    assert.equal(both[0], both[1], operation);
    assert.ok(!both[0].includes("DSL-"), both[0]);
  }
});

test("a transaction of statements, whose token the SDK fills in", async () => {
  await put(order(CUSTOMER, 2));
  const execute = (Statement) => client.send(new sdk.ExecuteTransactionCommand({ TransactStatements: [{ Statement }] }));
  const found = (await execute(`SELECT * FROM "Orders" WHERE customer = '${CUSTOMER}' AND number = 2`)).Responses[0].Item;
  assert.deepEqual(found.note, { S: order(CUSTOMER, 2).note });
  await execute(`UPDATE "Orders" SET note = 'other' WHERE customer = '${CUSTOMER}' AND number = 2`);
  assert.deepEqual(Object.keys((await stored("Orders", CUSTOMER, 2)).note), ["B"]);
});
