#!/usr/bin/env bash
# What: @aws-sdk/client-dynamodb 3.1169.0 with @smithy/node-http-handler 4.14.2.
# Seen: with `requestTimeout: 200` a call to a server that takes the request and never answers is still waiting two seconds later;
#       one line of warning is all that happens. With `throwOnRequestTimeout: true` beside it, or with `socketTimeout: 200`
#       instead, the same call ends with a TimeoutError.
# Guess that misses: that a request which exceeds `requestTimeout` ends.
# Needs: Node.js 20 or newer, npm. It listens on loopback and stops by itself.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private":true,"type":"module"}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts @aws-sdk/client-dynamodb@3.1169.0 @smithy/node-http-handler@4.14.2

cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { DynamoDBClient, ListTablesCommand } from "@aws-sdk/client-dynamodb";
import { NodeHttpHandler } from "@smithy/node-http-handler";

const silent = createServer(() => {});
await new Promise((listening) => silent.listen(0, "127.0.0.1", listening));

async function outcome(limits) {
  const client = new DynamoDBClient({
    endpoint: `http://127.0.0.1:${silent.address().port}`,
    region: "eu-west-1",
    maxAttempts: 1,
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    requestHandler: new NodeHttpHandler(limits),
  });
  const abort = new AbortController();
  const call = client.send(new ListTablesCommand({}), { abortSignal: abort.signal });
  const ended = call.then(() => "an answer", (error) => error.name);
  const seen = await Promise.race([ended, new Promise((later) => setTimeout(later, 2000, "still waiting"))]);
  abort.abort();
  await ended;
  client.destroy();
  return seen;
}

for (const limits of [
  { requestTimeout: 200 },
  { requestTimeout: 200, throwOnRequestTimeout: true },
  { socketTimeout: 200 },
]) {
  console.log(JSON.stringify(limits), "->", await outcome(limits));
}
silent.closeAllConnections();
silent.close();
JS

seen=$(node look.mjs 2>/dev/null)
echo "$seen"
expected='{"requestTimeout":200} -> still waiting
{"requestTimeout":200,"throwOnRequestTimeout":true} -> TimeoutError
{"socketTimeout":200} -> TimeoutError'
if [ "$seen" != "$expected" ]; then
  echo "this is no longer what was seen; it was:"
  echo "$expected"
  exit 1
fi
echo "as it was seen"
