// Starts `dynaseal gateway` twice: a store that protects nothing, and before it the gateway under test.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBStreamsClient } from "@aws-sdk/client-dynamodb-streams";
import { startGateway } from "../servers.mjs";

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
  const server = await startGateway(folder, name, config);
  const settings = {
    endpoint: server.url,
    region: "us-east-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    maxAttempts: 1,
  };
  const client = new DynamoDBClient(settings);
  const streams = new DynamoDBStreamsClient(settings);
  return {
    url: server.url,
    client,
    streams,
    stop() {
      client.destroy();
      streams.destroy();
      return server.stop();
    },
  };
}

function template(name) {
  return readFile(new URL(`../${name}`, import.meta.url), "utf8");
}
