// requireHttps(): nothing behind it sees a request that came over plain HTTP.
//
// TLS that ends in this process is seen on the socket. TLS that ends at a proxy is the proxy's word, X-Forwarded-Proto, and
// counts only if all of this holds:
//   1. `app.proxy` is true, Koa's own switch for such headers;
//   2. the connection comes from an address in `trust`, since anyone who reaches the port can write the header;
//   3. every value of the header is `https`: a proxy that appends writes `https, http` behind a client's forged one.

import type { BlockList, Socket } from "node:net";

import { blockList, parseAddress } from "../egress/address.js";
import { aBoolean, aFunction, anObject, aText, aWhole, type Expected, listOf, optionsOf, orFalse } from "../check.js";
import { misused } from "./error.js";
import { onHead } from "./head.js";
import { isSensitiveName } from "./redact/names.js";
import type { KoaContext, KoaMiddleware } from "./types.js";

/** How plain HTTP is answered. */
export interface RequireHttpsOptions {
  /**
   * Whether to redirect instead of answering 400: to the request's own host (`true`) or to the one named, `host` or `host:port`.
   * Only GET and HEAD are redirected, and only if they carry no body, cookie, authorization or secret in the query: those
   * have been sent in the clear already, and a redirect would hide it.
   */
  readonly redirect?: boolean | string;
  /** Strict-Transport-Security for answers over HTTPS; default one year with subdomains. */
  readonly hsts?: false | HstsOptions;
  /**
   * With `app.proxy`: where the proxy connects from. Addresses, ranges, `loopback` (Unix sockets too), `private`, or `any`,
   * which is safe only if nothing but the proxy can reach the port. Default `loopback` and `private`.
   */
  readonly trust?: readonly string[];
  /** Gets why a request was refused, once for each reason; default a warning of the process. */
  readonly log?: (why: string) => void;
}

/** The parts of Strict-Transport-Security. */
export interface HstsOptions {
  /** Seconds; 0 makes browsers forget. */
  readonly maxAge?: number;
  readonly includeSubDomains?: boolean;
  readonly preload?: boolean;
}

/** Refuses or redirects plain HTTP, and sets HSTS on every answer over HTTPS, errors included. Use it first. */
export function requireHttps(options: RequireHttpsOptions = {}): KoaMiddleware {
  const given = optionsOf<RequireHttpsOptions>("requireHttps", options, SHAPE, misused);
  const hsts = given.hsts === false ? undefined : hstsValue(given.hsts);
  const trusted = trustedPeers(given.trust ?? DEFAULT_TRUST);
  const target = redirectTarget(given.redirect ?? false);
  const { log = (why: string) => process.emitWarning(why, { code: "DSL-9201" }) } = given;
  const told = new Set<string>();
  const tell = (why: string): void => {
    if (told.has(why)) return;
    told.add(why);
    log(why);
  };

  return async (ctx, next) => {
    if (isSecure(ctx, trusted)) {
      if (hsts !== undefined) onHead(ctx.res, () => [["Strict-Transport-Security", hsts]]);
      await next();
      return;
    }
    // A proxy that nobody told us of: a redirect would lead back here for ever.
    const claimed = saysHttps(ctx);
    if (claimed) tell(disbelieved(ctx.app.proxy));
    else if (target === undefined) tell(ctx.get("X-Forwarded-Proto") === "" ? plain(ctx.app.proxy) : FORWARDED);
    const location = target === undefined || claimed || carriesSecrets(ctx) ? undefined : httpsUrl(ctx, target);
    ctx.set("Cache-Control", "no-store");
    ctx.status = location === undefined ? 400 : 308;
    if (location !== undefined) ctx.set("Location", location);
    ctx.body = { error: "HTTPS required" };
    ctx.type = "json";
    // The body is not read, and nothing more shall come over this connection.
    if (ctx.req.httpVersionMajor < 2) ctx.set("Connection", "close");
  };
}

function isSecure(ctx: KoaContext, trusted: (socket: Socket) => boolean): boolean {
  const { socket } = ctx.req;
  if ("encrypted" in socket && socket.encrypted === true) return true;
  return ctx.app.proxy && saysHttps(ctx) && trusted(socket);
}

function saysHttps(ctx: KoaContext): boolean {
  return ctx.get("X-Forwarded-Proto").split(",").every((value) => value.trim() === "https");
}

function disbelieved(proxy: boolean): string {
  const mend = proxy ? "add its address to trust" : "set app.proxy to true";
  const why = proxy ? "comes from an address that is not in trust" : "app.proxy is not set";
  return (
    `requireHttps: X-Forwarded-Proto says https, but ${why}, so it does not count. ` +
    `If a proxy of yours wrote it, ${mend}; otherwise somebody reaches the port past the proxy.`
  );
}

function plain(proxy: boolean): string {
  const more = proxy ? "" : ", and set app.proxy to true";
  return `requireHttps: a request over plain HTTP was refused. If a TLS proxy sent it, let the proxy set X-Forwarded-Proto${more}.`;
}

function trustedPeers(entries: readonly string[]): (socket: Socket) => boolean {
  if (entries.includes("any")) return () => true;
  const peers: BlockList | undefined = blockList(entries.flatMap((entry) => TRUST_NAMES.get(entry) ?? [entry]));
  if (peers === undefined) throw misused("requireHttps: an entry of the option trust cannot be read", TRUST_HINT);
  const local = entries.includes("loopback");
  return (socket) => {
    // A Unix socket has no addresses at all.
    if (socket.remoteAddress === undefined) return local && socket.localAddress === undefined && !socket.destroyed;
    const peer = parseAddress(socket.remoteAddress);
    return peer !== undefined && peers.check(peer.text, peer.family);
  };
}

function hstsValue(options: HstsOptions | undefined): string {
  const { maxAge = YEAR, includeSubDomains = true, preload = false } = optionsOf<HstsOptions>("requireHttps: hsts", options, HSTS_SHAPE, misused);
  if (preload && (maxAge < YEAR || !includeSubDomains))
    throw misused("requireHttps: the option hsts cannot have preload", "preload needs a maxAge of a year or more, and includeSubDomains");
  return `max-age=${maxAge}${includeSubDomains ? "; includeSubDomains" : ""}${preload ? "; preload" : ""}`;
}

/** `''` for the request's own host. */
function redirectTarget(redirect: boolean | string): string | undefined {
  if (typeof redirect === "boolean") return redirect ? "" : undefined;
  const url = URL.canParse(`https://${redirect}/`) ? new URL(`https://${redirect}/`) : undefined;
  if (url === undefined || url.href !== `https://${url.host}/` || redirect === "") {
    throw misused("requireHttps: the option redirect is a text that is no host", "write true, or a host like api.example.com or api.example.com:8443");
  }
  return url.host;
}

/** What was sent in the clear and must not pass quietly. */
function carriesSecrets(ctx: KoaContext): boolean {
  if (ctx.method !== "GET" && ctx.method !== "HEAD") return true;
  const { headers, url = "" } = ctx.req;
  const body = headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) !== 0;
  if (body || Object.keys(headers).some((name) => isSensitiveName(name))) return true;
  const query = url.includes("?") ? url.slice(url.indexOf("?") + 1) : "";
  // Names are judged as they are meant, percent-encoded or not.
  return query.split(/[&;]/).some((pair) => isSensitiveName(pair.split("=", 1)[0] ?? ""));
}

/** The same path over HTTPS; undefined if that is no URL of the host. Never X-Forwarded-Host, which the client may have written. */
function httpsUrl(ctx: KoaContext, target: string): string | undefined {
  const { headers, url = "" } = ctx.req;
  const host = target === "" ? hostOf(headers.host) : target;
  if (host === undefined || !url.startsWith("/")) return undefined;
  const location = `https://${host}${url}`;
  return URL.canParse(location) && new URL(location).host === host ? new URL(location).href : undefined;
}

/** The host without its port, which is the one of plain HTTP. */
function hostOf(header: string | undefined): string | undefined {
  if (header === undefined || !/^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d*)?$/i.test(header)) return undefined;
  return URL.canParse(`http://${header}/`) ? new URL(`http://${header}/`).hostname : undefined;
}

const FORWARDED = "requireHttps: a request was refused, since X-Forwarded-Proto says that it came over plain HTTP, at least on a part of its way.";
const YEAR = 31_536_000;
const TRUST_HINT = "write addresses, ranges like 10.0.0.0/8, loopback, private or any";
const SHAPE: { readonly [Name in keyof RequireHttpsOptions]-?: Expected } = {
  redirect: { what: "true, false or a host", fits: (value) => aBoolean.fits(value) || aText.fits(value) },
  hsts: orFalse(anObject),
  log: aFunction,
  trust: listOf("addresses, ranges, loopback, private or any", (entry) => typeof entry === "string"),
};
const HSTS_SHAPE = { maxAge: aWhole, includeSubDomains: aBoolean, preload: aBoolean };
const DEFAULT_TRUST = ["loopback", "private"];
const TRUST_NAMES = new Map([
  ["loopback", ["127.0.0.0/8", "::1"]],
  ["private", ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "fc00::/7", "fe80::/10"]],
]);
