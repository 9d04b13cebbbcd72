// Where the value after a sensitive name ends. Whoever cannot tell takes the rest of the text.

import { FACTS } from "./facts.js";

/** How a value stands behind its name. */
export type Sign = "line" | "word" | "cell" | "element";

/** A value's place; empty if there is none. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** The value that starts at `at` or behind blanks; `indent` is that of its name's line. */
export function valueAt(text: string, at: number, sign: Sign, indent: number): Range {
  const start = continued(text, skipBlanks(text, at));
  const first = text.charAt(start);
  if (first === "" || isBreak(first)) return sign === "line" ? blockAt(text, start, indent) : sign === "word" ? wordBelow(text, at, start) : { start: at, end: at };
  if (ABSENT.test(text.slice(start, start + 16))) return { start, end: start };
  if (sign === "cell") return { start, end: cellEnd(text, start) };
  if (QUOTES.includes(first)) return { start, end: quotedEnd(text, start) ?? text.length };
  if (OPENING.includes(first)) {
    const end = balancedEnd(text, start) ?? text.length;
    return { start, end: sign === "word" ? wordEnd(text, end) : end };
  }
  if (sign === "element") return { start, end: elementEnd(text, start) };
  if (sign === "word") return { start, end: listEnd(text, at, start) ?? schemeEnd(text, start) };
  const number = NUMBER.exec(text.slice(start, start + 48));
  if (number !== null) return { start, end: start + (number[1] ?? "").length };
  return { start, end: blockEnd(text, lineEnd(text, start), indent) };
}

/** Behind the end of a line whose end is escaped. */
function continued(text: string, at: number): number {
  return text.charAt(at) === "\\" && isBreak(text.charAt(at + 1)) ? skipBlanks(text, afterBreak(text, at + 1)) : at;
}

/** The value on the line below its name's, if that line is no pair of its own. */
function wordBelow(text: string, at: number, lineBreak: number): Range {
  const next = skipBlanks(text, afterBreak(text, lineBreak));
  const line = text.slice(next, lineEnd(text, next));
  return line === "" || PAIR.test(line) || FRAME.test(line) ? { start: at, end: at } : valueAt(text, next, "word", 0);
}

/**
 * A value that is one word or one small number and ends there, with nothing on deeper lines: one of which it may be said that it
 * tells nothing.
 */
export function scalarAt(text: string, at: number, sign: Sign): string | undefined {
  const found = (sign === "line" ? LINE_SCALAR : SCALAR).exec(text.slice(at, at + 48));
  return found?.[2];
}

/** The end of a quoted text, with what is glued to it; undefined if the quote stays open. */
function quotedEnd(text: string, start: number): number | undefined {
  const quote = text.charAt(start);
  const triple = quote.repeat(3);
  if (text.startsWith(triple, start)) {
    const end = text.indexOf(triple, start + 3);
    return end < 0 ? undefined : end + 3;
  }
  let at = start + 1;
  for (; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (char === "\\") at += 1;
    else if (char === quote) break;
  }
  if (at >= text.length) return undefined;
  // 'it''s', 'a'"b", 'a' + 'b'
  let end = at + 1;
  const plus = /^\s{0,64}\+\s{0,64}(?=["'`])/.exec(text.slice(end, end + 136));
  if (plus !== null) end += plus[0].length;
  const glued = text.charAt(end);
  const empty = at === start + 1;
  return !empty && glued !== "" && QUOTES.includes(glued) ? quotedEnd(text, end) : end;
}

/** The end of what a bracket opens; undefined if it stays open. */
function balancedEnd(text: string, start: number): number | undefined {
  const open: string[] = [];
  for (let at = start; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (char === "\\") at += 1;
    else if (char === '"' || char === "'") {
      const end = quotedEnd(text, at);
      // An apostrophe.
      if (end === undefined) continue;
      at = end - 1;
    } else if (OPENING.includes(char)) open.push(CLOSING.charAt(OPENING.indexOf(char)));
    else if (CLOSING.includes(char)) {
      if (open.pop() !== char) return undefined;
      if (open.length === 0) return at + 1;
    }
  }
  return undefined;
}

/** Up to a blank or `&`, which may stand in quotes and brackets. */
function wordEnd(text: string, start: number): number {
  let at = start;
  // One that stays open is looked for once.
  let left = QUOTES + OPENING;
  while (at < text.length && !isBlank(text.charAt(at)) && !isBreak(text.charAt(at)) && text.charAt(at) !== "&") {
    const char = text.charAt(at);
    const end = !left.includes(char) ? at + 1 : QUOTES.includes(char) ? quotedEnd(text, at) : balancedEnd(text, at);
    if (end === undefined) left = left.replace(char, "");
    at = end ?? at + 1;
  }
  return at;
}

/** A word; after `Bearer` and its like another one. */
function schemeEnd(text: string, start: number): number {
  const end = wordEnd(text, start);
  if (!SCHEMES.has(text.slice(start, end).toLowerCase())) return end;
  const next = skipBlanks(text, end);
  return next > end ? wordEnd(text, next) : end;
}

/** In `a=x; b=y` a value ends with its semicolon and may have blanks; undefined if it stands in no such list. */
function listEnd(text: string, at: number, start: number): number | undefined {
  const line = /^[^\r\n]*/.exec(text.slice(start, start + MAX_ITEM))?.[0] ?? "";
  const end = /^[^;&]{0,1024};(?=[ \t]{0,4}[A-Za-z][\w .-]{0,64}=)/.exec(line)?.[0].length;
  if (end !== undefined) return start + end - 1;
  const before = text.slice(Math.max(0, at - 80), at);
  if (!/;[ \t]{0,4}[A-Za-z][\w .-]{0,64}=$/.test(before)) return undefined;
  const last = /^[^;&"'`]*/.exec(line)?.[0].length ?? 0;
  return Math.max(start + last, wordEnd(text, start));
}

function cellEnd(text: string, start: number): number {
  let at = start;
  while (at < text.length && !"\t|\r\n".includes(text.charAt(at))) at += 1;
  return at;
}

function elementEnd(text: string, start: number): number {
  if (text.startsWith("<![CDATA[", start)) {
    const end = text.indexOf("]]>", start);
    return end < 0 ? text.length : end + 3;
  }
  let at = start;
  while (at < text.length && text.charAt(at) !== "<") at += 1;
  return at;
}

/** The value on the lines below a name: those that are deeper than its own, or the next one if it is no pair. */
function blockAt(text: string, lineBreak: number, indent: number): Range {
  const none = { start: lineBreak, end: lineBreak };
  const end = blockEnd(text, lineBreak, indent);
  if (end > lineBreak) return { start: skipSpace(text, lineBreak), end };
  const next = afterBreak(text, lineBreak);
  const line = text.slice(next, lineEnd(text, next));
  return line.trim() === "" || PAIR.test(line) || FRAME.test(line) ? none : { start: next, end: next + line.length };
}

/** The end of the lines that are deeper than `indent`. */
function blockEnd(text: string, from: number, indent: number): number {
  let end = from;
  for (let next = afterBreak(text, end); next < text.length;) {
    const stop = lineEnd(text, next);
    const line = text.slice(next, stop);
    if (line.trim() !== "") {
      if (indentOf(line) <= indent || FRAME.test(line)) break;
      end = stop;
    }
    if (stop >= text.length) break;
    next = afterBreak(text, stop);
  }
  return end;
}

function lineEnd(text: string, at: number): number {
  let end = at;
  while (end < text.length && !isBreak(text.charAt(end))) end += 1;
  return end;
}

function afterBreak(text: string, at: number): number {
  return text.startsWith("\r\n", at) ? at + 2 : Math.min(at + 1, text.length);
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}

export function skipBlanks(text: string, at: number): number {
  let next = at;
  while (isBlank(text.charAt(next))) next += 1;
  return next;
}

export function skipSpace(text: string, at: number): number {
  let next = at;
  while (isBlank(text.charAt(next)) || isBreak(text.charAt(next))) next += 1;
  return next;
}

export const isBlank = (char: string): boolean => char === " " || char === "\t";
export const isBreak = (char: string): boolean => char === "\n" || char === "\r";
export const QUOTES = "\"'`";
const MAX_ITEM = 1100;
const OPENING = "[{(";
const CLOSING = "]})";
const ABSENT = /^(?:null|undefined|None|nil|NULL)[ \t]{0,4}(?:[,}\])\r\n]|$)/;
/** Without this, a number inside of `{ pin: 7, page: 2 }` would take the rest of the line with it. */
const NUMBER = /^(-?[0-9][0-9.eE+-]{0,30})[ \t]{0,4}[,}\])]/;
const PAIR = /[=:]/;
const FRAME = /^\s*at .*[:(][^()]*[0-9)>]$/;
const LINE_SCALAR = /^[ \t]{0,8}(["'`]?)([A-Za-z]{1,12}|[0-9]{1,6})\1(?=[ \t]{0,4}(?:[,;}\])]|\r?\n(?![ \t])|$))/;
const SCALAR = /^[ \t]{0,8}(["'`]?)([A-Za-z]{1,12}|[0-9]{1,6})\1(?=[,;}\])& \t]|\r?\n|$)/;
const SCHEMES = new Set(FACTS.schemes);
