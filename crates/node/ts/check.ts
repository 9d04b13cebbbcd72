// What is given to a function of this package: looked at once, own members alone. What is wrong is said by the names of function and
// option, never by its value.

import { own } from "./attributes.js";
import type { DynasealError } from "./errors.js";
import { isRecord, kindOf } from "./source.js";

/** What an option must be. */
export interface Expected {
  /** Such as `a function`. */
  readonly what: string;
  fits(value: unknown): boolean;
  /** What else it is, if its kind alone does not tell. */
  found?(value: unknown): string | undefined;
}

/** Makes the error of an entry of this package: what is wrong, and what to do. */
export type Fail = (message: string, hint: string) => DynasealError;

type Shape<Options> = { readonly [Name in keyof Options]-?: Expected };

/**
 * The options of a function, each as it is expected or absent. One that is not known is refused, since a misspelt one would be
 * left out in silence; `others` takes those, if another package knows them.
 */
export function optionsOf<Options extends object>(
  where: string,
  given: unknown,
  shape: Shape<Options>,
  fail: Fail,
  others?: Record<string, unknown>,
): Options {
  const names = Object.keys(shape);
  // Without a prototype: what stands on one is no option.
  const taken = Object.create(null) as Record<string, unknown>;
  const known = `${where} knows ${names.join(", ")}`;
  if (given === undefined) return taken as Options;
  if (!fits(given, anObject)) throw fail(`${where}: the options are ${found(given, anObject)}`, `give an object, or nothing; ${known}`);
  const looked = membersOf(given as object);
  if (looked === undefined) throw fail(`${where}: the options cannot be looked into`, `give an object of literals; ${known}`);
  for (const [name, value] of looked) {
    const expected = Object.hasOwn(shape, name) ? shape[name as keyof Options] : undefined;
    if (expected !== undefined) checked(`${where}: the option ${name}`, value, expected, fail);
    else if (others === undefined && value !== undefined) {
      throw fail(`${where}: there is no option ${WORD.test(name) ? name : "of one of the names that are given"}`, known);
    }
    if (value !== undefined) (expected === undefined && others !== undefined ? others : taken)[name] = value;
  }
  return taken as Options;
}

/** A value that must be there; `what` says its place, such as `logger: the target`. */
export function needed(what: string, value: unknown, expected: Expected, fail: Fail): void {
  if (value === undefined || !fits(value, expected)) throw fail(`${what} is ${found(value, expected)}`, `it must be ${expected.what}`);
}

function checked(what: string, value: unknown, expected: Expected, fail: Fail): void {
  if (value !== undefined) needed(what, value, expected, fail);
}

function fits(value: unknown, expected: Expected): boolean {
  try {
    return expected.fits(value);
  } catch {
    return false;
  }
}

function found(value: unknown, expected: Expected): string {
  try {
    return expected.found?.(value) ?? kindOf(value);
  } catch {
    return "one that cannot be looked into";
  }
}

/** Each member, read once; undefined if that cannot be done. */
function membersOf(given: object): [string, unknown][] | undefined {
  try {
    return Object.keys(given).map((name) => [name, own(given, name)]);
  } catch {
    return undefined;
  }
}

const is = (what: string, fits: (value: unknown) => boolean): Expected => ({ what, fits });

export const aFunction = is("a function", (value) => typeof value === "function");
export const aBoolean = is("true or false", (value) => typeof value === "boolean");
export const anObject = is("an object", isRecord);
export const aText: Expected = { ...is("a text", (value) => typeof value === "string" && value !== ""), found: (value) => (value === "" ? "empty" : undefined) };
export const aWhole: Expected = {
  ...is("a whole number, 0 or more", (value) => Number.isSafeInteger(value) && (value as number) >= 0),
  found: (value) => (typeof value === "number" && Number.isFinite(value) ? (value < 0 ? "less than 0" : "not a whole number") : undefined),
};

/** Whether something is `false`, or as expected. */
export const orFalse = (expected: Expected): Expected => ({ ...expected, what: `${expected.what}, or false`, fits: (value) => value === false || expected.fits(value) });

/** A list, of which `each` is so. */
export const listOf = (what: string, each: (value: unknown) => boolean): Expected => ({
  what: `a list of ${what}`,
  fits: (value) => Array.isArray(value) && Array.from(value).every(each),
  found: (value) => {
    if (!Array.isArray(value)) return undefined;
    const at = Array.from(value).findIndex((one) => !each(one));
    return `a list whose entry ${at + 1} is ${kindOf(value[at])}`;
  },
});

const WORD = /^[A-Za-z_$][\w$]{0,39}$/;
