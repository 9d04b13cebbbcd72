// secureHeaders with the real koa-helmet.

import assert from "node:assert/strict";
import { test } from "node:test";

import { secureHeaders } from "dynaseal/koa";

import { serveKoa } from "./apps.mjs";

const EXPECTED = {
  "content-security-policy": "default-src 'none';base-uri 'none';form-action 'none';frame-ancestors 'none'",
  "cross-origin-embedder-policy": "require-corp",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-dns-prefetch-control": "off",
  "x-frame-options": "DENY",
  "x-permitted-cross-domain-policies": "none",
  "cache-control": "no-store",
};

test("on every answer, errors included", async (t) => {
  const { call } = await serveKoa(t, [secureHeaders(), (ctx) => {
    if (ctx.path === "/throw") ctx.throw(403);
    if (ctx.path === "/crash") throw new Error("crash");
    if (ctx.path === "/ok") ctx.body = "ok";
  }]);
  for (const [path, status] of [["/ok", 200], ["/missing", 404], ["/throw", 403], ["/crash", 500]]) {
    const { headers, ...answer } = await call({ path });
    assert.equal(answer.status, status);
    for (const [name, value] of Object.entries(EXPECTED)) assert.equal(headers[name], value, `${path} ${name}`);
    assert.match(headers["permissions-policy"], /camera=\(\), .*geolocation=\(\)/);
    assert.equal(headers["strict-transport-security"], undefined, "that one is of requireHttps");
    assert.equal(headers["x-powered-by"], undefined);
  }
});

test("options go to helmet, and a route sets its own", async (t) => {
  const nonce = (_request, response) => `'nonce-${response.getHeader("x-nonce")}'`;
  const options = { contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'self'"], scriptSrc: [nonce] } }, xFrameOptions: false, cacheControl: false,
    permissionsPolicy: "camera=(self)" };
  const { call } = await serveKoa(t, [(ctx, next) => { ctx.set("x-nonce", "n1"); return next(); }, secureHeaders(options), (ctx) => {
    ctx.body = "ok";
    if (ctx.path === "/own") ctx.set("Referrer-Policy", "same-origin");
    if (ctx.path === "/crash") throw new Error("crash");
  }]);
  const ok = await call();
  assert.equal(ok.headers["content-security-policy"], "default-src 'self';script-src 'nonce-n1'");
  assert.deepEqual([ok.headers["x-frame-options"], ok.headers["cache-control"], ok.headers["permissions-policy"]], [undefined, undefined, "camera=(self)"]);
  assert.equal((await call({ path: "/own" })).headers["referrer-policy"], "same-origin");
  assert.equal((await call({ path: "/crash" })).headers["content-security-policy"], "default-src 'self';script-src 'nonce-n1'");
});

test("options that helmet refuses are told at once, and no answer goes out without headers", async (t) => {
  const warnings = [];
  t.mock.method(process, "emitWarning", (warning) => warnings.push(warning));
  const { call } = await serveKoa(t, [secureHeaders({ referrerPolicy: { policy: "nonsense" } }), (ctx) => { ctx.body = "ok"; }]);
  assert.equal((await call()).status, 500);
  assert.equal((await call()).status, 500);
  assert.equal(warnings.length, 1);
});
