// Agents of node:http and node:https whose connections are judged. For the AWS SDK:
//   new DynamoDBClient({ requestHandler: { httpAgent: new EgressHttpAgent(rules), httpsAgent: new EgressHttpsAgent(rules) } })

import http from "node:http";
import https from "node:https";
import type { Socket } from "node:net";

import { anObject, needed } from "../check.js";
import { EgressError, misused } from "./error.js";
import { type EgressOptions, Guard } from "./guard.js";

/** An `http.Agent` that refuses connections to addresses that are not public, unless they are listed. */
export class EgressHttpAgent extends http.Agent {
  readonly #guard: Guard;

  constructor(egress: EgressOptions = {}, agent: http.AgentOptions = {}) {
    super(checkAgent("EgressHttpAgent", agent));
    this.#guard = new Guard("EgressHttpAgent", egress);
  }

  override createConnection(options: Connection, done?: Connection): Connection {
    return connect(this.#guard, options, done, (checked) => super.createConnection(checked) as Socket);
  }
}

/** An `https.Agent` that refuses connections to addresses that are not public, unless they are listed. */
export class EgressHttpsAgent extends https.Agent {
  readonly #guard: Guard;

  constructor(egress: EgressOptions = {}, agent: https.AgentOptions = {}) {
    super(checkAgent("EgressHttpsAgent", agent));
    this.#guard = new Guard("EgressHttpsAgent", egress);
  }

  override createConnection(options: Connection, done?: Connection): Connection {
    return connect(this.#guard, options, done, (checked) => super.createConnection(checked) as Socket);
  }
}

// `any`, since the types of Node differ from version to version here: the options of net.connect, tls.connect and a request in
// one, and what Node's own method takes and gives.
type Connection = any;
type Done = (error: Error | null, socket?: Socket) => void;

/** Judges one connection, opens it, and judges where it arrived before a byte of the request is written. */
function connect(guard: Guard, given: Connection, done: Done, open: (options: Connection) => Socket): Socket | undefined {
  const options = { ...given };
  const port = Number(options.port);
  const refusal = refuseDetour(options) ?? guard.refuseHost(options.host, port);
  if (refusal !== undefined) {
    process.nextTick(done, refusal);
    return undefined;
  }
  options.lookup = guard.lookup(port);
  const socket = open(options);
  socket.prependOnceListener("connect", () => {
    const arrived = guard.refuseAddress(String(options.host), socket.remoteAddress, port);
    if (arrived !== undefined) socket.destroy(arrived);
  });
  return socket;
}

/** `path` is a Unix socket here, and the others are connections that exist already. */
function refuseDetour(options: Connection): EgressError | undefined {
  const detour = ["socketPath", "path", "socket", "handle", "fd"].find((name) => options[name] != null);
  if (detour === undefined) return undefined;
  return new EgressError("DSL-9103", `the connection is refused: ${detour} leads past the guard`,
    "name host and port, or use another agent");
}

function checkAgent<Options extends http.AgentOptions>(where: string, options: Options): Options {
  needed(`${where}: the second argument`, options, { ...anObject, what: "options of Node's agent, or left out" }, misused);
  if ("proxyEnv" in options && options.proxyEnv != null) {
    throw misused(`${where}: the option proxyEnv cannot be guarded, since the proxy resolves names, not the agent`,
      "let the proxy refuse internal addresses, or leave it out");
  }
  return options;
}
