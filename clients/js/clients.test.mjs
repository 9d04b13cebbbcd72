// The AWS SDK for JavaScript v3 through the gateway: plain client, document client and paginators.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  DynamoDBServiceException,
  GetItemCommand,
  paginateScan as paginateTypedScan,
  PutItemCommand,
  ScanCommand,
  TransactionCanceledException,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import {
  BatchGetCommand,
  BatchWriteCommand,
  DeleteCommand,
  GetCommand,
  paginateQuery,
  paginateScan,
  PutCommand,
  QueryCommand,
  TransactGetCommand,
  TransactWriteCommand,
} from "@aws-sdk/lib-dynamodb";
import { client, collect, documents, order, put, raw, SECRET, stored, typedKey } from "./orders.mjs";

const EVERYTHING = {
  amount: 12.5,
  photo: new Uint8Array([0, 255, 7]),
  paid: true,
  coupon: null,
  tags: new Set([SECRET, "b"]),
  sizes: new Set([1, 2.5]),
  lines: [{ sku: SECRET, count: 2 }, null, []],
  address: { street: SECRET, geo: [1, -2], empty: {} },
  empty: "",
  "Ünïcode 😀": SECRET,
};

test("put and get a document", async () => {
  const item = order("document", 1, { views: 0, ...EVERYTHING });
  await put(item);
  const { Item } = await documents.send(new GetCommand({ TableName: "Orders", Key: { customer: "document", number: 1 } }));
  assert.deepEqual(Item, item);

  const sealed = await stored("Orders", "document", 1);
  assert.deepEqual(Object.keys(sealed).sort(), [...Object.keys(item), "aws_dbe_foot", "aws_dbe_head"].sort());
  for (const name of ["note", ...Object.keys(EVERYTHING)]) assert.deepEqual(Object.keys(sealed[name]), ["B"], name);
  assert.deepEqual([sealed.status, sealed.views], [{ S: "open" }, { N: "0" }]);
});

test("nothing readable is stored", async () => {
  await put(order("readable", 1, EVERYTHING));
  const pages = await collect(paginateTypedScan({ client: raw }, { TableName: "Orders" }));
  const items = pages.flatMap((page) => page.Items);
  assert.ok(items.some((item) => item.customer.S === "readable"));
  for (const item of items) {
    for (const [name, value] of Object.entries(item)) {
      const text = value.B ? Buffer.from(value.B).toString("latin1") : JSON.stringify(value);
      assert.ok(!text.includes(SECRET), name);
    }
  }
});

test("projection", async () => {
  await put(order("projection", 1, EVERYTHING));
  const { Item } = await documents.send(new GetCommand({
    TableName: "Orders",
    Key: { customer: "projection", number: 1 },
    ProjectionExpression: "#s, address.geo[1], #l[0].sku, absent_one",
    ExpressionAttributeNames: { "#s": "status", "#l": "lines" },
  }));
  assert.deepEqual(Item, { status: "open", address: { geo: [-2] }, lines: [{ sku: SECRET }] });
});

test("batch write and get, protected and unprotected tables together", async () => {
  const puts = Array.from({ length: 20 }, (_, number) => ({ PutRequest: { Item: order("batch", number) } }));
  const answer = await documents.send(new BatchWriteCommand({
    RequestItems: { Orders: puts, Plain: [{ PutRequest: { Item: order("batch", 99) } }] },
  }));
  assert.deepEqual(answer.UnprocessedItems ?? {}, {});
  await documents.send(new BatchWriteCommand({
    RequestItems: { Orders: [{ DeleteRequest: { Key: { customer: "batch", number: 0 } } }] },
  }));

  const Keys = Array.from({ length: 20 }, (_, number) => ({ customer: "batch", number }));
  const { Responses } = await documents.send(new BatchGetCommand({
    RequestItems: { Orders: { Keys, ProjectionExpression: "note" }, Plain: { Keys: [{ customer: "batch", number: 99 }] } },
  }));
  const notes = Responses.Orders.map((item) => item.note).sort();
  assert.deepEqual(notes, Array.from({ length: 19 }, (_, at) => `${SECRET} ${at + 1}`).sort());
  assert.ok(Responses.Orders.every((item) => Object.keys(item).length === 1));
  assert.deepEqual(Responses.Plain, [order("batch", 99)]);
});

test("query with the paginator", async () => {
  for (let number = 0; number < 10; number++) await put(order("query", number));
  const pages = await collect(paginateQuery({ client: documents, pageSize: 3 }, {
    TableName: "Orders",
    KeyConditionExpression: "customer = :c AND #n >= :from",
    ExpressionAttributeNames: { "#n": "number" },
    ExpressionAttributeValues: { ":c": "query", ":from": 2 },
  }));
  assert.ok(pages.length >= 3 && pages.every((page) => page.Count === page.Items.length && page.Count <= 3));
  const items = pages.flatMap((page) => page.Items);
  assert.deepEqual(items, Array.from({ length: 8 }, (_, at) => order("query", at + 2)));

  const filtered = {
    TableName: "Orders",
    KeyConditionExpression: "customer = :c",
    FilterExpression: "#s = :open",
    ExpressionAttributeNames: { "#s": "status" },
    ExpressionAttributeValues: { ":c": "query", ":open": "open" },
  };
  const backwards = await documents.send(new QueryCommand({ ...filtered, ScanIndexForward: false }));
  assert.deepEqual(backwards.Items.map((item) => item.number), [9, 7, 5, 3, 1]);
  const count = await documents.send(new QueryCommand({ ...filtered, Select: "COUNT" }));
  assert.deepEqual([count.Count, count.ScannedCount, count.Items], [5, 10, undefined]);
});

test("scan with the paginator", async () => {
  for (let number = 0; number < 6; number++) await put(order("scan", number));
  const pages = await collect(paginateScan({ client: documents, pageSize: 4 }, {
    TableName: "Orders",
    FilterExpression: "customer = :c",
    ExpressionAttributeValues: { ":c": "scan" },
  }));
  assert.ok(pages.length >= 2);
  const notes = pages.flatMap((page) => page.Items.map((item) => item.note)).sort();
  assert.deepEqual(notes, Array.from({ length: 6 }, (_, number) => `${SECRET} ${number}`));
});

test("transactions", async () => {
  await put(order("transaction", 0));
  await put(order("transaction", 1));
  await documents.send(new TransactWriteCommand({
    TransactItems: [
      { Put: { TableName: "Orders", Item: order("transaction", 5) } },
      { Put: { TableName: "Plain", Item: order("transaction", 6) } },
      { Delete: { TableName: "Orders", Key: { customer: "transaction", number: 0 } } },
      {
        ConditionCheck: {
          TableName: "Orders",
          Key: { customer: "transaction", number: 1 },
          ConditionExpression: "#s = :open",
          ExpressionAttributeNames: { "#s": "status" },
          ExpressionAttributeValues: { ":open": "open" },
        },
      },
    ],
  }));
  const get = (TableName, number, more = {}) => ({ Get: { TableName, Key: { customer: "transaction", number }, ...more } });
  const { Responses } = await documents.send(new TransactGetCommand({
    TransactItems: [get("Orders", 5), get("Orders", 0), get("Plain", 6), get("Orders", 1, { ProjectionExpression: "note" })],
  }));
  const items = Responses.map((response) => response.Item);
  assert.deepEqual(items, [order("transaction", 5), undefined, order("transaction", 6), { note: `${SECRET} 1` }]);
  assert.ok((await stored("Orders", "transaction", 5)).aws_dbe_head);

  const cancelled = documents.send(new TransactWriteCommand({
    TransactItems: [
      { Put: { TableName: "Orders", Item: order("transaction", 9) } },
      {
        Delete: {
          TableName: "Orders",
          Key: { customer: "transaction", number: 1 },
          ConditionExpression: "attribute_not_exists(customer)",
        },
      },
    ],
  }));
  await assert.rejects(cancelled, (error) => {
    assert.ok(error instanceof TransactionCanceledException);
    assert.deepEqual(error.CancellationReasons.map((reason) => reason.Code), ["None", "ConditionalCheckFailed"]);
    return true;
  });
  assert.equal(await stored("Orders", "transaction", 9), undefined);
});

test("delete returns the old item", async () => {
  await put(order("delete", 1, EVERYTHING));
  const Key = { customer: "delete", number: 1 };
  const remove = () => documents.send(new DeleteCommand({ TableName: "Orders", Key, ReturnValues: "ALL_OLD" }));
  assert.deepEqual((await remove()).Attributes, order("delete", 1, EVERYTHING));
  assert.equal((await remove()).Attributes, undefined);
});

test("a failed condition is the SDK's own exception, with the opened item", async () => {
  const once = { ConditionExpression: "attribute_not_exists(customer)", ReturnValuesOnConditionCheckFailure: "ALL_OLD" };
  await put(order("condition", 1), once);
  await assert.rejects(put(order("condition", 1, { note: "other" }), once), (error) => {
    assert.ok(error instanceof ConditionalCheckFailedException);
    assert.equal(error.$metadata.httpStatusCode, 400);
    assert.deepEqual(error.Item.note, { S: `${SECRET} 1` });
    return true;
  });
});

for (const attribute of ["note", "status", "aws_dbe_head", "aws_dbe_foot"]) {
  test(`a changed byte in ${attribute} is refused`, async () => {
    const customer = `changed ${attribute}`;
    await documents.send(new PutCommand({ TableName: "Damaged", Item: order(customer, 1) }));
    const Item = await stored("Damaged", customer, 1);
    if (Item[attribute].B) Item[attribute].B[Item[attribute].B.length - 1] ^= 1;
    else Item[attribute] = { S: "paid" };
    await raw.send(new PutItemCommand({ TableName: "Damaged", Item }));

    const Key = typedKey(customer, 1);
    const reads = [
      new GetItemCommand({ TableName: "Damaged", Key }),
      new BatchGetItemCommand({ RequestItems: { Damaged: { Keys: [Key] } } }),
      new ScanCommand({
        TableName: "Damaged",
        FilterExpression: "customer = :c",
        ExpressionAttributeValues: { ":c": { S: customer } },
      }),
    ];
    for (const read of reads) {
      await assert.rejects(client.send(read), (error) => {
        assert.ok(error instanceof DynamoDBServiceException);
        assert.match(error.message, /DSL-3\d\d\d/);
        assert.match(error.message, /Damaged/);
        assert.ok(!error.message.includes(SECRET));
        return true;
      });
    }
  });
}

test("an unprotected table is left alone", async () => {
  await documents.send(new PutCommand({ TableName: "Plain", Item: order("plain", 1, { tags: new Set(["a"]) }) }));
  assert.deepEqual(await stored("Plain", "plain", 1), {
    ...typedKey("plain", 1),
    status: { S: "open" },
    note: { S: `${SECRET} 1` },
    tags: { SS: ["a"] },
  });
  const update = await client.send(new UpdateItemCommand({
    TableName: "Plain",
    Key: typedKey("plain", 1),
    UpdateExpression: "SET note = :n",
    ExpressionAttributeValues: { ":n": { S: "new" } },
    ReturnValues: "ALL_NEW",
  }));
  assert.deepEqual(update.Attributes.note, { S: "new" });
});
