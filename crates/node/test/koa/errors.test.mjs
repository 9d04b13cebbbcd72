// dynamoErrors with the real exceptions of the AWS SDK, made from real answers of a fake DynamoDB on loopback.

import assert from "node:assert/strict";
import http from "node:http";
import { test } from "node:test";

import { DynamoDBClient, GetItemCommand, TransactWriteItemsCommand } from "@aws-sdk/client-dynamodb";
import { dynamoErrors } from "dynaseal/koa";
import { z } from "zod";
import * as mini from "zod/mini";

import { captured, serveKoa } from "./apps.mjs";

const CANARY = "canary-ada@example.test";

/** What the SDK throws for an answer of DynamoDB. */
async function thrown(t, type, { status = 400, message = `says ${CANARY}`, ...more } = {}) {
  const server = http.createServer((_request, response) => {
    response.writeHead(status, { "content-type": "application/x-amz-json-1.0", "x-amzn-requestid": "REQUEST1" });
    response.end(JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${type}`, message, Message: message, ...more }));
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => { server.close(); server.closeAllConnections(); });
  const client = new DynamoDBClient({ region: "eu-west-1", endpoint: `http://127.0.0.1:${server.address().port}`, maxAttempts: 1, credentials: { accessKeyId: "test", secretAccessKey: "test" } });
  t.after(() => client.destroy());
  const command = more.CancellationReasons ? new TransactWriteItemsCommand({ TransactItems: [] }) : new GetItemCommand({ TableName: "Users", Key: { userId: { S: "1" } } });
  return client.send(command).then(() => assert.fail("no error"), (error) => error);
}

/** The answer of a service whose handler throws this. */
async function answerTo(t, error, options) {
  const { call, errors } = await serveKoa(t, [dynamoErrors(options), (ctx) => {
    ctx.type = "text/csv";
    ctx.set("Cache-Control", "public");
    ctx.set("ETag", '"1"');
    throw error;
  }]);
  const answer = await call({ path: `/users/${encodeURIComponent(CANARY)}` });
  assert.ok(!answer.text.includes("canary") && !JSON.stringify(answer.headers).includes("canary"), answer.text);
  for (const emitted of errors) assert.ok(!`${emitted.stack}${JSON.stringify(emitted)}`.includes("canary"), emitted.stack);
  return { ...answer, errors };
}

const expected = async (t, error, status, body, emitted) => {
  const answer = await answerTo(t, error);
  assert.equal(answer.status, status, `${error.name} ${error.message}`);
  assert.deepEqual(answer.json(), body);
  assert.match(answer.headers["content-type"], /^application\/json/);
  assert.deepEqual([answer.headers["cache-control"], answer.headers.etag], [undefined, undefined]);
  assert.equal(answer.headers["retry-after"], status === 503 ? "1" : undefined);
  assert.deepEqual(answer.errors.map((e) => e.name), emitted ? ["DynamoFailure"] : []);
};
const reasons = (...codes) => ({ CancellationReasons: codes.map((Code) => ({ Code, Message: CANARY, Item: { email: { S: CANARY } } })) });

test("409 is a condition that did not hold, and nothing else", async (t) => {
  const conflict = { error: "Condition not met" };
  await expected(t, await thrown(t, "ConditionalCheckFailedException", { Item: { email: { S: CANARY } } }), 409, conflict);
  await expected(t, await thrown(t, "DuplicateItemException"), 409, conflict);
  await expected(t, await thrown(t, "TransactionCanceledException", reasons("None", "ConditionalCheckFailed")), 409, conflict);
  await expected(t, await thrown(t, "TransactionCanceledException", reasons("DuplicateItem")), 409, conflict);
});

test("503 with Retry-After is throttling and contention", async (t) => {
  const busy = { error: "Busy, try again" };
  for (const name of ["ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded", "TransactionConflictException",
    "TransactionInProgressException", "LimitExceededException", "ReplicatedWriteConflictException"]) {
    await expected(t, await thrown(t, name), 503, busy);
  }
  for (const codes of [["TransactionConflict"], ["ConditionalCheckFailed", "TransactionConflict"], ["ThrottlingError", "ConditionalCheckFailed"], ["ProvisionedThroughputExceeded", "None"]]) {
    await expected(t, await thrown(t, "TransactionCanceledException", reasons(...codes)), 503, busy);
  }
  await expected(t, await thrown(t, "ThrottlingException", { status: 503, message: "DSL-2005: UpdateItem on table Users: other writers changed the item during each of 12 tries. Try again." }), 503, busy);
  await expected(t, await thrown(t, "ThrottlingException", { status: 503, message: "DSL-7107: x. Y." }), 503, busy);
});

test("503 is also DynamoDB that does not answer, which the service is told of", async (t) => {
  const outage = { error: "Unavailable, try again" };
  await expected(t, await thrown(t, "InternalServerError", { status: 500 }), 503, outage, true);
  await expected(t, await thrown(t, "ServiceUnavailable", { status: 503, message: "DSL-6001: GetItem: no answer from the upstream. Try again." }), 503, outage, true);
  await expected(t, await thrown(t, "InternalServerError", { status: 502, message: "DSL-6004: GetItem: x. Y." }), 503, outage, true);
  const client = new DynamoDBClient({ region: "eu-west-1", endpoint: "http://127.0.0.1:1", maxAttempts: 1, credentials: { accessKeyId: "test", secretAccessKey: "test" } });
  const unreachable = await client.send(new GetItemCommand({ TableName: "Users", Key: {} })).catch((error) => error);
  assert.equal(unreachable.code, "ECONNREFUSED");
  await expected(t, unreachable, 503, outage, true);
});

test("422 names attributes and no value", async (t) => {
  const input = (...fields) => ({ error: "Invalid input", fields });
  const invalid = (message) => thrown(t, "ValidationException", { message });
  await expected(t, await invalid("One or more parameter values were invalid: Missing the key userId in the item"), 422, input("userId"));
  await expected(t, await invalid("One or more parameter values were invalid: Type mismatch for key userId expected: S actual: N"), 422, input("userId"));
  await expected(t, await invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: userId"), 422, input("userId"));
  await expected(t, await invalid(`The parameter cannot be converted to a numeric value: ${CANARY}`), 422, input(), true);
  await expected(t, await invalid(`Missing the key ${CANARY} in the item`), 422, input("*"));
  await expected(t, await invalid(`DSL-1002: PutItem on table Users: attribute "nickname" has no configured action. X.`), 422, input("nickname"));
  await expected(t, await invalid(`DSL-1002: PutItem on table Users: attribute "${CANARY}" has no configured action. X.`), 422, input("*"));
  await expected(t, await invalid("DSL-2004: PutItem on table Users: sealed, the item has 500000 bytes, 90400 more. X."), 422, input(), true);
  await expected(t, await thrown(t, "TransactionCanceledException", reasons("ValidationError", "ConditionalCheckFailed")), 422, input(), true);
});

test("422 for zod, mini and full", async (t) => {
  const User = z.strictObject({ email: z.email(), card: z.object({ number: z.string().max(3) }), tags: z.array(z.string()), more: z.record(z.string(), z.number()) });
  const wrong = { email: CANARY.replace("@", " "), card: { number: CANARY }, tags: ["a", 1], more: { [CANARY]: "x" }, [CANARY]: 1, other: 1 };
  const { error } = User.safeParse(wrong);
  await expected(t, error, 422, { error: "Invalid input", fields: ["email", "card.number", "tags.1", "more.*", "*", "other"] });
  let thrownByMini;
  try { mini.parse(mini.object({ email: mini.string() }), { email: 1 }); } catch (e) { thrownByMini = e; }
  await expected(t, thrownByMini, 422, { error: "Invalid input", fields: ["email"] });
});

test("500 without detail for what the service must mend, which it is told of", async (t) => {
  const fault = { error: "Internal Server Error" };
  for (const name of ["AccessDeniedException", "ResourceNotFoundException", "UnrecognizedClientException", "ExpiredTokenException", "ItemCollectionSizeLimitExceededException", "NewException"]) {
    await expected(t, await thrown(t, name), 500, fault, true);
  }
  for (const code of ["DSL-2001", "DSL-2002", "DSL-2003", "DSL-1099", "DSL-4001", "DSL-5013", "DSL-7101", "DSL-9001"]) {
    await expected(t, await thrown(t, "ValidationException", { message: `${code}: PutItem on table Users: x. Y.` }), 500, fault, true);
  }
  await expected(t, await thrown(t, "InternalServerError", { status: 500, message: "DSL-7199: x. Y." }), 500, fault, true);
  await expected(t, await thrown(t, "TransactionCanceledException", reasons("ConditionalCheckFailed", "SomethingNew")), 500, fault, true);
  await expected(t, await thrown(t, "TransactionCanceledException", { CancellationReasons: [] }), 500, fault, true);
  const { errors } = await answerTo(t, await thrown(t, "AccessDeniedException"));
  assert.equal(errors[0].message, "AccessDeniedException (fault, answered with 500, request REQUEST1)");
});

test("integrity failures are security events, without a value", async (t) => {
  const message = `DSL-3008: GetItem on table Users (key attributes "userId"): verification failed at the footer's tag. Compare ${CANARY}.`;
  const error = await thrown(t, "ItemVerificationException", { message });
  const events = [];
  const answer = await answerTo(t, error, { onSecurityEvent: async (event) => { events.push(event); } });
  assert.deepEqual([answer.status, answer.text, answer.errors], [500, '{"error":"Internal Server Error"}', []]);
  const [{ time, ...event }] = events;
  assert.ok(Math.abs(Date.now() - Date.parse(time)) < 5000);
  assert.deepEqual(event, { event: "integrity", name: "ItemVerificationException", code: "DSL-3008", operation: "GetItem", table: "Users", requestId: "REQUEST1", method: "GET" });

  for (const [place, operation] of [
    ["BatchGetItem on table Users, item 2 (key id)", "BatchGetItem"],
    ["GetRecords on table Users, record 3, NewImage (key id)", "GetRecords"],
    ["ExecuteStatement as GetItem on table Users (key id)", "ExecuteStatement"],
    ["BatchExecuteStatement as UpdateItem on table Users, statement 2, while all others were carried out (key id)", "BatchExecuteStatement"],
  ]) {
    const told = [];
    const failed = await thrown(t, "ItemVerificationException", { message: `DSL-3008: ${place}: verification failed. Compare ${CANARY}.` });
    await answerTo(t, failed, { onSecurityEvent: (event) => told.push(event) });
    assert.deepEqual(told.map((event) => [event.operation, event.table]), [[operation, "Users"]], place);
  }

  const lines = captured(t, "error");
  assert.equal((await answerTo(t, error)).status, 500);
  assert.equal((await answerTo(t, error, { onSecurityEvent: () => { throw new Error(CANARY); } })).status, 500);
  assert.equal((await answerTo(t, error, { onSecurityEvent: () => Promise.reject(new TypeError(CANARY)) })).status, 500);
  assert.deepEqual(lines.map((line) => [JSON.parse(line).code, JSON.parse(line).hook]), [["DSL-3008", undefined], ["DSL-3008", "Error"], ["DSL-3008", "TypeError"]]);
  assert.ok(!lines.join().includes("canary"));

  // As Dynaseal throws in this process, and what a moved item shows as.
  const sealed = (code, more) => Object.assign(new Error(`a message with ${CANARY}`), { name: "DynasealError", code, ...more });
  const seen = [];
  const note = { onSecurityEvent: (e) => seen.push(`${e.code} ${e.table} ${e.operation}`) };
  for (const [code, kind, status] of [["DSL-4002", "outage", 503], ["DSL-6001", "outage", 503], ["DSL-2005", "outage", 503], ["DSL-4001", "keys", 500], ["DSL-1001", "caller", 422], ["DSL-9003", "config", 500]]) {
    assert.equal((await answerTo(t, sealed(code, { kind }))).status, status, code);
  }
  await answerTo(t, sealed("DSL-4012", { kind: "data", table: "Users", operation: "Query" }), note);
  for (const code of ["DSL-3001", "DSL-3010", "DSL-4003", "DSL-4004", "DSL-4011"]) await answerTo(t, sealed(code, { table: "Users", operation: "GetItem" }), note);
  await answerTo(t, sealed("DSL-3001", { table: `no ${CANARY}`, operation: { toString() { throw new Error("x"); } } }), note);
  assert.deepEqual(seen, ["DSL-4012 Users Query", "DSL-3001 Users GetItem", "DSL-3010 Users GetItem", "DSL-4003 Users GetItem", "DSL-4004 Users GetItem", "DSL-4011 Users GetItem", "DSL-3001 undefined undefined"]);
});

test("a value that looks like a code changes nothing", async (t) => {
  const error = await thrown(t, "ValidationException", { message: "The value is not valid: DSL-3008: GetItem on table Users" });
  await expected(t, error, 422, { error: "Invalid input", fields: [] }, true);
});

test("errors of other origin pass through untouched", async (t) => {
  const own = [
    Object.assign(new Error("mine"), { name: "ConditionalCheckFailedException" }),
    Object.assign(new Error("mine"), { name: "ZodError" }),
    Object.assign(new Error("mine"), { code: "ECONNREFUSED" }),
    Object.assign(new Error("mine"), { name: { toString() { throw new Error("x"); } }, message: { toString() { throw new Error("x"); } } }),
    Object.assign(new Error("mine"), { name: "EgressError", code: "DSL-9101" }),
    new TypeError("fetch failed", { cause: Object.assign(new Error("mine"), { code: "DSL-9101" }) }),
    new TypeError("mine"), "text", null, undefined, 7, Object.create(null),
    new Proxy({}, { get() { throw new Error("trap"); } }),
  ];
  for (const error of own) {
    const ctx = { res: { headersSent: false } };
    const [caught] = await dynamoErrors()(ctx, async () => { throw error; }).then(() => [], (e) => [e]);
    assert.ok(Object.is(caught, error));
  }
  const cause = await thrown(t, "ConditionalCheckFailedException");
  const { call } = await serveKoa(t, [dynamoErrors(), (ctx) => ctx.throw(ctx.path === "/404" ? 404 : 418, "teapot", { cause })]);
  assert.equal((await call({ path: "/404" })).status, 404);
  assert.deepEqual([(await call()).status, (await call()).text], [418, "teapot"]);
});

test("what a mapper wrapped is still what DynamoDB said", async (t) => {
  const cause = await thrown(t, "ConditionalCheckFailedException");
  await expected(t, new Error("ElectroError", { cause: new Error("inner", { cause }) }), 409, { error: "Condition not met" });
  const loop = new Error("loop");
  loop.cause = loop;
  const caught = await dynamoErrors()({ res: {} }, async () => { throw loop; }).catch((e) => e);
  assert.equal(caught, loop);
});

test("an answer that has begun is not begun again", async (t) => {
  const error = await thrown(t, "ConditionalCheckFailedException");
  const { call, errors } = await serveKoa(t, [dynamoErrors(), (ctx) => { ctx.respond = false; ctx.res.writeHead(200); ctx.res.end("x"); throw error; }]);
  assert.equal((await call()).status, 200);
  assert.equal(errors[0], error);
});

test("Retry-After can be set", async (t) => {
  const error = await thrown(t, "ThrottlingException");
  assert.equal((await answerTo(t, error, { retryAfter: 2.5 })).headers["retry-after"], "3");
});
