// The redactor in real loggers: pino, and the AWS SDK's.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import http from "node:http";
import { test } from "node:test";

import { DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, GetCommand, PutCommand, QueryCommand } from "@aws-sdk/lib-dynamodb";
import { redact } from "dynaseal/koa";
import pino from "pino";

const into = (lines) => ({ write: (line) => lines.push(line) });
const secret = { password: "canary", nested: [{ accessToken: "canary" }], note: "mail canary@example.test", page: 2 };

test("redact().pino(): objects, messages, arguments, children, errors", () => {
  const lines = [];
  const log = redact().pino(pino, { base: { token: "canary" }, mixin: () => ({ token: "canary" }) }, into(lines));
  log.info(secret);
  log.info(secret, "for canary@example.test %s %o", "token=canary", { secret: "canary" });
  log.info("password: %s", "canary canary");
  log.info("token=canary");
  log.error(Object.assign(new Error("login failed: password=canary"), { body: "canary", code: "E1" }));
  log.error({ err: new Error("token=canary", { cause: new Error("Bearer canary-canary") }) }, "with err");
  log.error(new Error("token=canary"), "own text");
  log.child({ user: { email: "canary@example.test" }, id: 7 }).info({ deeper: { token: "canary" } }, "child");
  const child = log.child({ a: { token: "canary" } }, { serializers: { b: (b) => ({ ...b, seen: true }) } }).child({ b: { note: "canary@example.test" } });
  child.setBindings({ secret: "canary" });
  child.warn("grandchild");
  log.info({ get bad() { throw new Error("canary"); } });
  log.info(new Proxy({ a: "canary" }, {}));
  log.info(new Map([["password", "canary"]]));
  assert.ok(!lines.join("").includes("canary"), lines.join(""));
  const [first, , , , error, withErr, ownText, firstChild, grandchild] = lines.map((line) => JSON.parse(line));
  assert.deepEqual([first.password, first.nested, first.note, first.page], ["[REDACTED]", [{ accessToken: "[REDACTED]" }], "mail [REDACTED]", 2]);
  assert.deepEqual([error.err.type, error.err.message, error.err.code, error.msg], ["Error", "login failed: password=[REDACTED]", "E1", "login failed: password=[REDACTED]"]);
  assert.match(error.err.stack, /loggers\.test\.mjs/);
  assert.equal(withErr.err.cause.message, "[REDACTED]");
  assert.equal(ownText.msg, "own text");
  assert.deepEqual([firstChild.user, firstChild.id, firstChild.msg], [{ email: "[REDACTED]" }, 7, "child"]);
  assert.deepEqual([grandchild.a, grandchild.b], [{ token: "[REDACTED]" }, { note: "[REDACTED]", seen: true }]);
  assert.equal(lines.length, 12);
});

test("the application's own hooks, formatters and serializers see copies", () => {
  const lines = [];
  const seen = [];
  const log = redact().pino(pino, {
    base: null, timestamp: false, level: "debug",
    hooks: { logMethod(args, method, level) { seen.push(args, level); method.apply(this, args); } },
    formatters: { level: (label) => ({ level: label }), log: (object) => { seen.push(object); return { ...object, late: "token=canary" }; } },
    serializers: { user: (user) => { seen.push(user); return { ...user, ok: 1 }; } },
  }, into(lines));
  log.debug({ user: { password: "canary" } }, "hello canary@example.test");
  assert.ok(!JSON.stringify([seen, lines]).includes("canary"), lines[0]);
  assert.deepEqual(JSON.parse(lines[0]), { level: "debug", user: { password: "[REDACTED]", ok: 1 }, late: "token=[REDACTED]", msg: "hello [REDACTED]" });
});

test("a child's own formatters, serializers and prefix see copies, and what they give is redacted", () => {
  const lines = [];
  const seen = [];
  const see = (value) => { seen.push(value); return value; };
  const log = redact().pino(pino, { msgPrefix: "canary@example.test " }, into(lines));
  const child = log.child({ token: "canary" }, {
    formatters: { log: (object) => ({ ...see(object), late: "token=canary" }), bindings: (bindings) => ({ ...see(bindings), secret: "canary" }) },
    serializers: { user: (user) => ({ ...see(user), password: "canary" }) },
    msgPrefix: "token=canary ",
  });
  child.info({ password: "canary", user: { email: "canary" } }, "hello");
  child.child({ a: 1 }, { msgPrefix: "password: " }).warn("canary %s", "x");
  child.child({}, { formatters: {} }).error(new Error("canary@example.test"));
  child.error({ password: "canary" });
  assert.ok(!JSON.stringify([seen, lines]).includes("canary"), lines.join(""));
  const [first, second] = lines.map((line) => JSON.parse(line));
  assert.deepEqual([first.password, first.user, first.late, first.token], ["[REDACTED]", { email: "[REDACTED]", password: "[REDACTED]" }, "token=[REDACTED]", "[REDACTED]"]);
  assert.deepEqual([first.msg, second.msg], ["[REDACTED] token=[REDACTED] hello", "[REDACTED] token=[REDACTED] password: [REDACTED]"]);
  assert.equal(child.msgPrefix, "[REDACTED] token=[REDACTED] ");
  assert.equal(lines.length, 4);
});

test("the README's hooks log each event with one time", async () => {
  const readme = (path) => readFileSync(new URL(path, import.meta.url), "utf8");
  for (const path of ["../../README.md", "../../../../README.md"]) {
    const [, hook] = /onSecurityEvent: (\(.*?\) => log\.\w+\(.*?\)) \}\)\);/.exec(readme(path));
    const [, entry] = /accessLog\(\{ log: (\(.*?\) => log\.\w+\(.*?\)) \}\)\);/.exec(readme(path));
    const lines = [];
    const log = redact().pino(pino, {}, into(lines));
    for (const arrow of [hook, entry]) new Function("log", `return ${arrow}`)(log)({ event: "integrity", time: "2026-11-24T10:00:00.000Z", table: "Users" });
    assert.equal(lines.length, 2);
    for (const line of lines) assert.equal(line.match(/"time":/g).length, 1, line);
  }
});

test("pino with single serializers", () => {
  const redactor = redact();
  const lines = [];
  const log = pino({ serializers: { err: redactor, body: redactor } }, into(lines));
  log.info({ body: secret, err: Object.assign(new Error("token=canary"), { Item: "canary" }) }, "x");
  log.error(new Error("plain"));
  assert.ok(!lines.join("").includes("canary"), lines.join(""));
  assert.equal(JSON.parse(lines[0]).body.page, 2);
  assert.equal(JSON.parse(lines[1]).err.message, "plain");
});

test("the SDK's logger: calls are seen, items are not", async (t) => {
  const server = http.createServer((request, response) => {
    const operation = request.headers["x-amz-target"].split(".")[1];
    const answers = {
      GetItem: [200, { Item: { userId: { S: "canary" }, nick: { S: "canary" } } }],
      Query: [200, { Items: [{ nick: { S: "canary" } }], Count: 1, LastEvaluatedKey: { userId: { S: "canary" } } }],
      PutItem: [400, { __type: "x#ConditionalCheckFailedException", message: "The conditional request failed", Item: { nick: { S: "canary" } } }],
    };
    const [status, body] = answers[operation];
    response.writeHead(status, { "content-type": "application/x-amz-json-1.0" }).end(JSON.stringify(body));
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const lines = [];
  const target = { info: (...args) => lines.push(JSON.stringify(args)), error: (...args) => lines.push(JSON.stringify(args)), warn: (...args) => lines.push(JSON.stringify(args)) };
  const client = new DynamoDBClient({ region: "eu-west-1", endpoint: `http://127.0.0.1:${server.address().port}`, maxAttempts: 1, logger: redact.logger(target),
    credentials: { accessKeyId: "test", secretAccessKey: "test" } });
  t.after(() => { client.destroy(); server.close(); server.closeAllConnections(); });
  const db = DynamoDBDocumentClient.from(client);
  assert.equal((await db.send(new GetCommand({ TableName: "Users", Key: { userId: "canary" } }))).Item.nick, "canary");
  await db.send(new QueryCommand({ TableName: "Users", KeyConditionExpression: "#u = :u", ExpressionAttributeNames: { "#u": "userId" }, ExpressionAttributeValues: { ":u": "canary" }, ExclusiveStartKey: { userId: "canary" } }));
  await assert.rejects(db.send(new PutCommand({ TableName: "Users", Item: { userId: "canary", nick: "canary" } })));
  await assert.rejects(client.send(new PutItemCommand({ TableName: "Users", Item: { nick: { S: "canary" } } })));
  assert.equal(lines.length, 4);
  assert.ok(!lines.join("").includes("canary"), lines.join("\n"));
  const [[get], [query], [put]] = lines.map((line) => JSON.parse(line));
  assert.deepEqual([get.commandName, get.input.TableName, query.output.Count, query.input.ExpressionAttributeNames], ["GetItemCommand", "Users", 1, { "#u": "userId" }]);
  assert.equal(put.error.type, "ConditionalCheckFailedException");
  assert.doesNotThrow(() => redact().logger({}).trace("x"));
});
