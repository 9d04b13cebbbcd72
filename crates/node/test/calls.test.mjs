// Every call of a table through a sealed client, with the SDK's own outputs and exceptions.

import assert from "node:assert/strict";
import { test } from "node:test";
import { seal } from "../dist/esm/index.mjs";
import { assertSealed, client, collect, connection, documents, dynaseal, SECRET, stored } from "./support/harness.mjs";
import { dynamodb, lib, streams } from "./support/sdk.mjs";

const user = (id, more = {}) => ({ id, tier: "free", email: `${SECRET} ${id}`, ...more });
const order = (customer, number, more = {}) => ({ customer, number, note: `${SECRET} ${number}`, ...more });
const put = (Item, more = {}) => documents.send(new lib.PutCommand({ TableName: "Users", Item, ...more }));
const get = async (id, more = {}) =>
  (await documents.send(new lib.GetCommand({ TableName: "Users", Key: { id }, ...more }))).Item;
const update = (id, more) => documents.send(new lib.UpdateCommand({ TableName: "Users", Key: { id }, ...more }));

test("put and get, every type of value", async () => {
  const item = user("types", {
    number: 12.5,
    yes: true,
    nothing: null,
    bytes: new Uint8Array([0, 1, 255]),
    list: [SECRET, 1, { deep: new Uint8Array([7]) }],
    map: { a: SECRET, "ünï 💳": "ß" },
    strings: new Set(["a", "b"]),
    numbers: new Set([1, 2]),
    binaries: new Set([new Uint8Array([1]), new Uint8Array([2])]),
  });
  await put(item);
  const { id, tier, ...encrypted } = item;
  await assertSealed("Users", { id: { S: id } }, ["id", "tier"], Object.keys(encrypted));
  const opened = await get("types", { ConsistentRead: true });
  const comparable = ({ binaries, ...rest }) => ({
    ...rest,
    binaries: [...binaries].map((bytes) => [...bytes]).sort(),
  });
  assert.deepEqual(comparable(opened), comparable(item));
});

test("the client itself, with attribute values", async () => {
  const Item = { id: { S: "typed" }, email: { S: SECRET }, bytes: { B: new Uint8Array([1, 2]) } };
  await client.send(new dynamodb.PutItemCommand({ TableName: "Users", Item }));
  const out = await client.send(new dynamodb.GetItemCommand({ TableName: "Users", Key: { id: { S: "typed" } } }));
  assert.deepEqual({ ...out.Item, bytes: { B: new Uint8Array(out.Item.bytes.B) } }, Item);
  assert.equal(out.$metadata.httpStatusCode, 200);
  assert.match(out.$metadata.requestId, /^[A-Z0-9]{52}$/);
});

test("aggregated clients", async () => {
  const aggregated = seal(new dynamodb.DynamoDB(connection()), dynaseal);
  await aggregated.putItem({ TableName: "Users", Item: { id: { S: "aggregated" }, email: { S: SECRET } } });
  const document = lib.DynamoDBDocument.from(aggregated);
  assert.equal((await document.get({ TableName: "Users", Key: { id: "aggregated" } })).Item.email, SECRET);
  aggregated.destroy();
});

test("an old item, a projection, a missing item", async () => {
  const first = user("old");
  await put(first);
  const { Attributes } = await put(user("old", { tier: "paid" }), { ReturnValues: "ALL_OLD" });
  assert.deepEqual(Attributes, first);
  assert.deepEqual(await get("old", { ProjectionExpression: "email" }), { email: first.email });
  assert.equal(await get("nobody"), undefined);
});

test("updates of encrypted attributes", async () => {
  await put(user("update", { balance: 10 }));
  const { Attributes } = await update("update", {
    UpdateExpression: "SET email = :e, balance = balance + :n REMOVE tier",
    ConditionExpression: "balance >= :n",
    ExpressionAttributeValues: { ":e": `${SECRET} new`, ":n": 5 },
    ReturnValues: "ALL_NEW",
  });
  assert.deepEqual(Attributes, { id: "update", email: `${SECRET} new`, balance: 15 });
  await assertSealed("Users", { id: { S: "update" } }, ["id"], ["email", "balance"]);
  await update("update", {
    UpdateExpression: "ADD #v :one",
    ExpressionAttributeNames: { "#v": "views" },
    ExpressionAttributeValues: { ":one": 1 },
  });
  assert.deepEqual((await stored("Users", { id: { S: "update" } })).views, { N: "1" });
});

test("writers of one client take turns, so none is lost and none races", async () => {
  await put(user("turns", { balance: 0 }));
  const add = {
    UpdateExpression: "ADD balance :one",
    ExpressionAttributeValues: { ":one": 1 },
    ReturnValues: "UPDATED_NEW",
  };
  const sums = await Promise.all(
    Array.from({ length: 20 }, async () => (await update("turns", add)).Attributes.balance),
  );
  assert.deepEqual(
    sums.sort((a, b) => a - b),
    Array.from({ length: 20 }, (_, at) => at + 1),
  );
});

test("a failed condition is the SDK's own exception; its item is readable and stays out of logs", async () => {
  await put(user("condition"));
  const failing = [
    () =>
      put(user("condition"), {
        ConditionExpression: "attribute_not_exists(id)",
        ReturnValuesOnConditionCheckFailure: "ALL_OLD",
      }),
    () =>
      update("condition", {
        UpdateExpression: "SET tier = :t",
        ConditionExpression: "email = :e",
        ExpressionAttributeValues: { ":t": "paid", ":e": "other" },
        ReturnValuesOnConditionCheckFailure: "ALL_OLD",
      }),
    () =>
      documents.send(
        new lib.DeleteCommand({
          TableName: "Users",
          Key: { id: "condition" },
          ConditionExpression: "email = :e",
          ExpressionAttributeValues: { ":e": "other" },
          ReturnValuesOnConditionCheckFailure: "ALL_OLD",
        }),
      ),
  ];
  for (const send of failing) {
    await assert.rejects(send(), (error) => {
      assert.ok(error instanceof dynamodb.ConditionalCheckFailedException);
      assert.equal(error.$fault, "client");
      assert.equal(error.$metadata.httpStatusCode, 400);
      // Old versions of the SDK do not know the member.
      if (error.Item) assert.deepEqual(error.Item.email, { S: `${SECRET} condition` });
      assert.ok(!JSON.stringify(error).includes(SECRET) && !JSON.stringify({ ...error }).includes(SECRET));
      assert.equal(error.$response?.body, undefined);
      return true;
    });
  }
});

test("DynamoDB's own refusals stay its own", async () => {
  const wrong = [
    [() => get("x", { TableName: "Missing" }), "ResourceNotFoundException"],
    [() => put(user("x"), { ConditionExpression: "email >" }), "ValidationException"],
    [() => put(user("x"), { ConditionExpression: "tier >" }), "ValidationException"],
  ];
  for (const [send, name] of wrong)
    await assert.rejects(send(), (error) => error.name === name && error.$metadata.httpStatusCode === 400);
});

test("what cannot be done is refused with a code and advice", async () => {
  const query = new lib.QueryCommand({
    TableName: "Users",
    KeyConditionExpression: "id = :id AND email = :e",
    ExpressionAttributeValues: { ":id": "x", ":e": SECRET },
  });
  await assert.rejects(documents.send(query), (error) => {
    assert.equal(error.name, "DynasealError");
    assert.deepEqual(
      [error.code, error.kind, error.$fault, error.retryable],
      ["DSL-2003", "caller", "client", false],
    );
    assert.ok(
      error.message.startsWith("DSL-2003: ") && error.message.includes("Users") && !error.message.includes(SECRET),
    );
    return true;
  });
});

test("a changed item is refused", async () => {
  await put(user("changed"));
  const Item = await stored("Users", { id: { S: "changed" } });
  Item.tier = { S: "paid" };
  const bare = new dynamodb.DynamoDBClient(connection());
  await bare.send(new dynamodb.PutItemCommand({ TableName: "Users", Item }));
  bare.destroy();
  await assert.rejects(get("changed"), (error) => {
    assert.equal(error.kind, "data");
    assert.match(error.code, /^DSL-3/);
    assert.ok(!`${error.message}${error.stack}`.includes(SECRET));
    return true;
  });
});

test("batches, query, scan and their paginators", async () => {
  const items = Array.from({ length: 25 }, (_, number) => order("pages", number));
  const RequestItems = {
    Orders: items.slice(0, 20).map((Item) => ({ PutRequest: { Item } })),
    Plain: items.slice(20).map((item) => ({ PutRequest: { Item: { ...item, id: String(item.number) } } })),
  };
  assert.deepEqual((await documents.send(new lib.BatchWriteCommand({ RequestItems }))).UnprocessedItems ?? {}, {});
  await assertSealed("Orders", { customer: { S: "pages" }, number: { N: "3" } }, ["customer", "number"], ["note"]);
  assert.deepEqual((await stored("Plain", { id: { S: "21" } })).note, { S: `${SECRET} 21` });

  const batch = new lib.BatchGetCommand({
    RequestItems: {
      Orders: { Keys: [1, 2].map((number) => ({ customer: "pages", number })) },
      Plain: { Keys: [{ id: "20" }] },
    },
  });
  const { Responses } = await documents.send(batch);
  assert.deepEqual(
    Responses.Orders.sort((a, b) => a.number - b.number),
    items.slice(1, 3),
  );
  assert.equal(Responses.Plain[0].note, `${SECRET} 20`);

  const paging = { client: documents, pageSize: 7 };
  const query = {
    TableName: "Orders",
    KeyConditionExpression: "customer = :c",
    ExpressionAttributeValues: { ":c": "pages" },
  };
  const pages = await collect(lib.paginateQuery(paging, query));
  assert.deepEqual(pages.map((page) => page.Count).slice(0, 2), [7, 7]);
  assert.deepEqual(
    pages.flatMap((page) => page.Items),
    items.slice(0, 20),
  );
  const some = {
    TableName: "Orders",
    FilterExpression: "contains(note, :n)",
    ExpressionAttributeValues: { ":n": `${SECRET} 1` },
  };
  const scanned = await collect(lib.paginateScan(paging, some));
  assert.equal(scanned.flatMap((page) => page.Items).length, 11);
  assert.equal(
    scanned.reduce((sum, page) => sum + page.ScannedCount, 0),
    20,
  );
});

test("transactions, with an update of an encrypted attribute and opened reasons", async () => {
  await put(user("from", { balance: 10 }));
  await put(user("to", { balance: 0 }));
  const move = (amount) => ({
    TransactItems: [
      {
        Update: {
          TableName: "Users",
          Key: { id: "from" },
          UpdateExpression: "SET balance = balance - :n",
          ConditionExpression: "balance >= :n",
          ExpressionAttributeValues: { ":n": amount },
          ReturnValuesOnConditionCheckFailure: "ALL_OLD",
        },
      },
      {
        Update: {
          TableName: "Users",
          Key: { id: "to" },
          UpdateExpression: "SET balance = balance + :n",
          ExpressionAttributeValues: { ":n": amount },
        },
      },
    ],
  });
  await documents.send(new lib.TransactWriteCommand(move(4)));
  const read = new lib.TransactGetCommand({
    TransactItems: ["from", "to"].map((id) => ({ Get: { TableName: "Users", Key: { id } } })),
  });
  assert.deepEqual(
    (await documents.send(read)).Responses.map(({ Item }) => Item.balance),
    [6, 4],
  );
  await assert.rejects(documents.send(new lib.TransactWriteCommand(move(7))), (error) => {
    assert.ok(error instanceof dynamodb.TransactionCanceledException);
    assert.deepEqual(
      error.CancellationReasons.map(({ Code }) => Code),
      ["ConditionalCheckFailed", "None"],
    );
    const item = error.CancellationReasons[0].Item;
    assert.ok(JSON.stringify(item).includes(SECRET), "the item of a reason is opened");
    assert.ok(!JSON.stringify(error).includes(SECRET));
    return true;
  });
});

test("PartiQL reads and writes items like the calls that say the same", async () => {
  const run = async (Statement, ...Parameters) =>
    (await client.send(new dynamodb.ExecuteStatementCommand({ Statement, Parameters }))).Items;
  await run("INSERT INTO Users VALUE {'id': ?, 'tier': 'free', 'email': ?}", { S: "partiql" }, { S: SECRET });
  await assertSealed("Users", { id: { S: "partiql" } }, ["id", "tier"], ["email"]);
  const found = await run("SELECT email FROM Users WHERE id = ? AND email = ?", { S: "partiql" }, { S: SECRET });
  assert.deepEqual(found, [{ email: { S: SECRET } }]);
});

test("waiters and calls that hold no items pass", async () => {
  const waited = await dynamodb.waitUntilTableExists({ client, minDelay: 1, maxWaitTime: 10 }, { TableName: "Users" });
  assert.equal(waited.state, "SUCCESS");
  assert.ok((await client.send(new dynamodb.ListTablesCommand({}))).TableNames.includes("Users"));
});

test("a streams client is sealed too", async () => {
  const sent = [];
  const requestHandler = {
    handle: async (request) => {
      sent.push(request.headers["x-amz-target"]);
      return { response: { statusCode: 200, headers: {}, body: Buffer.from('{"Streams":[]}') } };
    },
  };
  const streaming = seal(new streams.DynamoDBStreamsClient({ ...connection(), requestHandler }), dynaseal);
  assert.deepEqual((await streaming.send(new streams.ListStreamsCommand({}))).Streams, []);
  assert.deepEqual(sent, ["DynamoDBStreams_20120810.ListStreams"]);
});
