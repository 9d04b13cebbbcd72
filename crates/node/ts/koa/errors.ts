// dynamoErrors(): answers for errors of DynamoDB, Dynaseal and schemas. The body says what the caller can do about it, and no more.

import { aFunction, anObject, type Expected, needed, optionsOf } from "../check.js";
import { clearAnswer } from "./answer.js";
import { classify, type Failure } from "./classify.js";
import { misused } from "./error.js";
import { routeOf } from "./route.js";
import type { KoaContext, KoaMiddleware } from "./types.js";

/** What happens besides the answer. */
export interface DynamoErrorsOptions {
  /**
   * Called when a stored item is not what was sealed. Default: one line of JSON on `console.error`.
   * With pino, which adds its own time: `({ time, ...event }) => logger.error(event)`.
   */
  readonly onSecurityEvent?: (event: SecurityEvent, ctx: KoaContext) => unknown;
  /** Seconds in Retry-After; default 1. */
  readonly retryAfter?: number;
}

/** An item failed verification. It holds no value; `route` is the router's pattern, not the path. */
export interface SecurityEvent {
  readonly event: "integrity";
  readonly time: string;
  readonly code?: string;
  readonly name: string;
  readonly operation?: string;
  readonly table?: string;
  readonly requestId?: string;
  readonly method: string;
  readonly route?: string;
}

/** Answers 409, 422, 503 and 500; errors of other origin pass through. What the service must mend goes to Koa's `error` event. */
export function dynamoErrors(options: DynamoErrorsOptions = {}): KoaMiddleware {
  const given = optionsOf<DynamoErrorsOptions>("dynamoErrors", options, { onSecurityEvent: aFunction, retryAfter: someSeconds }, misused);
  const retryAfter = String(Math.ceil(given.retryAfter ?? 1));
  const onSecurityEvent = given.onSecurityEvent ?? ((event: SecurityEvent) => console.error(JSON.stringify(event)));

  return async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      const failure = classify(error);
      if (failure === undefined || ctx.res.headersSent) throw error;
      answer(ctx, failure, retryAfter);
      if (failure.kind === "integrity") await report(ctx, failure, onSecurityEvent);
      else if (concernsService(failure)) ctx.app.emit("error", new DynamoFailure(failure), ctx);
    }
  };
}

/** What Koa's `error` event gets instead of the SDK's error, whose message and members can hold values. */
export class DynamoFailure extends Error {
  override readonly name = "DynamoFailure";
  /** What is known of it. */
  readonly failure: Failure;
  /** As the answer said. */
  readonly status: number;
  readonly expose = false;

  constructor(failure: Failure) {
    needed("DynamoFailure: what is given", failure, aFailure, misused);
    const { name, kind, status, code, cause, operation, table, requestId } = failure;
    const about = [kind, `answered with ${status}`, code, cause, operation, table && `table ${table}`, requestId && `request ${requestId}`];
    super(`${name} (${about.filter(Boolean).join(", ")})`);
    this.failure = failure;
    this.status = failure.status;
  }
}

function answer(ctx: KoaContext, { status, kind, fields }: Failure, retryAfter: string): void {
  clearAnswer(ctx);
  ctx.status = status;
  ctx.body = kind === "input" ? { error: BODIES[kind], fields } : { error: BODIES[kind] };
  ctx.type = "json";
  if (status === 503) ctx.set("Retry-After", retryAfter);
}

async function report(ctx: KoaContext, failure: Failure, hook: NonNullable<DynamoErrorsOptions["onSecurityEvent"]>): Promise<void> {
  const { kind: _kind, status: _status, fields: _fields, ...about } = failure;
  const route = routeOf(ctx);
  const event: SecurityEvent = {
    event: "integrity", time: new Date().toISOString(), ...about, method: ctx.method, ...(route !== undefined && { route }),
  };
  try {
    await hook(event, ctx);
  } catch (error) {
    // The answer stands, and the event is not lost with its hook.
    console.error(JSON.stringify({ ...event, hook: error instanceof Error ? error.name : "failed" }));
  }
}

/** An outage, a fault, or a refused request whose attribute nobody could name: most likely the code, not the caller. */
function concernsService({ kind, fields, name }: Failure): boolean {
  return kind === "fault" || kind === "outage" || (kind === "input" && fields.length === 0 && !name.endsWith("ZodError"));
}

const someSeconds: Expected = {
  what: "a number of seconds, 0 or more",
  fits: (value) => typeof value === "number" && value >= 0 && value <= Number.MAX_SAFE_INTEGER,
  found: (value) => (typeof value === "number" && value < 0 ? "less than 0" : undefined),
};
const aFailure: Expected = {
  what: "a Failure, which dynamoErrors makes; an application needs the class for instanceof alone",
  fits: (value) => anObject.fits(value) && typeof (value as Failure).name === "string" && Object.hasOwn(BODIES, (value as Failure).kind),
};
const BODIES = {
  condition: "Condition not met",
  input: "Invalid input",
  busy: "Busy, try again",
  outage: "Unavailable, try again",
  integrity: "Internal Server Error",
  fault: "Internal Server Error",
};
