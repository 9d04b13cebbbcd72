// CPU time of redaction, for lines and objects as services log them, most of which hide nothing.
//
//   npm run build -- --js && node bench/redact.mjs                    this build
//   npm run build -- --js && node bench/redact.mjs OTHER/crates/node  and another one beside it, such as an older commit's

import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const require = createRequire(import.meta.url);
const folders = [new URL("..", import.meta.url).pathname, ...process.argv.slice(2).map((path) => resolve(path))];
const redactors = folders.map((folder) => require(join(folder, "dist", "cjs", "koa", "index.js")).redact());

const LINES = [
  "GET /users/12?page=2&sort=name 200 12ms",
  "listening on 127.0.0.1:8080",
  "The conditional request failed for table Users, attempt 3 of 12, waiting 120 ms before the next one",
  "cache miss: user-profile, key users:profile:123e4567-e89b-42d3-a456-426614174000, took 3.2ms",
  '{"level":"info","msg":"request","method":"GET","route":"/users/:id","status":200,"ms":12.3}',
  "    at Object.<anonymous> (/app/src/server.js:12:5)\n    at Module._compile (node:internal/modules/cjs/loader:1554:14)\n    at node:internal/main/run_main_module:36:49",
  "login failed: password=hunter2&user=ada",
  "Error: connect ECONNREFUSED 127.0.0.1:5432 while calling db-primary.internal; retrying in 500 ms (attempt 2/5)",
  "SELECT id, name, created_at FROM orders WHERE customer = $1 AND status = 'open' ORDER BY created_at DESC LIMIT 50",
  "Ärger mit der Größe: größer als erwartet – 12 von 15",
];
const OBJECTS = [
  { time: "2026-11-24T10:00:00.000Z", method: "GET", route: "/users/:id", status: 200, ms: 12.3 },
  { err: new Error("The conditional request failed"), operation: "PutItem", table: "Users", attempts: 3 },
  { user: { id: "u-1", name: "Ada", email: "ada@example.com", roles: ["admin", "staff"] }, headers: { accept: "application/json", authorization: "Bearer abcdef0123456789", "user-agent": "node" } },
  { items: Array.from({ length: 20 }, (_, id) => ({ id, name: `item ${id}`, price: id * 1.5, tags: ["a", "b"] })) },
];

const ROUNDS = 15;
const median = (numbers) => numbers.sort((one, two) => one - two)[numbers.length >> 1];
const cpu = () => process.cpuUsage().user;

for (const [what, values, times] of [["a line", LINES, 2000], ["an object", OBJECTS, 300]]) {
  const all = redactors.map(() => []);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [at, redact] of redactors.entries()) {
      const before = cpu();
      for (let number = 0; number < times; number += 1) for (const value of values) redact(value);
      all[at].push((cpu() - before) / times / values.length);
    }
  }
  const [ours, ...others] = all.map(median);
  console.log(`${what}: ${ours.toFixed(2)} µs${others.map((other) => `, beside ${other.toFixed(2)} µs: ${(ours / other).toFixed(2)}x`).join("")}`);
}
