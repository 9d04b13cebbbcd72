// Paths carry ids, addresses and tokens; the pattern that the router matched carries none.

import type { KoaContext } from "./types.js";

/** The pattern that @koa/router (or koa-router) matched, such as `/users/:id`. */
export function routeOf(ctx: KoaContext): string | undefined {
  const { _matchedRoute: matched, routerPath } = ctx as { _matchedRoute?: unknown; routerPath?: unknown };
  if (typeof matched === "string") return matched;
  if (matched instanceof RegExp) return matched.source;
  return typeof routerPath === "string" && matched !== undefined ? routerPath : undefined;
}
