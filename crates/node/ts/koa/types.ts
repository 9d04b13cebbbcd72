// The part of Koa that the middlewares use, so that their types need no @types/koa and fit Koa 2 and 3.

import type { IncomingMessage, ServerResponse } from "node:http";

/** A Koa context, as far as it is used here. */
export interface KoaContext {
  readonly app: { readonly proxy: boolean; emit(event: string, ...args: unknown[]): boolean };
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly method: string;
  readonly path: string;
  status: number;
  body: unknown;
  respond?: boolean;
  type: string;
  get(name: string): string;
  set(name: string, value: string): void;
  remove(name: string): void;
}

/** A Koa middleware: `app.use(…)`. */
export type KoaMiddleware = (ctx: KoaContext, next: () => Promise<unknown>) => Promise<void>;
