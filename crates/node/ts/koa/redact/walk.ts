// The copy. It runs no code of what it copies: no getter, no toJSON, no proxy trap, no iterator of a subclass. What it cannot read
// that way is redacted, and so is what is too deep, too large, or circular.

import { IncomingMessage, ServerResponse } from "node:http";
import { EventEmitter } from "node:events";
import { inspect, types } from "node:util";

import { copyError } from "./errors.js";
import { holdsCardNumber } from "./text.js";

/** What the copy goes by. */
export interface Rules {
  readonly mark: string;
  readonly maxDepth: number;
  readonly maxNodes: number;
  readonly maxCharacters: number;
  readonly isSensitive: (name: string) => boolean;
  readonly text: (text: string) => string;
}

/** A redacted copy of anything; the mark alone if that fails. */
export function redactedCopy(value: unknown, rules: Rules): unknown {
  try {
    return new Copier(rules).copy(value, 0);
  } catch {
    return rules.mark;
  }
}

/** One copy at work. */
export class Copier {
  readonly #path = new Set<object>();
  #nodes = 0;
  #characters = 0;
  #names = 1;

  constructor(readonly rules: Rules) {}

  copy(value: unknown, depth: number): unknown {
    switch (typeof value) {
      case "string":
        return this.#text(value);
      case "number":
      case "bigint":
        return holdsCardNumber(String(value)) ? this.rules.mark : value;
      case "symbol":
      case "function":
        return `[${typeof value}]`;
      case "object":
        return value === null ? null : this.#copyObject(value, depth);
      default:
        return value;
    }
  }

  /** A member: redacted whole by its name, otherwise copied. An absent value stays absent. */
  member(name: string, value: unknown, depth: number): unknown {
    return value != null && this.rules.isSensitive(name) ? this.rules.mark : this.copy(value, depth);
  }

  /** The own enumerable members with names, as data; a getter is redacted without being called. */
  members(from: object, into: Record<string, unknown>, depth: number, skip?: ReadonlySet<string>): Record<string, unknown> {
    for (const name of Object.keys(from)) {
      if (skip?.has(name) === true) continue;
      if (this.#spent()) {
        this.#put(into, this.rules.mark, "too large");
        break;
      }
      const own = Object.getOwnPropertyDescriptor(from, name);
      const value = own !== undefined && "value" in own ? this.member(name, own.value, depth) : this.rules.mark;
      this.#put(into, this.#label(name), value);
    }
    return into;
  }

  #copyObject(value: object, depth: number): unknown {
    const { mark, maxDepth } = this.rules;
    if (types.isProxy(value)) return mark;
    if (this.#path.has(value)) return "[circular]";
    if (depth > maxDepth) return `${mark} (too deep)`;
    if (this.#spent()) return `${mark} (too large)`;
    this.#path.add(value);
    try {
      return this.#copyByKind(value, depth + 1);
    } finally {
      this.#path.delete(value);
    }
  }

  #copyByKind(value: object, depth: number): unknown {
    const { mark } = this.rules;
    if (Array.isArray(value)) return this.#copyList(dataElements(value, mark), depth);
    if (types.isNativeError(value) || value instanceof Error) return copyError(this, value, depth);
    if (types.isDate(value)) return dateText(value);
    if (types.isMap(value)) return this.#copyMap(value, depth);
    if (types.isSet(value)) return this.#copyList([...Set.prototype.values.call(value)], depth);
    if (value instanceof URL) return this.copy(urlText(value), depth);
    if (value instanceof IncomingMessage) {
      return { method: this.copy(value.method, depth), path: this.copy(value.url?.replace(/[?#].*$/s, ""), depth) };
    }
    if (value instanceof ServerResponse) return { statusCode: value.statusCode };
    if (isOpaque(value)) return mark;
    const copied = this.members(value, {}, depth);
    return hideNamedValue(hideAttributeValue(copied, mark), this.rules);
  }

  /** Lists of alternating names and values (`rawHeaders`) and pairs (`entries`) hide what follows a sensitive name. */
  #copyList(list: unknown[], depth: number): unknown[] {
    const copied: unknown[] = [];
    for (const [index, element] of list.entries()) {
      if (this.#spent()) {
        copied.push(`${this.rules.mark} (too large)`);
        break;
      }
      const before = list[index - 1];
      copied.push(typeof before === "string" && LABEL.test(before) ? this.member(before, element, depth) : this.copy(element, depth));
    }
    return copied;
  }

  #copyMap(map: Map<unknown, unknown>, depth: number): unknown {
    const entries = [...Map.prototype.entries.call(map)];
    if (!entries.every(([key]) => typeof key === "string")) return this.#copyList(entries, depth);
    const copied: Record<string, unknown> = {};
    for (const [key, value] of entries as [string, unknown][]) {
      if (this.#spent()) break;
      this.#put(copied, this.#label(key), this.member(key, value, depth));
    }
    return copied;
  }

  /** A name can be a secret too: items by e-mail address, say. */
  #label(name: string): string {
    return PLAIN_LABEL.test(name) ? name : this.#text(name);
  }

  /** Adds a member, also `__proto__`. Names that were redacted are numbered, so that none hides another. */
  #put(into: Record<string, unknown>, name: string, value: unknown): void {
    let free = name;
    while (Object.hasOwn(into, free)) free = `${name} ${(this.#names += 1)}`;
    Object.defineProperty(into, free, { value, enumerable: true, configurable: true, writable: true });
  }

  /** A text, while there is time for it: looking for patterns is the slow part of a copy. */
  #text(text: string): string {
    this.#characters += text.length;
    return this.#characters > this.rules.maxCharacters ? `${this.rules.mark} (too large)` : this.rules.text(text);
  }

  #spent(): boolean {
    this.#nodes += 1;
    return this.#nodes > this.rules.maxNodes;
  }
}

function dataElements(list: unknown[], mark: string): unknown[] {
  const { length } = list;
  return Array.from({ length: Math.min(length, MAX_LIST) }, (_none, index) => {
    const own = Object.getOwnPropertyDescriptor(list, index);
    return own === undefined || "value" in own ? own?.value : mark;
  }).concat(length > MAX_LIST ? [`${mark} (${length - MAX_LIST} more)`] : []);
}

/** What says by itself how it is shown, holds bytes or handles, or cannot be read as data. */
function isOpaque(value: object): boolean {
  if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value) || value instanceof EventEmitter) return true;
  if (types.isBoxedPrimitive(value) || types.isPromise(value) || types.isRegExp(value)) return true;
  if (types.isWeakMap(value) || types.isWeakSet(value) || types.isGeneratorObject(value)) return true;
  for (let level: object | null = value; level !== null; level = Object.getPrototypeOf(level) as object | null) {
    if (types.isProxy(level)) return true;
    if (level === Object.prototype) break;
    if (Object.hasOwn(level, "toJSON") || Object.hasOwn(level, inspect.custom) || Object.hasOwn(level, "asymmetricKeyType")) return true;
  }
  return false;
}

function dateText(date: Date): string {
  const time = Date.prototype.getTime.call(date);
  return Number.isNaN(time) ? "Invalid Date" : new Date(time).toISOString();
}

/** Without user, password, query and fragment. */
function urlText(url: URL): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

/** `{ S: "x" }` is an attribute value of DynamoDB: always a secret, since its attribute may be one. */
function hideAttributeValue(copied: Record<string, unknown>, mark: string): Record<string, unknown> {
  const [name, ...more] = Object.keys(copied);
  if (name !== undefined && more.length === 0 && VALUE_TYPES.has(name)) copied[name] = mark;
  return copied;
}

/** `{ name: "authorization", value: "x" }`, as HAR files and some frameworks write headers. */
function hideNamedValue(copied: Record<string, unknown>, rules: Rules): Record<string, unknown> {
  if (!Object.hasOwn(copied, "value")) return copied;
  const named = ["name", "key", "field"].some((label) => typeof copied[label] === "string" && rules.isSensitive(copied[label]));
  if (named) copied["value"] = rules.mark;
  return copied;
}

const VALUE_TYPES = new Set(["S", "N", "B", "SS", "NS", "BS"]);
const LABEL = /^\S{1,64}$/;
/** No pattern can be in such a name. */
const PLAIN_LABEL = /^[A-Za-z_$-]{1,9}$/;
const MAX_LIST = 1000;
