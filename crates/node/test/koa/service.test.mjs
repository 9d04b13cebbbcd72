// A whole service as the README builds it, over real TLS: body limits and schemas with @koa/bodyparser and zod, login with redaction
// on, and canaries that must not be in any log or answer.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { bodyParser } from "@koa/bodyparser";
import Router from "@koa/router";
import { accessLog, dynamoErrors, jsonErrors, redact, requireHttps, secureHeaders } from "dynaseal/koa";
import pino from "pino";
import { z } from "zod";

import { certificate } from "../egress/servers.mjs";
import { captured, serveKoa } from "./apps.mjs";

const User = z.strictObject({ email: z.email().max(254), password: z.string().min(8).max(128), plan: z.enum(["free", "paid"]).default("free") });
const hash = (text) => createHash("sha256").update(text).digest("hex");

/** The middlewares and the logged lines of a service that logs every body that it gets. */
function service(more = []) {
  const lines = [];
  const redactor = redact();
  const log = redactor.pino(pino, { base: null }, { write: (line) => lines.push(line) });
  const users = new Map();
  const router = new Router();
  router.post("/users", (ctx) => {
    log.info({ body: ctx.request.body }, "register");
    const { email, password } = User.parse(ctx.request.body);
    if (users.has(email)) throw Object.assign(new Error("The conditional request failed"), { name: "ConditionalCheckFailedException", $metadata: {}, Item: { email } });
    users.set(email, hash(password));
    ctx.status = 201;
    ctx.body = { ok: true };
  });
  router.post("/login", (ctx) => {
    log.info({ body: ctx.request.body, headers: ctx.headers, request: ctx.req }, `login of ${ctx.request.body.email}`);
    const { email, password } = ctx.request.body;
    if (users.get(email) !== hash(password)) ctx.throw(401);
    ctx.body = { token: "canary-token" };
  });
  const middlewares = [accessLog({ log: (entry) => log.info(entry) }), secureHeaders(), requireHttps(), ...more, dynamoErrors(), bodyParser({ enableTypes: ["json"], jsonLimit: "4kb" }), router.routes(),
    router.allowedMethods()];
  return { lines, log, middlewares };
}

test("register, log in, and every refusal", async (t) => {
  const console = captured(t, "log", "error", "warn");
  const { lines, log, middlewares } = service();
  const { call, errors, app } = await serveKoa(t, middlewares, { tls: certificate() });
  app.on("error", (error) => log.error(error));
  const post = (path, body, type = "application/json") => call({ method: "POST", path, body: typeof body === "string" ? body : JSON.stringify(body), headers: { "content-type": type, authorization: "Bearer canary-bearer", cookie: "sid=canary" } });
  const ada = { email: "canary@example.test", password: "canary-password" };

  const answers = {
    register: [await post("/users", ada), 201, '{"ok":true}'],
    "log in": [await post("/login", ada), 200, '{"token":"canary-token"}'],
    "wrong password": [await post("/login", { ...ada, password: "canary-wrong" }), 401, "Unauthorized"],
    "register again": [await post("/users", ada), 409, '{"error":"Condition not met"}'],
    "schema": [await post("/users", { email: "canary example", password: "canary", plan: "gold", extra: 1 }), 422, '{"error":"Invalid input","fields":["email","password","plan","extra"]}'],
    "too large": [await post("/users", { ...ada, more: "canary".repeat(1000) }), 413, undefined],
    "too large, in chunks": [await call({ method: "POST", path: "/users", body: "x".repeat(8000), headers: { "content-type": "application/json", "transfer-encoding": "chunked" } }), 413, undefined],
    "malformed": [await post("/users", '{"email": "x", canary}'), 400, undefined],
    "no JSON object": [await post("/users", '"canary"'), 400, undefined],
    "another type": [await post("/users", "email=canary", "application/x-www-form-urlencoded"), 422, '{"error":"Invalid input","fields":["email","password"]}'],
    "no route": [await post("/nowhere", ada), 404, "Not Found"],
    "no method": [await call({ method: "DELETE", path: "/users" }), 405, undefined],
  };
  for (const [what, [answer, status, text]] of Object.entries(answers)) {
    assert.equal(answer.status, status, what);
    if (text !== undefined) assert.equal(answer.text, text, what);
    assert.equal(answer.headers["strict-transport-security"], "max-age=31536000; includeSubDomains", what);
    assert.equal(answer.headers["x-content-type-options"], "nosniff", what);
    assert.match(answer.headers["content-security-policy"], /frame-ancestors 'none'/, what);
    assert.equal(answer.headers["cache-control"], "no-store", what);
  }
  await new Promise((done) => setTimeout(done, 50));
  const written = [...lines, ...console].join("\n");
  assert.ok(!written.includes("canary"), written.split("\n").find((line) => line.includes("canary")));
  assert.ok(errors.some((error) => error.body?.includes("canary")), "the parser's error does carry the body: the redactor took it out");
  const access = lines.map((line) => JSON.parse(line)).filter((entry) => entry.route !== undefined);
  assert.equal(access.length, Object.keys(answers).length);
  assert.ok(access.every(({ route }) => ["/users", "/login", "/nowhere"].includes(route)));
});

test("the same with jsonErrors: one form for each refusal, and no line of level 50 for the callers' mistakes", async (t) => {
  const { lines, log, middlewares } = service([jsonErrors()]);
  const { call, app } = await serveKoa(t, middlewares, { tls: certificate() });
  app.on("error", (error) => log.error(error));
  const post = (path, body) => call({ method: "POST", path, body, headers: { "content-type": "application/json" } });
  const ada = JSON.stringify({ email: "canary@example.test", password: "canary-password" });
  await post("/users", ada);
  for (const [answer, status, text] of [
    [await post("/login", ada.replace("canary-password", "canary-wrong")), 401, '{"error":"Unauthorized"}'],
    [await post("/users", ada), 409, '{"error":"Condition not met"}'],
    [await post("/users", '{"email": "x", canary}'), 400, '{"error":"Bad Request"}'],
    [await post("/users", JSON.stringify({ more: "canary".repeat(1000) })), 413, '{"error":"request entity too large"}'],
    [await post("/nowhere", ada), 404, '{"error":"Not Found"}'],
  ]) {
    assert.deepEqual([answer.status, answer.text], [status, text]);
    assert.equal(answer.headers["strict-transport-security"], "max-age=31536000; includeSubDomains");
    assert.equal(answer.headers["cache-control"], "no-store");
  }
  assert.deepEqual(lines.map((line) => JSON.parse(line).level).filter((level) => level >= 50), []);
  assert.ok(!lines.join().includes("canary"));
});
