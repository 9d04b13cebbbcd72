// The undici dispatcher, on real sockets: undici's fetch and request, and Node's own fetch.

import assert from "node:assert/strict";
import { test } from "node:test";

import { EgressError, egressDispatcher } from "dynaseal/egress";
import { fetch as undiciFetch, getGlobalDispatcher, request, setGlobalDispatcher } from "undici";

import { certificate, serve } from "./servers.mjs";

const say = (text) => (_request, response) => response.end(text);
const loopback = (_host, _options, answer) => answer(null, [{ address: "127.0.0.1", family: 4 }]);
/** fetch wraps what the connection says. */
const refused = (code) => (error) => (error.cause ?? error) instanceof EgressError && (error.cause ?? error).code === code;

async function dispatcherFor(t, options) {
  const dispatcher = await egressDispatcher(options);
  t.after(() => dispatcher.close());
  return dispatcher;
}

test("fetch and request refuse what is not public, in every spelling", async (t) => {
  const { port, hits } = await serve(t, say("secret"));
  const dispatcher = await dispatcherFor(t);
  const hosts = ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.1.", "[::ffff:7f00:1]", "[::1]", "0", "localhost", "①②⑦.0.0.1"];
  for (const host of hosts) {
    await assert.rejects(undiciFetch(`http://${host}:${port}/`, { dispatcher }), refused("DSL-9101"), host);
    await assert.rejects(request(`http://${host}:${port}/`, { dispatcher }), refused("DSL-9101"), host);
  }
  for (const host of ["169.254.169.254", "[fd00:ec2::254]", "10.0.0.1", "[64:ff9b::a9fe:a9fe]", "[2002:a9fe:a9fe::]"]) {
    await assert.rejects(undiciFetch(`http://${host}/latest/meta-data/`, { dispatcher }), refused("DSL-9101"), host);
    await assert.rejects(undiciFetch(`https://${host}/`, { dispatcher }), refused("DSL-9101"), host);
  }
  assert.deepEqual(hits, []);
});

test("rebinding, and every hop of a redirect", async (t) => {
  const inner = await serve(t, say("metadata"), { address: "127.0.0.2" });
  const outer = await serve(t, (incoming, response) => {
    if (incoming.url === "/rebind") return response.writeHead(302, { connection: "close", location: "/" }).end();
    if (incoming.url === "/inner") return response.writeHead(302, { location: `http://127.0.0.2:${inner.port}/` }).end();
    return response.end("outer");
  });
  const answers = ["127.0.0.1", "127.0.0.2"];
  let lookups = 0;
  const lookup = (_host, _options, answer) => answer(null, [{ address: answers[lookups++], family: 4 }]);
  const dispatcher = await dispatcherFor(t, { allow: ["127.0.0.1"], lookup });
  await assert.rejects(undiciFetch(`http://rebind.test:${outer.port}/rebind`, { dispatcher }), refused("DSL-9101"));
  assert.equal(lookups, 2);
  await assert.rejects(undiciFetch(`http://127.0.0.1:${outer.port}/inner`, { dispatcher }), refused("DSL-9101"));
  assert.equal(await (await undiciFetch(`http://127.0.0.1:${outer.port}/`, { dispatcher })).text(), "outer");
  assert.deepEqual(outer.hits, ["GET /rebind", "GET /inner", "GET /"]);
  assert.deepEqual(inner.hits, []);
});

test("an answer with one address that is not allowed is refused whole", async (t) => {
  const { port, hits } = await serve(t, say("hello"));
  const lookup = (_host, _options, answer) => answer(null, ["127.0.0.1", "10.0.0.1"].map((address) => ({ address, family: 4 })));
  const dispatcher = await dispatcherFor(t, { allow: ["127.0.0.1"], lookup });
  await assert.rejects(undiciFetch(`http://two.test:${port}/`, { dispatcher }), refused("DSL-9101"));
  assert.deepEqual(hits, []);
});

test("allow by host and port; public: false", async (t) => {
  const one = await serve(t, say("one"));
  const two = await serve(t, say("two"));
  const dispatcher = await dispatcherFor(t, { allow: [`api.test:${one.port}`], public: false, lookup: loopback });
  assert.equal(await (await undiciFetch(`http://api.test:${one.port}/`, { dispatcher })).text(), "one");
  await assert.rejects(undiciFetch(`http://api.test:${two.port}/`, { dispatcher }), refused("DSL-9101"));
  await assert.rejects(undiciFetch("http://1.1.1.1/", { dispatcher }), refused("DSL-9102"));
  assert.deepEqual(two.hits, []);
});

test("TLS: certificates are checked, options reach the connector", async (t) => {
  const tls = certificate();
  const { port, hits } = await serve(t, say("over tls"), { tls });
  const rules = { allow: ["api.test", "wrong.test"], lookup: loopback };
  const dispatcher = await dispatcherFor(t, { ...rules, agent: { connect: { ca: tls.cert }, connections: 2 } });
  assert.equal(await (await undiciFetch(`https://api.test:${port}/`, { dispatcher })).text(), "over tls");
  await assert.rejects(undiciFetch(`https://wrong.test:${port}/`, { dispatcher }), (error) => error.cause.code === "ERR_TLS_CERT_ALTNAME_INVALID");
  const strict = await dispatcherFor(t, rules);
  await assert.rejects(undiciFetch(`https://api.test:${port}/`, { dispatcher: strict }), (error) => /SELF_SIGNED/.test(error.cause.code));
  assert.equal(hits.length, 1);
});

test("as the global dispatcher it guards Node's own fetch too", async (t) => {
  const { port, hits } = await serve(t, say("secret"));
  const before = getGlobalDispatcher();
  t.after(() => setGlobalDispatcher(before));
  setGlobalDispatcher(await dispatcherFor(t));
  await assert.rejects(fetch(`http://127.0.0.1:${port}/`), (error) => error.cause?.code === "DSL-9101");
  assert.deepEqual(hits, []);
  setGlobalDispatcher(await dispatcherFor(t, { allow: ["127.0.0.1"] }));
  assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), "secret");
});

test("options that lead past the guard are refused", async () => {
  for (const agent of [{ connect: () => {} }, { connect: { socketPath: "/var/run/docker.sock" } }, { connect: { lookup: loopback } }, { connect: null },
    { factory: () => {} }, { socketPath: "/x" }, { connect: { host: "127.0.0.1" } }]) {
    await assert.rejects(egressDispatcher({ agent }), { name: "EgressError", code: "DSL-9104" }, Object.keys(agent)[0]);
  }
  await assert.rejects(egressDispatcher({ allow: ["http://x"] }), { code: "DSL-9104" });
});
