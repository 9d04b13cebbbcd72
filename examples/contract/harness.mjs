// One service under test, over real TLS, on an embedded DynamoDB whose file can be read.
//
//   DYNASEAL   the built program `dynaseal`, which serves the database
//   SERVICE    the service's command as a JSON list, such as ["target/debug/users-axum"]
//
// The service gets everything else in its environment: see examples/README.md.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import http from "node:http";
import https from "node:https";
import { devNull, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { selfSigned } from "./certificate.mjs";

/** Starts database and service. `stop()` stops both, and `end()` also finds any secret that they wrote. */
export async function start(more = {}) {
  const folder = await mkdtemp(join(tmpdir(), "users-contract-"));
  const { certificate, key } = selfSigned();
  const files = { cert: join(folder, "cert.pem"), key: join(folder, "key.pem"), database: join(folder, "store.db") };
  await writeFile(files.cert, certificate);
  await writeFile(files.key, key, { mode: 0o600 });
  const config = join(folder, "store.toml");
  await writeFile(config, `allow_no_tables = true\n[gateway]\nlisten = "127.0.0.1:0"\nupstream = "embedded"\ndatabase = ${JSON.stringify(files.database)}\n`);

  const aws = {
    AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test", AWS_REGION: "us-east-1", AWS_EC2_METADATA_DISABLED: "true",
    AWS_CONFIG_FILE: devNull, AWS_SHARED_CREDENTIALS_FILE: devNull,
  };
  const program = process.env.DYNASEAL ?? fail("DYNASEAL is not set: the path of the built program");
  const store = await run([program, "gateway", "--config", config], aws, join(folder, "store.log"), /listening.*?(127\.0\.0\.1:[1-9]\d*)/);
  const endpoint = `http://${store.found[1]}`;
  await createTables(endpoint);

  const command = JSON.parse(process.env.SERVICE ?? fail("SERVICE is not set: the service's command as a JSON list"));
  const service = await run(command, {
    ...aws,
    AWS_ENDPOINT_URL_DYNAMODB: endpoint,
    DYNASEAL_CONFIG: fileURLToPath(new URL("../dynaseal.toml", import.meta.url)),
    ENCRYPTION_KEY: randomBytes(32).toString("hex"),
    LISTEN_HTTPS: "127.0.0.1:0", LISTEN_HTTP: "127.0.0.1:0", TLS_CERT: files.cert, TLS_KEY: files.key,
    // The level at which a service says most, so that redaction is on.
    LOG: "debug",
    ...more,
  }, join(folder, "service.log"), /listening https:\/\/(127\.0\.0\.1:[1-9]\d*) http:\/\/(127\.0\.0\.1:[1-9]\d*)/);

  const agent = new https.Agent({ ca: certificate, keepAlive: true });
  const failures = [];
  const context = {
    folder,
    endpoint,
    agent,
    https: `https://${service.found[1]}`,
    http: `http://${service.found[2]}`,
    /** Answers with a status of 400 or more, none of which may hold a secret. */
    failures,
    stopStore: () => store.stop(),
    /** The log, once it has a line: it reaches the file after the answer reaches us. At the latest after ten seconds. */
    async serviceLog(line) {
      const path = join(folder, "service.log");
      for (let left = 500; left > 0 && !line.test(await readFile(path, "utf8")); left -= 1) await pause(20);
      return readFile(path, "utf8");
    },
    pid: service.pid,
    async stop(look = async () => {}) {
      agent.destroy();
      assert.equal(await service.stop(), 0, "the service did not end well");
      await store.stop();
      await look();
      await rm(folder, { recursive: true });
    },
    end() {
      return context.stop(() => assertClean(folder, failures));
    },
  };
  return { ...context, call: (method, path, options) => call(context, method, path, options) };
}

/** One request. `body` is sent as JSON, `raw` as it is; `chunked` without a length; `plain` over HTTP; `from` another address. */
async function call(context, method, path, { body, raw, token, headers = {}, plain = false, chunked = false, from } = {}) {
  const text = body === undefined ? raw : JSON.stringify(body);
  const { request } = plain ? http : https;
  const sent = request(`${plain ? context.http : context.https}${path}`, {
    method,
    agent: plain ? undefined : context.agent,
    localAddress: from,
    headers: {
      ...(text !== undefined && { "content-type": "application/json" }),
      ...(text !== undefined && !chunked && { "content-length": Buffer.byteLength(text) }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...headers,
    },
  });
  sent.end(text);
  // Whoever refuses a body early may close before all of it is sent; the answer counts.
  sent.on("error", () => {});
  const [response] = await Promise.race([
    once(sent, "response"),
    once(sent, "close").then(() => Promise.reject(new Error(`${method} ${path}: no answer`))),
  ]);
  const chunks = await response.toArray();
  const answer = { status: response.statusCode, headers: response.headers, text: Buffer.concat(chunks).toString() };
  if (answer.status >= 400) context.failures.push(answer);
  answer.json = answer.text === "" ? undefined : JSON.parse(answer.text);
  return answer;
}

/** The items of a table as the database holds them. */
export async function scan(context, table) {
  return (await dynamodb(context.endpoint, "Scan", { TableName: table, ConsistentRead: true })).Items;
}

/** Writes an item past the service. */
export async function putRaw(context, table, item) {
  await dynamodb(context.endpoint, "PutItem", { TableName: table, Item: item });
}

/** Everything that may stand in no log, error or file: each test makes its own. */
export const secrets = [];

/** A person whom nobody else has. */
export function person(name) {
  const tail = randomBytes(6).toString("hex");
  const user = { username: `${name}-${tail}`, email: `canary-${tail}@example.com`, password: `canary-${randomBytes(9).toString("hex")}` };
  secrets.push(user.email, user.password);
  return user;
}

/** Registers and logs in. */
export async function enter(context, user) {
  const registered = await context.call("POST", "/users", { body: user });
  assert.equal(registered.status, 201, registered.text);
  return logIn(context, user);
}

export async function logIn(context, { username, password }, from) {
  const session = await context.call("POST", "/sessions", { body: { username, password }, from });
  assert.equal(session.status, 201, session.text);
  secrets.push(session.json.token);
  return session.json.token;
}

async function assertClean(folder, failures) {
  const names = (await readdir(folder)).filter((name) => !name.endsWith(".pem"));
  assert.ok(names.includes("service.log") && names.includes("store.db"), names.join());
  const places = await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name))]));
  places.push(...failures.map((answer) => [`an answer with ${answer.status}`, Buffer.from(JSON.stringify(answer))]));
  assert.ok(secrets.length > 0);
  for (const secret of secrets) {
    for (const form of forms(secret)) {
      for (const [place, bytes] of places) assert.ok(!bytes.includes(form), `a secret stands in ${place}`);
    }
  }
}

/** As it is, percent-encoded, in hexadecimal, and in base64 at each of its three alignments. */
function forms(secret) {
  const bytes = Buffer.from(secret);
  const base64 = [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString("base64").replace(/=+$/, "");
    // The outer characters depend on what stands beside the secret.
    return text.slice(4, -3);
  });
  return [secret, encodeURIComponent(secret), bytes.toString("hex"), ...base64];
}

async function createTables(endpoint) {
  for (const [name, key] of [["Users", "username"], ["Sessions", "tokenHash"]]) {
    await dynamodb(endpoint, "CreateTable", {
      TableName: name, BillingMode: "PAY_PER_REQUEST",
      KeySchema: [{ AttributeName: key, KeyType: "HASH" }],
      AttributeDefinitions: [{ AttributeName: key, AttributeType: "S" }],
    });
  }
}

async function dynamodb(endpoint, operation, body) {
  const response = await fetch(endpoint, {
    method: "POST",
    headers: {
      "content-type": "application/x-amz-json-1.0",
      "x-amz-target": `DynamoDB_20120810.${operation}`,
      // The embedded database wants to see a signature; nobody checks it.
      authorization: "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0",
    },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  assert.equal(response.status, 200, `${operation}: ${text}`);
  return JSON.parse(text);
}

async function run([program, ...args], env, log, pattern) {
  const child = spawn(program, args, { cwd: dirname(log), stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } });
  const file = createWriteStream(log);
  let printed = "";
  const ended = new Promise((resolve) => child.once("close", (code) => file.end(() => resolve(code))));
  const found = await new Promise((resolve, reject) => {
    const read = (chunk) => {
      file.write(chunk);
      if (printed.length < 100_000) printed += chunk;
      const match = printed.match(pattern);
      if (match) resolve(match);
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.once("error", reject);
    ended.then(() => reject(new Error(`${program} did not start:\n${printed}`)));
    setTimeout(() => reject(new Error(`${program} did not start in time:\n${printed}`)), 30_000).unref();
  }).catch((error) => {
    child.kill("SIGKILL");
    throw error;
  });
  const stop = () => {
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), 20_000);
    return ended.finally(() => clearTimeout(timer));
  };
  return { found, pid: child.pid, stop };
}

function fail(words) {
  throw new Error(words);
}
