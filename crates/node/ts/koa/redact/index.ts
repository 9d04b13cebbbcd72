// redact(): copies of anything for logs, without secrets.
//
//   facts.ts   names, shapes and limits, as data    names.ts   which members are hidden whole
//   text.ts    what is hidden inside of texts       walk.ts    the copy
//   errors.ts  errors                               pino.ts    a logger of pino

import { types } from "node:util";

import { aFunction, anObject, type Expected, listOf, needed, optionsOf, aWhole } from "../../check.js";
import { misused } from "../error.js";
import { FACTS } from "./facts.js";
import { ITEM_NAMES, nameRules } from "./names.js";
import { pinoLogger } from "./pino.js";
import { textRedactor } from "./text.js";
import { redactedCopy, type Rules } from "./walk.js";

/** What is hidden, on top of the defaults. */
export interface RedactOptions {
  /** Names that are sensitive at any depth; case and separators do not count. A RegExp is tried on the name as it stands. */
  readonly names?: readonly (string | RegExp)[];
  /** Names that are not sensitive although the defaults say so, such as `nextToken`. */
  readonly keep?: readonly string[];
  /** What is hidden inside of texts. */
  readonly patterns?: readonly RegExp[];
  /** What stands in its place; default `[REDACTED]`. */
  readonly mark?: string;
  /** Deeper than this is hidden; default 64. */
  readonly maxDepth?: number;
  /** After so many values the rest is hidden; default 20,000. */
  readonly maxNodes?: number;
  /** A longer text is hidden whole, and so is what follows after 16 times as much in one value; default 16,384 characters. */
  readonly maxText?: number;
}

/** Makes redacted copies. Also a serializer for pino: `serializers: { err: redactor, body: redactor }`. */
export interface Redactor {
  /** A redacted copy; the value itself is never changed. */
  <T>(value: T): Redacted<T>;
  /** A logger that redacts each argument; `new DynamoDBClient({ logger: redactor.logger(console) })`. Items are hidden whole. */
  logger(target: Partial<Logger>): Logger;
  /** A pino logger that redacts all it is given, bindings of children included: `redactor.pino(pino, options, stream)`. */
  pino<L>(make: (options: never, stream?: never) => L, options?: object, stream?: unknown): L;
}

/** Texts stay texts; of anything else only the copy knows what it became. */
export type Redacted<T> = T extends string ? string : unknown;

/** What the AWS SDK asks of a logger. */
export interface Logger {
  trace(...content: unknown[]): void;
  debug(...content: unknown[]): void;
  info(...content: unknown[]): void;
  warn(...content: unknown[]): void;
  error(...content: unknown[]): void;
}

/** A redactor. */
export function redact(options: RedactOptions = {}): Redactor {
  const given = optionsOf<RedactOptions>("redact", options, SHAPE, misused);
  const copy = copier(given);
  const logger = (target: Partial<Logger>): Logger => {
    needed("logger: the target", target, aTarget, misused);
    const copyItems = copier({ ...given, names: [...(given.names ?? []), ...ITEM_NAMES] });
    const at = (level: keyof Logger) => (...content: unknown[]): void => target[level]?.(...content.map(copyItems));
    return { trace: at("trace"), debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
  };
  const pino: Redactor["pino"] = (make, pinoOptions = {}, stream) => {
    needed("pino: the first argument", make, { ...aFunction, what: "pino itself: redactor.pino(pino, options, stream)" }, misused);
    needed("pino: the second argument", pinoOptions, { ...anObject, what: "pino's options" }, misused);
    return pinoLogger(make, pinoOptions, stream, copy);
  };
  return Object.assign(<T>(value: T) => copy(value) as Redacted<T>, { logger, pino });
}

/** `redact().logger(target)`: the defaults. */
redact.logger = (target: Partial<Logger>): Logger => redact().logger(target);

const aTarget: Expected = {
  what: "a logger, such as console",
  fits: (value) => (anObject.fits(value) || typeof value === "function") && LEVELS.every((level) => LOG_METHOD.has(typeof (value as Partial<Logger>)[level])),
};
const LEVELS = ["trace", "debug", "info", "warn", "error"] as const;
const LOG_METHOD = new Set(["function", "undefined"]);
const isText = (value: unknown): boolean => typeof value === "string";
const SHAPE: { readonly [Name in keyof RedactOptions]-?: Expected } = {
  names: listOf("texts and regular expressions", (value) => isText(value) || types.isRegExp(value)),
  keep: listOf("texts", isText),
  patterns: listOf("regular expressions", (value) => types.isRegExp(value)),
  mark: { what: "a text", fits: isText },
  maxDepth: aWhole,
  maxNodes: aWhole,
  maxText: aWhole,
};

function copier(options: RedactOptions): (value: unknown) => unknown {
  const { depth, nodes, list: maxList, text, texts } = FACTS.limits;
  const { names = [], keep = [], patterns = [], mark = "[REDACTED]", maxDepth = depth, maxNodes = nodes, maxText = text } = options;
  const { isSensitive, isNothing } = nameRules(names, keep);
  const redactText = textRedactor({ isSensitive, isNothing }, patterns, mark, maxText);
  const rules: Rules = { mark, maxDepth, maxNodes, maxList, maxCharacters: texts * maxText, isSensitive, isNothing, text: redactText };
  return (value) => redactedCopy(value, rules);
}
