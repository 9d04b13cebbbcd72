// Which names are sensitive. Case and separators do not count: access_token, accessToken and ACCESS-TOKEN are one name; nor does how
// they are written: letters of other scripts that look alike, and percent-encoded ones. The names themselves: facts/redact.json.

import { FACTS } from "./facts.js";
import { plain } from "./view.js";

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
  if (PARTS.test(rest) || words.some((word) => WORDS.has(word) || WORDS.has(word.replace(/[0-9]+$/, "")))) return true;
  return words.some((_word, at) => isCompound(words, at));
}

/** Whether the last words of a text, which have a blank between them, are one of our names of several words: `card number`. */
export function endsInSensitiveWords(text: string): boolean {
  const words = wordsOf(plain(text));
  return words.some((_word, at) => at < words.length - 1 && (isCompoundTo(words, at, words.length) || SEVERAL.has(words.slice(at).join(""))));
}

/** A test for names: the defaults, `names` (whole names, or patterns), less `keep`. It remembers what it was asked. */
export function nameTest(names: readonly (string | RegExp)[], keep: readonly string[]): (name: string) => boolean {
  const exact = new Set(names.filter((name) => typeof name === "string").map(canonicalName));
  const patterns = names.filter((name) => name instanceof RegExp).map((pattern) => new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, "")));
  const kept = new Set(keep.map(canonicalName));
  const known = new Map<string, boolean>();
  return (name) => {
    const remembered = known.get(name);
    if (remembered !== undefined) return remembered;
    const canonical = exact.size + kept.size > 0 ? canonicalName(name) : "";
    const sensitive = exact.has(canonical) || patterns.some((pattern) => pattern.test(name)) || (!kept.has(canonical) && isSensitiveName(name));
    if (known.size < MAX_KNOWN && name.length <= FACTS.limits.name) known.set(name, sensitive);
    return sensitive;
  };
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
const WORDS = new Set(names.words);
const EXACT = new Set(names.exact);
const HARMLESS = names.harmless;
const METADATA = new Set(names.metadata);
const FLAGS = new Set(names.flags);
const QUANTITIES = new Set(names.quantities);
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
