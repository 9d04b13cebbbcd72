// redact(): what it hides, what it leaves, and that it fails closed. Every secret here contains the word canary.

import assert from "node:assert/strict";
import { KeyObject, createSecretKey } from "node:crypto";
import { readFileSync } from "node:fs";
import http from "node:http";
import { test } from "node:test";
import { inspect } from "node:util";
import vm from "node:vm";

import { redact } from "dynaseal/koa";

const clean = redact();
const MARK = "[REDACTED]";
/** Milliseconds of CPU time: how long it takes on a machine that does nothing else. */
const worked = () => process.cpuUsage().user / 1000;
const shown = (value) => `${inspect(value, { depth: Infinity, showHidden: true, maxArrayLength: null, maxStringLength: null })}${JSON.stringify(value)}`;
const hides = (value, why, redactor = clean) => {
  const copy = redactor(value);
  assert.ok(!/canary/i.test(shown(copy)), `${why}: ${shown(copy).slice(0, 400)}`);
  return copy;
};

test("names, in any spelling and at any depth", () => {
  const names = ["password", "Password", "PASSWORD", "user_password", "newPassword", "password2", "passwd", "pwd", "passphrase", "secret", "client_secret", "clientSecret", "token",
    "access_token", "accessToken", "ACCESS-TOKEN", "access token", "access.token", "refreshToken", "id_token", "x-api-key", "apiKey", "API_KEY", "authorization", "Authorization",
    "Proxy-Authorization", "cookie", "Set-Cookie", "sessionId", "AWS_SECRET_ACCESS_KEY", "aws_session_token", "privateKey", "ssn", "SSN", "cvv", "pin", "otp", "email", "userEmail",
    "e-mail", "phoneNumber", "credit_card", "cardNumber", "iban", "x-csrf-token", "ｐａｓｓｗｏｒｄ", "Pass\u200bword", "ExpressionAttributeValues", "LastEvaluatedKey", "credentials", "db_pass", "userPwd", "customerSsn", "card-pin", "smsOTP", "X-Auth", "e_mail"];
  for (const name of names) {
    for (const value of ["canary", 7, { a: "canary" }, ["canary"], Buffer.from("canary"), () => "canary"]) assert.deepEqual(clean({ [name]: value }), { [name]: MARK }, name);
    // One bit says nothing, and is often what is said of a secret.
    assert.deepEqual(clean({ [name]: true }), { [name]: true }, name);
    let deep = { [name]: "canary" };
    for (let i = 0; i < 40; i += 1) deep = i % 2 ? { a: deep } : [{ b: deep, c: 1 }];
    hides(deep, name);
    hides(new Map([[name, "canary"]]), `Map ${name}`);
    if (!name.includes(" ")) hides([name, "canary"], `pair ${name}`);
  }
  assert.deepEqual(clean({ password: null, token: undefined }), { password: null, token: undefined });
});

test("what is not sensitive stays", () => {
  const plain = { id: 7, name: "Ada", plan: "free", at: "2026-11-24T10:00:00.000Z", ms: 1_700_000_000_000, count: 12n, ok: true, none: null, list: [1, "two", { three: 3 }],
    url: "https://example.test/a?b=c", hash: "da39a3ee5e6b4b0d3255bfef95601890afd80709", uuid: "123e4567-e89b-42d3-a456-426614174000", order: "1234567890123456", address: "10.0.0.1",
    text: "spin the pinwheel: passing, tokenless? no; author: Ada", compass: 1, pinned: true, status: 200, keys: 3, key: "a", author: "Ada" };
  assert.deepEqual(redact({ keep: ["tokenless"] })(plain), plain);
  assert.deepEqual(clean(new Date(0)), "1970-01-01T00:00:00.000Z");
  assert.deepEqual(clean(new Set([1, "a"])), [1, "a"]);
  assert.deepEqual(clean(new Map([["a", 1]])), { a: 1 });
  assert.deepEqual(clean([undefined, NaN, -0]), [undefined, NaN, -0]);
});

test("patterns inside of texts", () => {
  const jwt = `${Buffer.from('{"alg":"HS256","typ":"JWT"}').toString("base64url")}.${Buffer.from('{"sub":"canary"}').toString("base64url")}.c2lnbmF0dXJlY2FuYXJ5`;
  const cases = {
    "mail to canary@example.test now": "mail to [REDACTED] now",
    "canary+tag@sub.example.co.uk": MARK,
    "canary%40example.test": MARK,
    '<canary@example.test>, "x"': '<[REDACTED]>, "x"',
    "canary@bücher.example": MARK,
    [`jwt ${jwt} end`]: "jwt [REDACTED] end",
    "Bearer canary-0123456789": MARK,
    "basic Y2FuYXJ5OmNhbmFyeQ==": MARK,
    "id AKIAIOSFODNN7EXAMPLE end": "id [REDACTED] end",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY": MARK,
    "postgres://user:canary@db.test/x": "postgres://[REDACTED]@db.test/x",
    "pay 4111111111111111 now": "pay [REDACTED] now",
    "pay 4111 1111 1111 1111 on 12": "pay [REDACTED] on 12",
    "5500-0000-0000-0004": MARK,
    "3782 822463 10005": MARK,
    "6011000000000004": MARK,
    "ssn 078-05-1120": "ssn [REDACTED]",
    "ghp_canary0123456789canary0123456789abcd": MARK,
    "password=canary&page=2": "password=[REDACTED]&page=2",
    "page=2&access_token=canary": "page=2&access_token=[REDACTED]",
    "x?a=1&Password=canary#f": "x?a=1&Password=[REDACTED]",
    '{"user":{"password":"canary","page":2}}': '{"user":{"password":[REDACTED],"page":2}}',
    '{"password":"can\\"canary","page":2}': '{"password":[REDACTED],"page":2}',
    "{ password: 'canary', page: 2 }": "{ password: [REDACTED], page: 2 }",
    "error: login failed: password: my canary phrase": "error: login failed: password: [REDACTED]",
    "Cookie: sid=canary; b=canary\nAccept: x": "Cookie: [REDACTED]\nAccept: x",
    "Authorization: Custom canary, canary": "Authorization: [REDACTED]",
    "token%3Dcanary": "token%3D[REDACTED]",
    "password=": "password=[REDACTED]",
    "run --password canary --page 2": "run --password [REDACTED] --page 2",
    "run --db-password=canary -x": "run --db-password=[REDACTED] -x",
    "_token=canary 2fa_token=canary": "_token=[REDACTED] 2fa_token=[REDACTED]",
    "Map(1) { 'password' => 'canary' }": "Map(1) { 'password' => [REDACTED] }",
    "<user><password>canary</password><page>2</page></user>": "<user><password>[REDACTED]</password><page>2</page></user>",
    "the token is valid": "the token is valid",
  };
  for (const [text, expected] of Object.entries(cases)) assert.equal(clean(text), expected);
  for (const text of ['{"password":["canary"]}', '{"password":{"a":"canary"}}', String.raw`{"body":"{\"password\":\"canary\",\"x\":1}"}`, '{"password":"canary', '{"password":"canary\\', "password: 'canary",
    'password=\\"canary\\"', "password: `canary x`", 'password :\t"canary"', "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----", "-----BEGIN RSA PRIVATE KEY-----\ncanary"]) {
    hides(text, text);
  }
  assert.equal(clean(4111111111111111), MARK);
  assert.equal(clean(4111111111111111n), MARK);
  assert.equal(clean(4111111111111112), 4111111111111112);
  assert.equal(clean("4111111111111112"), "4111111111111112");
  assert.equal(clean("x".repeat(20_000)), "[REDACTED] (a text of 20000 characters)");
});

test("what is hidden is what the crate dynaseal-web hides: its tests read the same files", () => {
  const read = (path) => JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8"));
  const cases = read("../../../../facts/redact.cases.json");
  const marked = redact({ mark: "[redacted]" });
  for (const [value, expected] of [...cases.texts, ...cases.values]) assert.deepEqual(marked(value), expected);
  for (const text of cases.shown) assert.equal(clean(text), text);
  for (const text of cases.hidden) hides(text, text);
  for (const name of cases.sensitive) assert.deepEqual(clean({ [name]: "canary" }), { [name]: MARK }, name);
  for (const name of cases.plain) assert.deepEqual(clean({ [name]: "shown" }), { [name]: "shown" }, name);
  const counts = Object.values(cases).map(({ length }) => length);
  assert.ok(counts.length === 7 && counts.every((count) => count >= 10), `${counts}`);
  const copy = "../../ts/koa/redact/facts.json";
  assert.deepEqual(read(copy), read("../../../../facts/redact.json"), `${copy} is a copy of facts/redact.json: copy it again`);
});

test("the same names, a letter or a sign changed: the kind, not the case", () => {
  const looks = { a: "\u0430", c: "\u0441", e: "\u0435", i: "\u0456", o: "\u03bf", p: "\u0440", s: "\u0455", x: "\u0445", y: "\u0443" };
  const words = ["password", "secret", "api key", "access token", "private key", "shared key", "recovery code", "security answer", "card number", "mobile number", "session", "passphrase"];
  const spellings = (name) => {
    const parts = name.split(" ");
    const camel = parts.map((part, at) => (at === 0 ? part : part[0].toUpperCase() + part.slice(1))).join("");
    return [camel, parts.join("_"), parts.join("-"), parts.join("."), parts.join(""), camel.toUpperCase(), `user${camel[0].toUpperCase()}${camel.slice(1)}`, `${parts.join("_")}_2`];
  };
  const hidden = (name) => [
    `${name}=canary`, `${name}: canary canary`, `"${name}":"canary"`, `'${name}' => 'canary'`, `${name} -> canary`, `a[${name}]=canary`, `a[b][${name}][]=canary`, `<${name}>canary</${name}>`,
    `<i n="1" name="${name}" value="canary"/>`, `{"value":"canary","name":"${name}"}`, `[{"key":"${name}","values":["canary"]}]`, `["${name}","canary"]`, `Key (${name})=(canary)`,
    `${name}\tcanary`, `| ${name} | canary |`, `${name}:\n  - canary\n  - canary`, `a:\n  ${name}: |\n    canary\n\n    canary\n`, `--${name} canary`, `${encodeURIComponent(`{"${name}":"canary"}`)}`,
    JSON.stringify(JSON.stringify({ a: JSON.stringify({ [name]: 'x"canary' }) })), `{&quot;${name}&quot;:&quot;canary&quot;}`,
  ];
  for (const name of words.flatMap(spellings)) {
    for (const [letter, other] of Object.entries(looks)) hides({ [name.replace(letter, other)]: "canary" }, `${name} with another ${letter}`);
    for (const text of hidden(name)) hides(text, text);
    for (const text of hidden([...name].map((char) => (/[a-z]/i.test(char) ? String.fromCodePoint(char.codePointAt(0) + 0xfee0) : char)).join(""))) hides(text, text);
  }
});

test("a secret as a member's name", () => {
  assert.deepEqual(clean({ "canary@example.test": 1, "other-canary@example.test": 2, plain: 3 }), { [MARK]: 1, [`${MARK} 2`]: 2, plain: 3 });
  hides(new Map([["canary@example.test", { a: 1 }]]), "Map");
});

test("names, patterns and the mark can be chosen", () => {
  const own = redact({ names: ["nick_name", /^x-internal/i], patterns: [/canary\d/, /CANARY/gi], keep: ["nextToken"], mark: "***" });
  assert.deepEqual(own({ nickName: "canary", "X-Internal-Id": "canary", nextToken: "page", NEXT_TOKEN: "page", token: "canary" }),
    { nickName: "***", "X-Internal-Id": "***", nextToken: "page", NEXT_TOKEN: "page", token: "***" });
  for (let i = 0; i < 3; i += 1) assert.equal(own("a canary1 b"), "a *** b");
  assert.equal(redact({ keep: ["nextToken"], names: ["nextToken"] })({ nextToken: "canary" }).nextToken, MARK);
});

test("nothing is changed, and the copy shares nothing", () => {
  const body = Object.freeze({ email: "canary@example.test", password: "canary", nested: Object.freeze({ token: "canary", list: Object.freeze([1, Object.freeze({ a: 1 })]) }) });
  const before = structuredClone(body);
  const copy = clean(body);
  assert.deepEqual(body, before);
  assert.notEqual(copy.nested.list[1], body.nested.list[1]);
  copy.nested.list[1].a = 2;
  assert.equal(body.nested.list[1].a, 1);
});

test("what cannot be read as data is hidden, and no code of it runs", () => {
  const ran = [];
  const run = (what) => { ran.push(what); return "canary"; };
  class Secret { #value = "canary"; plain = "canary"; toJSON() { return run("toJSON"); } get #x() { return this.#value; } show() { return this.#x; } }
  class Shown { plain = "canary"; [inspect.custom]() { return run("inspect"); } }
  class Trap extends Map { *[Symbol.iterator]() { yield ["a", run("iterator")]; } entries() { return run("entries"); } forEach() { run("forEach"); } }
  class TrapSet extends Set { *[Symbol.iterator]() { yield run("iterator"); } values() { return run("values"); } }
  class List extends Array { get 0() { return run("element"); } map() { return run("map"); } get [Symbol.species]() { return run("species"); } }
  const all = () => new Proxy({}, Object.fromEntries(Object.getOwnPropertyNames(Reflect).map((trap) => [trap, () => run(trap)])));
  const cases = {
    getter: { get a() { return run("getter"); }, b: 1 },
    "throwing getter": { get a() { throw new Error("canary"); } },
    proxy: new Proxy({ canary: "canary" }, {}),
    "trapping proxy": { inner: all() },
    "revoked proxy": (() => { const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return [proxy]; })(),
    "toJSON on a class": new Secret(),
    "toJSON inside": { a: { b: [new Secret()] } },
    "own toJSON": { a: "canary", toJSON: () => run("own toJSON") },
    "null prototype with toJSON": Object.assign(Object.create(null), { a: "canary", toJSON: () => run("toJSON") }),
    "custom inspection": new Shown(),
    "Map with code": new Trap([["password", "canary"]]),
    "Set with code": new TrapSet([{ token: "canary" }]),
    "element getter": Object.defineProperty([1], 0, { get: () => run("index"), enumerable: true }),
    "list with code": Object.assign(new List(), { length: 0 }),
    buffer: { a: Buffer.from("canary"), b: new TextEncoder().encode("canary"), c: new TextEncoder().encode("canary").buffer, d: new DataView(new ArrayBuffer(8)), e: new SharedArrayBuffer(8) },
    boxed: [Object("canary"), Object(7n), Object(Symbol("canary"))],
    symbol: { a: Symbol("canary"), [Symbol("canary")]: "canary", [Symbol.for("x")]: "canary" },
    function: { f: Object.assign(function canary() {}, { password: "canary" }), C: class Canary { static a = "canary"; } },
    hidden: Object.defineProperty({}, "a", { value: "canary", enumerable: false }),
    key: createSecretKey(Buffer.from("canary")),
    url: new URL("https://canary:canary@example.test/path?token=canary&a=canary#canary"),
    params: new URLSearchParams("a=canary"),
    headers: new Headers({ authorization: "canary" }),
    promise: Promise.resolve("canary"),
    weak: new WeakMap([[{}, "canary"]]),
    regexp: /canary/,
    emitter: Object.assign(new http.Agent(), { a: "canary" }),
    realm: vm.runInNewContext('({ password: "canary", e: new Error("password=canary"), m: new Map([["token", "canary"]]), d: [{ token: "canary" }] })'),
    "prototype getter": Object.create({ get a() { return run("inherited"); } }),
    named: [{ name: "Authorization", value: "canary" }, { key: "x-api-key", value: ["canary"] }],
    rawHeaders: ["Host", "x", "Authorization", "canary", "Cookie", "canary"],
    entries: [["password", "canary"], ["token", { a: "canary" }]],
    marshalled: { nick: { S: "canary" }, list: { L: [{ S: "canary" }, { M: { a: { B: Buffer.from("canary") } } }] }, set: { SS: ["canary"] }, n: { N: "canary" } },
  };
  for (const [why, value] of Object.entries(cases)) {
    hides(value, why);
    hides({ deep: [value] }, `${why} inside`);
  }
  assert.deepEqual(ran, []);
  assert.ok(cases.key instanceof KeyObject);
  assert.equal(clean(cases.url), "https://example.test/path");
  assert.deepEqual(clean({ __proto__: null, ["__proto__"]: { password: "canary" } })["__proto__"], { password: MARK });
  assert.equal({}.password, undefined);
});

test("circular, deep, wide and huge", () => {
  const loop = { a: 1, password: "canary" };
  loop.self = loop;
  loop.list = [loop, new Map([["x", loop]]), new Set([loop])];
  assert.deepEqual(clean(loop), { a: 1, password: MARK, self: "[circular]", list: ["[circular]", { x: "[circular]" }, ["[circular]"]] });
  const shared = { a: 1 };
  assert.deepEqual(clean({ x: shared, y: shared }), { x: { a: 1 }, y: { a: 1 } });

  let deep = { password: "canary", plain: "canary" };
  for (let i = 0; i < 100_000; i += 1) deep = { a: deep };
  hides(deep, "deep");
  let bomb = { a: "x" };
  for (let i = 0; i < 60; i += 1) bomb = { a: bomb, b: bomb };
  const start = worked();
  hides(bomb, "bomb");
  hides(Array.from({ length: 200_000 }, () => ({ token: "canary" })), "wide list");
  hides(Object.fromEntries(Array.from({ length: 50_000 }, (_none, i) => [`a${i}`, i === 49_999 ? "canary" : i])), "wide object");
  hides(Array(4_000_000_000), "sparse");
  hides(new Map(Array.from({ length: 50_000 }, (_none, i) => [{ i }, { token: "canary" }])), "wide Map");
  hides(Object.fromEntries(Array.from({ length: 15_000 }, (_none, i) => [`canary${i}@example.test`, i])), "many secret names");
  hides(Array.from({ length: 900 }, () => "1 ".repeat(4000) + "token=canary"), "long texts");
  assert.ok(worked() - start < 5000, `${worked() - start} ms`);
  let million = {};
  for (let i = 0; i < 1_000_000; i += 1) million[`a${i}`] = i;
  // The names of an object cannot be had one at a time in JavaScript: this is what the engine itself takes for them.
  const begin = worked();
  for (const name in million) if (name.startsWith("a3")) break;
  const engine = worked() - begin;
  const copied = clean(million);
  const ours = worked() - begin - engine;
  assert.ok(ours < 2 * engine + 300, `${ours} ms, the engine alone ${engine} ms`);
  assert.equal(Object.keys(copied).length, 20_001);
  million = undefined;
  assert.equal(redact({ maxDepth: 2 })({ a: { b: { c: { d: "canary" } } } }).a.b.c, "[REDACTED] (too deep)");
});

test("texts made to be slow are not", () => {
  const n = 16_000;
  const texts = ["a-", "-", "a ", "pass ", "--pass ", "pass>", "<", "a@", "a", "@", "a.", "eyJ", "1 ", "1-", '"', "\\", "a=", "a:", "http://", "password", 'password="', "-----BEGIN PRIVATE KEY-----", "Ab1", "bearer ", " ", "1234-", "a@b.", '\\"a:'];
  for (const part of texts) {
    const text = part.repeat(Math.floor(n / part.length));
    const start = worked();
    clean(text);
    clean(`${text}!`);
    assert.ok(worked() - start < 1000, `${part}: ${worked() - start} ms`);
  }
});

test("errors: what messages, stacks and members carry", () => {
  const parse = (text) => { try { JSON.parse(text); } catch (error) { return Object.assign(error, { body: text, status: 400 }); } return assert.fail(); };
  hides(parse('{"password":"canary", x'), "JSON.parse quotes its input");
  hides(parse("canary"), "JSON.parse");
  const sdk = Object.assign(new Error("The value is wrong: canary"), { name: "ValidationException", $metadata: { requestId: "R1" }, Item: { a: { S: "canary" } }, CancellationReasons: [{ Code: "None", Item: "canary" }],
    $response: { body: "canary" } });
  assert.deepEqual(hides(sdk, "SDK").$metadata, { requestId: "R1" });
  const zod = Object.assign(new Error("Invalid value, received canary"), { name: "ZodError", issues: [{ code: "invalid_value", path: ["user", "plan", "canary@example.test"], received: "canary", message: "canary" }] });
  assert.deepEqual(hides(zod, "zod").issues, ["user.plan.* invalid_value"]);
  const http = Object.assign(new Error("Request failed"), { config: { headers: { "X-Custom": "canary" }, data: "canary" }, request: "canary", response: { data: "canary" }, code: "ERR_BAD_REQUEST" });
  assert.equal(hides(http, "HTTP client").code, "ERR_BAD_REQUEST");
  const nested = new Error("outer token=canary", { cause: new AggregateError([new Error("Bearer canary-canary"), "canary@example.test"], "password: canary") });
  const copy = hides(nested, "nested");
  assert.equal(copy.message, "outer token=[REDACTED]");
  assert.equal(copy.cause.errors[1], MARK);
  assert.match(copy.stack, /^ {4}at .*redact\.test\.mjs:\d+:\d+\)?/);
  hides(clean(new Error("a\n    at canary (secret)\n    at canary")).stack, "a message that looks like a stack");
  hides(Object.assign(new Error("x"), { stack: { toString: () => "canary" } }), "a stack that is no text");
  hides(Object.defineProperty(new Error("x"), "message", { get: () => "canary" }), "a message that is code");
  hides(Object.create(Error.prototype, { message: { value: "token=canary" }, password: { value: "canary", enumerable: true } }), "made without new");
  const ours = Object.assign(new Error('DSL-1002: PutItem on table Users: attribute "plan" has no configured action'), { name: "ValidationException" });
  assert.equal(clean(ours).message, ours.message);
  const loop = new Error("loop");
  loop.cause = loop;
  assert.equal(clean(loop).cause, "[circular]");
});

test("requests and answers of node:http", async (t) => {
  const server = http.createServer((request, response) => {
    response.setHeader("set-cookie", "sid=canary");
    response.end(JSON.stringify(hides({ request, response }, "messages")));
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => server.close());
  const answer = await fetch(`http://127.0.0.1:${server.address().port}/path?token=canary`, { headers: { authorization: "canary", cookie: "canary", connection: "close" } });
  assert.deepEqual(await answer.json(), { request: { method: "GET", path: "/path" }, response: { statusCode: 200 } });
});
