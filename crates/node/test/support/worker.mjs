// A thread of load.test.mjs: its own client, its own engine, its own environment.

import { parentPort, workerData } from "node:worker_threads";
import { seal } from "../../dist/esm/index.mjs";
import { dynamodb, lib } from "./sdk.mjs";
import { TEST_KEY } from "./store.mjs";
import { config } from "./tables.mjs";

const { connection, number, secret } = workerData;
process.env.DYNASEAL_TEST_KEY = TEST_KEY;
const client = seal(new dynamodb.DynamoDBClient(connection), config);
const documents = lib.DynamoDBDocumentClient.from(client);
let read = 0;
await Promise.all(
  Array.from({ length: 25 }, async (_, at) => {
    const id = `worker ${number} ${at}`;
    await documents.send(new lib.PutCommand({ TableName: "Users", Item: { id, email: `${secret} ${at}` } }));
    const { Item } = await documents.send(new lib.GetCommand({ TableName: "Users", Key: { id } }));
    if (Item.email === `${secret} ${at}`) read += 1;
  }),
);
client.destroy();
parentPort.postMessage({ number, read });
