// What an application gives beside a configuration: own members alone, looked at once.

import { own } from "./attributes.js";
import { DynasealError } from "./errors.js";
import type { SenderOf, ServiceOptions } from "./services.js";
import { isRecord, kindOf } from "./source.js";
import type { Environment } from "./vault.js";

export interface Options extends ServiceOptions {
  /** Where `key_env` is looked up instead of `process.env`, such as secrets that were fetched at start. */
  readonly env?: Environment;
}

/** The options that were given, copied. */
export interface Given {
  readonly kms: SenderOf | undefined;
  readonly dynamodb: SenderOf | undefined;
  /** As it was given, since a token may be renewed in it. */
  readonly env: Environment | undefined;
}

export function given(options: Options | undefined): Given {
  try {
    return found(options);
  } catch (error) {
    if (error instanceof DynasealError) throw error;
    throw wrong("one of them cannot be looked into", "give an object such as { kms: new KMSClient({}) }");
  }
}

function found(options: Options | undefined): Given {
  if (options === undefined) return { kms: undefined, dynamodb: undefined, env: undefined };
  if (!isRecord(options)) throw wrong(`they are ${kindOf(options)}`, "give an object such as { kms: new KMSClient({}) }");
  const env = own(options, "env");
  if (env !== undefined) variables(env);
  return { kms: sender(options, "kms"), dynamodb: sender(options, "dynamodb"), env: env as Environment | undefined };
}

function sender(options: Options, name: "kms" | "dynamodb"): SenderOf | undefined {
  const value = own(options, name);
  if (value === undefined || typeof value === "function") return value as SenderOf | undefined;
  if (isRecord(value) && typeof (value as { send?: unknown }).send === "function") return value as SenderOf;
  throw wrong(`${name} is ${kindOf(value)} without send()`, "give a client of the AWS SDK v3, or a function that gives one for a Region");
}

/** The variables that are set, in an object without a prototype. */
export function variables(env: unknown): Record<string, string> {
  const hint = "give an object of texts, such as process.env";
  if (!isRecord(env)) throw wrong(`env is ${kindOf(env)}`, hint);
  const set = Object.create(null) as Record<string, string>;
  for (const [name, value] of Object.entries(env)) {
    if (typeof value === "string") set[name] = value;
    else if (value !== undefined) throw wrong(`env.${name} is ${kindOf(value)}`, hint);
  }
  return set;
}

/** A variable, if it is set and not inherited. */
export function variable(env: Environment, name: string): string | undefined {
  const value = own(env, name);
  return typeof value === "string" ? value : undefined;
}

export function wrong(what: string, hint: string): DynasealError {
  return new DynasealError({ code: "DSL-9012", kind: "config", message: `the options cannot be used: ${what}`, hint });
}
