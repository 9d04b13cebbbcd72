// The one way out for errors: {"error": …}, and no more than the caller may know. What DynamoDB, Dynaseal and the schemas say is
// answered by dynamoErrors().

import type { Middleware } from "koa";

/** An error that the service itself found. */
export class Answer extends Error {
  constructor(
    readonly status: number,
    message: string,
    /** Seconds. */
    readonly retryAfter?: number,
  ) {
    super(message);
  }
}

export const unauthorized = (): Answer => new Answer(401, "Unauthorized");

/** Answers errors, and requests that no route took. */
export function answers(): Middleware {
  return async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      if (ctx.headerSent) throw error;
      const status = (error as { status?: unknown }).status;
      ctx.status = typeof status === "number" && status >= 400 && status < 500 ? status : 500;
      // The message of an error that is not ours may quote what the caller sent.
      ctx.body = { error: error instanceof Answer ? error.message : (WORDS[ctx.status] ?? "Refused") };
      if (error instanceof Answer && error.retryAfter !== undefined) ctx.set("Retry-After", `${error.retryAfter}`);
      if (ctx.status === 500) ctx.app.emit("error", error, ctx);
    }
    const { status } = ctx;
    if (status >= 400 && ctx.body == null) {
      ctx.body = { error: WORDS[status] ?? "Refused" };
      ctx.status = status;
    }
    if (status === 401) ctx.set("WWW-Authenticate", "Bearer");
  };
}

const WORDS: Record<number, string> = {
  400: "Malformed JSON",
  404: "Not found",
  405: "Method not allowed",
  413: "Body too large",
  500: "Internal Server Error",
  501: "Method not allowed",
};
