// What is hidden, as data: a copy of facts/redact.json, which the Rust crate dynaseal-web reads too. A test compares them.

import facts from "./facts.json";

export const FACTS: Facts = facts;

interface Facts {
  readonly limits: { readonly [limit in "depth" | "nodes" | "list" | "text" | "texts" | "name" | "levels"]: number };
  readonly names: Names;
  /** Values that say nothing, and of what. */
  readonly nothing: { readonly [list in "counted" | "stateful" | "chosen" | "states"]: readonly string[] };
  /** Characters that look like others, by what they are read as. */
  readonly folds: Readonly<Record<string, string>>;
  /** Ranges of code points that are not seen. */
  readonly ignored: readonly (readonly number[])[];
  /** The zeros of other scripts; their other digits follow. */
  readonly zeros: readonly number[];
  readonly entities: Readonly<Record<string, string>>;
  /** Words after which a credential follows: `Bearer x`. */
  readonly schemes: readonly string[];
  readonly patterns: readonly { readonly pattern: string; readonly needs: readonly string[]; readonly ignoreCase?: boolean }[];
  /** Starts of tokens, by how many characters must follow. */
  readonly prefixes: Readonly<Record<string, readonly string[]>>;
  readonly cards: string;
}

interface Names extends Readonly<Record<NameList, readonly string[]>> {
  readonly compounds: readonly { readonly of: readonly string[]; readonly with: readonly string[]; readonly anywhere?: boolean }[];
}
type NameList = "parts" | "words" | "exact" | "harmless" | "metadata" | "flags" | "quantities" | "items" | "labels" | "kinds" | "plainValues" | "values";
