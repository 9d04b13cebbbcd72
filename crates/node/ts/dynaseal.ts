// A checked configuration, and what can be done with it besides sealing a client.

import { fileURLToPath } from "node:url";
import { type AttributeMap, fromJson, type ItemInput, toJson } from "./attributes.js";
import { type Call, Calls } from "./call.js";
import type { Config, ConfigSource } from "./config.js";
import { DynasealError, type Fault } from "./errors.js";
import { native, type NativeEngineResult, type Send, type Settled } from "./native.js";
import { withImages } from "./records.js";
import { DYNAMODB, type ServiceOptions, Services } from "./services.js";

export interface Options extends ServiceOptions {
  /** Where `key_env` is looked up instead of `process.env`, such as secrets that were fetched at start. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** A configuration, read and checked. Clients that share one also share its turns: writers of one item do not race. */
export class Dynaseal {
  /** What is allowed in the configuration but worth a second look. */
  readonly warnings: readonly Fault[];
  readonly #calls: Calls;
  readonly #services: Services;

  /** Throws a {@link DynasealError} with everything that is wrong in the configuration. */
  constructor(source: ConfigSource, options: Options = {}) {
    const { engine, warnings, failure } = read(source, variables(options.env ?? process.env));
    if (failure || !engine) throw new DynasealError(failure ?? NO_ENGINE);
    this.warnings = warnings;
    this.#calls = new Calls(engine);
    this.#services = new Services(options);
    for (const { code, message, hint } of warnings)
      process.emitWarning(`${message}; ${hint}`, { type: "DynasealWarning", code });
  }

  /** Seals one item of a table, given as attribute values, as the SDK's `marshall` makes them: `{ id: { S: "1" } }`. For exports, queues and imports. */
  sealItem(table: string, item: ItemInput): Promise<AttributeMap> {
    return this.#apart((call) => call.sealItem(table, toJson(item))).then(fromJson);
  }

  /** Verifies and opens one item of a table, for the SDK's `unmarshall`. Binary values may also be base64, as in Lambda's stream events. */
  openItem(table: string, item: ItemInput): Promise<AttributeMap> {
    return this.#apart((call) => call.openItem(table, toJson(item))).then(fromJson);
  }

  /**
   * Verifies and opens the images in the event of a Lambda stream handler, in one of its records, or in what GetRecords answered
   * to a client that is not sealed; a copy, in which all else is as it was. Binary values of images are bytes then, as the SDK's
   * `unmarshall` takes them, whatever the event's type says. `table` is the one that the records are of, if they do not name it
   * themselves; those of tables that are not protected are left sealed or plain as they are.
   */
  async openRecords<Event extends object>(event: Event, { table }: { readonly table?: string } = {}): Promise<Event> {
    return withImages(event, await this.#apart((call) => call.openRecords(table, toJson(event))));
  }

  /** @internal A call for the middlewares. */
  static begin(dynaseal: Dynaseal, signal?: AbortSignal): Call {
    return dynaseal.#calls.begin(signal);
  }

  /** @internal Sends what a sealed client cannot send, and shows the answer to the engine. */
  static async elsewhere(dynaseal: Dynaseal, call: Call, step: Send): Promise<Settled> {
    const services = dynaseal.#services;
    if (!services.serves(step.target)) throw cannotSend(step);
    const reply = await services.answer(step, call.signal);
    return "lost" in reply ? call.lost(reply.lost) : call.resume(reply.status, reply.body);
  }

  /** Work without a client; JSON. */
  async #apart(work: (call: Call) => Promise<Settled>): Promise<string> {
    const call = this.#calls.begin();
    try {
      let step = await work(call);
      while (step.kind === "send") step = await Dynaseal.elsewhere(this, call, step);
      if (step.kind === "failed") throw new DynasealError(step.failure);
      return step.body.toString("utf8");
    } finally {
      call.close();
    }
  }
}

/** A call that the engine wants sent, and for which the application gave no client. */
function cannotSend({ target, operation, region, body }: Send): DynasealError {
  if (target === DYNAMODB && operation === "DescribeTable") {
    const { TableName } = JSON.parse(body.toString("utf8")) as { TableName: string };
    return new DynasealError({
      code: "DSL-2008",
      kind: "caller",
      message: `${operation} on table ${TableName} was not sent: a pattern protects it, and only a sealed DynamoDBClient can ask for its keys`,
      hint: "let a client that was sealed with this Dynaseal use the table first, give Dynaseal a client as dynamodb, or give the table a section of its own, which names its keys",
    });
  }
  const missing = (message: string, hint: string) =>
    new DynasealError({ code: "DSL-9006", kind: "config", message: `${operation} ${message}`, hint });
  if (target === DYNAMODB) {
    const { TableName } = JSON.parse(body.toString("utf8")) as { TableName: string };
    return missing(
      `on table ${TableName} was not sent: it is a key store, and there is no client to read it with`,
      "give one beside the configuration, { dynamodb: new DynamoDBClient({ … }) }; only a sealed DynamoDBClient reads it by itself",
    );
  }
  const [where, its] = region === undefined ? ["", "{ … }"] : [`in Region ${region} `, `{ region: "${region}" }`];
  return missing(
    `${where}was not sent: a key of the configuration needs AWS KMS, and there is no client for it`,
    `give one beside the configuration: { kms: new KMSClient(${its}) }`,
  );
}

function read(source: ConfigSource, env: Record<string, string>): NativeEngineResult {
  const path = pathOf(source);
  if (path !== undefined) return native.Engine.load(path, env);
  if (typeof source !== "object" || source === null || Array.isArray(source)) throw notRead("it is not an object", "");
  return native.Engine.parse(JSON.stringify(source, noNull), process.cwd(), env);
}

function pathOf(source: ConfigSource): string | undefined {
  if (typeof source === "string") return source;
  if (source instanceof URL) return fileURLToPath(source);
  const { config } = (source ?? {}) as Config & { config?: string | URL };
  return config === undefined ? undefined : pathOf(config);
}

/** `undefined` is left out; `null` is most often a value that was not found. */
function noNull(key: string, value: unknown): unknown {
  if (value === null) throw notRead(`"${key}" is null`, ", without null");
  return value;
}

function notRead(what: string, without: string): DynasealError {
  return new DynasealError({
    code: "DSL-5001",
    kind: "config",
    message: `the configuration object cannot be read: ${what}`,
    hint: `give an object such as { keys: { … }, tables: { … } }${without}, or the path of a dynaseal.toml`,
  });
}

function variables(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const set = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries(set);
}

const NO_ENGINE = { code: "DSL-9099", kind: "internal", message: "no engine was made", hint: "report it" } as const;
