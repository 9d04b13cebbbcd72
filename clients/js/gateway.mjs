// Starts `dynaseal gateway` twice: a store that protects nothing, and before it the gateway under test.

import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { devNull, tmpdir } from "node:os";
import { join } from "node:path";
import { CreateTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBStreamsClient } from "@aws-sdk/client-dynamodb-streams";

const TEST_KEY = "7e".repeat(32); // a test key: it protects nothing

/** Both gateways, each with a client and one for streams; `stop` ends them and returns what they printed. */
export async function start() {
  const folder = await mkdtemp(join(tmpdir(), "dynaseal-js-"));
  const store = await gateway(folder, "store", await template("store.toml"));
  const text = (await template("gateway.toml")).replaceAll("{upstream}", store.url);
  const front = await gateway(folder, "gateway", text).catch(async (error) => {
    await store.stop();
    throw error;
  });
  for (const { names, schema } of JSON.parse(await template("tables.json"))) {
    for (const TableName of names) await front.client.send(new CreateTableCommand({ TableName, ...schema }));
  }
  return {
    client: front.client,
    raw: store.client,
    streams: front.streams,
    rawStreams: store.streams,
    async stop() {
      const ends = [await front.stop(), await store.stop()];
      await rm(folder, { recursive: true });
      return ends;
    },
  };
}

async function gateway(folder, name, config) {
  const path = join(folder, `${name}.toml`);
  await writeFile(path, config);
  const child = spawn(process.env.DYNASEAL, ["gateway", "--config", path], {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
      AWS_REGION: "us-east-1",
      AWS_EC2_METADATA_DISABLED: "true",
      AWS_CONFIG_FILE: devNull,
      AWS_SHARED_CREDENTIALS_FILE: devNull,
      DYNASEAL_TEST_KEY: TEST_KEY,
    },
  });
  let printed = "";
  const ended = new Promise((resolve) => child.once("close", resolve));
  const url = await new Promise((resolve, reject) => {
    const read = (chunk) => {
      printed += chunk;
      const found = printed.match(/listening.*?127\.0\.0\.1:([1-9]\d*)\D/);
      if (found) resolve(`http://127.0.0.1:${found[1]}`);
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.once("error", reject);
    ended.then(() => reject(new Error(`the ${name} did not start:\n${printed}`)));
    setTimeout(() => reject(new Error(`the ${name} did not start in time:\n${printed}`)), 15_000).unref();
  }).catch((error) => {
    child.kill("SIGKILL");
    throw error;
  });
  const settings = {
    endpoint: url,
    region: "us-east-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    maxAttempts: 1,
  };
  const client = new DynamoDBClient(settings);
  const streams = new DynamoDBStreamsClient(settings);
  return {
    url,
    client,
    streams,
    async stop() {
      client.destroy();
      streams.destroy();
      child.kill("SIGTERM");
      return { status: await ended, printed };
    },
  };
}

function template(name) {
  return readFile(new URL(`../${name}`, import.meta.url), "utf8");
}
