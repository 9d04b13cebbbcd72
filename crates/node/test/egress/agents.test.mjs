// The agents of node:http and node:https, on real sockets.

import assert from "node:assert/strict";
import dns from "node:dns";
import http from "node:http";
import https from "node:https";
import { test } from "node:test";

import { DynamoDBClient, ListTablesCommand } from "@aws-sdk/client-dynamodb";
import { EgressHttpAgent, EgressHttpsAgent } from "dynaseal/egress";

import { certificate, get, serve } from "./servers.mjs";

const refused = { name: "EgressError", code: "DSL-9101" };
const say = (text) => (_request, response) => response.end(text);

test("literal addresses in every spelling", async (t) => {
  const { port, hits } = await serve(t, say("secret"));
  const agent = new EgressHttpAgent();
  const hosts = ["127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001", "127.0.0.1.", "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]", "0", "0.0.0.0", "[::]", "localhost", "LOCALHOST", "①②⑦.0.0.1", "%31%32%37.0.0.1"];
  for (const host of hosts) await assert.rejects(get(`http://${host}:${port}/`, { agent }), refused, host);
  // The same without the URL parser, which brings most spellings into one form. What is no address and no name is refused by DNS.
  const raw = ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "0", "0.0.0.0", "::ffff:127.0.0.1", "::", "localhost"];
  for (const host of raw) await assert.rejects(get(undefined, { host, port, agent, protocol: "http:" }), refused, `raw ${host}`);
  for (const host of ["localhost.", "127.0.0.1.", "[::1]"]) {
    await assert.rejects(get(undefined, { host, port, agent, protocol: "http:" }), (error) => ["DSL-9101", "ENOTFOUND", "EAI_AGAIN"].includes(error.code), `raw ${host}`);
  }
  await assert.rejects(get(undefined, { port, agent, protocol: "http:" }), refused, "no host, which means localhost");
  assert.deepEqual(hits, []);
});

test("what is listed is reached, and keep-alive works", async (t) => {
  const { port } = await serve(t, say("hello"));
  const agent = new EgressHttpAgent({ allow: [`127.0.0.1:${port}`] }, { keepAlive: true });
  t.after(() => agent.destroy());
  for (let i = 0; i < 3; i += 1) assert.equal((await get(`http://127.0.0.1:${port}/`, { agent })).body, "hello");
  assert.equal((await get(`http://localhost:${port}/`, { agent, family: 4 })).body, "hello");
  await assert.rejects(get(`http://127.0.0.2:${port}/`, { agent }), refused);
  await assert.rejects(get(`http://127.0.0.1:${port + 1}/`, { agent }), refused);
});

test("rebinding: one lookup a connection, and the judged answer is the one that is called", async (t) => {
  const good = await serve(t, say("good"), { address: "127.0.0.2" });
  const bad = await serve(t, say("bad"), { port: good.port });
  const answers = ["127.0.0.2", "127.0.0.1", "127.0.0.2"];
  let lookups = 0;
  const lookup = (_host, options, answer) => {
    assert.equal(options.all, true);
    setImmediate(answer, null, [{ address: answers[lookups++], family: 4 }]);
  };
  const agent = new EgressHttpAgent({ allow: ["127.0.0.2"], lookup });
  const url = `http://rebind.test:${good.port}/`;
  assert.deepEqual(await get(url, { agent }), { status: 200, body: "good", address: "127.0.0.2" });
  assert.equal(lookups, 1);
  await assert.rejects(get(url, { agent }), refused);
  assert.equal(lookups, 2);
  for (const autoSelectFamily of [true, false]) {
    lookups = 2;
    assert.equal((await get(url, { agent, autoSelectFamily })).body, "good");
    assert.equal(lookups, 3);
  }
  assert.deepEqual(bad.hits, []);
});

test("an answer that changes after it was given does not change where the connection goes", async (t) => {
  const good = await serve(t, say("good"), { address: "127.0.0.2" });
  const bad = await serve(t, say("bad"), { port: good.port });
  const lookup = (_host, _options, answer) => {
    let asked = 0;
    answer(null, [{ get address() { return asked++ === 0 ? "127.0.0.2" : "127.0.0.1"; }, family: 4 }]);
  };
  const agent = new EgressHttpAgent({ allow: ["127.0.0.2"], lookup });
  assert.equal((await get(`http://moving.test:${good.port}/`, { agent })).body, "good");
  assert.deepEqual(bad.hits, []);
});

test("all addresses of an answer must be allowed; then happy eyeballs takes one that works", async (t) => {
  const { port, hits } = await serve(t, say("hello"), { address: "127.0.0.3" });
  const lookup = (_host, _options, answer) => answer(null, ["127.0.0.2", "127.0.0.3"].map((address) => ({ address, family: 4 })));
  const url = `http://two.test:${port}/`;
  await assert.rejects(get(url, { agent: new EgressHttpAgent({ allow: ["127.0.0.3"], lookup }) }), refused);
  assert.deepEqual(hits, []);
  const agent = new EgressHttpAgent({ allow: ["127.0.0.2/31", "127.0.0.3"], lookup });
  assert.deepEqual(await get(url, { agent, autoSelectFamily: true }), { status: 200, body: "hello", address: "127.0.0.3" });
});

test("options of a request do not lead past the guard", async (t) => {
  const { port, hits } = await serve(t, say("secret"));
  const agent = new EgressHttpAgent({ lookup: (...call) => nowhere(...call) }, { keepAlive: true });
  const url = `http://public.test:${port}/`;
  const lookup = (_host, options, answer) => (options.all ? answer(null, [{ address: "127.0.0.1", family: 4 }]) : answer(null, "127.0.0.1", 4));
  const nowhere = (_host, _options, answer) => answer(Object.assign(new Error("no such host"), { code: "ENOTFOUND" }), []);
  const past = (code) => ({ name: "EgressError", code });
  await assert.rejects(get(url, { agent, lookup }), { code: "ENOTFOUND" });
  await assert.rejects(get(undefined, { agent, socketPath: "/var/run/docker.sock", protocol: "http:" }), past("DSL-9103"));
  await assert.rejects(get(url, { agent, fd: 0 }), past("DSL-9103"));
  await assert.rejects(get(url, { agent, host: "127.0.0.1" }), { code: "ENOTFOUND" });
  await assert.rejects(get(url, { agent, hostname: "127.0.0.1" }), refused);
  await assert.rejects(get(url, { agent: new EgressHttpAgent({}, { host: "127.0.0.1" }) }), refused);
  await assert.rejects(get(url, { agent: new EgressHttpAgent({ lookup: nowhere }, { lookup }) }), { code: "ENOTFOUND" });
  await assert.rejects(get(`http://127.0.0.1:${port}/`, { agent, createConnection: () => assert.fail("not asked") }), refused);
  await assert.rejects(get(url, { agent: new EgressHttpAgent({}, { socketPath: "/var/run/docker.sock" }) }), past("DSL-9103"));
  await assert.rejects(get("https://public.test/", { agent: new EgressHttpsAgent({}, { socket: {} }) }), past("DSL-9103"));
  assert.throws(() => new EgressHttpAgent({}, { proxyEnv: {} }), past("DSL-9104"));
  assert.deepEqual(hits, []);
});

test("a socket that arrives elsewhere is closed before a byte is written", async (t) => {
  const { port, hits } = await serve(t, say("secret"));
  const real = http.Agent.prototype.createConnection;
  t.after(() => (http.Agent.prototype.createConnection = real));
  http.Agent.prototype.createConnection = function (options) { return real.call(this, { ...options, host: "127.0.0.1" }); };
  await assert.rejects(get(`http://1.1.1.1:${port}/`, { agent: new EgressHttpAgent() }), refused);
  assert.deepEqual(hits, []);
});

test("each hop of a redirect is a connection", async (t) => {
  const inner = await serve(t, say("metadata"), { address: "127.0.0.2" });
  const outer = await serve(t, (_request, response) => response.writeHead(302, { location: `http://127.0.0.2:${inner.port}/` }).end());
  const agent = new EgressHttpAgent({ allow: ["127.0.0.1"] });
  const follow = (url) => new Promise((done, failed) => {
    http.get(url, { agent }, (response) => done(follow(response.headers.location))).on("error", failed);
  });
  await assert.rejects(follow(`http://127.0.0.1:${outer.port}/`), refused);
  assert.equal(outer.hits.length, 1);
  assert.deepEqual(inner.hits, []);
});

test("https: refused before the handshake, and names and certificates are still checked where it is allowed", async (t) => {
  const tls = certificate();
  const { port, hits } = await serve(t, say("over tls"), { tls });
  await assert.rejects(get(`https://127.0.0.1:${port}/`, { agent: new EgressHttpsAgent({}, { ca: tls.cert }) }), refused);
  await assert.rejects(get(`https://localhost:${port}/`, { agent: new EgressHttpsAgent({}, { ca: tls.cert }) }), refused);
  assert.deepEqual(hits, []);
  const lookup = (_host, _options, answer) => answer(null, [{ address: "127.0.0.1", family: 4 }]);
  const agent = new EgressHttpsAgent({ allow: ["api.test", "wrong.test"], lookup }, { ca: tls.cert, keepAlive: true, maxCachedSessions: 10 });
  t.after(() => agent.destroy());
  for (let i = 0; i < 2; i += 1) assert.equal((await get(`https://api.test:${port}/`, { agent })).body, "over tls");
  await assert.rejects(get(`https://wrong.test:${port}/`, { agent }), { code: "ERR_TLS_CERT_ALTNAME_INVALID" });
  await assert.rejects(get(`https://other.test:${port}/`, { agent }), refused);
});

test("in the AWS SDK: the call fails with the guard's error, and is not tried again", async (t) => {
  const { port, hits } = await serve(t, (_request, response) => response.writeHead(200, { "content-type": "application/x-amz-json-1.0" }).end('{"TableNames":["Users"]}'));
  const clientWith = (rules) => {
    const client = new DynamoDBClient({ region: "eu-west-1", endpoint: `http://127.0.0.1:${port}`, credentials: { accessKeyId: "test", secretAccessKey: "test" },
      requestHandler: { httpAgent: new EgressHttpAgent(rules), httpsAgent: new EgressHttpsAgent(rules) } });
    t.after(() => client.destroy());
    return client;
  };
  await assert.rejects(clientWith({}).send(new ListTablesCommand({})), (error) => error.code === "DSL-9101" && error.$metadata.attempts === 1);
  assert.deepEqual(hits, []);
  assert.deepEqual((await clientWith({ allow: [`127.0.0.1:${port}`], public: false }).send(new ListTablesCommand({}))).TableNames, ["Users"]);
});

test("DNS failures stay what they are", async () => {
  const lookup = (_host, _options, answer) => answer(Object.assign(new Error("no such host"), { code: dns.NOTFOUND }), undefined);
  await assert.rejects(get("http://nowhere.test/", { agent: new EgressHttpAgent({ lookup }) }), { code: "ENOTFOUND" });
  assert.equal(https.globalAgent instanceof EgressHttpsAgent, false);
});
