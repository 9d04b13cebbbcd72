// A text as a reader takes it: letters that look like others, other digits, quotes and blanks as the plain ones, and what is
// percent-encoded, escaped or an entity as what it means. Each character knows where in the source it stands.

import { FACTS } from "./facts.js";

/** A text, and where its characters come from. */
export class View {
  private constructor(
    readonly text: string,
    private readonly from: readonly number[] | undefined,
    private readonly to: readonly number[] | undefined,
  ) {}

  /** The text without encodings taken off. */
  static of(text: string): View {
    if (PLAIN.test(text)) return new View(text, undefined, undefined);
    const made = new Made();
    let at = 0;
    for (const char of text) made.fold(char, at, (at += char.length));
    return made.view();
  }

  /** With one level of encodings taken off; undefined if there is none. */
  decoded(): View | undefined {
    if (!ENCODED.test(this.text)) return undefined;
    const made = new Made();
    let changed = false;
    for (let at = 0; at < this.text.length;) {
      const [start] = this.source(at, at + 1);
      const found = decodeAt(this.text, at);
      const length = found?.length ?? 1;
      const [, end] = this.source(at, at + length);
      if (found === undefined) made.put(this.text.charAt(at), start, end);
      else made.fold(found.char, start, end);
      changed ||= found !== undefined;
      at += length;
    }
    return changed ? made.view() : undefined;
  }

  /** Where a part of it stands in the source. */
  source(start: number, end: number): [number, number] {
    if (this.from === undefined || this.to === undefined) return [start, end];
    const from = this.from[start] ?? this.to[this.to.length - 1] ?? 0;
    return [from, end > start ? (this.to[end - 1] ?? from) : from];
  }

  /** @internal */
  static made(text: string, from: readonly number[], to: readonly number[]): View {
    return new View(text, from, to);
  }
}

/** The plain form of a name or a part of a text; where it stood is forgotten. */
export function plain(text: string): string {
  if (PLAIN_NAME.test(text)) return text;
  let view = View.of(text);
  for (let level = 0; level < FACTS.limits.levels; level += 1) {
    const next = view.decoded();
    if (next === undefined) break;
    view = next;
  }
  return view.text;
}

class Made {
  readonly #text: string[] = [];
  readonly #from: number[] = [];
  readonly #to: number[] = [];

  put(chars: string, from: number, to: number): void {
    for (let at = 0; at < chars.length; at += 1) {
      this.#text.push(chars.charAt(at));
      this.#from.push(from);
      this.#to.push(to);
    }
  }

  fold(char: string, from: number, to: number): void {
    this.put(char < "\u0080" ? char : folded(char), from, to);
  }

  view(): View {
    return View.made(this.#text.join(""), this.#from, this.#to);
  }
}

/** A character outside of ASCII in its plain form. */
function folded(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  if (IGNORED.some(([first = 0, last = 0]) => code >= first && code <= last)) return "";
  const zero = FACTS.zeros.find((zero) => code >= zero && code < zero + 10);
  if (zero !== undefined) return `${code - zero}`;
  const known = FOLDS.get(char);
  if (known !== undefined) return known;
  let out = "";
  for (const part of char.normalize("NFKD")) if (!MARK.test(part)) out += FOLDS.get(part) ?? part;
  return out;
}

function decodeAt(text: string, at: number): { char: string; length: number } | undefined {
  const sign = text.charAt(at);
  if (sign === "%") return percent(text, at);
  if (sign === "&") return entity(text, at);
  return sign === "\\" ? escape(text, at) : undefined;
}

/** `%XX`, as many of them as make one character of UTF-8; also `%uXXXX`. */
function percent(text: string, at: number): { char: string; length: number } | undefined {
  const wide = hex(text, at + 2, 4);
  if (/[uU]/.test(text.charAt(at + 1)) && wide !== undefined) return { char: String.fromCodePoint(wide), length: 6 };
  const first = hex(text, at + 1, 2);
  if (first === undefined) return undefined;
  const more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : 0;
  let code = more === 0 ? first : first & (0x3f >> more);
  for (let part = 1; part <= more; part += 1) {
    const byte = text.charAt(at + 3 * part) === "%" ? hex(text, at + 3 * part + 1, 2) : undefined;
    if (byte === undefined || byte >> 6 !== 2) return { char: "\ufffd", length: 3 };
    code = (code << 6) | (byte & 0x3f);
  }
  return { char: fromCode(code), length: 3 * (more + 1) };
}

/** `&quot;`, `&#34;`, `&#x22;`; the semicolon may be missing. */
function entity(text: string, at: number): { char: string; length: number } | undefined {
  const [whole = "", digits, hexDigits, name] = ENTITY.exec(text.slice(at, at + 14)) ?? [];
  if (whole === "") return undefined;
  const code = digits !== undefined ? Number.parseInt(digits, 10) : hexDigits !== undefined ? Number.parseInt(hexDigits, 16) : undefined;
  if (code !== undefined) return { char: fromCode(code), length: whole.length };
  const char = ENTITIES.get((name ?? "").toLowerCase());
  return char === undefined ? undefined : { char, length: whole.length };
}

/** As JSON and JavaScript escape. */
function escape(text: string, at: number): { char: string; length: number } | undefined {
  const sign = text.charAt(at + 1);
  const simple = ESCAPES.get(sign);
  if (simple !== undefined) return { char: simple, length: 2 };
  const code = hex(text, at + 2, sign === "u" ? 4 : 2);
  if (code !== undefined && (sign === "u" || sign === "x")) return { char: fromCode(code), length: sign === "u" ? 6 : 4 };
  const [whole = "", digits = ""] = /^\\u\{0{0,4}([0-9A-Fa-f]{1,6})\}/.exec(text.slice(at, at + 14)) ?? [];
  return whole === "" ? undefined : { char: fromCode(Number.parseInt(digits, 16)), length: whole.length };
}

function hex(text: string, at: number, length: number): number | undefined {
  const digits = text.slice(at, at + length);
  return digits.length === length && /^[0-9A-Fa-f]+$/.test(digits) ? Number.parseInt(digits, 16) : undefined;
}

function fromCode(code: number): string {
  return code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) ? "\ufffd" : String.fromCodePoint(code);
}

const PLAIN = /^[\0-\x7f]*$/;
const PLAIN_NAME = /^[\0-$'-[\]-\x7f]*$/;
const ENCODED = /%[0-9A-Fa-fuU]|&[#A-Za-z]|\\[^]/;
const ENTITY = /^&(?:#([0-9]{1,7})|#[xX]([0-9A-Fa-f]{1,6})|([A-Za-z]{2,8}));?/;
const MARK = /[\u0300-\u036f]/;
const IGNORED = FACTS.ignored;
const FOLDS = new Map(Object.entries(FACTS.folds).flatMap(([to, all]) => [...all].map((from) => [from, to] as const)));
const ENTITIES = new Map(Object.entries(FACTS.entities));
const ESCAPES = new Map([["n", "\n"], ["r", "\r"], ["t", "\t"], ["b", "\b"], ["f", "\f"], ['"', '"'], ["'", "'"], ["`", "`"], ["\\", "\\"], ["/", "/"]]);
