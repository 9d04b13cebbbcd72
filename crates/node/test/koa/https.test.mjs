// requireHttps on real sockets, over TLS and behind a proxy that is only a header.

import assert from "node:assert/strict";
import http2 from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { test } from "node:test";

import { bodyParser } from "@koa/bodyparser";
import { requireHttps } from "dynaseal/koa";
import Koa from "koa";

import { certificate } from "../egress/servers.mjs";
import { serveKoa } from "./apps.mjs";

const tls = certificate();
const hello = (ctx) => { ctx.body = "hello"; };
const ONE_YEAR = "max-age=31536000; includeSubDomains";
const forwarded = (proto, more = {}) => ({ headers: { "x-forwarded-proto": proto, ...more } });

test("plain HTTP is refused before anything else runs", async (t) => {
  t.mock.method(process, "emitWarning", () => {});
  let ran = 0;
  const { call } = await serveKoa(t, [requireHttps(), (ctx) => { ran += 1; hello(ctx); }]);
  for (const options of [{}, { method: "POST", body: "password=hunter2" }, forwarded("https"), { path: "/x?token=1" }, { method: "OPTIONS" }]) {
    const answer = await call(options);
    assert.equal(answer.status, 400);
    assert.equal(answer.text, '{"error":"HTTPS required"}');
    assert.match(answer.headers["content-type"], /^application\/json/);
    assert.equal(answer.headers["cache-control"], "no-store");
    assert.equal(answer.headers["strict-transport-security"], undefined, "HSTS over plain HTTP has no meaning");
    assert.equal(answer.headers.location, undefined);
    assert.equal(answer.headers.connection, "close");
  }
  assert.equal(ran, 0);
});

test("over TLS every answer has HSTS, errors of every kind included", async (t) => {
  const routes = {
    "/ok": hello,
    "/throw": (ctx) => ctx.throw(403, "no"),
    "/crash": () => { throw new Error("crash"); },
    "/primitive": () => { throw "crash"; },
    "/headers": () => { throw Object.assign(new Error("x"), { status: 401, headers: { "WWW-Authenticate": "Bearer" } }); },
    "/stream": (ctx) => { const body = new PassThrough(); ctx.body = body; setImmediate(() => body.destroy(new Error("cut"))); },
    "/raw": (ctx) => { ctx.respond = false; ctx.res.writeHead(201, { "x-raw": "1" }); ctx.res.end("raw"); },
    "/write": (ctx) => { ctx.respond = false; ctx.res.statusCode = 200; ctx.res.write("a"); ctx.res.end("b"); },
    "/own": (ctx) => { ctx.set("Strict-Transport-Security", "max-age=63072000"); ctx.body = ""; },
    "/reset": (ctx) => { ctx.res.getHeaderNames().forEach((name) => ctx.remove(name)); ctx.body = "x"; },
  };
  const { call } = await serveKoa(t, [requireHttps(), bodyParser({ jsonLimit: "1kb" }), (ctx) => routes[ctx.path]?.(ctx)], { tls });
  const json = (body) => ({ method: "POST", path: "/ok", body, headers: { "content-type": "application/json" } });
  const cases = [[{ path: "/ok" }, 200], [{ path: "/missing" }, 404], [{ path: "/throw" }, 403], [{ path: "/crash" }, 500], [{ path: "/primitive" }, 500],
    [{ path: "/headers" }, 401], [{ path: "/raw" }, 201], [{ path: "/write" }, 200], [{ path: "/reset" }, 200], [json('{"password": hunter2'), 400],
    [json(JSON.stringify({ a: "x".repeat(2000) })), 413], [{ path: "/ok", method: "HEAD" }, 200]];
  for (const [options, status] of cases) {
    const answer = await call(options);
    assert.equal(answer.status, status, JSON.stringify(options));
    assert.equal(answer.headers["strict-transport-security"], ONE_YEAR, JSON.stringify(options));
  }
  assert.equal((await call({ path: "/headers" })).headers["www-authenticate"], "Bearer");
  assert.equal((await call({ path: "/own" })).headers["strict-transport-security"], "max-age=63072000");
  assert.equal((await call({ path: "/raw" })).headers["x-raw"], "1");
  await assert.rejects(call({ path: "/stream" }).then((answer) => assert.notEqual(answer.status, 200)).then(() => { throw new Error("answered"); }));
});

test("HSTS can be set, and refused if it makes no sense", async (t) => {
  const value = async (hsts) => {
    const { call } = await serveKoa(t, [requireHttps({ hsts })], { tls });
    return (await call()).headers["strict-transport-security"];
  };
  assert.equal(await value({ maxAge: 60, includeSubDomains: false }), "max-age=60");
  assert.equal(await value({ maxAge: 63_072_000, preload: true }), "max-age=63072000; includeSubDomains; preload");
  assert.equal(await value({ maxAge: 0 }), "max-age=0; includeSubDomains");
  assert.equal(await value(false), undefined);
  for (const hsts of [{ maxAge: -1 }, { maxAge: 1.5 }, { maxAge: Number.NaN }, { maxAge: "60" }, { maxAge: 60, preload: true }, { preload: true, includeSubDomains: false }]) {
    assert.throws(() => requireHttps({ hsts }), { name: "SetupError", code: "DSL-9201" });
  }
});

test("behind a proxy: app.proxy, a trusted address, and no value but https", async (t) => {
  t.mock.method(process, "emitWarning", () => {});
  const behind = async (options, headers, app = { proxy: true }) => {
    const { call } = await serveKoa(t, [requireHttps(options), hello], app);
    return (await call({ headers })).status;
  };
  const says = (proto) => ({ "x-forwarded-proto": proto });
  assert.equal(await behind({}, says("https")), 200);
  assert.equal(await behind({}, says("https"), { proxy: false }), 400);
  for (const proto of ["http", "https, http", "https,http", "http, https", "https, ", ", https", "", "HTTPS", "https;http", ["https", "http"], "wss"]) {
    assert.equal(await behind({}, says(proto)), 400, String(proto));
  }
  assert.equal(await behind({}, says("https, https")), 200);
  assert.equal(await behind({}, { forwarded: "proto=https" }), 400);
  assert.equal(await behind({}, { "x-forwarded-ssl": "on", "front-end-https": "on", "x-forwarded-protocol": "https" }), 400);
  // Who may say so: this test's connections come from 127.0.0.1.
  for (const trust of [["loopback"], ["127.0.0.1"], ["127.0.0.0/8"], ["10.0.0.0/8", "loopback"], ["any"]]) assert.equal(await behind({ trust }, says("https")), 200, `${trust}`);
  for (const trust of [["private"], ["10.0.0.0/8"], ["127.0.0.2"], ["::1"], []]) assert.equal(await behind({ trust }, says("https")), 400, `${trust}`);
  for (const trust of [["localhost"], ["10.0.0.0/33"], [""], "loopback", [7], ["10.0.0.0/8 "]]) {
    assert.throws(() => requireHttps({ trust }), { name: "SetupError", code: "DSL-9201" }, `${trust}`);
  }
});

test("a forged header past the proxy is told of once", async (t) => {
  const warnings = [];
  t.mock.method(process, "emitWarning", (text) => warnings.push(text));
  const { call } = await serveKoa(t, [requireHttps({ trust: ["10.0.0.0/8"] }), hello], { proxy: true });
  for (let i = 0; i < 3; i += 1) assert.equal((await call(forwarded("https"))).status, 400);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0], /add its address to trust; otherwise somebody reaches the port past the proxy/);
});

test("a proxy that nobody told us of gets no redirect, which would lead back for ever", async (t) => {
  const warnings = [];
  t.mock.method(process, "emitWarning", (text) => warnings.push(text));
  const { call } = await serveKoa(t, [requireHttps({ redirect: true }), hello]);
  for (let i = 0; i < 2; i += 1) assert.equal((await call({ headers: { host: "x.test", "x-forwarded-proto": "https" } })).status, 400);
  assert.equal((await call({ headers: { host: "x.test", "x-forwarded-proto": "http" } })).status, 308);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0], /set app\.proxy to true/);
});

test("a proxy on a Unix socket is local", async (t) => {
  const path = join(tmpdir(), `dynaseal-${process.pid}.sock`);
  const { call } = await serveKoa(t, [requireHttps(), hello], { proxy: true, path });
  assert.equal((await call(forwarded("https"))).status, 200);
  assert.equal((await call(forwarded("http"))).status, 400);
});

test("redirects: only what carries nothing that was sent in the clear", async (t) => {
  const { call, port } = await serveKoa(t, [requireHttps({ redirect: true }), hello]);
  const to = async (options) => {
    const { status, headers } = await call(options);
    assert.ok(status === 308 ? headers.location : status === 400 && headers.location === undefined);
    assert.equal(headers["cache-control"], "no-store");
    return headers.location;
  };
  const host = (value) => ({ host: value });
  assert.equal(await to({ path: "/a/b?page=2", headers: host("www.example.test:8080") }), "https://www.example.test/a/b?page=2");
  assert.equal(await to({ method: "HEAD", headers: host("www.example.test") }), "https://www.example.test/");
  assert.equal(await to({}), "https://127.0.0.1/", `without the port ${port} of plain HTTP`);
  assert.equal(await to({ headers: host("[::1]:80") }), "https://[::1]/");
  for (const method of ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) assert.equal(await to({ method, headers: host("x.test") }), undefined, method);
  for (const headers of [{ cookie: "sid=1" }, { authorization: "Bearer x" }, { "proxy-authorization": "x" }, { "x-api-key": "x" }, { "x-amz-security-token": "x" }]) {
    assert.equal(await to({ headers: { ...host("x.test"), ...headers } }), undefined, Object.keys(headers)[0]);
  }
  for (const path of ["/?token=1", "/?a=1&access_token=1", "/?ACCESS-TOKEN=1", "/reset?Email=a%40b.test", "/?%74oken=1", "/?a=1&user%5Bp%2561ssword%5D=1", "/?a=1;api+key=1"]) {
    assert.equal(await to({ path, headers: host("x.test") }), undefined, path);
  }
  assert.equal(await to({ method: "GET", body: "x", headers: { ...host("x.test"), "content-length": "1" } }), undefined, "a GET with a body");
  assert.equal(await to({ method: "GET", body: "x", headers: { ...host("x.test"), "transfer-encoding": "chunked" } }), undefined, "a GET with chunks");
  // Nobody can choose where to.
  for (const name of ["evil.test/x", "a@evil.test", "evil.test#", "a b", "evil.test\\", "evil.test:x", "%65vil.test"]) {
    assert.equal(await to({ headers: host(name) }), undefined, name);
  }
  for (const path of ["//evil.test/x", "/\\evil.test", "/%0d%0aSet-Cookie:x"]) assert.ok((await to({ path, headers: host("x.test") }))?.startsWith("https://x.test/"), path);
  assert.equal(await to({ path: "http://evil.test/x", headers: host("x.test") }), undefined);
  assert.equal(await to({ headers: { ...host("x.test"), "x-forwarded-host": "evil.test" } }), "https://x.test/");
});

test("a redirect to a fixed host", async (t) => {
  const { call } = await serveKoa(t, [requireHttps({ redirect: "api.example.test:8443" }), hello], { proxy: true });
  assert.equal((await call({ path: "/x", headers: { host: "evil.test", "x-forwarded-host": "evil.test" } })).headers.location, "https://api.example.test:8443/x");
  for (const redirect of ["", "https://x.test", "x.test/path", "a@x.test", "x.test?", "x test"]) {
    assert.throws(() => requireHttps({ redirect }), { code: "DSL-9201" }, redirect);
  }
});

test("HTTP/2", async (t) => {
  const app = new Koa();
  app.silent = true;
  app.use(requireHttps()).use((ctx) => { if (ctx.path === "/crash") throw new Error("crash"); hello(ctx); });
  const server = http2.createSecureServer(tls, app.callback());
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const session = http2.connect(`https://localhost:${server.address().port}`, { ca: tls.cert });
  t.after(() => { session.destroy(); server.close(); });
  for (const [path, status] of [["/", 200], ["/crash", 500]]) {
    const headers = await new Promise((done, failed) => session.request({ ":path": path }).on("response", done).on("error", failed).resume());
    assert.equal(headers[":status"], status);
    assert.equal(headers["strict-transport-security"], ONE_YEAR);
  }
});
