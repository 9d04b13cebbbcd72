// Branch keys that Vault protects: its HTTP API, spoken by a server in this process, and what leads to it or must not.

import assert from "node:assert/strict";
import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { Dynaseal } from "../dist/esm/index.mjs";
import { raw, scripted, SECRET, store } from "./support/harness.mjs";
import { keyStoreSchema, recordItem, records } from "./support/kms.mjs";
import { dynamodb } from "./support/sdk.mjs";

const keyStore = { type: "hierarchical", key_store_table: "VaultStore", vault_key: "tenants" };
const config = {
  keys: { tenants: { ...keyStore, branch_key_id: "tenant" } },
  tables: {
    Users: {
      keys: "tenants",
      partition_key: "id",
      suite: "hmac",
      default_action: "encrypt_and_sign",
      attributes: { id: "sign_only" },
    },
  },
};
const TOKEN = "a test token"; // it opens nothing
const plain = { id: { S: "1" }, email: { S: SECRET } };

/** The transit engine's encrypt and decrypt, with the associated data that newer servers know. */
class Transit {
  #key = randomBytes(32);
  token = TOKEN;
  namespace = undefined;
  /** What to do in place of the next answers, and in place of any. */
  trouble = [];
  always = undefined;
  /** How many bytes an answer has at least. */
  length = 0;
  seen = [];

  async start() {
    this.server = createServer((request, response) => void this.#answer(request, response));
    this.server.listen(0, "127.0.0.1");
    await once(this.server, "listening");
    this.url = `http://127.0.0.1:${this.server.address().port}`;
    return this;
  }

  stop() {
    this.server.closeAllConnections();
    this.server.close();
  }

  encrypt(plaintext, bound) {
    const iv = randomBytes(12);
    const cipher = createCipheriv("aes-256-gcm", this.#key, iv).setAAD(bound);
    return `vault:v1:${Buffer.concat([iv, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]).toString("base64")}`;
  }

  #decrypt(text, bound) {
    const bytes = Buffer.from(text.slice("vault:v1:".length), "base64");
    const cipher = createDecipheriv("aes-256-gcm", this.#key, bytes.subarray(0, 12)).setAAD(bound);
    cipher.setAuthTag(bytes.subarray(-16));
    return Buffer.concat([cipher.update(bytes.subarray(12, -16)), cipher.final()]);
  }

  async #answer(request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method, url, headers } = request;
    this.seen.push({ method, url, headers });
    const reply = (status, body, more = {}) =>
      response.writeHead(status, more).end(JSON.stringify(body).padEnd(this.length));
    const act = this.trouble.shift() ?? this.always;
    if (act) return act(response, reply);
    if (headers["x-vault-token"] !== this.token || headers["x-vault-namespace"] !== this.namespace)
      return reply(403, { errors: ["permission denied"] });
    if (url !== "/v1/transit/decrypt/tenants") return reply(404, { errors: [] });
    const { ciphertext, associated_data: bound } = JSON.parse(Buffer.concat(chunks));
    try {
      const plaintext = this.#decrypt(ciphertext, Buffer.from(bound, "base64")).toString("base64");
      return reply(200, { data: { plaintext } });
    } catch {
      return reply(400, { errors: ["cipher: message authentication failed"] });
    }
  }
}

/** An encryption context as the key rings write it: a count, then each name and value behind its length, in order. */
function contextBytes(context) {
  const length = (number) => Buffer.from([number >> 8, number & 255]);
  const parts = Object.entries(context)
    .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .flatMap((pair) => pair.flatMap((text) => [length(Buffer.byteLength(text)), Buffer.from(text)]));
  return Buffer.concat([length(Object.keys(context).length), ...parts]);
}

let vault, begun;
beforeEach(() => (begun ??= begin()));
after(() => vault?.stop());

async function begin() {
  vault = await new Transit().start();
  await raw.send(new dynamodb.CreateTableCommand(keyStoreSchema("VaultStore")));
  await putBranchKey("tenant");
}

async function putBranchKey(id) {
  const key = randomBytes(32);
  for (const record of records(id, "vault-transit:transit/tenants")) {
    const bound = contextBytes({ ...record, tablename: "VaultStore" });
    const plaintext = Buffer.concat([key, createHash("sha384").update(bound).digest()]);
    const Item = recordItem(record, Buffer.from(vault.encrypt(plaintext, bound)));
    await raw.send(new dynamodb.PutItemCommand({ TableName: "VaultStore", Item }));
  }
}

/** An engine that has fetched no key yet. */
const cold = (env = {}, changed = config) =>
  new Dynaseal(changed, { dynamodb: raw, env: { VAULT_ADDR: vault.url, VAULT_TOKEN: TOKEN, ...env } });
const outcome = (promise) =>
  promise.then(
    () => "no error",
    (error) => {
      assert.ok(![error.message, error.hint, error.stack].some((text) => /test token|KMS|AWS/.test(text)), error.message);
      return error.code;
    },
  );
const codeOf = (env) => outcome(cold(env).sealItem("Users", plain));
/** What the server sees while `work` runs. */
const seenDuring = async (work) => {
  vault.seen.length = 0;
  await work();
  return vault.seen.map(({ url }) => url);
};

test("a branch key that Vault opens seals and opens items, and is asked for once", async () => {
  const dynaseal = cold();
  let sealed;
  const calls = await seenDuring(async () => {
    sealed = await dynaseal.sealItem("Users", plain);
    await dynaseal.sealItem("Users", plain);
  });
  assert.deepEqual(calls, ["/v1/transit/decrypt/tenants"]);
  const [{ method, headers }] = vault.seen;
  assert.deepEqual([method, headers["x-vault-request"], headers["x-vault-token"]], ["POST", "true", TOKEN]);
  assert.ok(sealed.email.B instanceof Uint8Array);
  assert.deepEqual(await cold().openItem("Users", sealed), plain);
});

test("a token in a file is read for each call", async () => {
  const file = join(store.folder, "token");
  const env = { VAULT_TOKEN: undefined, VAULT_TOKEN_FILE: file };
  assert.equal(await codeOf(env), "DSL-9011");
  try {
    for (const token of ["a first test token", "a second test token"]) {
      vault.token = token;
      await writeFile(file, `${token}\n`);
      assert.equal(await codeOf(env), "no error", token);
    }
    await writeFile(file, "a token\nof two lines");
    assert.equal(await codeOf(env), "DSL-9011");
    await writeFile(file, "\n");
    assert.equal(await codeOf(env), "DSL-9011");
    // One that never ends is not read.
    assert.equal(await codeOf({ ...env, VAULT_TOKEN_FILE: "/dev/zero" }), "DSL-9011");
    // One that is given goes first.
    vault.token = TOKEN;
    assert.equal(await codeOf({ VAULT_TOKEN_FILE: file }), "no error");
  } finally {
    vault.token = TOKEN;
  }
});

test("a namespace", async () => {
  vault.namespace = "teams/a";
  try {
    assert.equal(await codeOf(), "DSL-4103");
    assert.equal(await codeOf({ VAULT_NAMESPACE: "teams/a" }), "no error");
  } finally {
    vault.namespace = undefined;
  }
});

test("what is not set, or would show keys on the way, is said before anything is sent", async () => {
  const wrong = [
    { VAULT_ADDR: undefined },
    { VAULT_TOKEN: undefined },
    { VAULT_TOKEN: "a test token\nof two lines" },
    { VAULT_NAMESPACE: "a\nb" },
    { VAULT_ADDR: "vault.example.com" },
    { VAULT_ADDR: "ftp://127.0.0.1" },
    { VAULT_ADDR: "http://vault.example.com:8200" },
    { VAULT_ADDR: "http://127.0.0.1.example.com" },
    { VAULT_ADDR: `${vault.url}/v1` },
    { VAULT_ADDR: vault.url.replace("//", "//someone:secret@") },
  ];
  const calls = await seenDuring(async () => {
    for (const env of wrong) assert.equal(await codeOf(env), "DSL-9011", JSON.stringify(env));
  });
  assert.deepEqual(calls, []);
});

test("what stands on a prototype leads to no server", async () => {
  const all = { VAULT_ADDR: vault.url, VAULT_TOKEN: TOKEN };
  const codeOf = (env) => outcome(new Dynaseal(config, { dynamodb: raw, env }).sealItem("Users", plain));
  const calls = await seenDuring(async () => {
    for (const [name, value] of Object.entries(all)) {
      const { [name]: _, ...others } = all;
      assert.equal(await codeOf(Object.assign(Object.create({ [name]: value }), others)), "DSL-9011", name);
      Object.prototype[name] = value;
      const code = await codeOf(others).finally(() => delete Object.prototype[name]);
      assert.equal(code, "DSL-9011", name);
    }
  });
  assert.deepEqual(calls, []);
});

test("what a server should not answer", async () => {
  const elsewhere = await new Transit().start();
  const troubles = [
    [(_, reply) => reply(307, {}, { location: `${elsewhere.url}/v1/transit/decrypt/tenants` }), "DSL-4111"],
    [(response) => response.destroy(), "DSL-4112"],
    [(response) => response.writeHead(200).end("<html>"), "DSL-4113"],
    [(_, reply) => reply(200, { data: { plaintext: Buffer.alloc(32).toString("base64") } }), "DSL-4132"],
    [(_, reply) => reply(503, { errors: ["Vault is sealed"] }), "DSL-4102"],
    [(_, reply) => reply(429, { errors: [] }), "DSL-4101"],
  ];
  try {
    for (const [trouble, code] of troubles) {
      vault.trouble = Array(10).fill(trouble);
      assert.equal(await codeOf(), code, String(trouble));
    }
    assert.deepEqual(elsewhere.seen, []);
  } finally {
    vault.trouble = [];
    elsewhere.stop();
  }
  assert.equal(await codeOf(), "no error");
  assert.equal(await codeOf({ VAULT_ADDR: elsewhere.url }), "DSL-4112");
});

test("a ciphertext that was changed is no outage, whatever status tells of it, and is asked for once", async () => {
  for (const status of [400, 500]) {
    vault.trouble = Array(10).fill((_, reply) => reply(status, { errors: ["cipher: message authentication failed"] }));
    try {
      const calls = await seenDuring(async () => assert.equal(await codeOf(), "DSL-4132", String(status)));
      assert.equal(calls.length, 1, String(status));
    } finally {
      vault.trouble = [];
    }
  }
});

test("an abort ends a call of Vault", async () => {
  const controller = new AbortController();
  const { client, operations } = scripted([], {}, cold());
  // It never answers.
  vault.trouble = [() => controller.abort()];
  const put = new dynamodb.PutItemCommand({ TableName: "Users", Item: plain });
  const started = Date.now();
  await assert.rejects(client.send(put, { abortSignal: controller.signal }), { name: "AbortError" });
  assert.ok(Date.now() - started < 3000);
  assert.deepEqual(operations(), ["GetItem"]);
  await client.send(put);
  client.destroy();
});

test("a fault that passes is tried again", async () => {
  vault.trouble = [(response) => response.destroy(), (_, reply) => reply(503, { errors: [] })];
  assert.equal((await seenDuring(async () => assert.equal(await codeOf(), "no error"))).length, 3);
});

test("in a lasting outage a hundred retries go out for all callers, and then each call is tried once", async (t) => {
  const keys = { tenants: { ...keyStore, branch_key_id_attribute: "id" } };
  const tenants = Array.from({ length: 157 }, (_, number) => `tenant ${number}`);
  // Many at once, but not so many that a slow machine lets some of them run out of time.
  const forEach = async (all, work) => {
    const ends = [];
    for (let at = 0; at < all.length; at += 15) ends.push(...(await Promise.all(all.slice(at, at + 15).map(work))));
    return ends;
  };
  await forEach(tenants, putBranchKey);
  const dynaseal = cold({}, { ...config, keys });
  const requestsOf = async (callers, code) => {
    let ends;
    const calls = await seenDuring(async () => {
      ends = await forEach(callers, (tenant) => outcome(dynaseal.sealItem("Users", { ...plain, id: { S: tenant } })));
    });
    assert.deepEqual(ends, callers.map(() => code));
    return calls.length;
  };
  t.after(() => (vault.always = undefined));
  vault.always = (_, reply) => reply(503, { errors: ["Vault is sealed"] });
  assert.equal(await requestsOf(tenants.splice(0, 150), "DSL-4102"), 150 + 100);
  assert.equal(await requestsOf(tenants.slice(0, 1), "DSL-4102"), 1);
  // Five calls that get an answer pay for one retry.
  vault.always = undefined;
  assert.equal(await requestsOf(tenants.splice(1, 5), "no error"), 5);
  vault.always = (response) => response.destroy();
  assert.equal(await requestsOf(tenants.splice(1, 1), "DSL-4112"), 2);
});

test("an abort ends the pause before the next try", async (t) => {
  // A pause of ten seconds.
  t.mock.method(Math, "random", () => 100);
  const controller = new AbortController();
  const { client } = scripted([], {}, cold());
  t.after(() => client.destroy());
  vault.trouble = [
    (_, reply) => {
      setTimeout(() => controller.abort(), 100);
      return reply(503, { errors: [] });
    },
  ];
  const put = new dynamodb.PutItemCommand({ TableName: "Users", Item: plain });
  const started = Date.now();
  const calls = await seenDuring(() =>
    assert.rejects(client.send(put, { abortSignal: controller.signal }), { name: "AbortError" }),
  );
  assert.ok(Date.now() - started < 5000);
  assert.equal(calls.length, 1);
});

test("an answer that is longer than any of Vault is not read", async (t) => {
  t.after(() => Object.assign(vault, { length: 0, always: undefined }));
  vault.length = 64 << 10;
  assert.equal(await codeOf(), "no error");
  vault.length += 1;
  assert.equal((await seenDuring(async () => assert.equal(await codeOf(), "DSL-4112"))).length, 3);
  // One without an end, of which no more is taken than the sockets hold.
  const closed = [];
  let sent = 0;
  vault.always = (response) => {
    closed.push(once(response, "close"));
    const part = Buffer.alloc(64 << 10, " ");
    const write = () => {
      while (!response.destroyed && sent < 1 << 30) {
        sent += part.length;
        if (!response.write(part)) return;
      }
    };
    response.writeHead(200).on("drain", write);
    write();
  };
  const started = Date.now();
  await assert.rejects(cold().sealItem("Users", plain), { code: "DSL-4112", message: /broke/ });
  await Promise.all(closed);
  assert.equal(closed.length, 3);
  assert.ok(Date.now() - started < 8000 && sent < 64 << 20, `${sent} bytes`);
});
