// A store with the tables for a file of tests, and clients for it: bare, sealed, and sealed with a network that fails as told.

import assert from "node:assert/strict";
import { after, before } from "node:test";
import { Readable } from "node:stream";
import { Dynaseal, seal } from "../../dist/esm/index.mjs";
import { dynamodb, lib } from "./sdk.mjs";
import { startStore, TEST_KEY } from "./store.mjs";
import { config, schemas } from "./tables.mjs";

process.env.DYNASEAL_TEST_KEY = TEST_KEY;

/** Stands in every encrypted attribute that a test writes. */
export const SECRET = "canary-4f1c9a";

export let store, raw, dynaseal, client, documents;
/** A client with an engine of its own, as another process has: it does not wait for the turns of `documents`. */
export let elsewhere;

before(async () => {
  store = await startStore();
  raw = new dynamodb.DynamoDBClient(connection());
  for (const schema of schemas) await raw.send(new dynamodb.CreateTableCommand(schema));
  dynaseal = new Dynaseal(config);
  client = seal(new dynamodb.DynamoDBClient(connection()), dynaseal);
  documents = lib.DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
  elsewhere = lib.DynamoDBDocumentClient.from(seal(new dynamodb.DynamoDBClient(connection()), new Dynaseal(config)));
});

after(async () => {
  client?.destroy();
  elsewhere?.destroy();
  raw?.destroy();
  await store?.stop();
});

export const connection = () => ({
  endpoint: store.url,
  region: "us-east-1",
  credentials: { accessKeyId: "test", secretAccessKey: "test" },
});

/** The item as the database holds it. */
export const stored = async (TableName, Key) =>
  (await raw.send(new dynamodb.GetItemCommand({ TableName, Key, ConsistentRead: true }))).Item;

/** The item as the database holds it has these attributes, the encrypted ones as ciphertext. */
export async function assertSealed(TableName, Key, plain, encrypted) {
  const item = await stored(TableName, Key);
  assert.deepEqual(Object.keys(item).sort(), [...plain, ...encrypted, "aws_dbe_foot", "aws_dbe_head"].sort());
  for (const name of encrypted) {
    assert.deepEqual(Object.keys(item[name]), ["B"], name);
    assert.ok(!Buffer.from(item[name].B).toString("latin1").includes(SECRET), name);
  }
  return item;
}

/**
 * A sealed client over a network that does what `script` says, attempt by attempt: `undefined` lets it pass, "lost" carries it out
 * and drops the answer, "refused" does not carry it out, an object answers. `seen` is what went out.
 */
export function scripted(script = [], more = {}, by = dynaseal) {
  const inner = new dynamodb.DynamoDBClient(connection()).config.requestHandler;
  const seen = [];
  const requestHandler = {
    metadata: inner.metadata ?? { handlerProtocol: "http/1.1" },
    updateHttpClientConfig() {},
    httpHandlerConfigs: () => ({}),
    destroy: () => inner.destroy(),
    async handle(request, options) {
      const body = typeof request.body === "string" ? request.body : Buffer.from(request.body).toString();
      seen.push({ operation: request.headers["x-amz-target"].split(".")[1], body, headers: { ...request.headers } });
      const act = script.shift();
      if (act === "refused") throw Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
      if (act === "lost") {
        const { response } = await inner.handle(request, options);
        for await (const _ of response.body);
        throw Object.assign(new Error("socket hang up"), { code: "ECONNRESET", name: "TimeoutError" });
      }
      if (typeof act === "function") return act(request, () => inner.handle(request, options));
      return act
        ? { response: answer(act.status, { __type: `x#${act.type}`, message: act.type }) }
        : inner.handle(request, options);
    },
  };
  const client = new dynamodb.DynamoDBClient({ ...connection(), requestHandler, ...more });
  seal(client, by);
  return {
    client,
    documents: lib.DynamoDBDocumentClient.from(client),
    seen,
    operations: () => seen.map(({ operation }) => operation),
  };
}

/** An answer as the SDK's handlers give it. */
export function answer(statusCode, body, headers = {}) {
  const bytes = Buffer.from(JSON.stringify(body));
  return {
    statusCode,
    headers: { "content-type": "application/x-amz-json-1.0", ...headers },
    body: Readable.from([bytes]),
  };
}

export const collect = async (pages) => {
  const all = [];
  for await (const page of pages) all.push(page);
  return all;
};
