// accessLog(): one line for each request. Never bodies, headers, queries or values in paths.

import { aFunction, optionsOf } from "../check.js";
import { misused } from "./error.js";
import { routeOf } from "./route.js";
import type { KoaContext, KoaMiddleware } from "./types.js";

/** Where lines go. */
export interface AccessLogOptions {
  /** Default: one line of JSON on `console.log`. With pino, which adds its own time: `({ time, ...entry }) => logger.info(entry)`. */
  readonly log?: (entry: AccessLogEntry) => void;
}

/** One request. */
export interface AccessLogEntry {
  readonly time: string;
  readonly method: string;
  /** The router's pattern; without a router, the path with `*` for each segment that may be a value. */
  readonly route: string;
  /** What was sent; absent if the connection closed before that. */
  readonly status?: number;
  readonly ms: number;
  /** Whether the connection closed before the answer was complete. */
  readonly aborted?: true;
}

/** Logs each request when it is over, errors included. */
export function accessLog(options: AccessLogOptions = {}): KoaMiddleware {
  const { log = printed } = optionsOf<AccessLogOptions>("accessLog", options, { log: aFunction }, misused);
  return async (ctx, next) => {
    const start = performance.now();
    ctx.res.once("close", () => {
      try {
        log(entry(ctx, performance.now() - start));
      } catch (error) {
        process.emitWarning(`accessLog: log failed with ${error instanceof Error ? error.name : "no error"}`);
      }
    });
    await next();
  };
}

const printed = (entry: AccessLogEntry): void => console.log(JSON.stringify(entry));

function entry(ctx: KoaContext, ms: number): AccessLogEntry {
  const { res } = ctx;
  return {
    time: new Date().toISOString(),
    method: ctx.method,
    route: routeOf(ctx) ?? plainPath(ctx.path),
    ...(res.headersSent && { status: res.statusCode }),
    ms: Math.round(ms * 1000) / 1000,
    ...(!res.writableFinished && { aborted: true as const }),
  };
}

/** Short words in small letters stay, as in the crate dynaseal-web; what is anything else may be an id, a name, an address or a token. */
function plainPath(path: string): string {
  const segments = path.split("/").slice(0, MAX_SEGMENTS);
  return segments.map((segment) => (WORDS.test(segment) ? segment : "*")).join("/");
}

const WORDS = /^(?:[a-z]{0,16}|v\d)$/;
const MAX_SEGMENTS = 12;
