// Every middleware that a request passes, in order, and the routes.

import Router from "@koa/router";
import { accessLog, dynamoErrors, requireHttps, secureHeaders } from "dynaseal/koa";
import Koa from "koa";
import type { BaseLogger } from "pino";
import { answers } from "./answers.js";
import { jsonBody } from "./input.js";
import { callers, closeSession, openSession } from "./sessions.js";
import type { Store } from "./store.js";
import { readUser, register, removeUser, updateUser } from "./users.js";

export function application(store: Store, log: BaseLogger): Koa {
  const app = new Koa();
  app.on("error", (error) => log.error(error));
  app.use(accessLog({ log: ({ time, ...entry }) => log.info(entry, "request") }));
  app.use(secureHeaders());
  app.use(requireHttps());
  app.use(answers());
  app.use(dynamoErrors({ onSecurityEvent: ({ time, ...event }) => log.error(event, "security event") }));

  const body = jsonBody(log);
  const caller = callers(store);
  const router = new Router();
  router.post("/users", ...body, register(store));
  router.get("/users/:username", caller, readUser(store));
  router.patch("/users/:username", caller, ...body, updateUser(store));
  router.delete("/users/:username", caller, removeUser(store));
  router.post("/sessions", ...body, openSession(store));
  router.delete("/sessions", caller, closeSession(store));
  app.use(router.routes());
  app.use(router.allowedMethods());
  return app;
}
