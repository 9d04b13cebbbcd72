// What goes wrong around a call: lost answers, retries, aborts, other middlewares, logs, a client used before it was sealed.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createRequire } from "node:module";
import { createServer } from "node:http";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { Readable } from "node:stream";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";
import { Dynaseal, DynasealError, seal } from "../dist/esm/index.mjs";
import {
  answer,
  connection,
  documents,
  dynaseal,
  elsewhere,
  raw,
  scripted,
  SECRET,
  stored,
} from "./support/harness.mjs";
import { dynamodb, lib, version } from "./support/sdk.mjs";
import { TEST_KEY } from "./support/store.mjs";
import { config, toml } from "./support/tables.mjs";

const require300 = createRequire(new URL("./sdk/3.300/package.json", import.meta.url));
const put = (documents, id, more = {}) =>
  documents.send(new lib.PutCommand({ TableName: "Users", Item: { id, email: SECRET, balance: 0 }, ...more }));
const get = async (id) =>
  (await documents.send(new lib.GetCommand({ TableName: "Users", Key: { id }, ConsistentRead: true }))).Item;
const add = (documents, id, options) =>
  documents.send(
    new lib.UpdateCommand({
      TableName: "Users",
      Key: { id },
      UpdateExpression: "ADD balance :one",
      ExpressionAttributeValues: { ":one": 1 },
      ReturnValues: "UPDATED_NEW",
    }),
    options,
  );
const typed = (id) =>
  new dynamodb.PutItemCommand({ TableName: "Users", Item: { id: { S: id }, email: { S: SECRET } } });

test("the SDK's retries send the same sealed bytes again", async () => {
  const { documents, seen } = scripted([
    { status: 500, type: "InternalServerError" },
    { status: 400, type: "ProvisionedThroughputExceededException" },
  ]);
  const { $metadata } = await put(documents, "retry");
  assert.equal($metadata.attempts, 3);
  assert.equal(new Set(seen.map(({ body }) => body)).size, 1);
  assert.ok(!seen[0].body.includes(SECRET));
});

test("the signature and the content length are those of the sealed body", async () => {
  const { documents, seen } = scripted();
  await put(documents, "ünï");
  assert.equal(seen[0].headers["content-length"], String(Buffer.byteLength(seen[0].body)));
  assert.match(seen[0].headers.authorization, /SignedHeaders=[^,]*content-length/);
});

test("a transaction that is retried keeps its token and its bytes", async () => {
  const { documents, seen } = scripted(["lost"]);
  const Item = { id: "transaction retry", email: SECRET };
  await documents.send(new lib.TransactWriteCommand({ TransactItems: [{ Put: { TableName: "Users", Item } }] }));
  assert.equal(seen.length, 2);
  assert.equal(seen[0].body, seen[1].body);
  assert.ok(JSON.parse(seen[0].body).ClientRequestToken);
  assert.equal((await get(Item.id)).email, SECRET);
});

test("each inner call has its own retries, target and invocation id", async () => {
  const { documents, seen, operations } = scripted([
    { status: 500, type: "InternalServerError" },
    undefined,
    { status: 400, type: "ThrottlingException" },
  ]);
  assert.equal((await add(documents, "inner")).Attributes.balance, 1);
  assert.deepEqual(operations(), ["GetItem", "GetItem", "UpdateItem", "UpdateItem"]);
  assert.equal(new Set(seen.map(({ headers }) => headers["amz-sdk-invocation-id"])).size, 2);
});

test("a write whose answer is lost is carried out once", async () => {
  await put(documents, "lost once");
  const { documents: lossy, operations } = scripted([undefined, "lost"]);
  assert.equal((await add(lossy, "lost once")).Attributes.balance, 1);
  // The SDK tries again, our own guard fails, and the engine looks who was there.
  assert.deepEqual(operations(), ["GetItem", "UpdateItem", "UpdateItem", "GetItem"]);
  assert.equal((await get("lost once")).balance, 1);
});

test("a write whose every answer is lost is carried out once, too", async () => {
  await put(documents, "lost thrice");
  let writes = 0;
  const { documents: lossy } = scripted(
    Array(20).fill(async (request, send) => {
      if (!request.headers["x-amz-target"].endsWith("UpdateItem")) return send();
      if (++writes === 1) for await (const _ of (await send()).response.body);
      throw Object.assign(new Error("socket hang up"), { code: "ECONNRESET", name: "TimeoutError" });
    }),
  );
  assert.equal((await add(lossy, "lost thrice")).Attributes.balance, 1);
  assert.equal((await get("lost thrice")).balance, 1);
});

/** Carries the request out and spoils its answer. */
async function garbled(_, send) {
  const { response } = await send();
  for await (const _ of response.body);
  return { response: { ...response, statusCode: 200, body: Readable.from([Buffer.from('{"Attributes":{')]) } };
}

test("a write whose answer is garbled is carried out once", async () => {
  await put(documents, "garbled");
  const { documents: lossy, operations } = scripted([undefined, garbled]);
  assert.equal((await add(lossy, "garbled")).Attributes.balance, 1);
  assert.deepEqual(operations(), ["GetItem", "UpdateItem", "GetItem"]);
  assert.equal((await get("garbled")).balance, 1);
});

test("nobody is told to send again what may have been carried out", async () => {
  await put(documents, "garbled twice");
  const { documents: lossy } = scripted([undefined, garbled, garbled]);
  await assert.rejects(add(lossy, "garbled twice"), unsettled);
  assert.equal((await get("garbled twice")).balance, 1);
  // Also where DynamoDB does the work.
  const { documents: plain } = scripted([garbled]);
  const count = { TableName: "Users", Key: { id: "garbled twice" }, UpdateExpression: "ADD #v :one", ExpressionAttributeNames: { "#v": "views" } };
  const counted = plain.send(new lib.UpdateCommand({ ...count, ExpressionAttributeValues: { ":one": 1 } }));
  await assert.rejects(counted, unsettled);
});

/** What is not to be sent again before somebody has looked. */
function unsettled(error) {
  assert.deepEqual([error.name, error.code, error.kind, error.retryable], ["DynasealError", "DSL-6006", "outage", false]);
  assert.equal(error.$retryable, undefined);
  return true;
}

test("a lost answer and another writer in between is an error, not a second write", async () => {
  await put(documents, "lost to another");
  const { documents: lossy } = scripted([
    undefined,
    async (_, send) => {
      const { response } = await send();
      for await (const _ of response.body);
      await add(elsewhere, "lost to another");
      throw Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
    },
  ]);
  await assert.rejects(add(lossy, "lost to another"), unsettled);
  assert.equal((await get("lost to another")).balance, 2);
});

test("a condition of the caller's own that fails after a lost answer is the caller's to judge", async () => {
  const { documents: lossy } = scripted(["lost"]);
  const once = put(lossy, "own condition", { ConditionExpression: "attribute_not_exists(id)" });
  await assert.rejects(once, { name: "ConditionalCheckFailedException" });
});

test("without a network the SDK's own error comes out", async () => {
  const { documents, operations } = scripted(Array(20).fill("refused"), { maxAttempts: 2 });
  await assert.rejects(put(documents, "down"), { code: "ECONNREFUSED" });
  await assert.rejects(add(documents, "down"), { code: "ECONNREFUSED" });
  assert.ok(operations().every((operation) => operation === "PutItem" || operation === "GetItem"));
});

test("throttling that does not end is the SDK's own exception", async () => {
  const { documents } = scripted(Array(20).fill({ status: 400, type: "ThrottlingException" }), { maxAttempts: 2 });
  for (const send of [() => put(documents, "busy"), () => add(documents, "busy")]) {
    await assert.rejects(send(), (error) => error.name === "ThrottlingException" && error.$metadata.attempts >= 2);
  }
});

test("an inner call that fails is the SDK's typed exception", async () => {
  const { documents } = scripted([{ status: 400, type: "ResourceNotFoundException" }]);
  await assert.rejects(add(documents, "x"), (error) => error instanceof dynamodb.ResourceNotFoundException);
});

test("an exception that Dynaseal has nothing to add to is the one that came, with what the SDK says of it", async () => {
  await put(documents, "as it came");
  const refusal = (type) => () => ({
    response: answer(400, { __type: `x#${type}`, message: "as it came" }, { "x-amzn-requestid": "REQUEST-OF-DYNAMODB" }),
  });
  for (const [type, script] of [
    ["ValidationException", [refusal("ValidationException")]],
    ["ResourceNotFoundException", [refusal("ResourceNotFoundException")]],
    ["AccessDeniedException", [undefined, refusal("AccessDeniedException")]],
  ]) {
    const { documents: refused, operations } = scripted([...script]);
    const call = script.length === 1 ? put(refused, "as it came") : add(refused, "as it came");
    await assert.rejects(call, (error) => {
      assert.deepEqual([error.name, error.$metadata.requestId, error.$metadata.attempts], [type, "REQUEST-OF-DYNAMODB", 1]);
      return true;
    });
    assert.equal(operations().length, script.length);
  }
});

test("other writers, again and again: an error that says to retry", async () => {
  const { documents: slow, operations } = scripted(
    Array.from({ length: 40 }, () => async (request, send) => {
      // Another program changes the item before each of our writes.
      if (request.headers["x-amz-target"].endsWith("UpdateItem")) await put(elsewhere, "contended");
      return send();
    }),
  );
  await put(documents, "contended");
  await assert.rejects(add(slow, "contended"), (error) => {
    assert.ok(error instanceof DynasealError);
    assert.deepEqual([error.code, error.retryable, error.$fault], ["DSL-2005", true, "server"]);
    assert.deepEqual(error.$retryable, { throttling: true });
    return true;
  });
  assert.equal(operations().filter((operation) => operation === "UpdateItem").length, 12);
});

test("an abort reaches every inner call and lets the next writer on", async () => {
  await put(documents, "abort");
  const controller = new AbortController();
  const { documents: aborting, operations } = scripted([
    undefined,
    (_, send) => {
      controller.abort();
      return send();
    },
  ]);
  const aborted = add(aborting, "abort", { abortSignal: controller.signal });
  const next = new Promise((resolve) => setTimeout(resolve, 5)).then(() => add(documents, "abort"));
  await assert.rejects(aborted, { name: "AbortError" });
  // Old versions of the SDK try an aborted call again; each try is refused before it leaves.
  const [read, ...writes] = operations();
  assert.equal(read, "GetItem");
  assert.ok(writes.length >= 1 && writes.every((operation) => operation === "UpdateItem"));
  await next;
  assert.equal((await get("abort")).balance, 1);
  const before = scripted();
  await assert.rejects(add(before.documents, "abort", { abortSignal: AbortSignal.abort() }), { name: "AbortError" });
  // The handler is asked, and refuses by itself.
  assert.ok(before.operations().every((operation) => operation === "GetItem"));
});

/** What the oldest SDK tells middlewares of a call does not include its abort signal. */
const unseen = version === "3.300" && "this SDK shows its abort signal to no middleware";

test("an abort ends the wait for another writer's turn", { skip: unseen }, async () => {
  await put(documents, "abort in turn");
  let goOn;
  const held = new Promise((resolve) => (goOn = resolve));
  const { documents: first, seen } = scripted([(_, send) => held.then(send)]);
  const holding = add(first, "abort in turn");
  while (seen.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  const controller = new AbortController();
  const { documents: waiting, operations } = scripted();
  const waits = add(waiting, "abort in turn", { abortSignal: controller.signal });
  await new Promise((resolve) => setTimeout(resolve, 20));
  controller.abort(new Error("enough"));
  await assert.rejects(waits, (error) => error.name === "AbortError" && error.cause.message === "enough");
  assert.deepEqual(operations(), []);
  // Who was aborted holds up nobody.
  const third = add(documents, "abort in turn");
  goOn();
  await Promise.all([holding, third]);
  assert.equal((await get("abort in turn")).balance, 2);
});

test("an abort ends a pause between two tries of a write", { skip: unseen }, async () => {
  await put(documents, "abort in pause");
  const controller = new AbortController();
  let writes = 0;
  const { documents: slow, operations } = scripted(
    Array.from({ length: 40 }, () => async (request, send) => {
      if (!request.headers["x-amz-target"].endsWith("UpdateItem")) return send();
      // Another program is always faster. After the sixth try the engine pauses.
      await add(elsewhere, "abort in pause");
      const sent = await send();
      if ((writes += 1) === 6) controller.abort();
      return sent;
    }),
  );
  await assert.rejects(add(slow, "abort in pause", { abortSignal: controller.signal }), { name: "AbortError" });
  assert.equal(operations().at(-1), "UpdateItem", "nothing is sent after it, not even in vain");
  assert.equal(writes, 6);
  assert.equal((await get("abort in pause")).balance, 6);
});

test("a middleware that throws or rejects ends the call, and the next one works", async () => {
  await put(documents, "throws");
  for (const step of ["initialize", "build", "finalizeRequest", "deserialize"]) {
    for (const late of [false, true]) {
      const { client, documents: throwing } = scripted();
      let armed = true;
      const middleware = (next) => async (args) => {
        if (armed && !late) throw new RangeError(step);
        const output = await next(args);
        if (armed) throw new RangeError(step);
        return output;
      };
      client.middlewareStack.add(middleware, { step, name: "throws", priority: step === "build" ? "low" : "normal" });
      await assert.rejects(add(throwing, "throws"), { name: "RangeError", message: step });
      armed = false;
      await add(throwing, "throws");
    }
  }
  // Late in the last step of a call is after its write.
  assert.ok((await get("throws")).balance >= 8);
});

test("a body that another middleware replaces is not sent", async () => {
  const copies = {
    build: (body) => Buffer.from(body),
    finalizeRequest: (body) => Buffer.from(body).toString(),
    deserialize: () => '{"x":1}',
  };
  for (const [step, copy] of Object.entries(copies)) {
    const { client, seen } = scripted();
    const replace = (next) => (args) =>
      next({ ...args, request: Object.assign(args.request, { body: copy(args.request.body) }) });
    client.middlewareStack.add(replace, { step, priority: step === "deserialize" ? "high" : "low", name: "replaces" });
    await assert.rejects(
      client.send(typed("replaced")),
      (error) => error instanceof DynasealError && error.code === "DSL-9004",
    );
    assert.deepEqual(seen, []);
  }
});

test("a body that is plaintext again is not sent", async () => {
  const { client, seen } = scripted();
  client.middlewareStack.add(
    (next) => (args) => next({ ...args, request: Object.assign(args.request, { body: JSON.stringify(args.input) }) }),
    { step: "finalizeRequest", priority: "low", name: "serializes again" },
  );
  await assert.rejects(client.send(typed("plain again")), { code: "DSL-9004" });
  assert.deepEqual(seen, []);
});

test("a middleware that rebuilds its arguments and the request does no harm", async () => {
  const { client, seen } = scripted();
  client.middlewareStack.add(
    (next) =>
      ({ input, request }) =>
        next({ input, request: Object.assign(Object.create(Object.getPrototypeOf(request)), request) }),
    {
      step: "finalizeRequest",
      priority: "low",
      name: "rebuilds",
    },
  );
  await client.send(typed("rebuilt"));
  assert.equal(seen.length, 1);
  const { Item } = await client.send(
    new dynamodb.GetItemCommand({ TableName: "Users", Key: { id: { S: "rebuilt" } } }),
  );
  assert.deepEqual(Item.email, { S: SECRET });
});

test("a middleware that answers in DynamoDB's place is refused", async () => {
  const { client, seen } = scripted();
  client.middlewareStack.add(() => async () => ({ output: { $metadata: {} } }), {
    step: "finalizeRequest",
    priority: "high",
    name: "answers",
  });
  await assert.rejects(client.send(typed("answered")), { code: "DSL-9008" });
  assert.deepEqual(seen, []);
});

test("an answer with another status than DynamoDB's is told as that", async () => {
  await put(documents, "status");
  const Key = { id: "status" };
  for (const status of [201, 202, 204, 206]) {
    const other = () => ({ response: answer(status, {}) });
    const nothing = () => ({ response: { statusCode: status, headers: {}, body: Buffer.alloc(0) } });
    for (const act of [other, nothing]) {
      const plain = scripted([act]).documents.send(new lib.PutCommand({ TableName: "Plain", Item: { id: "status" } }));
      // As without Dynaseal, whatever the SDK makes of it.
      await plain.catch((error) => assert.notEqual(error.code, "DSL-9008"));
      const calls = [
        (documents) => put(documents, "status"),
        (documents) => documents.send(new lib.GetCommand({ TableName: "Users", Key })),
        (documents) => documents.send(new lib.ScanCommand({ TableName: "Users" })),
      ];
      for (const call of calls)
        await assert.rejects(call(scripted([act]).documents), (error) => error.code === "DSL-6004" && error.message.includes(String(status)));
    }
  }
});

test("a load balancer's page says when to come back, to the SDK and to the application", async () => {
  const headers = { "content-type": "text/html", "x-amz-retry-after": "400", "retry-after": "1" };
  const page = () => ({ response: { statusCode: 503, headers, body: Readable.from([Buffer.from("<html>busy</html>")]) } });
  const Key = { id: "page" };
  // The oldest version takes a page for no answer at all, sealed or not: it asks once and learns no status.
  const reads = version !== "3.300";
  for (const call of [
    (documents) => put(documents, "page"),
    (documents) => documents.send(new lib.GetCommand({ TableName: "Users", Key })),
    (documents) => documents.send(new lib.ScanCommand({ TableName: "Users" })),
  ]) {
    if (reads) await call(scripted([page]).documents);
    const error = await call(scripted(Array(12).fill(page)).documents).then(assert.fail, (error) => error);
    assert.equal(error.code, "DSL-6004");
    // Versions before 2026 tell their exceptions less of an answer that they cannot read.
    if (!error.$response) continue;
    assert.equal(error.$response.headers["x-amz-retry-after"], "400");
    assert.equal(error.$metadata.httpStatusCode, reads ? 503 : undefined);
    assert.ok(!inspect(error, { depth: 9, showHidden: true }).includes("busy"));
  }
  // As many know it, at least the newest does.
  if (version === "newest") {
    const error = await scripted(Array(12).fill(page)).documents.send(new lib.GetCommand({ TableName: "Users", Key })).catch((error) => error);
    assert.equal(error.$response.headers["retry-after"], "1");
  }
});

test("the request that the SDK made is left as it was", async () => {
  const client = new dynamodb.DynamoDBClient(connection());
  let before, held;
  const look = (next) => (args) => {
    held = args.request;
    before = { body: held.body, headers: JSON.stringify(held.headers) };
    return next(args);
  };
  client.middlewareStack.add(look, { step: "build", priority: "high", name: "looks" });
  seal(client, dynaseal);
  await client.send(typed("untouched"));
  assert.equal(held.body, before.body);
  assert.equal(JSON.stringify(held.headers), before.headers);
});

test("a client that was used before it was sealed is sealed from then on", async () => {
  const client = new dynamodb.DynamoDBClient(connection());
  const late = lib.DynamoDBDocumentClient.from(client);
  await late.send(new lib.PutCommand({ TableName: "Plain", Item: { id: "before" } }));
  seal(late, dynaseal);
  await put(late, "late");
  assert.ok((await stored("Users", { id: { S: "late" } })).aws_dbe_foot);
});

test("cacheMiddleware is refused", () => {
  const client = new dynamodb.DynamoDBClient({ ...connection(), cacheMiddleware: true });
  // Older versions of the SDK do not have it, and drop it.
  if (!client.config.cacheMiddleware) client.config.cacheMiddleware = true;
  assert.throws(() => seal(client, dynaseal), { code: "DSL-9002" });
});

test("sealing twice changes nothing with the same configuration, and is refused with another", async () => {
  const { client, documents, seen } = scripted();
  assert.equal(seal(documents, dynaseal), documents);
  seal(client, dynaseal);
  await put(documents, "twice");
  assert.equal(seen.length, 1);
  assert.equal(
    (await documents.send(new lib.GetCommand({ TableName: "Users", Key: { id: "twice" } }))).Item.email,
    SECRET,
  );
  for (const other of [config, new Dynaseal(config)]) assert.throws(() => seal(documents, other), { code: "DSL-9003" });
  const byObject = new dynamodb.DynamoDBClient(connection());
  assert.equal(seal(seal(byObject, config), config), byObject);
});

test("a client that another copy of this package has sealed is refused", () => {
  const client = new dynamodb.DynamoDBClient(connection());
  client.middlewareStack.add((next) => (args) => next(args), { name: "dynasealRequest", step: "build", priority: "high" });
  assert.throws(() => seal(client, dynaseal), { code: "DSL-9003" });
  client.destroy();
});

test("sealing again is refused if the configuration or the options are others by then", async () => {
  const folder = await mkdtemp(join(tmpdir(), "dynaseal-again-"));
  const path = join(folder, "dynaseal.toml");
  await writeFile(path, toml);
  const kms = { send: () => assert.fail("nothing asks for it"), config: {} };
  const env = { DYNASEAL_TEST_KEY: TEST_KEY };
  const object = structuredClone(config);
  const made = () => new dynamodb.DynamoDBClient(connection());
  const same = [
    [object, undefined],
    [object, { kms, env }],
    [path, undefined],
    [pathToFileURL(path), { env }],
    [{ config: path }, { dynamodb: kms }],
  ];
  for (const [given, options] of same) {
    const client = seal(made(), given, options);
    assert.equal(seal(client, given, options && { ...options }), client);
    for (const other of [{ kms: { ...kms } }, { dynamodb: () => kms }, { env: { ...env, MORE: "1" } }])
      assert.throws(() => seal(client, given, { ...options, ...other }), { code: "DSL-9003" });
  }
  const byPath = seal(made(), path);
  for (const spelt of [relative(process.cwd(), path), pathToFileURL(path), { config: path }, { config: pathToFileURL(path) }])
    assert.equal(seal(byPath, spelt), byPath);
  const byObject = seal(made(), object, { env });
  object.tables.Users.attributes.email = "sign_only";
  assert.throws(() => seal(byObject, object, { env }), { code: "DSL-9003" });
  delete object.tables.Users.attributes.email;
  assert.equal(seal(byObject, object, { env }), byObject);
  env.DYNASEAL_TEST_KEY = "66".repeat(32);
  assert.throws(() => seal(byObject, object, { env }), { code: "DSL-9003" });
  await writeFile(path, toml.replace('"sign_only"', '"encrypt_and_sign"'));
  assert.throws(() => seal(byPath, path), { code: "DSL-9003" });
  await rm(folder, { recursive: true });
});

test("what is no item, event or table's name is refused as what it is", async () => {
  const item = { id: { S: "1" }, email: { S: SECRET } };
  const circle = { id: { S: "1" }, email: { M: {} } };
  circle.email.M.self = circle;
  const items = [undefined, null, 5, "{}", 5n, Symbol("x"), () => item, [], [item], new Map(Object.entries(item)), Promise.resolve(item)];
  items.push(circle, { id: { S: "1" }, email: { N: 5n } }, { id: { S: "1" }, email: { M: new Map() } }, { id: { S: "1" }, email: { SS: new Set(["a"]) } });
  items.push({ id: { S: "1" }, email: { S: () => SECRET } }, { id: { S: "1" }, email: { B: new ArrayBuffer(8) } }, Buffer.from(SECRET), new Date(0));
  items.push(Object.defineProperty({}, "id", { enumerable: true, get: () => { throw new RangeError(SECRET); } }));
  const isOurs = (error) => error instanceof DynasealError && error.kind === "caller" && !error.message.includes(SECRET);
  for (const wrong of items) {
    for (const call of ["sealItem", "openItem"]) await assert.rejects(dynaseal[call]("Users", wrong), isOurs, String(call));
    await assert.rejects(dynaseal.openRecords(wrong), isOurs);
    await assert.rejects(dynaseal.openRecords({ Records: [wrong] }, { table: "Users" }), isOurs);
    await assert.rejects(dynaseal.openRecords({ Records: [{ dynamodb: wrong }] }), isOurs);
    const image = { Records: [{ dynamodb: { Keys: {}, NewImage: wrong } }] };
    if (wrong ?? false) await assert.rejects(dynaseal.openRecords(image, { table: "Users" }), (error) => error instanceof DynasealError);
  }
  for (const table of [undefined, null, 5, {}, ["Users"], new String("Users"), Promise.resolve("Users")]) {
    for (const call of ["sealItem", "openItem"]) await assert.rejects(dynaseal[call](table, item), { code: "DSL-9013" });
    if (table !== undefined) await assert.rejects(dynaseal.openRecords({ Records: [] }, { table }), { code: "DSL-9013" });
  }
  for (const options of [null, 5, "Users", []]) await assert.rejects(dynaseal.openRecords({ Records: [] }, options), { code: "DSL-9013" });
  for (const client of [undefined, null, 5, {}, { middlewareStack: {} }, { middlewareStack: { add: 1 }, config: { serviceId: "DynamoDB" } }, Promise.resolve(raw)])
    assert.throws(() => seal(client, dynaseal), { code: "DSL-9001" });
  await assert.rejects(dynaseal.sealItem("Nobody", item), isOurs);
});

test("a write whose answer never comes holds up no other writer of its item for long", async () => {
  await put(documents, "hung");
  const never = new Promise(() => {});
  const hung = scripted([undefined, () => never]);
  void add(hung.documents, "hung");
  while (hung.seen.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  const began = Date.now();
  await Promise.all([add(documents, "hung"), add(documents, "hung")]);
  assert.ok(Date.now() - began < 8000);
  const later = Date.now();
  await add(documents, "hung");
  assert.ok(Date.now() - later < 1500, "once is enough");
  assert.equal((await get("hung")).balance, 3);
});

test("the time limit that the README names ends a request whose answer never comes", async () => {
  const silent = createServer(() => {}).listen(0, "127.0.0.1");
  await once(silent, "listening");
  const requestHandler = { connectionTimeout: 1000, requestTimeout: 200, throwOnRequestTimeout: true };
  // Old versions of the SDK take a handler, not its options.
  const handler = version === "3.300" ? new (require300("@aws-sdk/node-http-handler").NodeHttpHandler)(requestHandler) : requestHandler;
  const endpoint = `http://127.0.0.1:${silent.address().port}`;
  const client = seal(new dynamodb.DynamoDBClient({ ...connection(), endpoint, requestHandler: handler, maxAttempts: 1 }), dynaseal);
  try {
    await assert.rejects(add(lib.DynamoDBDocumentClient.from(client), "silent"), { name: "TimeoutError" });
  } finally {
    client.destroy();
    silent.closeAllConnections();
    silent.close();
  }
});

test("the SDK's logger shows no names of attributes, which may be keys inside an encrypted one", async () => {
  const lines = [];
  const log = (...args) => lines.push(inspect(args, { depth: 20 }));
  const logger = { trace: log, debug: log, info: log, warn: log, error: log };
  const { documents, client } = scripted([], { logger });
  const Key = { id: "names" };
  await put(documents, "names", { ExpressionAttributeNames: { "#k": SECRET }, ConditionExpression: "attribute_not_exists(email.#k)" });
  const update = { TableName: "Users", Key, UpdateExpression: "SET profile = :p", ExpressionAttributeValues: { ":p": { [SECRET]: 1 } } };
  await documents.send(new lib.UpdateCommand(update));
  const names = { "#k": SECRET };
  await documents.send(new lib.UpdateCommand({ ...update, UpdateExpression: "SET profile.#k = :p", ExpressionAttributeNames: names }));
  const word = SECRET.replaceAll("-", "");
  await documents.send(new lib.UpdateCommand({ ...update, UpdateExpression: `SET profile.${word} = :p` }));
  await documents.send(new lib.GetCommand({ TableName: "Users", Key, ProjectionExpression: `profile.${word}` }));
  await documents.send(new lib.GetCommand({ TableName: "Users", Key, AttributesToGet: [word] })).catch(() => {});
  const scan = { TableName: "Users", FilterExpression: `attribute_exists(profile.${word})` };
  await documents.send(new lib.ScanCommand(scan));
  const query = { TableName: "Users", KeyConditionExpression: "id = :i", ExpressionAttributeValues: { ":i": "names" } };
  await documents.send(new lib.QueryCommand({ ...query, FilterExpression: "attribute_exists(profile.#k)", ExpressionAttributeNames: names }));
  await client.send(new dynamodb.ExecuteStatementCommand({ Statement: `SELECT profile.${word} FROM "Users" WHERE id = 'names'` }));
  await documents.send(new lib.UpdateCommand({ ...update, UpdateExpression: `SET nothing.${word} = :p` })).catch(() => {});
  assert.ok(lines.length >= 8 && lines.every((line) => !line.includes(SECRET) && !line.includes(word)), lines.join("\n"));
  assert.ok(lines.some((line) => line.includes("Users")));
});

test("what is not a DynamoDB client is refused", () => {
  for (const client of [undefined, {}, { config: { serviceId: "S3" }, middlewareStack: raw.middlewareStack }]) {
    assert.throws(() => seal(client, dynaseal), { code: "DSL-9001" });
  }
});

test("the SDK's logger shows no plaintext", async () => {
  const lines = [];
  const log = (...args) => lines.push(JSON.stringify(args));
  const logger = { trace: log, debug: log, info: log, warn: log, error: log };
  const bare = new dynamodb.DynamoDBClient({ ...connection(), logger });
  await bare.send(
    new dynamodb.PutItemCommand({ TableName: "Plain", Item: { id: { S: "log" }, email: { S: SECRET } } }),
  );
  assert.ok(
    lines.some((line) => line.includes(SECRET)),
    "without sealing it would be logged",
  );
  lines.length = 0;
  const { client, documents } = scripted([], { logger });
  await client.send(typed("log"));
  await client.send(new dynamodb.GetItemCommand({ TableName: "Users", Key: { id: { S: "log" } } }));
  await documents.send(new lib.GetCommand({ TableName: "Users", Key: { id: "log" } }));
  await put(documents, "log", {
    ConditionExpression: "attribute_not_exists(id)",
    ReturnValuesOnConditionCheckFailure: "ALL_OLD",
  }).catch(() => {});
  assert.ok(lines.length >= 3 && lines.some((line) => line.includes("Users")));
  assert.ok(!lines.some((line) => line.includes(SECRET)));
});

test("the checksum and length of the sealed answer are gone from what the SDK sees", async () => {
  const item = await (async () => {
    await put(documents, "headers");
    return stored("Users", { id: { S: "headers" } });
  })();
  const Item = Object.fromEntries(
    Object.entries(item).map(([name, { B, ...value }]) => [name, B ? { B: Buffer.from(B).toString("base64") } : value]),
  );
  const { client } = scripted([
    () => ({ response: answer(200, { Item }, { "X-Amz-Crc32": "1", "content-length": "1" }) }),
  ]);
  let headers;
  const look = (next) => async (args) => {
    const result = await next(args);
    headers = Object.keys(result.response.headers).map((name) => name.toLowerCase());
    return result;
  };
  client.middlewareStack.add(look, { step: "deserialize", priority: "high", name: "looks" });
  const out = await client.send(new dynamodb.GetItemCommand({ TableName: "Users", Key: { id: { S: "headers" } } }));
  assert.deepEqual(out.Item.email, { S: SECRET });
  assert.ok(
    !headers.includes("x-amz-crc32") && !headers.includes("content-length") && headers.includes("content-type"),
  );
});

test("an answer may come as text, bytes, parts or a blob", async () => {
  const bytes = Buffer.from('{"TableNames":["ä"]}');
  const parts = async function* () {
    yield bytes.subarray(0, 16);
    yield bytes.subarray(16);
  };
  for (const body of [
    bytes.toString(),
    new Uint8Array(bytes),
    parts(),
    new Blob([bytes]),
    new Blob([bytes]).stream(),
  ]) {
    const { client } = scripted([() => ({ response: { statusCode: 200, headers: {}, body } })]);
    assert.deepEqual((await client.send(new dynamodb.ListTablesCommand({}))).TableNames, ["ä"]);
  }
});

test("a request without X-Amz-Target is not sent", async () => {
  const { client, seen } = scripted();
  client.middlewareStack.add((next) => (args) => (delete args.request.headers["x-amz-target"], next(args)), {
    step: "serialize",
    priority: "low",
    name: "drops",
  });
  await assert.rejects(client.send(typed("no target")), { code: "DSL-9005" });
  assert.deepEqual(seen, []);
});

test("an answer does not lead to another place", async () => {
  const away = { location: "http://127.0.0.1:9/", "alt-svc": 'h2="elsewhere.invalid:443"', "Content-Location": "x", link: "<x>" };
  const seen = [];
  for (const status of [200, 301, 307, 308]) {
    const { client, operations } = scripted([() => ({ response: answer(status, {}, away) })], { maxAttempts: 1 });
    // Outside of what seals: what the SDK's own deserializer gets.
    client.middlewareStack.addRelativeTo(
      (next) => async (args) => {
        const result = await next(args);
        seen.push({ ...result.response.headers });
        return result;
      },
      { relation: "before", toMiddleware: "dynasealResponse" },
    );
    const outcome = client.send(typed("away"));
    if (status === 200) await outcome;
    else await assert.rejects(outcome);
    assert.deepEqual(operations(), ["PutItem"]);
  }
  assert.equal(seen.length, 4);
  for (const headers of seen)
    for (const name of Object.keys(away)) assert.equal(headers[name.toLowerCase()] ?? headers[name], undefined, name);
});

test("an answer that would lead the SDK elsewhere is not asked for", async () => {
  const { client, seen } = scripted();
  await assert.rejects(client.send(new dynamodb.DescribeEndpointsCommand({})), { code: "DSL-2012" });
  assert.equal(seen.length, 0);
});

test("a request with two targets is not sent", async () => {
  const { client, seen } = scripted();
  client.middlewareStack.add(
    (next) => (args) => {
      args.request.headers["X-Amz-Target"] = "DynamoDB_20120810.DescribeTable";
      return next(args);
    },
    { step: "serialize", priority: "low" },
  );
  await assert.rejects(client.send(typed("two targets")), { code: "DSL-9005" });
  assert.equal(seen.length, 0);
});
