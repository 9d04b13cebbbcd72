// jsonErrors(): the errors that no other middleware answers, in the form of dynamoErrors. Koa would answer them as text, and give
// Koa's `error` event the callers' mistakes, too: a log of errors that holds each 401 hides the one error that counts.

import { STATUS_CODES } from "node:http";

import { clearAnswer } from "./answer.js";
import type { KoaContext, KoaMiddleware } from "./types.js";

/**
 * Answers `{ "error": … }` to what the caller did wrong (400 to 499, as `ctx.throw`, a parser or a router says it), and to what no
 * route took; 500 to any other error, which goes to Koa's `error` event. Use it around `dynamoErrors`.
 */
export function jsonErrors(): KoaMiddleware {
  return async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      if (typeof error !== "object" || error === null || ctx.res.headersSent) throw error;
      const status = statusOf(error as Thrown);
      clearAnswer(ctx);
      for (const [name, value] of Object.entries((status < 500 && (error as Thrown).headers) || {})) ctx.set(name, value);
      answer(ctx, status, status < 500 ? (error as Thrown) : {});
      if (status >= 500) ctx.app.emit("error", error, ctx);
      return;
    }
    if (ctx.status >= 400 && ctx.body == null && ctx.respond !== false && !ctx.res.headersSent) answer(ctx, ctx.status, {});
  };
}

/** What http-errors makes, and parsers imitate. */
interface Thrown {
  readonly status?: unknown;
  readonly statusCode?: unknown;
  readonly expose?: unknown;
  readonly message?: unknown;
  readonly headers?: Record<string, string>;
}

function statusOf({ status, statusCode }: Thrown): number {
  const said = status ?? statusCode;
  return typeof said === "number" && said >= 400 && STATUS_CODES[said] !== undefined ? said : 500;
}

/** A message is shown if its author said so. That of a parser may quote what the caller sent. */
function answer(ctx: KoaContext, status: number, { expose, message }: Thrown): void {
  ctx.status = status;
  ctx.body = { error: expose === true && typeof message === "string" ? message : STATUS_CODES[status] };
  // A body sets the status of an answer that had none.
  ctx.status = status;
  ctx.type = "json";
}
