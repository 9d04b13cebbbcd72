// CPU time of a whole send() of the document client: the SDK alone, with hand-written encryption, and sealed.
//
//   npm run build && npm run bench               prints the tables
//   npm run build && npm run bench -- --write    and puts them into README.md
//
// The network is an object in memory, so that what differs is what is measured. The three take turns in every round, and the
// medians of CPU time over all threads are compared: other work of the machine slows all three alike.

import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { Readable } from "node:stream";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, GetCommand, PutCommand, QueryCommand } from "@aws-sdk/lib-dynamodb";
import { Dynaseal, seal } from "../dist/esm/index.mjs";
import { decrypt, encrypt } from "./handwritten.mjs";
import { ITEMS } from "./items.mjs";

const ROUNDS = 21;
const PAGE = 50;
const SUITES = ["hmac", "ecdsa-p384"];
/** Of the hand-written time, with the hmac suite. */
const TARGETS = { "user Put": 0.85, "user Get": 1.0, "user Query": 0.55, "profile Put": 0.7 };

/** The SDK's own body class warns of its string methods. */
const text = (body) =>
  typeof body === "string" ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString();

/** A client whose network keeps the last item that was put, and answers with it. */
function client() {
  let item = "{}";
  const answers = {
    PutItem: (body) => ((item = JSON.stringify(JSON.parse(body).Item)), "{}"),
    GetItem: () => `{"Item":${item}}`,
    Query: () => `{"Count":${PAGE},"ScannedCount":${PAGE},"Items":[${Array(PAGE).fill(item).join()}]}`,
  };
  // Answers are made once: making them again would be measured too.
  let made = {};
  const requestHandler = {
    metadata: { handlerProtocol: "http/1.1" },
    async handle({ headers, body }) {
      const operation = headers["x-amz-target"].split(".")[1];
      if (operation === "PutItem" && !requestHandler.still) (answers.PutItem(text(body)), (made = {}));
      made[operation] ??= Buffer.from(operation === "PutItem" ? "{}" : answers[operation]());
      const response = {
        statusCode: 200,
        headers: { "content-type": "application/x-amz-json-1.0" },
        body: Readable.from([made[operation]]),
      };
      return { response };
    },
  };
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const bare = new DynamoDBClient({ region: "us-east-1", endpoint: "http://127.0.0.1:1", credentials, requestHandler });
  return { bare, requestHandler };
}

/** The three ways to do each call with one kind of item. */
function ways(suite, { item, encrypted }) {
  const attributes = Object.fromEntries(
    Object.keys(item).map((name) => [name, encrypted.includes(name) ? "encrypt_and_sign" : "sign_only"]),
  );
  const dynaseal = new Dynaseal(
    {
      keys: { main: { type: "raw-aes", namespace: "bench", name: "test key", key_env: "KEY" } },
      tables: { Users: { keys: "main", partition_key: "userId", suite, attributes } },
    },
    { env: { KEY: "7e21".repeat(16) } },
  );
  const [plain, hand, sealed] = [client(), client(), client()];
  seal(sealed.bare, dynaseal);
  const documents = ({ bare }) => DynamoDBDocumentClient.from(bare);
  const [alone, byHand, ours] = [plain, hand, sealed].map(documents);
  const put = (Item) => new PutCommand({ TableName: "Users", Item });
  const get = () => new GetCommand({ TableName: "Users", Key: { userId: item.userId } });
  const query = () =>
    new QueryCommand({
      TableName: "Users",
      KeyConditionExpression: "userId = :id",
      ExpressionAttributeValues: { ":id": item.userId },
    });
  const calls = {
    Put: [() => alone.send(put(item)), () => byHand.send(put(encrypt(item, encrypted))), () => ours.send(put(item))],
    Get: [
      () => alone.send(get()),
      async () => decrypt((await byHand.send(get())).Item, encrypted),
      () => ours.send(get()),
    ],
    Query: [
      () => alone.send(query()),
      async () => (await byHand.send(query())).Items.map((one) => decrypt(one, encrypted)),
      () => ours.send(query()),
    ],
  };
  const still = (is) => [plain, hand, sealed].forEach(({ requestHandler }) => (requestHandler.still = is));
  return { calls, still };
}

const median = (numbers) => numbers.sort((a, b) => a - b)[numbers.length >> 1];

async function time(call, times) {
  const before = process.cpuUsage();
  for (let at = 0; at < times; at += 1) await call();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / times;
}

async function measure(calls, times) {
  for (const call of calls) await time(call, times * 4);
  const rounds = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const one = [];
    for (const call of calls) one.push(await time(call, times));
    rounds.push(one);
  }
  return calls.map((_, at) => median(rounds.map((round) => round[at])));
}

const lines = [
  "CPU µs of a whole `send()` of the document client, medians of one run; the network is in memory. *Hand-written* is AES-256-GCM of",
  "`node:crypto` for each attribute, in three base64 attributes, without what binds a value to its item. `user` has 0.5 KB and 4 of 8",
  `attributes encrypted, \`profile\` 4 KB and 15 of 25; Query answers ${PAGE} items. Node.js ${process.versions.node.split(".")[0]}, ${cpus().length} cores.`,
  "The suite `ecdsa-p384`, DB-ESDK's default, makes or checks a signature for each item; `hmac` is for those whose readers may also write.",
  "",
  "| suite | item | call | SDK alone | hand-written | Dynaseal | of hand-written |",
  "|---|---|---|--:|--:|--:|--:|",
];
for (const suite of SUITES) {
  for (const [name, shape] of Object.entries(ITEMS)) {
    const { calls, still } = ways(suite, shape);
    for (const call of calls.Put) await call();
    still(true);
    for (const [call, three] of Object.entries(calls)) {
      const [alone, hand, ours] = await measure(three, call === "Query" ? 12 : 150);
      const target = suite === "hmac" ? TARGETS[`${name} ${call}`] : undefined;
      const cells = [
        suite,
        name,
        call,
        ...[alone, hand, ours].map((time) => time.toFixed(0)),
        `${(ours / hand).toFixed(2)}x`,
      ];
      lines.push(`| ${cells.join(" | ")} |`);
      console.error(`${lines.at(-1)}${target ? ` the target is ${target.toFixed(2)}x` : ""}`);
    }
  }
}
console.log(lines.join("\n"));
if (process.argv.includes("--write")) {
  const readme = new URL("../README.md", import.meta.url);
  const text = readFileSync(readme, "utf8");
  writeFileSync(
    readme,
    text.replace(/(<!-- bench -->\n)[^]*(<!-- \/bench -->)/, (_, from, to) => `${from}${lines.join("\n")}\n${to}`),
  );
}
