// The copy. It runs no code of what it copies: no getter, no toJSON, no proxy trap, no iterator of a subclass. What it cannot read
// that way is redacted, and so is what is too deep, too large, or circular.

import { IncomingMessage, ServerResponse } from "node:http";
import { EventEmitter } from "node:events";
import { inspect, types } from "node:util";

import { copyError } from "./errors.js";
import { areFieldNames, KINDS, LABELS, PLAIN_VALUES, VALUES } from "./names.js";
import { holdsCardNumber } from "./shapes.js";

/** What the copy goes by. */
export interface Rules {
  readonly mark: string;
  readonly maxDepth: number;
  readonly maxNodes: number;
  readonly maxList: number;
  readonly maxCharacters: number;
  readonly isSensitive: (name: string) => boolean;
  readonly isNothing: (name: string, value: string) => boolean;
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
        return /^[0-9]+$/.test(String(value)) && holdsCardNumber(String(value)) ? this.rules.mark : value;
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
    const isHidden = value != null && this.rules.isSensitive(name) && !this.#isNothing(name, value);
    return isHidden ? this.rules.mark : this.copy(value, depth);
  }

  #isNothing(name: string, value: unknown): boolean {
    const isScalar = typeof value === "boolean" || typeof value === "number" || (typeof value === "string" && value.length <= MAX_SCALAR);
    return isScalar && this.rules.isNothing(name, String(value));
  }

  /** The own enumerable members with names, as data; a getter is redacted without being called. */
  members(from: object, into: Record<string, unknown>, depth: number, skip?: ReadonlySet<string>): Record<string, unknown> {
    for (const name of ownNames(from)) {
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
    this.#path.add(value);
    try {
      return this.#copyByKind(value, depth + 1);
    } finally {
      this.#path.delete(value);
    }
  }

  #copyByKind(value: object, depth: number): unknown {
    const { mark, maxList } = this.rules;
    if (Array.isArray(value)) return this.#copyList(dataElements(value, mark, maxList), depth);
    if (types.isNativeError(value) || value instanceof Error) return copyError(this, value, depth);
    if (types.isDate(value)) return dateText(value);
    if (types.isMap(value)) return this.#copyMap(value, depth);
    if (types.isSet(value)) return this.#copyList(listed(Set.prototype.values.call(value), value.size, mark, maxList), depth);
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
      const isNamed = typeof before === "string" && LABEL.test(before) && !(typeof element === "string" && isFieldList(list, before, element));
      copied.push(isNamed ? this.member(before, element, depth) : this.copy(element, depth));
    }
    return copied;
  }

  #copyMap(map: Map<unknown, unknown>, depth: number): unknown {
    const { mark, maxList, maxNodes } = this.rules;
    const entries = first(Map.prototype.entries.call(map), maxNodes);
    if (!entries.every(([key]) => typeof key === "string")) return this.#copyList(listed(entries.values(), map.size, mark, maxList), depth);
    const copied: Record<string, unknown> = {};
    for (const [key, value] of entries as [string, unknown][]) {
      if (this.#spent()) {
        this.#put(copied, mark, "too large");
        break;
      }
      this.#put(copied, this.#label(key), this.member(key, value, depth));
    }
    return hideNamedValue(copied, this.rules);
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

/**
 * The own enumerable names, one after the other: Object.keys makes a list of all of them first, which takes longer than the rest
 * where they are a million.
 */
function* ownNames(of: object): Generator<string> {
  // A proxy among the prototypes would be asked for its names.
  if (hasProxy(Object.getPrototypeOf(of) as object | null)) yield* Object.keys(of);
  else for (const name in of) if (Object.hasOwn(of, name)) yield name;
}

function hasProxy(from: object | null): boolean {
  for (let level = from; level !== null; level = Object.getPrototypeOf(level) as object | null) if (types.isProxy(level)) return true;
  return false;
}

function dataElements(list: unknown[], mark: string, most: number): unknown[] {
  const elements = Array.from({ length: Math.min(list.length, most) }, (_none, index) => {
    const own = Object.getOwnPropertyDescriptor(list, index);
    return own === undefined || "value" in own ? own?.value : mark;
  });
  return listed(elements.values(), list.length, mark, most);
}

/** So many of them, and what is left out as a number. */
function listed(all: Iterator<unknown>, size: number, mark: string, most: number): unknown[] {
  return first(all, most).concat(size > most ? [`${mark} (${size - most} more)`] : []);
}

function first<T>(all: Iterator<T>, most: number): T[] {
  const taken: T[] = [];
  while (taken.length < most) {
    const next = all.next();
    if (next.done === true) break;
    taken.push(next.value);
  }
  return taken;
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

/** `{ name: "authorization", value: "x" }`, as HAR files and some frameworks write headers; and keys as JOSE writes them. */
function hideNamedValue(copied: Record<string, unknown>, rules: Rules): Record<string, unknown> {
  const names = Object.keys(copied);
  if (names.length > MAX_NAMED) return copied;
  const isNamedBy = (labels: ReadonlySet<string>): boolean =>
    names.some((name) => labels.has(canonicalLabel(name)) && isSensitiveLabel(copied[name], rules));
  const values = isNamedBy(LABELS) ? VALUES : isNamedBy(KINDS) ? PLAIN_VALUES : undefined;
  const isKey = Object.hasOwn(copied, "kty");
  for (const name of names) {
    const hides = values?.has(canonicalLabel(name)) === true || (isKey && KEY_PARTS.has(name));
    if (hides && copied[name] != null) copied[name] = rules.mark;
  }
  return copied;
}

/** A name as a label holds it: one or a few words, a path, or a list of names. */
function isSensitiveLabel(label: unknown, rules: Rules): boolean {
  if (Array.isArray(label)) return label.some((part: unknown) => !Array.isArray(part) && isSensitiveLabel(part, rules));
  const name: unknown = label;
  return typeof name === "string" && LABEL_TEXT.test(name) && rules.isSensitive(name);
}

const canonicalLabel = (name: string): string => name.slice(0, 20).replace(/[_-]/g, "").toLowerCase();

const VALUE_TYPES = new Set(["S", "N", "B", "SS", "NS", "BS"]);
/** The secret members of a JSON web key. */
const KEY_PARTS = new Set(["d", "p", "q", "dp", "dq", "qi", "oth", "k"]);
const isFieldList = (list: readonly unknown[], name: string, next: string): boolean => LABEL.test(next) && areFieldNames(name, next, list.length > 2);

const MAX_SCALAR = 12;
const LABEL = /^\S{1,64}$/;
const LABEL_TEXT = /^(?=[^]{1,64}$)\S+(?: \S+){0,3}$/;
/** No pattern can be in such a name. */
const PLAIN_LABEL = /^(?:[A-Za-z_$-]{1,9}|[A-Za-z_][A-Za-z0-9_]{0,11})$/;
/** An object with more members is no pair of a name and its value. */
const MAX_NAMED = 64;
