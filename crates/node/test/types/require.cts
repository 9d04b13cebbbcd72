// Compiled, never run: the same from CommonJS.

import dynaseal = require("dynaseal");
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";

const table = dynaseal.defineTable<{ id: string }>({ keys: "main", partition_key: "id" });
export const client: DynamoDBClient = dynaseal.seal(new DynamoDBClient({}), { keys: {}, tables: { Table: table } });
export const error: dynaseal.DynasealError | undefined = undefined;
