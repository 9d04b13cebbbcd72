// secureHeaders(): koa-helmet with the OWASP Secure Headers Project's values for an API. koa-helmet is loaded when this is called.

import { validateHeaderValue } from "node:http";

import { type Expected, optionsOf, orFalse } from "../check.js";
import { misused, SetupError } from "./error.js";
import { type Header, onHead } from "./head.js";
import type { KoaMiddleware } from "./types.js";

/** Options of helmet, by its own names, over the preset; and the two headers that helmet does not know. */
export interface SecureHeadersOptions {
  /** Permissions-Policy; default: no feature of the browser. */
  readonly permissionsPolicy?: string | false;
  /** Cache-Control of answers that set none; default `no-store`. */
  readonly cacheControl?: string | false;
  /** Anything of helmet, such as `contentSecurityPolicy`. */
  readonly [option: string]: unknown;
}

/**
 * Secure headers on every answer, errors included. A route changes one by setting it; removing it has no effect, so use `false`
 * here for a header that no answer shall have. Strict-Transport-Security is set by `requireHttps`.
 */
export function secureHeaders(options: SecureHeadersOptions = {}): KoaMiddleware {
  const helmetOptions: Record<string, unknown> = {};
  const given = optionsOf<Own>("secureHeaders", options, { permissionsPolicy: aHeader, cacheControl: aHeader }, misused, helmetOptions);
  const { permissionsPolicy = NO_FEATURES, cacheControl = "no-store" } = given;
  const loading = loadHelmet().then((helmet) => withOptions(helmet, { ...PRESET, ...helmetOptions }));
  // Told at once, and again on each request, which is then answered with 500: no answer goes out without its headers.
  loading.catch((error: unknown) => process.emitWarning(error instanceof Error ? error : String(error)));
  const own = Object.entries({ "Permissions-Policy": permissionsPolicy, "Cache-Control": cacheControl })
    .filter((entry): entry is [string, string] => entry[1] !== false);

  return async (ctx, next) => {
    const helmet = await loading;
    const before = new Set(ctx.res.getHeaderNames());
    await helmet(ctx, async () => {});
    const set = ctx.res.getHeaderNames().filter((name) => !before.has(name));
    const kept = set.map((name): [string, Header] => [name, ctx.res.getHeader(name) as Header]);
    onHead(ctx.res, () => [...kept, ...own]);
    await next();
  };
}

type Own = Pick<SecureHeadersOptions, "permissionsPolicy" | "cacheControl">;
type Helmet = (options: object) => KoaMiddleware;

/** Its own errors may repeat what they were given. */
function withOptions(helmet: Helmet, options: object): KoaMiddleware {
  try {
    return helmet(options);
  } catch (cause) {
    throw Object.assign(misused("secureHeaders: helmet cannot use its options", "give them as helmet documents them; the cause says more"), { cause });
  }
}

async function loadHelmet(): Promise<Helmet> {
  try {
    let module: unknown = await import("koa-helmet");
    // ESM or CommonJS, whichever of each loads the other.
    while (typeof module === "object" && module !== null && "default" in module) module = module.default;
    if (typeof module === "function") return module as Helmet;
  } catch {
    // told below
  }
  throw new SetupError("DSL-9202", "secureHeaders: koa-helmet cannot be loaded", "install it: npm install koa-helmet helmet");
}

const aHeader: Expected = orFalse({
  what: "a text that a header can hold",
  fits: (value) => typeof value === "string" && isHeaderValue(value),
  found: (value) => (typeof value === "string" ? "a text that a header cannot hold" : undefined),
});

function isHeaderValue(value: string): boolean {
  try {
    validateHeaderValue("x", value);
    return true;
  } catch {
    return false;
  }
}

const PRESET = {
  contentSecurityPolicy: {
    useDefaults: false,
    directives: { defaultSrc: ["'none'"], baseUri: ["'none'"], formAction: ["'none'"], frameAncestors: ["'none'"] },
  },
  crossOriginEmbedderPolicy: { policy: "require-corp" },
  crossOriginOpenerPolicy: { policy: "same-origin" },
  crossOriginResourcePolicy: { policy: "same-origin" },
  referrerPolicy: { policy: "no-referrer" },
  xFrameOptions: { action: "deny" },
  strictTransportSecurity: false,
};
const NO_FEATURES = [
  "accelerometer", "autoplay", "camera", "cross-origin-isolated", "display-capture", "encrypted-media", "fullscreen", "geolocation", "gyroscope",
  "keyboard-map", "magnetometer", "microphone", "midi", "payment", "picture-in-picture", "publickey-credentials-get", "screen-wake-lock",
  "sync-xhr", "usb", "web-share", "xr-spatial-tracking", "clipboard-read", "clipboard-write", "gamepad", "hid", "idle-detection", "serial",
].map((feature) => `${feature}=()`).join(", ");
