// Compiled, never run: the middlewares fit Koa's own types, with and without a router, and the agents fit Node's and the SDK's.

import http from "node:http";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import Router from "@koa/router";
import { EgressError, EgressHttpAgent, EgressHttpsAgent, egressDispatcher } from "dynaseal/egress";
import { accessLog, dynamoErrors, jsonErrors, redact, type Redactor, requireHttps, secureHeaders, type SecurityEvent } from "dynaseal/koa";
import Koa from "koa";
import pino from "pino";
import { fetch, setGlobalDispatcher } from "undici";

interface State {
  user?: string;
}
interface Custom {
  db: string;
}

const redactor: Redactor = redact({ names: ["nickname", /^x-/], patterns: [/\bID-\d+/], keep: ["nextToken"] });
const log = redactor.pino(pino, { level: "info" });
log.info({ a: 1 }, "text");
log.child({ b: 2 }).error(new Error("x"));
const text: string = redactor("text");
const copy: unknown = redactor({ a: 1 });
pino({ serializers: { err: redactor, body: redactor } });

for (const app of [new Koa(), new Koa<State, Custom>({ proxy: true })]) {
  app.use(accessLog({ log: (entry) => log.info(entry) }));
  app.use(secureHeaders({ contentSecurityPolicy: { directives: { defaultSrc: ["'self'"] } }, cacheControl: false }));
  app.use(requireHttps({ redirect: "api.example.com", hsts: { maxAge: 63_072_000, preload: true }, trust: ["10.0.0.0/8"] }));
  app.use(jsonErrors());
  app.use(dynamoErrors({ onSecurityEvent: (event: SecurityEvent, ctx) => log.error({ ...event, method: ctx.method }) }));
}
new Router().use(dynamoErrors()).get("/", requireHttps(), (ctx) => void (ctx.body = text));

const rules = { allow: ["dynamodb.eu-west-1.amazonaws.com:443", "10.0.0.0/8"], public: false };
new DynamoDBClient({
  logger: redact.logger(console),
  requestHandler: { httpAgent: new EgressHttpAgent(rules), httpsAgent: new EgressHttpsAgent(rules, { keepAlive: true, maxSockets: 50 }) },
});
http.get("http://example.com", { agent: new EgressHttpAgent() });
const dispatcher = await egressDispatcher({ ...rules, agent: { connections: 8, connect: { ca: "" } } });
setGlobalDispatcher(dispatcher);
await fetch("https://example.com", { dispatcher }).catch((error: unknown) => error instanceof EgressError && error.code === "DSL-9101");

// @ts-expect-error it takes nothing
jsonErrors({ words: [] });
// @ts-expect-error a misspelt option
requireHttps({ redirects: true });
// @ts-expect-error not a list
requireHttps({ trust: "loopback" });
// @ts-expect-error not a list
new EgressHttpAgent({ allow: "10.0.0.0/8" });
// @ts-expect-error a misspelt option
dynamoErrors({ onSecurityEvents: () => undefined });
export { copy };
