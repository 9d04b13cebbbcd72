// What an application gives beside a configuration: own members alone, looked at once.

import { own } from "./attributes.js";
import { type Expected, optionsOf } from "./check.js";
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

export function given(where: string, options: Options | undefined): Given {
  const { kms, dynamodb, env } = optionsOf<Options>(where, options, { kms: aSender, dynamodb: aSender, env: anEnvironment }, wrong);
  if (env !== undefined) variables(env);
  return { kms, dynamodb, env };
}

const aSender: Expected = {
  what: "a client of the AWS SDK v3, or a function that gives one for a Region",
  fits: (value) => typeof value === "function" || (isRecord(value) && typeof (value as { send?: unknown }).send === "function"),
  found: (value) => (isRecord(value) ? `${kindOf(value)} without send()` : undefined),
};
const anEnvironment: Expected = { what: "an object of texts, such as process.env", fits: isRecord };

/** The variables that are set, in an object without a prototype. */
export function variables(env: Environment): Record<string, string> {
  const set = Object.create(null) as Record<string, string>;
  for (const [name, value] of entriesOf(env)) {
    if (typeof value === "string") set[name] = value;
    else if (value !== undefined) throw wrong(`the variable ${name} of the option env is ${kindOf(value)}`, `it must be a text`);
  }
  return set;
}

function entriesOf(env: Environment): [string, unknown][] {
  try {
    return Object.entries(env);
  } catch {
    throw wrong("the option env cannot be looked into", `it must be ${anEnvironment.what}`);
  }
}

/** A variable, if it is set and not inherited. */
export function variable(env: Environment, name: string): string | undefined {
  const value = own(env, name);
  return typeof value === "string" ? value : undefined;
}

export function wrong(what: string, hint: string): DynasealError {
  return new DynasealError({ code: "DSL-9012", kind: "config", message: what, hint });
}
