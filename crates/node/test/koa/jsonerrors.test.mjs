// jsonErrors: one form for all errors, and a log of errors in which each line is one that the service must mend.

import assert from "node:assert/strict";
import { test } from "node:test";

import { bodyParser } from "@koa/bodyparser";
import Router from "@koa/router";
import { dynamoErrors, jsonErrors, requireHttps } from "dynaseal/koa";

import { send, serveKoa } from "./apps.mjs";

function routes() {
  const router = new Router();
  router.post("/users", (ctx) => (ctx.body = ctx.request.body));
  router.get("/login", (ctx) => ctx.throw(401, "Wrong password", { headers: { "WWW-Authenticate": "Bearer" } }));
  router.get("/bare", (ctx) => ctx.throw(403));
  router.get("/hidden", (ctx) => ctx.throw(400, "canary", { expose: false }));
  router.get("/said", (ctx) => ((ctx.status = 410), (ctx.body = "gone")));
  router.get("/empty", (ctx) => (ctx.status = 409));
  router.get("/broken", (ctx) => {
    ctx.set("ETag", '"1"');
    throw new TypeError("canary");
  });
  router.get("/five", (ctx) => ctx.throw(503, "canary"));
  router.get("/odd", () => {
    throw Object.assign(new Error("canary"), { status: 299 });
  });
  router.get("/outage", () => {
    throw Object.assign(new AggregateError([Object.assign(new Error("canary"), { code: "ECONNREFUSED" })]), { $metadata: {}, code: "ECONNREFUSED" });
  });
  router.get("/raw", (ctx) => ((ctx.respond = false), ctx.res.writeHead(404).end("raw")));
  return [jsonErrors(), dynamoErrors(), bodyParser({ enableTypes: ["json"], jsonLimit: "1kb" }), router.routes(), router.allowedMethods()];
}

test("every refusal is JSON, and only what the service must mend is an error", async (t) => {
  const { call, errors } = await serveKoa(t, routes());
  const post = (body) => call({ method: "POST", path: "/users", body, headers: { "content-type": "application/json" } });
  const answers = [
    [await post('{"canary'), 400, "Bad Request"],
    [await call({ path: "/login" }), 401, "Wrong password"],
    [await call({ path: "/bare" }), 403, "Forbidden"],
    [await call({ path: "/hidden" }), 400, "Bad Request"],
    [await call({ path: "/nowhere" }), 404, "Not Found"],
    [await call({ path: "/users" }), 405, "Method Not Allowed"],
    [await call({ path: "/empty" }), 409, "Conflict"],
    [await post(`"${"x".repeat(2000)}"`), 413, undefined],
    [await call({ path: "/users", method: "PROPFIND" }), 501, "Not Implemented"],
  ];
  for (const [{ status, headers, text }, expected, words] of answers) {
    assert.equal(status, expected, text);
    assert.match(headers["content-type"], /^application\/json/, text);
    assert.deepEqual(Object.keys(JSON.parse(text)), ["error"], text);
    if (words !== undefined) assert.equal(JSON.parse(text).error, words);
    assert.ok(!text.includes("canary"), text);
  }
  assert.equal(answers[1][0].headers["www-authenticate"], "Bearer");
  assert.equal(answers[5][0].headers.allow, "POST");
  assert.deepEqual(errors, []);
  assert.equal((await call({ path: "/said" })).text, "gone");
  assert.equal((await call({ path: "/raw" })).text, "raw");

  for (const [path, status, words] of [["/broken", 500, "Internal Server Error"], ["/odd", 500, "Internal Server Error"], ["/five", 503, "Service Unavailable"]]) {
    const answer = await call({ path });
    assert.deepEqual([answer.status, answer.json(), answer.headers.etag], [status, { error: words }, undefined]);
    assert.equal(errors.pop().message, "canary");
  }
  assert.equal((await call({ path: "/outage" })).status, 503);
  assert.equal(errors.pop().message, "AggregateError (outage, answered with 503, ECONNREFUSED)");
  assert.deepEqual(errors, []);
});

test("an answer that has begun, and what is no error, are left to Koa", async (t) => {
  const { call, errors } = await serveKoa(t, [jsonErrors(), (ctx) => {
    if (ctx.path === "/text") throw "canary";
    ctx.respond = false;
    ctx.res.writeHead(200);
    ctx.res.end("x");
    throw new Error("late");
  }]);
  assert.equal((await call()).status, 200);
  assert.equal((await call({ path: "/text" })).status, 500);
  assert.equal(errors.length, 2);
});

test("a request that requireHttps refuses is told of, once for each reason", async (t) => {
  const why = [];
  const { port, app } = await serveKoa(t, [requireHttps({ log: (text) => why.push(text) }), (ctx) => (ctx.body = "in")]);
  const get = async (headers = {}) => (await send({ host: "127.0.0.1", port, headers })).status;
  for (let times = 0; times < 2; times += 1) {
    assert.equal(await get(), 400);
    assert.equal(await get({ "x-forwarded-proto": "https" }), 400);
    assert.equal(await get({ "x-forwarded-proto": "https, http" }), 400);
  }
  assert.deepEqual(why.map((text) => /app\.proxy to true|came over plain/.exec(text)?.[0]), ["app.proxy to true", "app.proxy to true", "came over plain"]);
  app.proxy = true;
  assert.equal(await get({ "x-forwarded-proto": "https" }), 200);
  assert.equal(why.length, 3);
});
