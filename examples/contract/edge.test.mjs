// What the service takes, and how it says no.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { enter, person, start } from "./harness.mjs";

let service;
before(async () => { service = await start(); });
after(() => service.end());

test("plain HTTP is refused, whatever a header says", async () => {
  const body = person("plain");
  for (const [method, path, options] of [
    ["GET", "/users/x", {}],
    ["GET", "/nothing", { headers: { "x-forwarded-proto": "https" } }],
    ["POST", "/users", { body }],
    ["POST", "/users", { body, headers: { "x-forwarded-proto": "https", forwarded: "proto=https", "x-forwarded-ssl": "on" } }],
  ]) {
    const answer = await service.call(method, path, { plain: true, ...options });
    assert.deepEqual([answer.status, answer.json], [400, { error: "HTTPS required" }]);
    assert.equal(answer.headers["strict-transport-security"], undefined);
  }
  // It was not carried out.
  assert.equal((await service.call("POST", "/sessions", { body: { username: body.username, password: body.password } })).status, 401);
});

test("every answer has secure headers, errors included", async () => {
  const user = person("headers");
  const token = await enter(service, user);
  const answers = [
    await service.call("GET", `/users/${user.username}`, { token }),
    await service.call("GET", "/users/someone"),
    await service.call("GET", "/nothing"),
    await service.call("PUT", "/users"),
    await service.call("POST", "/users", { raw: "{" }),
    await service.call("POST", "/users", { body: user }),
    await service.call("POST", "/users", { body: {} }),
    await service.call("POST", "/users", { raw: " ".repeat(20_000) }),
  ];
  assert.deepEqual(answers.map(({ status }) => status), [200, 401, 404, 405, 400, 409, 422, 413]);
  for (const { status, headers } of answers) {
    assert.match(headers["strict-transport-security"], /^max-age=31536000/, `${status}`);
    assert.equal(headers["x-content-type-options"], "nosniff");
    assert.equal(headers["cache-control"], "no-store");
    assert.equal(headers["referrer-policy"], "no-referrer");
    assert.match(headers["x-frame-options"], /^deny$/i);
    assert.match(headers["content-security-policy"], /default-src 'none'.*frame-ancestors 'none'/);
    assert.match(headers["content-type"], /^application\/json/);
    for (const telling of ["server", "x-powered-by"]) assert.equal(headers[telling], undefined);
  }
});

test("what is not JSON is refused", async () => {
  for (const raw of ["", "{", "{\"username\":", "username=x", "\u0000", "{}x"]) {
    const answer = await service.call("POST", "/users", { raw });
    assert.deepEqual([answer.status, answer.json], [400, { error: "Malformed JSON" }], raw);
  }
  for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/jsonp"]) {
    const answer = await service.call("POST", "/users", { body: person("type"), headers: { "content-type": type } });
    assert.deepEqual([answer.status, answer.json], [415, { error: "JSON required" }], type);
  }
});

test("a body that is packed by name alone is refused", async () => {
  for (const encoding of ["gzip", "deflate", "br"]) {
    const answer = await service.call("POST", "/users", { body: person("packed"), headers: { "content-encoding": encoding } });
    assert.deepEqual([answer.status, answer.json], [400, { error: "Malformed JSON" }], encoding);
  }
});

test("the scheme of a token may be written in any case", async () => {
  const user = person("scheme");
  const token = await enter(service, user);
  for (const scheme of ["bearer", "BEARER", "Bearer "]) {
    const answer = await service.call("GET", `/users/${user.username}`, { headers: { authorization: `${scheme} ${token}` } });
    assert.equal(answer.status, 200, scheme);
  }
  for (const scheme of ["Bearer", "Basic ", "Bearerx ", ""]) {
    const answer = await service.call("GET", `/users/${user.username}`, { headers: { authorization: `${scheme}${token}` } });
    assert.equal(answer.status, 401, scheme);
  }
});

// Only Linux has all of 127.0.0.0/8.
test("so many registrations from one address, and no more", { skip: process.platform !== "linux" }, async () => {
  const register = (from) => service.call("POST", "/users", { body: person("many"), from });
  const answers = [];
  // A few at a time: each hashes a password, and a service waits for no request longer than half a minute.
  while (answers.length < 34) answers.push(...(await Promise.all([register("127.0.0.9"), register("127.0.0.9")])));
  const refused = answers.filter(({ status }) => status === 429);
  assert.deepEqual([answers.filter(({ status }) => status === 201).length, refused.length], [30, 4]);
  for (const { json, headers } of refused) {
    assert.deepEqual(json, { error: "Too many attempts" });
    assert.match(headers["retry-after"], /^\d+$/);
  }
  assert.equal((await register("127.0.0.10")).status, 201);
});

test("a body over the limit is refused, with and without a length", async () => {
  const body = { ...person("large"), note: "x".repeat(64_000) };
  for (const chunked of [false, true]) {
    const answer = await service.call("POST", "/users", { body, chunked });
    assert.deepEqual([answer.status, answer.json], [413, { error: "Body too large" }]);
  }
  assert.equal((await service.call("POST", "/users", { body: person("small") })).status, 201);
});

test("fields that are wrong, missing or unknown are named, and their values are not", async () => {
  const good = person("fields");
  for (const [body, fields] of [
    [{ ...good, admin: true }, ["admin"]],
    [{ ...good, email: "no-address" }, ["email"]],
    [{ ...good, email: 7 }, ["email"]],
    [{ ...good, password: "short" }, ["password"]],
    [{ ...good, password: "x".repeat(200) }, ["password"]],
    [{ ...good, username: "../x" }, ["username"]],
    [{ email: good.email }, ["password", "username"]],
    [{ ...good, [`${good.email}`]: 1 }, ["*"]],
    [{}, ["email", "password", "username"]],
    [[], []],
    ["text", []],
    [null, []],
  ]) {
    const answer = await service.call("POST", "/users", { body });
    assert.deepEqual([answer.status, answer.json.error], [422, "Invalid input"], answer.text);
    assert.deepEqual([...answer.json.fields].sort(), fields, answer.text);
  }
  const token = await enter(service, good);
  const answer = await service.call("PATCH", `/users/${good.username}`, { token, body: { email: good.email, username: "other" } });
  assert.deepEqual([answer.status, answer.json.fields], [422, ["username"]]);
});

test("unknown routes and methods", async () => {
  const nothing = await service.call("GET", "/nothing");
  assert.deepEqual([nothing.status, nothing.json], [404, { error: "Not found" }]);
  const method = await service.call("PUT", "/sessions", { body: {} });
  assert.deepEqual([method.status, method.json], [405, { error: "Method not allowed" }]);
});

test("the log names routes and holds no name of a user's path", async () => {
  const user = person("path");
  const token = await enter(service, user);
  await service.call("GET", `/users/${encodeURIComponent(user.email)}?token=${token}`, { token });
  // Each router has its own way to write what stands for a name.
  const route = /\/users\/(\*|:\w+)/;
  const log = await service.serviceLog(route);
  assert.match(log, route);
  assert.ok(!log.includes(encodeURIComponent(user.email)));
});

// The last one: it takes the database away.
test("without the database the answer is 503, with Retry-After", async () => {
  const user = person("outage");
  const token = await enter(service, user);
  await service.stopStore();
  const answer = await service.call("GET", `/users/${user.username}`, { token });
  assert.deepEqual([answer.status, answer.json], [503, { error: "Unavailable, try again" }]);
  assert.match(answer.headers["retry-after"], /^\d+$/);
  // Attempts to log in are counted before anything is read for them.
  const { username, password } = person("guessed");
  const attempts = await Promise.all(Array.from({ length: 14 }, () => service.call("POST", "/sessions", { body: { username, password } })));
  assert.deepEqual([503, 429].map((code) => attempts.filter(({ status }) => status === code).length), [10, 4]);
});
