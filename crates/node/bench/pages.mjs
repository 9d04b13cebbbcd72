// Wall time of pages and batches, of this build and of another one beside it, one after the other in one run: what is shared by
// threads here, and what was not before.
//
//   npm run build && node bench/pages.mjs                    this build alone
//   npm run build && node bench/pages.mjs OTHER/crates/node  and another one that was built, such as an older commit's
//
// The steps are those of the middlewares; there is no SDK and no network. The least of many rounds counts, and how long the event
// loop was held at most. In the end, how long sealItem, openItem and openRecords hold it until they give their promise, with what
// JavaScript itself does to make JSON of what they are given.

import { cpus } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { ITEMS } from "./items.mjs";

const ROUNDS = 40;
const folders = { "this build": new URL("..", import.meta.url).pathname, ...(process.argv[2] && { other: resolve(process.argv[2]) }) };
const env = { KEY: "7e21".repeat(16) }; // a test key: it protects nothing

async function open(folder, suite) {
  const { Dynaseal } = await import(pathToFileURL(join(folder, "dist", "esm", "index.mjs")));
  const keys = { main: { type: "raw-aes", namespace: "bench", name: "test key", key_env: "KEY" } };
  const tables = { Users: { keys: "main", partition_key: "userId", suite, default_action: "encrypt_and_sign" } };
  const dynaseal = new Dynaseal({ keys, tables }, { env });
  return { dynaseal, begin: () => Dynaseal.begin(dynaseal), sealItem: (item) => dynaseal.sealItem("Users", item) };
}

const marshalled = ({ item }, number) => ({
  ...Object.fromEntries(Object.entries(item).map(([name, value]) => [name, typeof value === "string" ? { S: value } : { S: JSON.stringify(value) }])),
  userId: { S: `u-${number}` },
});
const base64 = (_key, value) => (value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value);

/** Each call with its request and what DynamoDB answers. */
async function calls({ sealItem }, shape) {
  const plain = Array.from({ length: 50 }, (_, number) => marshalled(shape, number));
  const sealed = await Promise.all(plain.map(async (item) => JSON.stringify(await sealItem(item), base64)));
  const puts = plain.slice(0, 25).map((Item) => ({ PutRequest: { Item } }));
  return {
    "Scan of 50": ["Scan", '{"TableName":"Users"}', `{"Count":50,"ScannedCount":50,"Items":[${sealed}]}`],
    "Scan of 10": ["Scan", '{"TableName":"Users"}', `{"Count":10,"ScannedCount":10,"Items":[${sealed.slice(0, 10)}]}`],
    "BatchWrite of 25": ["BatchWriteItem", JSON.stringify({ RequestItems: { Users: puts } }), '{"UnprocessedItems":{}}'],
  };
}

async function round({ begin }, [operation, request, answer]) {
  const target = { service: "DynamoDB_20120810", operation, header: `DynamoDB_20120810.${operation}` };
  const [call, began] = [begin(), performance.now()];
  let [held, mark] = [0, began];
  const started = call.start(target, request);
  held = Math.max(held, performance.now() - mark);
  const sent = await started;
  mark = performance.now();
  const resumed = call.resume(sent, 200, answer);
  held = Math.max(held, performance.now() - mark);
  const { kind, failure } = await resumed;
  const took = performance.now() - began;
  call.close();
  if (kind !== "done") throw new Error(failure?.message);
  return { took, held };
}

console.log(`Node.js ${process.versions.node}, ${cpus().length} cores; milliseconds, the least of ${ROUNDS} rounds; in brackets what the event loop was held at once`);
for (const suite of ["ecdsa-p384", "hmac"]) {
  for (const [name, shape] of Object.entries(ITEMS)) {
    const builds = {};
    for (const [build, folder] of Object.entries(folders)) {
      const engine = await open(folder, suite);
      builds[build] = { engine, calls: await calls(engine, shape) };
    }
    for (const what of Object.keys(Object.values(builds)[0].calls)) {
      const least = {};
      for (let times = 0; times < ROUNDS; times += 1) {
        for (const [build, { engine, calls }] of Object.entries(builds)) {
          const [operation, ...bodies] = calls[what];
          const { took, held } = await round(engine, [operation, ...bodies.map((body) => Buffer.from(body))]);
          const before = least[build] ?? { took: Infinity, held: Infinity };
          least[build] = { took: Math.min(before.took, took), held: Math.min(before.held, held) };
        }
      }
      const times = Object.entries(least).map(([build, { took, held }]) => `${build} ${took.toFixed(2)} (${held.toFixed(2)})`);
      const ratio = least.other ? `  ${(least["this build"].took / least.other.took).toFixed(2)}x` : "";
      console.log(`${suite} ${name}, ${what}: ${times.join(", ")}${ratio}`);
    }
  }
}

const big = { userId: { S: "big" }, text: { S: "x".repeat(300_000) } };
for (const [build, folder] of Object.entries(folders)) {
  const { dynaseal } = await open(folder, "ecdsa-p384");
  const sealed = await Promise.all(Array.from({ length: 50 }, (_, number) => dynaseal.sealItem("Users", marshalled(ITEMS.user, number))));
  const records = sealed.map((NewImage) => ({ dynamodb: { Keys: { userId: NewImage.userId }, NewImage } }));
  const carried = records.map((record) => ({ kinesis: { data: Buffer.from(JSON.stringify(record, base64)).toString("base64") } }));
  const bigSealed = await dynaseal.sealItem("Users", big);
  const calls = {
    "sealItem of 0.5 KB": () => dynaseal.sealItem("Users", marshalled(ITEMS.user, 1)),
    "sealItem of 300 KB": () => dynaseal.sealItem("Users", big),
    "openItem of 300 KB": () => dynaseal.openItem("Users", bigSealed),
    "openRecords of 50": () => dynaseal.openRecords({ Records: records }, { table: "Users" }),
    "openRecords of 50 of Kinesis": () => dynaseal.openRecords({ Records: carried }, { table: "Users" }),
  };
  for (const [name, call] of Object.entries(calls)) {
    let held = Infinity;
    for (let times = 0; times < ROUNDS; times += 1) {
      const began = performance.now();
      const pending = call();
      held = Math.min(held, performance.now() - began);
      await pending;
    }
    console.log(`${build}, ${name}: ${held.toFixed(2)} ms of the event loop at once`);
  }
}
