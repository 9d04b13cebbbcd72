// /sessions: log in and out; and who calls.

import type { Context, Middleware } from "koa";
import { Answer, unauthorized } from "./answers.js";
import { Attempts } from "./attempts.js";
import { Credentials, USERNAME } from "./input.js";
import { verifyPassword } from "./passwords.js";
import { now, type Store } from "./store.js";
import { hashToken, newToken } from "./tokens.js";

/** POST /sessions */
export function openSession(store: Store): Middleware {
  const attempts = new Attempts(10);
  return async (ctx) => {
    const { username, password } = Credentials.parse(ctx.request.body);
    // DynamoDB would refuse some texts as a key; no user has such a name.
    const known = USERNAME.test(username);
    const succeeded = attempts.begin(known ? username : "", ctx.ip);
    const user = known ? await store.user(username) : undefined;
    const right = await verifyPassword(password, user?.passwordHash);
    if (!user || !right) throw new Answer(401, "Wrong username or password");
    succeeded();
    const token = newToken();
    await store.addSession({ tokenHash: hashToken(token), username, account: user.account, expiresAt: now() + LIFETIME });
    ctx.status = 201;
    ctx.body = { token, expiresIn: LIFETIME };
  };
}

/** DELETE /sessions */
export function closeSession(store: Store): Middleware {
  return async (ctx) => {
    await store.removeSession((ctx.state.caller as Caller).tokenHash);
    ctx.status = 204;
  };
}

/** Whoever holds the request's token. */
interface Caller {
  readonly username: string;
  /** The account that the token was made for: a name that was freed and taken again is another account. */
  readonly account: string;
  readonly tokenHash: string;
}

/** Lets only requests with a token on. */
export function callers(store: Store): Middleware {
  return async (ctx, next) => {
    const token = /^Bearer +(.+)$/i.exec(ctx.get("Authorization"))?.[1];
    const session = token === undefined ? undefined : await store.session(hashToken(token));
    if (!session) throw unauthorized();
    ctx.state.caller = session satisfies Caller;
    await next();
  };
}

/** The caller, unless the path names somebody else. */
export function callerOf(ctx: Pick<Context, "state">, username: unknown): Caller {
  const caller = ctx.state.caller as Caller;
  if (caller.username !== username) throw new Answer(403, "Forbidden");
  return caller;
}

/** Seconds. */
const LIFETIME = 3600;
