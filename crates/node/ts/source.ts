// A configuration as the application gives it. An object is looked at once and copied: own members alone, and only what a file
// could say too, so that nothing that was forgotten or comes from elsewhere leaves a table unprotected.

import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { types } from "node:util";
import { own } from "./attributes.js";
import type { ConfigSource } from "./config.js";
import { DynasealError } from "./errors.js";

/** Where a configuration is: in a file, or in the JSON of an object. */
export type Source = { readonly path: string; readonly json?: never } | { readonly json: string; readonly path?: never };

export function sourceOf(config: ConfigSource): Source {
  try {
    return found(config);
  } catch (error) {
    if (error instanceof DynasealError) throw error;
    throw notRead("one of its objects cannot be looked into", PLAIN);
  }
}

function found(config: ConfigSource): Source {
  if (typeof config === "string" || config instanceof URL) return file(config);
  if (typeof config !== "object" || config === null || !Object.hasOwn(config, "config")) return { json: JSON.stringify(copied(config, [])) };
  const path = own(config, "config");
  const isPath = typeof path === "string" || path instanceof URL;
  if (isPath && Object.getOwnPropertyNames(config).length === 1) return file(path);
  throw notRead('it has the member "config"', "give { config: PATH } and nothing beside it, or { keys: { … }, tables: { … } }");
}

function file(path: string | URL): Source {
  try {
    return { path: resolve(typeof path === "string" ? path : fileURLToPath(path)) };
  } catch {
    throw notRead("its URL is not that of a file", "give a path, or a URL that begins with file:");
  }
}

/** A copy without a prototype: no member is found in it that is not there. */
function copied(value: unknown, path: readonly string[]): unknown {
  if (path.length > 0 && isScalar(value)) return value;
  const isList = Array.isArray(value) && !isSection(path);
  if (path.length > DEPTH || !(isList || isPlain(value))) throw unusable(value, path);
  const copy = Object.setPrototypeOf(isList ? [] : {}, null) as Record<string, unknown>;
  const names = isList ? Array.from(value, (_, at) => String(at)) : Object.getOwnPropertyNames(value);
  for (const name of names) {
    const inside = [...path, name];
    const member = memberOf(value, name, inside);
    if (member !== undefined || isList || isNeeded(inside)) define(copy, name, copied(member, inside));
  }
  return copy;
}

/** A member, but not what a function says that it is: that could be something else the next time. */
function memberOf(holder: object, name: string, path: readonly string[]): unknown {
  const described = Object.getOwnPropertyDescriptor(holder, name);
  if (described?.get || described?.set) throw notRead(`${printed(path)} is a getter`, PLAIN);
  return described?.value;
}

/** Also where the name is `__proto__`. */
function define(object: object, name: string, value: unknown): void {
  Object.defineProperty(object, name, { value, enumerable: true });
}

function isScalar(value: unknown): boolean {
  return typeof value === "string" || typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value));
}

/** An object as a literal or JSON makes it, in whatever realm, or the exports of a module. */
function isPlain(value: unknown): value is object {
  if (typeof value !== "object" || value === null || isHolder(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null) return true;
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, "isPrototypeOf");
}

/** Whether it has members of its own names: the whole, `keys` and `tables`, each of these, and a table's attributes. */
function isSection([section, , member, ...more]: readonly string[]): boolean {
  if (section !== undefined && section !== "keys" && section !== "tables") return false;
  return member === undefined || (member === "attributes" && more.length === 0);
}

/** Whether it must not be left out: an action that was misspelt elsewhere would leave its attribute to the default. */
function isNeeded(path: readonly string[]): boolean {
  return isSection(path) || (path.length === 4 && isSection(path.slice(0, -1)));
}

function unusable(value: unknown, path: readonly string[]): DynasealError {
  if (path.length > DEPTH) return notRead(`${printed(path.slice(0, 3))} goes too deep, or round in a circle`, PLAIN);
  const what = kindOf(value);
  const hint = what === "a promise" ? "await it" : what === "null" ? `${PLAIN}, without null` : PLAIN;
  return notRead(`${printed(path)} is ${what}`, hint);
}

/** What a value is, in words that do not repeat it. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === "number" && !Number.isFinite(value)) return "not a finite number";
  if (typeof value === "bigint") return "a BigInt";
  if (typeof value !== "object") return `a ${typeof value === "string" ? "text" : typeof value}`;
  if (types.isPromise(value)) return "a promise";
  if (types.isMap(value)) return "a Map";
  if (types.isSet(value)) return "a Set";
  if (Array.isArray(value)) return "a list";
  return isPlain(value) ? "an object" : "an object of a class";
}

/** An object that has members, of whatever class. */
export function isRecord(value: unknown): value is object {
  return typeof value === "object" && value !== null && !isHolder(value) && !Array.isArray(value);
}

/** Whether what it holds is not its members, so that it looks empty; a prototype can be changed, and does not tell. */
function isHolder(value: unknown): boolean {
  return HOLDERS.some((is) => is(value));
}

const HOLDERS = [types.isPromise, types.isMap, types.isSet, types.isWeakMap, types.isWeakSet, types.isDate, types.isBoxedPrimitive, types.isAnyArrayBuffer, types.isArrayBufferView];

function printed(path: readonly string[]): string {
  return path.length === 0 ? "it" : path.join(".");
}

function notRead(what: string, hint: string): DynasealError {
  return new DynasealError({
    code: "DSL-5001",
    kind: "config",
    message: `the configuration object cannot be read: ${what}`,
    hint,
  });
}

/** More levels than a configuration can have. */
const DEPTH = 8;
const PLAIN =
  "give the path of a dynaseal.toml, or an object such as { keys: { … }, tables: { … } }, made of literals: objects, lists, texts, numbers, true and false";
