// What sealing costs this service: requests per second over TLS, beside the same service without seal(), each with a database of
// its own. Everything is on this machine; both take turns, round by round, and the middle round counts.
//
//   (cd ../.. && cargo build --release --bin dynaseal) && (cd ../../crates/node && npm ci && npm run build)
//   npm ci && npm run build && npm run bench             --write puts the table into ../../docs/BENCHMARKS.md and README.md

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { fileURLToPath } from "node:url";

const { values: options } = parseArgs({
  options: { rounds: { type: "string", default: "9" }, seconds: { type: "string", default: "1" }, write: { type: "boolean" } },
});
const path = (name) => fileURLToPath(new URL(name, import.meta.url));
process.env.DYNASEAL ??= path("../../../target/release/dynaseal");
const { start } = await import("../../contract/harness.mjs");

const CONNECTIONS = 16;
const main = path("../dist/main.js");
const commands = { unsealed: ["node", "--import", path("unsealed.mjs"), main], sealed: ["node", main] };

/** One request or several of one user; says how many. */
const routes = {
  login: async ({ call }, user) => {
    await expect(201, call("POST", "/sessions", { body: { username: user.username, password: user.password } }));
    return 1;
  },
  read: async ({ call }, user) => {
    await expect(200, call("GET", `/users/${user.username}`, { token: user.token }));
    return 1;
  },
  update: async ({ call }, user) => {
    const email = `${randomBytes(6).toString("hex")}@example.com`;
    await expect(200, call("PATCH", `/users/${user.username}`, { token: user.token, body: { email } }));
    return 1;
  },
  "a session: login, 8 reads, update": async (service, user) => {
    await routes.login(service, user);
    for (let at = 0; at < 8; at += 1) await routes.read(service, user);
    await routes.update(service, user);
    return 10;
  },
};

const services = {};
try {
  for (const [name, command] of Object.entries(commands)) services[name] = await prepare(command);
  await assertDifferent();
  const measured = {};
  for (let round = 0; round <= Number(options.rounds); round += 1) {
    for (const route of Object.keys(routes)) {
      // Who is first changes with the round.
      const order = Object.keys(services);
      if (round % 2 === 1) order.reverse();
      for (const name of order) {
        const rates = await load(services[name], routes[route]);
        // The first round warms up.
        if (round > 0) ((measured[route] ??= {})[name] ??= []).push(rates);
      }
    }
  }
  const text = table(measured);
  console.log(text);
  if (options.write) ["../README.md", "../../../docs/BENCHMARKS.md"].forEach((file) => write(path(file), text));
} finally {
  for (const { service } of Object.values(services)) await service.stop();
}

/** A service with its users, all logged in. */
async function prepare(command) {
  process.env.SERVICE = JSON.stringify(command);
  const service = await start({ LOG: "info" });
  const users = Array.from({ length: CONNECTIONS }, (_none, at) => ({
    username: `bench-${at}`,
    email: `bench-${at}@example.com`,
    password: randomBytes(12).toString("hex"),
  }));
  for (const user of users) {
    await expect(201, service.call("POST", "/users", { body: user }));
    const body = { username: user.username, password: user.password };
    user.token = (await expect(201, service.call("POST", "/sessions", { body }))).json.token;
  }
  return { service, users };
}

/** The one seals, the other does not. */
async function assertDifferent() {
  for (const [name, { service }] of Object.entries(services)) {
    const stored = readFileSync(`${service.folder}/store.db`).toString("latin1") + readFileSync(`${service.folder}/store.db-wal`).toString("latin1");
    assert.equal(stored.includes("bench-3@example.com"), name === "unsealed", name);
    assert.equal(stored.includes("aws_dbe_foot"), name === "sealed", name);
  }
}

/** Requests per second, and CPU time of the service's process per request. */
async function load({ service, users }, route) {
  let requests = 0;
  const [before, began] = [cpu(service.pid), performance.now()];
  const end = began + Number(options.seconds) * 1000;
  const user = async (user) => {
    while (performance.now() < end) {
      const answered = await route(service, user);
      requests += answered;
    }
  };
  await Promise.all(users.map(user));
  const seconds = (performance.now() - began) / 1000;
  return { perSecond: requests / seconds, cpu: ((cpu(service.pid) - before) * 1e6) / requests };
}

/** Seconds of CPU time of a process; Linux alone tells. */
function cpu(pid) {
  if (process.platform !== "linux") return NaN;
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function expect(status, answer) {
  const answered = await answer;
  assert.equal(answered.status, status, answered.text);
  return answered;
}

function table(measured) {
  const median = (all, of) => all.map(of).sort((one, other) => one - other)[Math.floor(all.length / 2)];
  const rows = Object.entries(measured).map(([route, { unsealed, sealed }]) => {
    const of = (what) => [unsealed, sealed].map((all) => median(all, (rates) => rates[what]));
    const [plain, ours] = of("perSecond");
    const [plainCpu, ourCpu] = of("cpu");
    const cells = [plain, ours].map((rate) => rate.toFixed(0));
    const micros = [plainCpu, ourCpu].map((micros) => micros.toFixed(0));
    return `| ${[route, ...cells, `${((100 * ours) / plain).toFixed(0)}%`, ...micros, `${(ourCpu / plainCpu).toFixed(2)}x`].join(" | ")} |`;
  });
  return [
    `${CONNECTIONS} connections, ${options.rounds} rounds of ${options.seconds} s each, Node.js ${process.versions.node}, ${availableParallelism()} cores`,
    "that service, database and load share.",
    "",
    "| | requests/s unsealed | sealed | of unsealed | CPU µs per request unsealed | sealed | |",
    "|---|--:|--:|--:|--:|--:|--:|",
    ...rows,
  ].join("\n");
}

function write(file, text) {
  const before = readFileSync(file, "utf8");
  const after = before.replace(/(<!-- users-koa -->\n)[^]*?(<!-- \/users-koa -->)/, (_all, open, close) => `${open}${text}\n${close}`);
  assert.notEqual(after, before, `${file} has no place for the table`);
  writeFileSync(file, after);
}
