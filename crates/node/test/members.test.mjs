// A marker in every member of every operation that the newest SDK knows, through a sealed client and through a gateway, to an
// upstream that keeps all it gets: what is data never reaches it in the clear, nor an error, a log line or a metric. A member that
// the engine's table of operations does not class is refused by name here, and fails the test.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startGateway, TEST_KEY } from "../../../clients/servers.mjs";
import { seal } from "../dist/esm/index.mjs";
import { operations } from "./support/model.mjs";
import { dynamodb, streams } from "./support/sdk.mjs";
import { config, toml } from "./support/tables.mjs";

process.env.DYNASEAL_TEST_KEY = TEST_KEY;

/** As text, digits and bytes, which travel as base64. The text names a protected table, so that a member without a class is noticed. */
const MARK = "marker-5b1e07c4";
const TEXT = `${MARK} of Users`;
const DIGITS = "730519264018";
const BYTES = Buffer.from("bytes-5b1e07c4-!");
const MARKS = [MARK, DIGITS, BYTES.toString("base64")];
const DATA = { M: { text: { S: TEXT }, digits: { N: DIGITS }, bytes: { B: BYTES } } };

const ARN = "arn:aws:dynamodb:us-east-1:111122223333:table/Users";
/** What is data, besides attribute values: everything else is a setting, and may pass as it is. */
const isData = ({ steps, kind }) =>
  kind === "value" || /Expression$|^Statement$|^ExpressionAttributeNames$|^AttributesToGet$/.test(steps.at(-1).name);

let upstream, gateway, folder;
const received = [];

before(async () => {
  upstream = createServer((request, response) => {
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", () => {
      received.push(`${JSON.stringify(request.rawHeaders)} ${Buffer.concat(parts).toString("latin1")}`);
      response.setHeader("content-type", "application/x-amz-json-1.0");
      response.end("{}");
    });
  });
  await new Promise((resolve) => upstream.listen(0, "127.0.0.1", resolve));
  folder = await mkdtemp(join(tmpdir(), "dynaseal-members-"));
  const section = `\n[gateway]\nlisten = "127.0.0.1:0"\nupstream = "${upstreamUrl()}"\nregion = "us-east-1"\n`;
  gateway = await startGateway(folder, "members", toml + section, "--log", "trace");
});

after(async () => {
  upstream?.closeAllConnections();
  upstream?.close();
  if (folder) await rm(folder, { recursive: true });
});

const upstreamUrl = () => `http://127.0.0.1:${upstream.address().port}`;
const connection = (endpoint) => ({
  endpoint,
  region: "us-east-1",
  maxAttempts: 1,
  credentials: { accessKeyId: "test", secretAccessKey: "test" },
});

/** Clients of both services; what they log goes to `logged`. */
function clients(endpoint, wrap = (client) => client) {
  const logged = [];
  const note = (...all) => void logged.push(JSON.stringify(all));
  const logger = { trace: note, debug: note, info: note, warn: note, error: note };
  const of = (Client) => wrap(new Client({ ...connection(endpoint), logger }));
  const all = new Map([
    [dynamodb, of(dynamodb.DynamoDBClient)],
    [streams, of(streams.DynamoDBStreamsClient)],
  ]);
  return { all, logged };
}

/** The requests that hold a member, in each way that could let it slip through. */
function requests(name, leaf, leaves) {
  const last = leaf.steps.at(-1).name;
  const all = [{}];
  if (last === "ExpressionAttributeValues" || last === "ExpressionAttributeNames")
    // Whether an encrypted attribute is there DynamoDB is asked by its name, which is not hidden.
    for (const words of ["email = :m", ":m = :m", "#m = :m"])
      for (const expression of ["ConditionExpression", "FilterExpression", "KeyConditionExpression", "SearchConditionExpression"])
        all.push({ [expression]: words });
  if (last === "ExpressionAttributeValues") all.push({ UpdateExpression: "SET email = :m" });
  // Whatever the operation calls it, the request names a protected table.
  const tables = leaves.filter(({ steps }) => steps.length === 1 && NAMES.test(steps[0].name)).map(({ steps }) => steps[0].name);
  const about = Object.fromEntries(tables.map((member) => [member, held(member)]));
  return all.map((beside) => filled(name, leaf, beside, about));
}

const NAMES = /TableName$|(?<!Role)Arn$/;

/** A request with the member of a leaf, what makes it one about a protected table, and what stands beside the member. */
function filled(operation, { steps, kind }, beside, about) {
  const input = { ...about, ...base(operation) };
  let at = input;
  for (const [depth, { name, around }] of steps.entries()) {
    const isLast = depth === steps.length - 1;
    const inner = isLast ? held(name, kind, around) : {};
    if (isLast) Object.assign(at, known(operation, steps.slice(0, depth), beside));
    if (isLast && inner === undefined) break;
    if (isLast) at[name] = inner;
    else {
      // An action of a transaction is one.
      if (at.Delete && ["Put", "Update", "ConditionCheck"].includes(name)) delete at.Delete;
      at[name] = around.reduceRight((held, one) => (one === "list" ? [held] : { [keyOf(name)]: held }), inner);
      if (!/^(Requests|Expected|AttributeUpdates|KeyConditions|QueryFilter|ScanFilter)/.test(name)) Object.assign(inner, part(name));
      at = inner;
    }
  }
  return input;
}

const keyOf = (name) => (name === "RequestItems" ? "Users" : "email");

/** Members beside the last one, which only some objects have. */
const known = (operation, above, beside) => {
  const isUpdate = operation === "UpdateItem" || above.at(-1)?.name === "Update";
  return Object.fromEntries(
    Object.entries(beside).filter(
      ([member]) =>
        (member === "FilterExpression" && /Scan|Query|Filter/.test(`${operation}${above.at(-1)?.name}`)) ||
        (member === "KeyConditionExpression" && /Query|Filter/.test(`${operation}${above.at(-1)?.name}`)) ||
        (member === "ConditionExpression" && /Put|Update|Delete|Condition/.test(`${operation}${above.at(-1)?.name}`)) ||
        (member === "UpdateExpression" && isUpdate) ||
        (member === "SearchConditionExpression" && operation === "SearchVectors"),
    ),
  );
};

const key = () => ({ id: { S: "1" } });

/** What makes a request of an operation one about a protected table. */
function base(operation) {
  const about = { TableName: "Users" };
  if (/^(PutItem)$/.test(operation)) return { ...about, Item: key() };
  if (/^(GetItem|DeleteItem|UpdateItem)$/.test(operation)) return { ...about, Key: key() };
  return {
    BatchGetItem: { RequestItems: { Users: { Keys: [key()] } } },
    BatchWriteItem: { RequestItems: { Users: [{ DeleteRequest: { Key: key() } }] } },
    TransactGetItems: { TransactItems: [{ Get: { ...about, Key: key() } }] },
    TransactWriteItems: { TransactItems: [{ Delete: { ...about, Key: key() } }] },
    ExecuteStatement: { Statement: `SELECT * FROM "Users" WHERE email = ?` },
    BatchExecuteStatement: { Statements: [{ Statement: `SELECT * FROM "Users" WHERE id = 'x'` }] },
    ExecuteTransaction: { TransactStatements: [{ Statement: `DELETE FROM "Users" WHERE id = 'x'` }] },
    ExportTableToPointInTime: { TableArn: ARN, S3Bucket: "bucket" },
    ImportTable: { TableCreationParameters: { ...about } },
    GetShardIterator: { StreamArn: `${ARN}/stream/x`, ShardId: "shard", ShardIteratorType: "LATEST" },
    GetRecords: { ShardIterator: "dynaseal-1/Users/x" },
  }[operation] ?? about;
}

/** What makes an object inside a request one about a protected table. */
function part(name) {
  if (["Put", "Update", "Delete", "ConditionCheck", "Get"].includes(name))
    return { TableName: "Users", ...(name === "Put" ? { Item: key() } : { Key: key() }) };
  if (name === "Statements") return { Statement: `SELECT * FROM "Users" WHERE email = ?` };
  if (name === "TransactStatements") return { Statement: `DELETE FROM "Users" WHERE id = 'x' AND email = ?` };
  if (name === "TableCreationParameters") return { TableName: "Users" };
  return {};
}

/** The marker in the shape of a member. */
function held(name, kind, around) {
  // Names of tables are what the test is about.
  if (NAMES.test(name)) return name.endsWith("Arn") ? (name.includes("Stream") ? `${ARN}/stream/x` : ARN) : "Users";
  if (name === "ShardIterator") return "dynaseal-1/Users/x";
  if (kind === "value") {
    if (name === "Item") return { ...key(), email: DATA };
    if (name === "Key" || name === "ExclusiveStartKey") return { ...key(), ssn: DATA };
    if (name === "Keys") return [{ ...key(), ssn: DATA }];
    if (name === "ExpressionAttributeValues") return { ":m": DATA };
    return around.length === 0 ? DATA : [DATA];
  }
  if (name === "ExpressionAttributeNames") return { "#m": TEXT };
  if (name === "Statement") return `INSERT INTO "Users" VALUE {'id': 'x', 'email': '${TEXT}'}`;
  if (/Expression$/.test(name)) return `email = '${TEXT}'`;
  const one = { number: 1, flag: true, time: new Date(1_790_000_000_000) }[kind] ?? TEXT;
  return around.reduceRight((inner, shape) => (shape === "list" ? [inner] : { x: inner }), one);
}

async function outcome(client, command) {
  try {
    return JSON.stringify(await client.send(command));
  } catch (error) {
    return `${error.name} ${error.message} ${error.hint ?? ""} ${JSON.stringify(error)}`;
  }
}

const shows = (text) => MARKS.find((mark) => text.includes(mark));

for (const [head, start] of [
  ["a sealed client", () => clients(upstreamUrl(), (client) => seal(client, config))],
  ["a gateway", () => clients(gateway.url)],
])
  test(`through ${head} no marker in any member comes out in the clear`, async () => {
    const { all, logged } = start();
    let tried = 0;
    const unclassed = [];
    for (const { sdk, name, Command, leaves } of operations())
      for (const leaf of leaves)
        for (const input of requests(name, leaf, leaves)) {
          const where = `${name} ${leaf.steps.map((step) => step.name).join(".")} ${JSON.stringify(input)}`;
          received.length = logged.length = 0;
          const told = await outcome(all.get(sdk), new Command(input));
          tried += 1;
          if (/is not known to Dynaseal|DSL-2002/.test(told)) unclassed.push(`${where}: ${told}`);
          if (!isData(leaf)) continue;
          assert.equal(shows(received.join("\n")), undefined, `reached the upstream: ${where}\n${received.join("\n")}`);
          assert.equal(shows(told), undefined, `came back: ${where}\n${told}`);
          // An SDK that is not sealed logs what it sends.
          if (head !== "a gateway") assert.equal(shows(logged.join("\n")), undefined, `logged: ${where}\n${logged.join("\n")}`);
        }
    assert.deepEqual(unclassed, [], "members or operations that the engine's table of operations does not class");
    assert.ok(tried > 500, `${tried} requests`);
    for (const client of all.values()) client.destroy();
  });

test("nor is it in what the gateway logs and counts", async () => {
  const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
  assert.ok(metrics.includes("dynaseal"), metrics);
  assert.equal(shows(metrics), undefined);
  const { printed } = await gateway.stop();
  assert.ok(printed.includes("PutItem"), printed.slice(0, 2000));
  assert.equal(shows(printed), undefined);
});
