// accessLog on real sockets, with and without a router.

import assert from "node:assert/strict";
import { test } from "node:test";

import Router from "@koa/router";
import { accessLog } from "dynaseal/koa";

import { captured, serveKoa } from "./apps.mjs";

const settled = () => new Promise((done) => setTimeout(done, 50));

test("method, route, status and time of every request; no value", async (t) => {
  const entries = [];
  const router = new Router();
  router.get("/users/:id", (ctx) => { ctx.body = "x"; });
  router.post("/users/:id", (ctx) => ctx.throw(409));
  router.get(/^\/files\/(.+)$/, () => { throw new Error("crash"); });
  const { call } = await serveKoa(t, [accessLog({ log: (entry) => entries.push(entry) }), router.routes()]);
  const canary = "canary%40example.test";
  for (const [method, path] of [["GET", `/users/${canary}?token=${canary}`], ["POST", `/users/${canary}`], ["GET", `/files/${canary}`], ["GET", `/${canary}?a=${canary}`],
    ["GET", "/v1/health"], ["GET", "/AdaLovelace"], ["GET", "/ada-lovelace"], ["GET", "/ADA/averyveryverylongword"], ["GET", "/v12/"], ["GET", "/reset/Zm9vYmFyYmF6/confirm"], ["GET", "/a1b2/not-found"], ["GET", "/4111111111111111"]]) {
    await call({ method, path, headers: { authorization: "Bearer canary", cookie: "sid=canary" }, body: method === "POST" ? "canary" : undefined });
  }
  await settled();
  assert.deepEqual(entries.map(({ method, route, status }) => `${method} ${route} ${status}`), ["GET /users/:id 200", "POST /users/:id 409", "GET ^\\/files\\/(.+)$ 500", "GET /* 404",
    "GET /v1/health 404", "GET /* 404", "GET /* 404", "GET /*/* 404", "GET /*/ 404", "GET /reset/*/confirm 404", "GET /*/* 404", "GET /* 404"]);
  for (const entry of entries) {
    assert.ok(entry.ms >= 0 && entry.ms < 5000 && !("aborted" in entry) && !Number.isNaN(Date.parse(entry.time)));
    assert.ok(!JSON.stringify(entry).includes("canary"));
  }
});

test("one line of JSON; a request that is cut off; a log that throws", async (t) => {
  const lines = captured(t, "log");
  const warnings = [];
  t.mock.method(process, "emitWarning", (text) => warnings.push(text));
  const { call } = await serveKoa(t, [accessLog(), accessLog({ log: () => { throw new Error("disk"); } }), (ctx) => (ctx.path === "/slow" ? new Promise(() => {}) : undefined)]);
  await call({ path: '/x"\\y' });
  const cut = new AbortController();
  const slow = call({ path: "/slow", signal: cut.signal });
  setTimeout(() => cut.abort(), 30);
  await assert.rejects(slow);
  await settled();
  assert.equal(lines.length, 2);
  assert.deepEqual(lines.map((line) => JSON.parse(line)).map(({ route, status, aborted }) => [route, status, aborted]), [["/*", 404, undefined], ["/slow", undefined, true]]);
  assert.ok(lines.every((line) => !line.includes("\n")));
  assert.deepEqual(warnings, Array(2).fill("accessLog: log failed with Error"));
});
