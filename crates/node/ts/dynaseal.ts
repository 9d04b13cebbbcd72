// A checked configuration, and what can be done with it besides sealing a client.

import { type AttributeMap, fromJson, type ItemInput, toJson } from "./attributes.js";
import { type Call, Calls } from "./call.js";
import { aText, optionsOf } from "./check.js";
import type { ConfigSource } from "./config.js";
import { DynasealError, type Fault } from "./errors.js";
import { native, type NativeEngineResult, type Send, type Settled } from "./native.js";
import { given, type Options, variables } from "./options.js";
import { lookedAt, type Opened, withImages } from "./records.js";
import { DYNAMODB, Services } from "./services.js";
import { isRecord, kindOf, type Source, sourceOf } from "./source.js";

/** A configuration, read and checked. Clients that share one also share its turns: writers of one item do not race. */
export class Dynaseal {
  /** What is allowed in the configuration but worth a second look. */
  readonly warnings: readonly Fault[];
  readonly #calls: Calls;
  readonly #services: Services;

  /** Throws a {@link DynasealError} with everything that is wrong in the configuration. */
  constructor(source: ConfigSource, options?: Options) {
    const own = given("new Dynaseal", options);
    const { engine, warnings, failure } = read(sourceOf(source), variables(own.env ?? process.env));
    if (failure || !engine) throw new DynasealError(failure ?? NO_ENGINE);
    this.warnings = warnings;
    this.#calls = new Calls(engine);
    this.#services = new Services(own);
    for (const { code, message, hint } of warnings)
      process.emitWarning(`${message}; ${hint}`, { type: "DynasealWarning", code });
  }

  /** Seals one item of a table, given as attribute values, as the SDK's `marshall` makes them: `{ id: { S: "1" } }`. For exports, queues and imports. */
  async sealItem(table: string, item: ItemInput): Promise<AttributeMap> {
    const [name, text] = [tableOf("sealItem", table), textOf("sealItem", "the item", item)];
    return fromJson(await this.#apart((call) => call.sealItem(name, text)));
  }

  /** Verifies and opens one item of a table, for the SDK's `unmarshall`. Binary values may also be base64, as in Lambda's stream events. */
  async openItem(table: string, item: ItemInput): Promise<AttributeMap> {
    const [name, text] = [tableOf("openItem", table), textOf("openItem", "the item", item)];
    return fromJson(await this.#apart((call) => call.openItem(name, text)));
  }

  /**
   * Verifies and opens the images in the event of a Lambda stream handler, in one of its records, or in what GetRecords answered
   * to a client that is not sealed; a copy, in which all else is as it was. Binary values of images are bytes then, as the SDK's
   * `unmarshall` takes them, and the type says so. `table` is the one that the records are of, if they do not name it
   * themselves; those of tables that are not protected are left sealed or plain as they are.
   */
  async openRecords<Event extends object>(event: Event, options?: RecordsOptions): Promise<Opened<Event>> {
    const { table: name } = optionsOf<RecordsOptions>("openRecords", options, { table: aText }, misused);
    // The event is the caller's, who may change it while keys are fetched.
    const copy = isRecord(event) || Array.isArray(event) ? copyOf(event) : event;
    const text = textOf("openRecords", "the event", copy);
    return withImages(copy, await this.#apart((call) => call.openRecords(name, text))) as Opened<Event>;
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
    return "lost" in reply ? call.lost(step, reply.lost) : call.resume(step, reply.status, reply.body);
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

/** What is said beside stream records. */
export interface RecordsOptions {
  /** The table that they are of, if they do not name it themselves. */
  readonly table?: string;
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
  const [where, its] = region === null ? ["", "{ … }"] : [`in Region ${region} `, `{ region: "${region}" }`];
  return missing(
    `${where}was not sent: a key of the configuration needs AWS KMS, and there is no client for it`,
    `give one beside the configuration: { kms: new KMSClient(${its}) }`,
  );
}

function read({ path, json }: Source, env: Record<string, string>): NativeEngineResult {
  return path === undefined ? native.Engine.parse(json, process.cwd(), env) : native.Engine.load(path, env);
}

function tableOf(where: string, table: unknown): string {
  if (typeof table === "string") return table;
  throw notGiven(where, "the table", kindOf(table));
}

function copyOf<Event extends object>(event: Event): Event {
  try {
    return lookedAt(event);
  } catch {
    throw notGiven("openRecords", "the event", "not one that can be looked into");
  }
}

function textOf(where: string, what: string, value: unknown): string {
  // A list is what EventBridge Pipes hands over; the engine says where none may stand.
  if (!isRecord(value) && !(Array.isArray(value) && where === "openRecords")) throw notGiven(where, what, kindOf(value));
  try {
    return toJson(value);
  } catch {
    // Its own error may repeat a value.
    throw notGiven(where, what, "not one that DynamoDB JSON can hold: it is round in a circle, or has a BigInt, Map, Set or function");
  }
}

function notGiven(where: string, what: string, is: string): DynasealError {
  return misused(`${where}: ${what} is ${is}`, 'give a table\'s name, and attribute values such as { id: { S: "1" } } or the event that holds them');
}

function misused(message: string, hint: string): DynasealError {
  return new DynasealError({ code: "DSL-9013", kind: "caller", message, hint });
}

const NO_ENGINE = { code: "DSL-9099", kind: "internal", message: "no engine was made", hint: "report it" } as const;
