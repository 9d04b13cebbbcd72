// The AWS SDK under test: the newest, or the one of the folder test/sdk that the variable SDK names.

import { createRequire } from "node:module";

export const version = process.env.SDK ?? "newest";

const require = createRequire(
  version === "newest" ? import.meta.url : new URL(`../sdk/${version}/package.json`, import.meta.url),
);

export const dynamodb = require("@aws-sdk/client-dynamodb");
export const lib = require("@aws-sdk/lib-dynamodb");
export const streams = require("@aws-sdk/client-dynamodb-streams");
