// Koa drops every header that was set before an error (context.onerror), so what must be on each answer is set at the last
// moment: when the head is written, which Node does through `writeHead` for every answer.

import type { ServerResponse } from "node:http";

/** Sets headers when the head of an answer is written; one that is set by then stays as it is. */
export function onHead(res: ServerResponse, headers: () => Iterable<readonly [string, Header]>): void {
  const waiting = WAITING.get(res);
  if (waiting !== undefined) {
    waiting.push(headers);
    return;
  }
  const steps = [headers];
  WAITING.set(res, steps);
  const writeHead = res.writeHead as (...args: unknown[]) => ServerResponse;
  res.writeHead = ((...args: unknown[]) => {
    for (const step of steps.splice(0)) {
      for (const [name, value] of step()) if (!res.headersSent && !res.hasHeader(name)) res.setHeader(name, value);
    }
    return writeHead.apply(res, args);
  }) as ServerResponse["writeHead"];
}

/** What `setHeader` takes. */
export type Header = string | number | readonly string[];

const WAITING = new WeakMap<ServerResponse, (() => Iterable<readonly [string, Header]>)[]>();
