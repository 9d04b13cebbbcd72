// What tells by its shape, whatever stands before it. The shapes themselves: facts/redact.json.

import { FACTS } from "./facts.js";

/** Tells where keys, tokens, addresses, and numbers of cards and people stand. */
export function secretShapes(whole: string, hide: (start: number, end: number) => void): void {
  const text = withoutUserInfo(whole, hide);
  for (const { needs, pattern } of PATTERNS) {
    // Most texts have none, and a search for a word takes a fraction of the pattern's time.
    if (needs.length > 0 && !needs.some((need) => text.includes(need))) continue;
    each(pattern, text, (found, start) => hide(start, start + found.length));
  }
  tokens(text, hide);
  each(BASE64, text, (run, start) => isAwsSecret(run) && hide(start, start + run.length));
  if (!DIGIT.test(text)) return;
  each(SOCIAL_SECURITY, text, (run, start) => isAlone(text, start, start + run.length) && hide(start, start + run.length));
  each(DIGITS, text, (run, start) => holdsCardNumber(run) && hide(start, start + run.length));
}

/** All that a global pattern finds. `matchAll` would copy the pattern for each text. */
export function each(pattern: RegExp, text: string, act: (found: string, start: number) => unknown): void {
  pattern.lastIndex = 0;
  for (let found = pattern.exec(text); found !== null; found = pattern.exec(text)) {
    if (found[0] === "") pattern.lastIndex += 1;
    else act(found[0], found.index);
  }
}

/**
 * The user and password of a URL are all before the last `@` of its authority, or of the whole URL if a password goes on behind the
 * authority's end. What is left has blanks in their place, so that they are not taken for an e-mail address with the host.
 */
function withoutUserInfo(text: string, hide: (start: number, end: number) => void): string {
  let rest = text;
  for (let at = text.indexOf("://"); at >= 0; at = text.indexOf("://", at + 3)) {
    const start = at + 3;
    const url = /^[^\s"'`<>]{0,1024}/.exec(text.slice(start, start + 1024))?.[0] ?? "";
    const authority = /^[^/?#]*/.exec(url)?.[0] ?? "";
    const holder = /:[^0-9/?#@]/.test(authority) && !authority.includes("@") ? url : authority;
    const length = holder.lastIndexOf("@");
    if (length <= 0) continue;
    hide(start, start + length);
    rest = rest.slice(0, start) + " ".repeat(length) + rest.slice(start + length);
  }
  return rest;
}

/** Tokens of well-known makers, which start with their mark. */
function tokens(text: string, hide: (start: number, end: number) => void): void {
  let done = 0;
  each(PREFIX, text, (prefix, index) => {
    if (index < done) return;
    const from = index + prefix.length;
    TOKEN.lastIndex = from;
    const run = TOKEN.exec(text)?.[0] ?? "";
    const token = run.replace(/\.+$/, "");
    if (token.replace(/=+$/, "").length < (LEAST.get(prefix) ?? 0)) return;
    done = from + run.length;
    hide(index, from + token.length);
  });
}

/** 40 characters of base64 with small letters, capitals and digits. */
function isAwsSecret(run: string): boolean {
  return run.length === 40 && !run.includes("=") && /[a-z]/.test(run) && /[A-Z]/.test(run) && /[0-9]/.test(run);
}

function isAlone(text: string, start: number, end: number): boolean {
  return !/[0-9]/.test(text.charAt(start - 1)) && !/[0-9]/.test(text.charAt(end));
}

/** Whether digits, alone or in groups, hold the number of a payment card: known first digits, right length, Luhn's sum. */
export function holdsCardNumber(run: string): boolean {
  const groups: { readonly text: string; readonly start: number }[] = [];
  each(/[0-9]+/g, run, (text, start) => groups.push({ text, start }));
  for (let start = 0; start < groups.length; start += 1) {
    let digits = "";
    let isLoose = false;
    for (let end = start; end < groups.length; end += 1) {
      const group = groups[end];
      if (group === undefined) break;
      if (end > start) isLoose ||= /[^ -]/.test(run.slice(run.lastIndexOf(digits.slice(-1), group.start - 1) + 1, group.start));
      digits += group.text;
      if (digits.length > MAX_CARD) break;
      // Dots are in numbers of all kinds; in a card's they stand behind its first four digits.
      if ((!isLoose || groups[start]?.text.length === 4) && isCardNumber(digits)) return true;
    }
  }
  return false;
}

function isCardNumber(digits: string): boolean {
  if (!CARD.test(digits)) return false;
  let sum = 0;
  for (let i = 0; i < digits.length; i += 1) {
    const digit = Number(digits[digits.length - 1 - i]);
    const twice = digit * 2;
    sum += i % 2 === 0 ? digit : twice > 9 ? twice - 9 : twice;
  }
  return sum % 10 === 0;
}

const PATTERNS = FACTS.patterns.map(({ needs, pattern, ignoreCase }) => ({ needs, pattern: new RegExp(pattern, ignoreCase === true ? "giu" : "gu") }));
/** How many characters must follow a token's first ones. */
const LEAST = new Map(Object.entries(FACTS.prefixes).flatMap(([least, all]) => all.map((prefix) => [prefix, Number(least)] as const)));
const PREFIX = new RegExp(`\\b(?:${[...LEAST.keys()].map((prefix) => prefix.replaceAll(".", "\\.")).join("|")})`, "g");
const TOKEN = /[A-Za-z0-9_.~+/=%-]*/y;
const DIGIT = /[0-9]/;
const BASE64 = /[A-Za-z0-9/+=]{40,}/g;
const SOCIAL_SECURITY = /[0-9]{3}-[0-9]{2}-[0-9]{4}/g;
/** Digits in groups, long enough for a card. */
const DIGITS = /[0-9](?:[ ._/\t:|*+\\-]{0,3}[0-9]){12,}/g;
const CARD = new RegExp(FACTS.cards);
const MAX_CARD = 19;
