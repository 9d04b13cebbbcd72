// Users whose e-mail addresses DynamoDB cannot read. The contract is examples/README.md.
//
//   TLS, or plain HTTP to refuse ──> app.ts: middlewares, routes ──> users.ts, sessions.ts ──> store.ts ──> dynaseal ──> DynamoDB
//                                            input.ts ──^             |  attempts.ts, passwords.ts, tokens.ts
//                      answers.ts: the one way out for errors <───────┘

import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { redact } from "dynaseal/koa";
import pino from "pino";
import { application } from "./app.js";
import { Store } from "./store.js";

const variable = (name: string, otherwise: string): string => process.env[name] ?? otherwise;

const log = redact().pino(pino, { level: variable("LOG", "info"), base: null }, pino.destination(2));
const handle = application(new Store(variable("DYNASEAL_CONFIG", "dynaseal.toml")), log).callback();
const tls = { cert: readFileSync(variable("TLS_CERT", "cert.pem")), key: readFileSync(variable("TLS_KEY", "key.pem")) };
const secure = https.createServer(tls, handle);
// Only to say that HTTPS is required.
const plain = http.createServer(handle);

const at = await listen(secure, variable("LISTEN_HTTPS", "127.0.0.1:8443"));
console.log(`listening https://${at} http://${await listen(plain, variable("LISTEN_HTTP", "127.0.0.1:8080"))}`);
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, stop);

async function listen(server: http.Server | https.Server, address: string): Promise<string> {
  const { hostname, port } = new URL(`tcp://${address}`);
  server.requestTimeout = 30_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(Number(port), hostname.replace(/^\[|\]$/g, ""), resolve);
  });
  return `${hostname}:${(server.address() as AddressInfo).port}`;
}

/** Requests that are under way are answered, for up to ten seconds. */
function stop(): void {
  for (const server of [secure, plain]) {
    server.close();
    setTimeout(() => server.closeAllConnections(), 10_000).unref();
  }
}
