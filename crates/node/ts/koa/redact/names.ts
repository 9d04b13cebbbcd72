// Which names are sensitive. Case and separators do not count: access_token, accessToken and ACCESS-TOKEN are one name; nor does how
// they are written: letters of other scripts that look alike, and percent-encoded ones. The names themselves: facts/redact.json.

import { FACTS } from "./facts.js";
import { plain } from "./view.js";

/** What a redactor goes by. */
export interface NameRules {
  readonly isSensitive: (name: string) => boolean;
  /** Whether a value says nothing of a secret, although its name is sensitive. Those that the application named hide all. */
  readonly isNothing: (name: string, value: string) => boolean;
}

/** Whether a name is sensitive by default. */
export function isSensitiveName(name: string): boolean {
  // A name that long is none that a programmer chose.
  return name.length > FACTS.limits.name || isSensitiveWording(name);
}

/** The same for what stands before a sign in a text, however long it is. */
export function isSensitiveWording(name: string): boolean {
  const words = wordsOf(plain(name));
  const canonical = words.join("");
  if (EXACT.has(canonical)) return true;
  if (HARMLESS.includes(canonical) || isAbout(words)) return false;
  let rest = canonical;
  for (const part of HARMLESS) if (rest.includes(part)) rest = rest.replaceAll(part, " ");
  if (PARTS.test(rest) || isDisguised(rest) || words.some((word) => WORDS.has(word) || WORDS.has(word.replace(/[0-9]+$/, "")))) return true;
  return words.some((_word, at) => isCompound(words, at));
}

/** Whether the last words of a text, which have a blank between them, are one of our names of several words: `card number`. */
export function endsInSensitiveWords(text: string): boolean {
  const words = wordsOf(plain(text));
  return words.some((_word, at) => at < words.length - 1 && (isCompoundTo(words, at, words.length) || SEVERAL.has(words.slice(at).join(""))));
}

/** `passw0rd`, `p4ssword`: digits that are read as letters. */
function isDisguised(name: string): boolean {
  if (!DISGUISED.test(name)) return false;
  const read = name.replace(/[034578]/g, (digit) => LEET[digit] ?? digit);
  return PARTS.test(read.replaceAll("1", "i")) || PARTS.test(read.replaceAll("1", "l"));
}

/** Whether a value, a text without blanks, says nothing of what such a name holds. */
function isNothing(name: string, value: string): boolean {
  if (/^(?:true|false|True|False|TRUE|FALSE)$/.test(value)) return true;
  const words = wordsOf(plain(name));
  const last = words[words.length - 1] ?? "";
  if (/^[0-9]{1,6}$/.test(value)) return last.endsWith("s") && COUNTED.has(last.slice(0, -1));
  const canonical = words.join("");
  return STATES.has(value.toLowerCase()) && STATEFUL.some((part) => canonical.includes(part)) && !isChosen(canonical);
}

/** Whether somebody makes up what it holds, which may be any word. */
function isChosen(canonical: string): boolean {
  return CHOSEN.some((part) => canonical.includes(part));
}

/**
 * Whether a list has two of our names one after the other, and so is one of names: `["email", "password"]`. A password may be
 * called `token`, so that behind a name of what somebody makes up there must be `more` elements, as in no pair.
 */
export function areFieldNames(name: string, next: string, more: boolean): boolean {
  const [one, two] = [canonicalName(name), canonicalName(next)];
  return isFieldName(one) && isFieldName(two) && (more || !isChosen(one));
}

const isFieldName = (canonical: string): boolean => SEVERAL.has(canonical) || WORDS.has(canonical) || COMPOUNDS.has(canonical);

/** A test for names: the defaults, `names` (whole names, or patterns), less `keep`. It remembers what it was asked. */
export function nameRules(names: readonly (string | RegExp)[], keep: readonly string[]): NameRules {
  const exact = new Set(names.filter((name) => typeof name === "string").map(canonicalName));
  const patterns = names.filter((name) => name instanceof RegExp).map((pattern) => new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, "")));
  const kept = new Set(keep.map(canonicalName));
  const known = new Map<string, boolean>();
  const isNamed = (name: string): boolean =>
    exact.size + patterns.length > 0 && (exact.has(canonicalName(name)) || patterns.some((pattern) => pattern.test(name)));
  const isSensitive = (name: string): boolean => {
    const remembered = known.get(name);
    if (remembered !== undefined) return remembered;
    const canonical = exact.size + kept.size > 0 ? canonicalName(name) : "";
    const sensitive = exact.has(canonical) || patterns.some((pattern) => pattern.test(name)) || (!kept.has(canonical) && isSensitiveName(name));
    if (known.size < MAX_KNOWN && name.length <= FACTS.limits.name) known.set(name, sensitive);
    return sensitive;
  };
  return { isSensitive, isNothing: (name, value) => isNothing(name, value) && !isNamed(name) };
}

/** Only letters and digits, lower case, in their plain form. */
export function canonicalName(name: string): string {
  return wordsOf(plain(name)).join("");
}

/** `customerSSN`, `APIKey`, `db_pass`: in lower case. One of their words alone tells, but not as a part of another (compass). */
function wordsOf(name: string): string[] {
  const spaced = name.replace(/(\p{Lowercase}|\p{N})(\p{Uppercase})/gu, "$1 $2").replace(/(\p{Uppercase})(\p{Uppercase}\p{Lowercase})/gu, "$1 $2");
  return spaced.toLowerCase().split(/[^\p{Alphabetic}\p{N}]+/u).filter((word) => word !== "");
}

/** `tokenCount`, `hasPassword`, `maxTokens`: what is said of a secret is none. */
function isAbout(words: readonly string[]): boolean {
  const [first = "", last = ""] = [words[0], words[words.length - 1]];
  return words.length > 1 && (METADATA.has(last) || FLAGS.has(first) || (QUANTITIES.has(first) && last.endsWith("s") && last !== "pass"));
}

function isCompound(words: readonly string[], at: number): boolean {
  for (let end = at + 1; end <= Math.min(at + LONGEST_COMPOUND, words.length); end += 1) if (isCompoundTo(words, at, end)) return true;
  return false;
}

const isCompoundTo = (words: readonly string[], at: number, end: number): boolean => COMPOUNDS.has(words.slice(at, end).join(""));

const { names } = FACTS;
const combined = names.compounds.flatMap(({ of, with: heads, anywhere }) =>
  of.flatMap((one) => heads.map((head) => ({ name: `${one}${head}`, anywhere: anywhere === true && one.length > 3 }))),
);
/** Inside of any name: so long that no other word holds them. */
const PARTS = new RegExp([...names.parts.map((part) => canonicalName(part)), ...combined.filter(({ anywhere }) => anywhere).map(({ name }) => name)].join("|"));
const COMPOUNDS = new Set(combined.map(({ name }) => name));
const SEVERAL = new Set([...names.exact, ...names.parts].map(canonicalName));
const WORDS = new Set(names.words.map(canonicalName));
const EXACT = new Set(names.exact);
const HARMLESS = names.harmless;
const METADATA = new Set(names.metadata);
const FLAGS = new Set(names.flags);
const QUANTITIES = new Set(names.quantities);
const { nothing } = FACTS;
const COUNTED = new Set(nothing.counted);
const STATEFUL = nothing.stateful;
const CHOSEN = nothing.chosen;
const STATES = new Set(nothing.states);
/** A digit with letters around it. */
const DISGUISED = /[a-z][013457]+[a-z]/;
const LEET: Readonly<Record<string, string>> = { 0: "o", 3: "e", 4: "a", 5: "s", 7: "t" };
const LONGEST_COMPOUND = 4;
const MAX_KNOWN = 4096;

/** Names of DynamoDB's requests and answers that hold items, for logs of the SDK. Too general to be sensitive elsewhere. */
export const ITEM_NAMES = names.items;
/** Members that name another: `{ name: "password", value: "x" }`. */
export const LABELS = new Set(names.labels);
/** Members that name another by its kind: `{ type: "password", value: "x" }`, but also `{ type: "email", data: … }`. */
export const KINDS = new Set(names.kinds);
/** Members that hold what one of these names. */
export const PLAIN_VALUES = new Set(names.plainValues);
/** Members that hold what another names. */
export const VALUES = new Set(names.values);
