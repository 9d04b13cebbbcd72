// /users: register, read, update, delete.

import type { Middleware } from "koa";
import { Answer } from "./answers.js";
import { Attempts } from "./attempts.js";
import { Change, Registration } from "./input.js";
import { hashPassword } from "./passwords.js";
import { callerOf } from "./sessions.js";
import type { Store } from "./store.js";
import { newAccount } from "./tokens.js";

/** POST /users */
export function register(store: Store): Middleware {
  const attempts = new Attempts(30);
  return async (ctx) => {
    const { username, email, password } = Registration.parse(ctx.request.body);
    attempts.begin("", ctx.ip);
    await store.addUser({ username, account: newAccount(), email, passwordHash: await hashPassword(password) });
    ctx.status = 201;
    ctx.body = { username, email };
  };
}

/** GET /users/:username */
export function readUser(store: Store): Middleware {
  return async (ctx) => {
    const { username, account } = callerOf(ctx, ctx.params.username);
    const user = await store.user(username);
    if (user?.account !== account) throw new Answer(404, "Not found");
    ctx.body = { username, email: user.email };
  };
}

/** PATCH /users/:username */
export function updateUser(store: Store): Middleware {
  return async (ctx) => {
    const { username, account } = callerOf(ctx, ctx.params.username);
    const { email } = Change.parse(ctx.request.body);
    await store.setEmail(username, account, email);
    ctx.body = { username, email };
  };
}

/** DELETE /users/:username */
export function removeUser(store: Store): Middleware {
  return async (ctx) => {
    const { username, account } = callerOf(ctx, ctx.params.username);
    await store.removeUser(username, account);
    ctx.status = 204;
  };
}
