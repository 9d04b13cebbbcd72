// A checked configuration, and what can be done with it besides sealing a client.

import { fileURLToPath } from "node:url";
import { type AttributeMap, fromJson, toJson } from "./attributes.js";
import { type Call, Calls } from "./call.js";
import type { Config, ConfigSource } from "./config.js";
import { DynasealError, type Fault } from "./errors.js";
import { native, type NativeEngineResult, type Settled } from "./native.js";

export interface Options {
  /** Where `key_env` is looked up instead of `process.env`, such as secrets that were fetched at start. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** A configuration, read and checked. Clients that share one also share its turns: writers of one item do not race. */
export class Dynaseal {
  /** What is allowed in the configuration but worth a second look. */
  readonly warnings: readonly Fault[];
  readonly #calls: Calls;

  /** Throws a {@link DynasealError} with everything that is wrong in the configuration. */
  constructor(source: ConfigSource, options: Options = {}) {
    const { engine, warnings, failure } = read(source, variables(options.env ?? process.env));
    if (failure || !engine) throw new DynasealError(failure ?? NO_ENGINE);
    this.warnings = warnings;
    this.#calls = new Calls(engine);
    for (const { code, message, hint } of warnings)
      process.emitWarning(`${message}; ${hint}`, { type: "DynasealWarning", code });
  }

  /** Seals one item of a table, given as attribute values: `{ id: { S: "1" } }`. For exports, queues and imports. */
  sealItem(table: string, item: AttributeMap): Promise<AttributeMap> {
    return this.#item((call) => call.sealItem(table, toJson(item)));
  }

  /** Verifies and opens one item of a table. Binary values may also be base64, as in Lambda's stream events. */
  openItem(table: string, item: AttributeMap): Promise<AttributeMap> {
    return this.#item((call) => call.openItem(table, toJson(item)));
  }

  /** @internal A call for the middlewares. */
  static begin(dynaseal: Dynaseal): Call {
    return dynaseal.#calls.begin();
  }

  async #item(work: (call: Call) => Promise<Settled>): Promise<AttributeMap> {
    const call = this.#calls.begin();
    try {
      const step = await work(call);
      if (step.kind === "send") throw needsKms(step.operation);
      if (step.kind === "failed") throw new DynasealError(step.failure);
      return fromJson(step.body.toString("utf8"));
    } finally {
      call.close();
    }
  }
}

/** A call that a key asks for and nothing here can send. No key type of this version asks for one. */
export function needsKms(operation: string): DynasealError {
  return new DynasealError({
    code: "DSL-9006",
    kind: "config",
    message: `${operation} must be sent to another service, which this version does not do`,
    hint: "use raw-aes, raw-rsa, branch-key-file or multi keys, or the gateway",
  });
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
