// The same for undici and for fetch: pass it as `dispatcher` to undici's fetch, or to setGlobalDispatcher.

import type { Socket } from "node:net";

import { anObject, optionsOf } from "../check.js";
import { EgressError, misused } from "./error.js";
import { type EgressOptions, Guard, RULES } from "./guard.js";

/** What a dispatcher takes on top of the rules. */
export interface EgressDispatcherOptions extends EgressOptions {
  /** Options of undici's `Agent`. `connect` is an object of TLS options here, never a function. */
  readonly agent?: Readonly<Record<string, unknown>>;
}

/** An undici `Agent` that refuses connections to addresses that are not public, unless they are listed. */
export async function egressDispatcher(options: EgressDispatcherOptions = {}): Promise<EgressDispatcher> {
  const { agent = {}, ...rules } = optionsOf<EgressDispatcherOptions>(WHERE, options, { ...RULES, agent: anObject }, misused);
  const guard = new Guard(WHERE, rules);
  const { connect: tls = {}, ...rest } = agent;
  checkOptions(agent, tls);
  const { Agent, buildConnector } = await loadUndici();
  const { allowH2, connectTimeout: timeout, maxCachedSessions, autoSelectFamily } = rest;

  const connect = (target: Target, done: Done): void => {
    const port = Number(target.port) || (target.protocol === "https:" ? 443 : 80);
    const refusal = target.httpSocket == null ? guard.refuseHost(target.hostname, port) : existing();
    if (refusal !== undefined) return process.nextTick(done, refusal, null);
    // A connector for each port, since rules can name ports and a lookup is not told of them.
    const open = connectorFor(port);
    open(target, (error, socket) => {
      const arrived = socket == null ? undefined : guard.refuseAddress(target.hostname, socket.remoteAddress, port);
      if (arrived === undefined) return done(error, socket);
      socket?.destroy();
      return done(arrived, null);
    });
  };
  const connectors = new Map<number, Connector>();
  const connectorFor = (port: number): Connector => {
    const known = connectors.get(port);
    if (known !== undefined) return known;
    const settings = dropUndefined({ allowH2, timeout, maxCachedSessions, autoSelectFamily });
    const made = buildConnector({ ...settings, ...tls, lookup: guard.lookup(port) } as object) as unknown as Connector;
    connectors.set(port, made);
    return made;
  };
  return new Agent({ ...rest, connect } as object) as unknown as EgressDispatcher;
}

/** An undici `Dispatcher`; `any`, so that the types of this package need no undici, and fit each version of it. */
export type EgressDispatcher = any;

interface Target {
  readonly hostname: string;
  readonly port: string;
  readonly protocol: string;
  readonly httpSocket?: unknown;
}
type Done = (error: Error | null, socket: Socket | null) => void;
type Connector = (target: Target, done: Done) => unknown;

async function loadUndici(): Promise<typeof import("undici")> {
  try {
    return await import("undici");
  } catch {
    throw new EgressError("DSL-9105", `${WHERE}: undici cannot be loaded`, "install it: npm install undici");
  }
}

function checkOptions(agent: Readonly<Record<string, unknown>>, tls: unknown): asserts tls is object {
  const detour = typeof tls !== "object" || tls === null
    ? "connect"
    : ["lookup", "socketPath", "path", "socket", "host", "port"].find((name) => name in tls) ??
      ["factory", "socketPath", "clientFactory", "interceptors"].find((name) => name in agent);
  if (detour !== undefined) {
    throw misused(`${WHERE}: the option ${detour} of the agent leads past the guard`, "leave it out; lookup has a place beside allow");
  }
}

function existing(): EgressError {
  return new EgressError("DSL-9103", "the connection is refused: it would run through one that exists already",
    "connect to a host and a port");
}

const WHERE = "egressDispatcher";

/** undici refuses some options that are there but undefined. */
function dropUndefined(options: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
