// The AWS SDK for JavaScript v3: updates, conditions and filters on what is stored encrypted.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ConditionalCheckFailedException,
  ExecuteStatementCommand,
  PutItemCommand,
  ScanCommand,
  TransactionCanceledException,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import {
  DeleteCommand,
  paginateQuery,
  paginateScan,
  QueryCommand,
  TransactWriteCommand,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import { client, collect, documents, get, order, put, raw, refused, SECRET, stored, typedKey } from "./orders.mjs";

const update = (customer, more) =>
  documents.send(new UpdateCommand({ TableName: "Orders", Key: { customer, number: 1 }, ...more }));

/** The stored item has these attributes, the encrypted ones as ciphertext, and other ciphertext than before. */
const assertSealed = async (customer, item, before = {}) => {
  const now = await stored("Orders", customer, 1);
  assert.deepEqual(Object.keys(now).sort(), [...Object.keys(item), "aws_dbe_foot", "aws_dbe_head"].sort());
  for (const [name, value] of Object.entries(now)) {
    if (["customer", "number", "status", "views"].includes(name)) continue;
    assert.deepEqual(Object.keys(value), ["B"], name);
    assert.ok(!Buffer.from(value.B).toString("latin1").includes(SECRET), name);
    assert.notDeepEqual(value, before[name], name);
  }
  return now;
};

const failedCondition = (item) => (error) => {
  assert.ok(error instanceof ConditionalCheckFailedException);
  assert.equal(error.$metadata.httpStatusCode, 400);
  assert.equal(error.message, "The conditional request failed");
  assert.deepEqual(error.Item, item);
  return true;
};

test("update an encrypted attribute only if the item exists", async () => {
  const change = {
    UpdateExpression: "SET note = :n",
    ConditionExpression: "attribute_exists(customer)",
    ExpressionAttributeValues: { ":n": `${SECRET} new` },
  };
  await assert.rejects(
    update("exists", { ...change, ReturnValuesOnConditionCheckFailure: "ALL_OLD" }),
    failedCondition(undefined),
  );
  assert.equal(await stored("Orders", "exists", 1), undefined);

  await put(order("exists", 1, { lines: [{ sku: SECRET }] }));
  const before = await stored("Orders", "exists", 1);
  assert.equal((await update("exists", change)).Attributes, undefined);
  const expected = order("exists", 1, { note: `${SECRET} new`, lines: [{ sku: SECRET }] });
  assert.deepEqual(await get("exists", 1), expected);
  await assertSealed("exists", expected, before);
});

test("an update sets, removes and adds, encrypted, signed and unsigned at once", async () => {
  await put(order("update", 1, {
    views: 5,
    amount: 12.5,
    tags: new Set(["a", "b"]),
    coupon: SECRET,
    lines: [{ sku: SECRET, count: 2 }, "gone"],
  }));
  const before = await stored("Orders", "update", 1);
  const { Attributes } = await update("update", {
    UpdateExpression:
      "SET #s = :paid, note = :note, #l[0].#c = #l[0].#c + :one, twin = coupon, born = if_not_exists(born, :one) " +
      "REMOVE coupon, #l[1] ADD amount :half, #v :one DELETE tags :a",
    ConditionExpression: "begins_with(note, :secret) AND amount BETWEEN :one AND :many AND #v = :five",
    ExpressionAttributeNames: { "#s": "status", "#v": "views", "#l": "lines", "#c": "count" },
    ExpressionAttributeValues: {
      ":paid": "paid",
      ":note": `${SECRET} changed`,
      ":one": 1,
      ":half": 0.5,
      ":a": new Set(["a"]),
      ":secret": SECRET,
      ":many": 99,
      ":five": 5,
    },
    ReturnValues: "ALL_NEW",
  });
  const expected = {
    customer: "update",
    number: 1,
    status: "paid",
    note: `${SECRET} changed`,
    views: 6,
    amount: 13,
    tags: new Set(["b"]),
    twin: SECRET,
    born: 1,
    lines: [{ sku: SECRET, count: 3 }],
  };
  assert.deepEqual(Attributes, expected);
  assert.deepEqual(await get("update", 1), expected);
  const now = await assertSealed("update", expected, before);
  assert.deepEqual([now.status, now.views], [{ S: "paid" }, { N: "6" }]);
});

test("an update returns what was asked for", async () => {
  await put(order("returns", 1, { views: 1, address: { street: SECRET, geo: [1, -2] } }));
  const parts = ({ note, views, address: { street } }) => ({ note, views, address: { street } });
  let now = await get("returns", 1);
  for (const [number, ReturnValues] of ["NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW"].entries()) {
    const old = now;
    const { Attributes } = await update("returns", {
      UpdateExpression: "SET note = :n, address.street = :n ADD #v :one",
      ExpressionAttributeNames: { "#v": "views" },
      ExpressionAttributeValues: { ":n": `${SECRET} ${number}`, ":one": 1 },
      ReturnValues,
    });
    now = await get("returns", 1);
    assert.deepEqual([now.note, now.views], [`${SECRET} ${number}`, number + 2]);
    const answers = {
      NONE: undefined,
      ALL_OLD: old,
      UPDATED_OLD: parts(old),
      ALL_NEW: now,
      UPDATED_NEW: parts(now),
    };
    assert.deepEqual(Attributes, answers[ReturnValues], ReturnValues);
  }
});

test("an update creates a sealed item", async () => {
  const { Attributes } = await update("created", {
    UpdateExpression: "SET note = :n, #s = :open ADD #v :one",
    ConditionExpression: "attribute_not_exists(note)",
    ExpressionAttributeNames: { "#s": "status", "#v": "views" },
    ExpressionAttributeValues: { ":n": `${SECRET} 1`, ":open": "open", ":one": 1 },
    ReturnValues: "UPDATED_NEW",
  });
  assert.deepEqual(Attributes, { note: `${SECRET} 1`, status: "open", views: 1 });
  const expected = order("created", 1, { views: 1 });
  assert.deepEqual(await get("created", 1), expected);
  await assertSealed("created", expected);
});

test("an update of an unsigned attribute alone leaves the sealed ones as they are", async () => {
  await put(order("counter", 1));
  const before = await stored("Orders", "counter", 1);
  const { Attributes } = await update("counter", {
    UpdateExpression: "ADD #v :one",
    ExpressionAttributeNames: { "#v": "views" },
    ExpressionAttributeValues: { ":one": 1 },
    ReturnValues: "UPDATED_NEW",
  });
  assert.deepEqual(Attributes, { views: 1 });
  assert.deepEqual(await stored("Orders", "counter", 1), { ...before, views: { N: "1" } });
  assert.deepEqual(await get("counter", 1), order("counter", 1, { views: 1 }));
});

test("updates at the same time are all carried out", async () => {
  await put(order("together", 1, { amount: 0, views: 0 }));
  await Promise.all(Array.from({ length: 30 }, () =>
    update("together", {
      UpdateExpression: "ADD amount :one, #v :one",
      ExpressionAttributeNames: { "#v": "views" },
      ExpressionAttributeValues: { ":one": 1 },
    })));
  assert.deepEqual(await get("together", 1), order("together", 1, { amount: 30, views: 30 }));
});

test("put and delete under a condition on an encrypted attribute", async () => {
  await put(order("guarded", 1));
  const before = await stored("Orders", "guarded", 1);
  const when = (note) => ({
    ConditionExpression: "note = :n AND #s = :open",
    ExpressionAttributeNames: { "#s": "status" },
    ExpressionAttributeValues: { ":n": note, ":open": "open" },
    ReturnValues: "ALL_OLD",
  });
  const remove = (note, more = {}) =>
    documents.send(new DeleteCommand({
      TableName: "Orders",
      Key: { customer: "guarded", number: 1 },
      ...when(note),
      ...more,
    }));
  const show = { ReturnValuesOnConditionCheckFailure: "ALL_OLD" };
  const asStored = { ...typedKey("guarded", 1), status: { S: "open" }, note: { S: `${SECRET} 1` } };
  const item = order("guarded", 1, { note: `${SECRET} put`, extra: SECRET });
  await assert.rejects(put(item, { ...when(SECRET), ...show }), failedCondition(asStored));
  await assert.rejects(remove(SECRET, show), failedCondition(asStored));
  await assert.rejects(remove(SECRET), failedCondition(undefined));
  const fails = { UpdateExpression: "SET note = :n", ConditionExpression: "note <> :old", ...show };
  fails.ExpressionAttributeValues = { ":n": SECRET, ":old": `${SECRET} 1` };
  await assert.rejects(update("guarded", fails), failedCondition(asStored));
  assert.deepEqual(await stored("Orders", "guarded", 1), before);

  assert.deepEqual((await put(item, when(`${SECRET} 1`))).Attributes, order("guarded", 1));
  assert.deepEqual(await get("guarded", 1), item);
  await assertSealed("guarded", item, before);
  assert.deepEqual((await remove(`${SECRET} put`)).Attributes, item);
  assert.equal(await stored("Orders", "guarded", 1), undefined);
  await assert.rejects(remove(`${SECRET} put`), failedCondition(undefined));
});

test("a query filters on an encrypted attribute", async () => {
  for (let number = 0; number < 9; number++) await put(order("filtered", number));
  const query = {
    TableName: "Orders",
    KeyConditionExpression: "customer = :c AND #n >= :from",
    FilterExpression: "note IN (:two, :five) OR (#s = :open AND begins_with(note, :note) AND NOT contains(note, :seven))",
    ExpressionAttributeNames: { "#n": "number", "#s": "status" },
    ExpressionAttributeValues: {
      ":c": "filtered",
      ":from": 1,
      ":open": "open",
      ":note": SECRET,
      ":two": `${SECRET} 2`,
      ":five": `${SECRET} 5`,
      ":seven": "7",
    },
  };
  const expected = [1, 2, 3, 5].map((number) => order("filtered", number));
  const whole = await documents.send(new QueryCommand(query));
  assert.deepEqual([whole.Items, whole.Count, whole.ScannedCount], [expected, 4, 8]);
  const counted = await documents.send(new QueryCommand({ ...query, Select: "COUNT" }));
  assert.deepEqual([counted.Items, counted.Count, counted.ScannedCount], [undefined, 4, 8]);
  // A page ends after as many items as were read, not as passed the filter.
  const pages = await collect(paginateQuery({ client: documents, pageSize: 3 }, query));
  assert.deepEqual(pages.slice(0, 2).map((page) => [page.Count, page.ScannedCount]), [[3, 3], [1, 3]]);
  assert.equal(pages.reduce((sum, page) => sum + page.ScannedCount, 0), 8);
  assert.deepEqual(pages.flatMap((page) => page.Items), expected);
});

test("a scan filters on an encrypted attribute", async () => {
  for (let number = 0; number < 7; number++) await put(order("scanned", number));
  const scan = {
    TableName: "Orders",
    FilterExpression: "customer = :c AND note > :n AND size(note) = :size",
    ExpressionAttributeValues: { ":c": "scanned", ":n": `${SECRET} 3`, ":size": `${SECRET} 0`.length },
  };
  // The paginator writes into what it is given.
  const pages = await collect(paginateScan({ client: documents, pageSize: 2 }, { ...scan }));
  assert.ok(pages.length >= 4 && pages.every((page) => page.Count === page.Items.length));
  const found = pages.flatMap((page) => page.Items).sort((one, two) => one.number - two.number);
  assert.deepEqual(found, [4, 5, 6].map((number) => order("scanned", number)));
  const counts = await collect(paginateScan({ client: documents, pageSize: 2 }, { ...scan, Select: "COUNT" }));
  assert.ok(counts.every((page) => page.Items === undefined));
  assert.equal(counts.reduce((sum, page) => sum + page.Count, 0), 3);
});

test("a changed byte is not sealed anew", async () => {
  const Item = order("changed update", 1);
  await client.send(new PutItemCommand({
    TableName: "Damaged",
    Item: { ...typedKey(Item.customer, 1), status: { S: "open" }, note: { S: SECRET } },
  }));
  const changed = { ...await stored("Damaged", Item.customer, 1), status: { S: "paid" } };
  await raw.send(new PutItemCommand({ TableName: "Damaged", Item: changed }));
  const values = { ExpressionAttributeValues: { ":n": { S: SECRET } } };
  for (const command of [
    new UpdateItemCommand({
      TableName: "Damaged",
      Key: typedKey(Item.customer, 1),
      UpdateExpression: "SET note = :n",
      ...values,
    }),
    new ScanCommand({ TableName: "Damaged", FilterExpression: "note = :n", ...values }),
  ]) {
    await assert.rejects(client.send(command), (error) => {
      assert.match(error.message, /DSL-3\d\d\d/);
      assert.ok(!error.message.includes(SECRET));
      return true;
    });
  }
  assert.deepEqual(await stored("Damaged", Item.customer, 1), changed);
});

test("a fault of an expression is told in DynamoDB's words", async () => {
  const fault = update("fault", { UpdateExpression: "SET views = :n", ExpressionAttributeValues: { ":n": SECRET } });
  await assert.rejects(fault, (error) => {
    assert.equal(error.name, "ValidationException");
    assert.match(error.message, /Attribute name is a reserved keyword; reserved keyword: views$/);
    return true;
  });
});

test("transactions update, and check conditions, on encrypted attributes", async () => {
  for (const number of [1, 2, 3]) await put(order("transacted", number));
  const before = await stored("Orders", "transacted", 1);
  const target = (number) => ({ TableName: "Orders", Key: { customer: "transacted", number } });
  const transact = (note) =>
    documents.send(new TransactWriteCommand({
      TransactItems: [
        {
          Update: {
            ...target(1),
            UpdateExpression: "SET note = :n ADD #v :one",
            ExpressionAttributeNames: { "#v": "views" },
            ExpressionAttributeValues: { ":n": `${SECRET} new`, ":one": 1 },
          },
        },
        {
          ConditionCheck: {
            ...target(2),
            ConditionExpression: "note = :n",
            ExpressionAttributeValues: { ":n": note },
            ReturnValuesOnConditionCheckFailure: "ALL_OLD",
          },
        },
        {
          Delete: {
            ...target(3),
            ConditionExpression: "begins_with(note, :n)",
            ExpressionAttributeValues: { ":n": SECRET },
          },
        },
      ],
    }));
  await assert.rejects(transact(SECRET), (error) => {
    assert.ok(error instanceof TransactionCanceledException);
    assert.deepEqual(error.CancellationReasons.map((reason) => reason.Code), ["None", "ConditionalCheckFailed", "None"]);
    assert.deepEqual(error.CancellationReasons[1].Item.note, { S: `${SECRET} 2` });
    return true;
  });
  assert.deepEqual(await stored("Orders", "transacted", 1), before);

  await transact(`${SECRET} 2`);
  const expected = order("transacted", 1, { note: `${SECRET} new`, views: 1 });
  assert.deepEqual(await get("transacted", 1), expected);
  await assertSealed("transacted", expected, before);
  assert.equal(await stored("Orders", "transacted", 3), undefined);
});

test("PartiQL statements work on encrypted attributes", async () => {
  await put(order("statements", 1));
  // DynamoDB refuses an empty list.
  const run = (Statement, ...parameters) =>
    client.send(new ExecuteStatementCommand({ Statement, Parameters: parameters.length > 0 ? parameters : undefined }));
  const where = `WHERE customer = 'statements' AND "number" = 1`;
  await run(`UPDATE "Orders" SET note = ? ${where} AND note = ?`, { S: `${SECRET} told` }, { S: `${SECRET} 1` });
  const { Items } = await run(`SELECT note FROM "Orders" ${where} AND begins_with(note, '${SECRET}')`);
  assert.deepEqual(Items, [{ note: { S: `${SECRET} told` } }]);
  await assert.rejects(run(`UPDATE "Orders" SET note = 'x' ${where} AND note = 'y'`), {
    name: "ConditionalCheckFailedException",
  });
  await assertSealed("statements", order("statements", 1));
});

test("what is not supported yet is refused by name", async () => {
  await put(order("refused", 1));
  const before = await stored("Orders", "refused", 1);
  const values = { ExpressionAttributeValues: { ":n": SECRET } };
  for (const name of ["aws_dbe_head", "aws_dbe_foot"]) {
    const change = update("refused", {
      UpdateExpression: "SET #a = :n",
      ExpressionAttributeNames: { "#a": name },
      ...values,
    });
    await assert.rejects(change, refused("UpdateItem", name));
  }
  const keyCondition = new QueryCommand({
    TableName: "Orders",
    KeyConditionExpression: "customer = :c AND note = :n",
    ExpressionAttributeValues: { ":c": "refused", ":n": SECRET },
  });
  await assert.rejects(documents.send(keyCondition), refused("Query", "note"));
  const statement = new ExecuteStatementCommand({ Statement: `SELECT * FROM "Orders" WHERE note LIKE '${SECRET}'` });
  await assert.rejects(client.send(statement), refused("ExecuteStatement", "Orders"));
  assert.deepEqual(await stored("Orders", "refused", 1), before);
});
