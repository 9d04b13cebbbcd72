// The Node package's part beside AWS's crate: `cargo xtask interop` gives a folder with cases, and judges what is left there.
// Each case is an item, sealed by AWS's crate too, with a configuration; it goes through sealItem and openItem, and through a
// sealed client over a real store. A part that fails is an answer as well.

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fromJson, toJson } from "../../dist/cjs/attributes.js";
import { Dynaseal, seal } from "../../dist/esm/index.mjs";
import { dynamodb } from "../support/sdk.mjs";
import { startStore } from "../support/store.mjs";

const folder = process.argv[2];
const store = await startStore();
const connection = {
  endpoint: store.url,
  region: "us-east-1",
  credentials: { accessKeyId: "test", secretAccessKey: "test" },
};
const raw = new dynamodb.DynamoDBClient(connection);
try {
  const cases = (await readFile(join(folder, "cases.jsonl"), "utf8")).trim().split("\n");
  const answers = [];
  for (const line of cases) answers.push(JSON.stringify(await answer(JSON.parse(line))));
  await writeFile(join(folder, "answers.jsonl"), `${answers.join("\n")}\n`);
} finally {
  raw.destroy();
  await store.stop();
}

async function answer({ number, table, config, item, sealed }) {
  const dynaseal = new Dynaseal(config);
  const client = seal(new dynamodb.DynamoDBClient(connection), dynaseal);
  const { partition_key, sort_key } = config.tables[table];
  const names = [partition_key, sort_key].filter((name) => name !== undefined);
  await raw.send(
    new dynamodb.CreateTableCommand({
      TableName: table,
      BillingMode: "PAY_PER_REQUEST",
      KeySchema: names.map((AttributeName, at) => ({ AttributeName, KeyType: at === 0 ? "HASH" : "RANGE" })),
      AttributeDefinitions: names.map((AttributeName) => ({
        AttributeName,
        AttributeType: Object.keys(item[AttributeName])[0],
      })),
    }),
  );
  const Key = Object.fromEntries(names.map((name) => [name, typed(item)[name]]));
  const put = (client, Item) => client.send(new dynamodb.PutItemCommand({ TableName: table, Item }));
  const get = async (client) =>
    (await client.send(new dynamodb.GetItemCommand({ TableName: table, Key, ConsistentRead: true }))).Item;
  const parts = {
    sealed: () => dynaseal.sealItem(table, typed(item)),
    opened: () => dynaseal.openItem(table, typed(sealed)),
    put: () => put(client, typed(item)).then(() => get(raw)),
    got: () => put(raw, typed(sealed)).then(() => get(client)),
  };
  const answer = { number, failures: {} };
  for (const [part, run] of Object.entries(parts)) {
    try {
      answer[part] = JSON.parse(toJson(await run()));
    } catch (error) {
      answer.failures[part] = `${error}`;
    }
  }
  client.destroy();
  return answer;
}

/** Attribute values as the SDK holds them. */
function typed(item) {
  return fromJson(JSON.stringify(item));
}
