// Makes the tables where there are none, for a database on this machine: `npm run tables`. A deployment has its own tools.

import {
  CreateTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  ResourceInUseException,
  UpdateTimeToLiveCommand,
  waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";

const client = new DynamoDBClient({});

/** Gives whether the table was not there before. */
async function make(name: string, key: string): Promise<boolean> {
  const create = new CreateTableCommand({
    TableName: name,
    BillingMode: "PAY_PER_REQUEST",
    KeySchema: [{ AttributeName: key, KeyType: "HASH" }],
    AttributeDefinitions: [{ AttributeName: key, AttributeType: "S" }],
  });
  try {
    await client.send(create);
    await waitUntilTableExists({ client, maxWaitTime: 120 }, { TableName: name });
    return true;
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) throw error;
  }
  const { Table } = await client.send(new DescribeTableCommand({ TableName: name }));
  if (Table?.KeySchema?.length !== 1 || Table.KeySchema[0]?.AttributeName !== key) {
    throw new Error(`The table ${name} is there, but its key is not ${key}. Let \`dynaseal dev\` run in examples/, with dynaseal.toml from there.`);
  }
  return false;
}

for (const [name, key] of [["Users", "username"], ["Sessions", "tokenHash"]] as const) {
  console.log(`${name}: ${(await make(name, key)) ? "made" : "is there already"}`);
}
const TimeToLiveSpecification = { Enabled: true, AttributeName: "expiresAt" };
await client.send(new UpdateTimeToLiveCommand({ TableName: "Sessions", TimeToLiveSpecification })).catch((error: Error) => {
  // It is switched on already.
  if (error.name !== "ValidationException") throw error;
});
