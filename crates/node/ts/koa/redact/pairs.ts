// Names and their values in a text, however they are written: forms, JSON, YAML, TOML, XML and HTML, SQL, options, tables, prose.

import { areFieldNames, endsInSensitiveWords, KINDS, LABELS, type NameRules, PLAIN_VALUES, VALUES } from "./names.js";
import { isBlank, isBreak, QUOTES, type Range, scalarAt, type Sign, skipBlanks, skipSpace, valueAt } from "./values.js";

/** Tells where values of sensitive names stand. */
export function sensitivePairs(text: string, rules: NameRules, hide: (start: number, end: number) => void): void {
  if (SIGNS.test(text)) new Pairs(text, rules, hide).find();
}

/** A name that was met, and what stands around it. */
interface Name {
  readonly text: string;
  readonly start: number;
  /** Behind its quotes and brackets. */
  readonly end: number;
  readonly quoted: boolean;
  /** Whether a bracket was closed behind it. */
  readonly closes: boolean;
}

class Pairs {
  /** Whose values are hidden, since a label of this object named something sensitive. */
  #named: ReadonlySet<string> | undefined;
  /** The value that was met before a label. */
  #held: { readonly name: string; readonly value: Range } | undefined;
  #isTag = false;
  /** The name of the tag that was met last. */
  #tag = "";
  /** What is open here. */
  readonly #open: string[] = [];
  /** Characters of values that were looked at and may be looked at again. */
  #work = 0;

  constructor(
    private readonly text: string,
    private readonly rules: NameRules,
    private readonly hide: (start: number, end: number) => void,
  ) {}

  find(): void {
    const { text } = this;
    for (let at = 0; at < text.length;) {
      if (!isNameStart(text, at)) {
        this.#pass(text.charAt(at), at);
        at += 1;
        continue;
      }
      const end = nameEnd(text, at);
      at = Math.max(end, this.#judge(at, end));
      if (this.#work > MOST_WORK * text.length) return this.hide(at, text.length);
    }
  }

  /** What stands between names: where objects, elements and lists begin and end. */
  #pass(char: string, at: number): void {
    if (char === "[") this.#section(at);
    if ("[({".includes(char)) this.#open.push(char);
    else if ("])}".includes(char)) this.#open.pop();
    if (char === "{" || char === "}") this.#forget();
    else if (char === "<") this.#element(at);
    else if (char === ">") this.#close(at);
    else if (char === "\n") this.#newLine(at);
  }

  #forget(): void {
    this.#named = undefined;
    this.#held = undefined;
  }

  #newLine(at: number): void {
    const { text } = this;
    const next = skipBlanks(text, at + 1);
    const isItem = text.charAt(next) === "-" && isBlank(text.charAt(next + 1));
    const isEmpty = isBreak(text.charAt(next)) || next >= text.length;
    // A part of a form: its content ends with the boundary.
    if (isEmpty && this.#named !== undefined && FORM.test(text.slice(Math.max(0, at - 400), at))) {
      const end = text.indexOf("\n--", next);
      this.hide(skipSpace(text, next), end < 0 ? text.length : end);
    }
    if (isItem || isEmpty) this.#forget();
  }

  /** `[credentials]` on a line of its own, as TOML and INI have it: all up to the next section is hidden. */
  #section(at: number): void {
    const { text } = this;
    if (at > 0 && !isBreak(text.charAt(at - 1)) && text.charAt(at - 1) !== "[") return;
    const [head, name = ""] = SECTION.exec(text.slice(at, at + 200)) ?? [];
    if (head === undefined || !this.isSensitive(name)) return;
    const start = at + head.length;
    const end = text.indexOf("\n[", start);
    this.hide(start, end < 0 ? text.length : end);
  }

  /** An element begins. One with a sensitive name hides what is in it. */
  #element(at: number): void {
    const { text } = this;
    this.#forget();
    const isEnd = text.charAt(at + 1) === "/";
    this.#isTag = isEnd || isNameStart(text, at + 1);
    // Promise<Token>
    if (!this.#isTag || isEnd || (at > 0 && isNameChar(text.charAt(at - 1)))) return;
    const name = (this.#tag = text.slice(at + 1, tagNameEnd(text, at + 1)));
    if (!this.isSensitive(name)) return;
    this.#named = VALUES;
    const close = tagEnd(text, at);
    if (close === undefined || text.charAt(close - 1) === "/") return;
    const end = text.indexOf(`</${name}`, close);
    this.#content(close + 1, end < 0 ? undefined : end);
  }

  /** A tag ends: one whose attribute named something sensitive hides what is in its element. */
  #close(at: number): void {
    if (this.#isTag && this.#named === VALUES && this.text.charAt(at - 1) !== "/") this.#inside(at, this.#tag);
    this.#isTag = false;
  }

  /** What is in an element behind its tag's `>`: a text, or all in its own elements. */
  #inside(tagEnd: number, name: string): void {
    const { text } = this;
    const start = skipSpace(text, tagEnd + 1);
    const hasElements = text.charAt(start) === "<" && isNameStart(text, start + 1);
    const end = hasElements ? text.indexOf(`</${name}`, start) : -1;
    this.#content(hasElements ? start : tagEnd + 1, end < 0 ? undefined : end);
  }

  #content(start: number, end: number | undefined): void {
    const value = end === undefined ? valueAt(this.text, start, "element", 0) : { start, end };
    if (value.end > value.start && this.text.slice(value.start, value.end).trim() !== "") this.hide(value.start, value.end);
  }

  /** Judges a name, and tells where to go on. */
  #judge(start: number, end: number): number {
    const { text } = this;
    const name = nameAt(text, start, end);
    const found = this.#signAfter(name);
    if (found === undefined) {
      this.#elementText(name);
      return end;
    }
    const { sign, at } = found;
    const lower = name.text.toLowerCase();
    if (this.#isSecret(name)) {
      const scalar = scalarAt(text, name.quoted ? skipSpace(text, at) : at, sign);
      if (scalar !== undefined && this.rules.isNothing(name.text, scalar)) return end;
      const value = this.#value(name, sign, at);
      this.#hideValue(value, sign);
      return value.end;
    }
    if (LABELS.has(lower) || KINDS.has(lower) || VALUES.has(lower)) this.#member(lower, this.#value(name, sign, at));
    return end;
  }

  private isSensitive(name: string): boolean {
    return this.rules.isSensitive(name);
  }

  #isSecret(name: Name): boolean {
    const { text } = name;
    if (text.length <= MAX_NAME) return this.isSensitive(text) || this.#severalWords(name) || this.#isDisguised(name);
    return this.isSensitive(text.slice(0, MAX_NAME)) || this.isSensitive(text.slice(-MAX_NAME));
  }

  /** `p@ssword`, `pa$$word` */
  #isDisguised({ text: name, start }: Name): boolean {
    const { text } = this;
    if (!"@$".includes(text.charAt(start - 1) || " ")) return false;
    let from = start - 1;
    while (from > 0 && start - from < MAX_DISGUISE && ("@$".includes(text.charAt(from - 1)) || isNameChar(text.charAt(from - 1)))) from -= 1;
    const before = text.slice(from, start);
    return isNameStart(before, 0) && this.isSensitive(`${before.replaceAll("@", "a").replaceAll("$", "s")}${name}`);
  }

  /** `{ name: "password", value: "x" }`, in any order. */
  #member(name: string, value: Range): void {
    const named = LABELS.has(name) ? VALUES : KINDS.has(name) ? PLAIN_VALUES : undefined;
    if (named !== undefined) {
      if (!this.#isLabel(this.text.slice(value.start, value.end))) return;
      if (this.#named !== VALUES) this.#named = named;
      if (this.#held !== undefined && named.has(this.#held.name)) this.#hideValue(this.#held.value, "word");
    } else if (this.#named?.has(name) === true) this.#hideValue(value, "word");
    else this.#held = { name, value };
  }

  /** A name, or a list that has one: `"columns": ["id", "password"]`. */
  #isLabel(value: string): boolean {
    if (value.startsWith("[")) return (value.slice(0, MAX_LIST).match(ELEMENTS) ?? []).some((name) => this.isSensitive(name.slice(1, -1)));
    const label = value.replace(/^["'`]|["'`].*$|[\s,;}\])/>]*$/gs, "");
    return label.length > 0 && label.length <= MAX_LABEL && this.isSensitive(label);
  }

  #hideValue({ start, end }: Range, sign: Sign): void {
    // That nothing stands behind an equals sign is said with a mark, too.
    if (end > start || sign === "word") this.hide(start, end);
  }

  #value(name: Name, sign: Sign, at: number): Range {
    const { text } = this;
    const start = name.quoted ? skipSpace(text, at) : at;
    const value = valueAt(text, start, sign, sign === "line" ? this.#indent(name.start) : 0);
    this.#work += value.end - start;
    if (this.#isTag && sign === "word" && !QUOTES.includes(text.charAt(value.start))) {
      const end = text.slice(value.start, value.end).indexOf(">");
      if (end >= 0) return { start: value.start, end: value.start + end };
    }
    return value;
  }

  /** How far the name's line is indented; a list's dashes are a part of it. */
  #indent(at: number): number {
    const { text } = this;
    const start = text.lastIndexOf("\n", at) + 1;
    const line = text.slice(start, Math.min(start + MAX_INDENT, at));
    return /^\s*(?:-\s+)*/.exec(line)?.[0].length ?? 0;
  }

  /** `Card number: x` */
  #severalWords(name: Name): boolean {
    let start = name.start;
    for (let words = 1; words < MOST_WORDS; words += 1) {
      if (!isBlank(this.text.charAt(start - 1)) || !isNameChar(this.text.charAt(start - 2))) break;
      start -= 2;
      while (start > 0 && isNameChar(this.text.charAt(start - 1))) start -= 1;
    }
    return start < name.start && endsInSensitiveWords(this.text.slice(start, name.start + name.text.length));
  }

  /** `<key>password</key><string>x</string>`, `<td>Password</td><td>x</td>` */
  #elementText({ text: name, start, end }: Name): void {
    const { text } = this;
    const close = skipBlanks(text, text.charAt(end) === ":" ? end + 1 : end);
    if (!text.startsWith("</", close) || !this.#isSecret({ text: name, start, end, quoted: false, closes: false })) return;
    const next = text.indexOf("<", close + 2);
    if (next < 0 || text.startsWith("</", next)) return;
    const open = tagEnd(text, next);
    if (open === undefined) return;
    const field = VALUE_ATTRIBUTE.exec(text.slice(next, open));
    if (field !== null) this.hide(next + field.index + field[1]!.length, next + field.index + field[0].length);
    else if (text.charAt(open - 1) !== "/") this.#inside(open, text.slice(next + 1, tagNameEnd(text, next + 1)));
  }

  /** The sign behind a name; undefined if none makes what follows its value. */
  #signAfter(name: Name): { sign: Sign; at: number } | undefined {
    const { text } = this;
    // password (again): x
    const behind = skipBlanks(text, name.end);
    const remark = text.charAt(behind) === "(" ? (REMARK.exec(text.slice(name.end, name.end + 52))?.[0].length ?? 0) : 0;
    const at = remark > 0 ? skipBlanks(text, name.end + remark) : behind;
    const gap = at - name.end;
    const [char, next] = [text.charAt(at), text.charAt(at + 1)];
    // token.js:12:5
    if (char === ":" && next >= "0" && next <= "9" && SOURCE.test(name.text)) return undefined;
    if (char === ":" && next === ":" && isBlank(text.charAt(at + 2))) return { sign: "line", at: at + 2 };
    if (char === ":") return next === ":" || (next === "/" && text.charAt(at + 2) === "/") ? undefined : next === "=" ? { sign: "word", at: at + 2 } : { sign: "line", at: at + 1 };
    if (char === "=") return { sign: "word", at: at + (/^=(?:>|==?)?/.exec(text.slice(at, at + 3))?.[0].length ?? 1) };
    const operator = char !== "" && OPERATOR_STARTS.includes(char) ? OPERATOR.exec(text.slice(at, at + 70)) : null;
    if (operator !== null) return { sign: operator[1] === undefined ? "word" : "line", at: at + operator[0].length };
    // ? password
    // : x
    if (isBreak(char) && text.startsWith("? ", name.start - 2)) {
      const below = skipSpace(text, at);
      return text.charAt(below) === ":" ? { sign: "line", at: below + 1 } : undefined;
    }
    if (char === "|" && gap > 0) return { sign: "cell", at: at + 1 };
    if (text.slice(name.end, at).includes("\t")) return { sign: "cell", at };
    if (char === ">" && !this.#isTag && (gap > 0 || !isNameChar(next))) return { sign: "word", at: at + 1 };
    const isOption = text.startsWith("--", name.start - 2) && text.charAt(name.start - 3) !== "-";
    if (isOption && isBreak(char)) return optionBelow(text, at);
    const isInList = "[(".includes(this.#open[this.#open.length - 1] ?? "{");
    const isElement = (name.quoted && (isInList || isOption)) || (isInList && text.charAt(name.start - 1) === ":");
    if (char === "," && isElement && !name.closes && !isFieldList(text, name, at)) return { sign: "word", at: at + 1 };
    const isQuoted = char !== "" && QUOTES.includes(char);
    if (isQuoted && gap > 0 && !name.quoted) return { sign: "word", at };
    if (char === "(" && gap === 0 && QUOTES.includes(next || " ")) return { sign: "word", at };
    return isOption && gap > 0 ? { sign: "word", at } : undefined;
  }
}

/** `["email", "password"]` names fields, and holds none. */
function isFieldList(text: string, { text: name, start }: Name, comma: number): boolean {
  const next = NEXT_ELEMENT.exec(text.slice(comma, comma + 80));
  const before = text.slice(Math.max(0, start - 4), start);
  return next !== null && areFieldNames(name, next[2] ?? "", next[3] === "," || /,\s*["'`]$/.test(before));
}

/** The value of an option on the next line, which may be an entry of a list: `- --password`, `- x`. */
function optionBelow(text: string, lineBreak: number): { sign: Sign; at: number } | undefined {
  let at = skipSpace(text, lineBreak);
  if (text.charAt(at) === "-" && isBlank(text.charAt(at + 1))) at = skipBlanks(text, at + 1);
  return at >= text.length || text.charAt(at) === "-" ? undefined : { sign: "word", at };
}

/** With what may stand between a name and its sign: quotes, brackets, an index, marks of a text's format. */
function nameAt(text: string, start: number, end: number): Name {
  let at = end;
  let quoted = false;
  let closes = false;
  for (let steps = 0; steps < MAX_TAIL; steps += 1) {
    const char = text.charAt(at);
    if (char !== "" && QUOTES.includes(char)) {
      if (quoted) break;
      quoted = true;
    } else if (char === "[") {
      const index = /^\[[^\]\s]{0,64}\]/.exec(text.slice(at, at + 66))?.[0].length;
      if (index === undefined) break;
      at += index - 1;
    } else if (char === "" || !")]}*?!".includes(char)) break;
    else closes ||= ")]}".includes(char);
    at += 1;
  }
  return { text: text.slice(start, end), start, end: at, quoted, closes };
}

function isNameStart(text: string, at: number): boolean {
  const char = text.charAt(at);
  return char !== "" && char !== "-" && char !== "." && isNameChar(char);
}

const isNameChar = (char: string): boolean => char >= "\u0080" || (char !== "" && NAME_CHARS[char.charCodeAt(0)] === true);

/** A dot or a dash belongs to a name if the name goes on behind it. */
function nameEnd(text: string, start: number): number {
  let at = start;
  while (at < text.length && isNameChar(text.charAt(at))) at += 1;
  while (at > start + 1 && (text.charAt(at - 1) === "-" || text.charAt(at - 1) === ".")) at -= 1;
  return at;
}

function tagNameEnd(text: string, start: number): number {
  let at = start;
  while (at < text.length && (isNameChar(text.charAt(at)) || text.charAt(at) === ":")) at += 1;
  return at;
}

/** The `>` of a tag. */
function tagEnd(text: string, start: number): number | undefined {
  let quote = "";
  for (let at = start; at < text.length && at < start + MAX_TAG; at += 1) {
    const char = text.charAt(at);
    if (quote !== "") quote = char === quote ? "" : quote;
    else if (char === '"' || char === "'") quote = char;
    else if (char === ">") return at;
  }
  return undefined;
}

const NAME_CHARS = Array.from({ length: 128 }, (_none, code) => /[A-Za-z0-9_.-]/.test(String.fromCharCode(code)));
const REMARK = /^[ \t]{0,4}\([^()\r\n"'`]{0,40}\)[ \t]{0,4}(?=[:=])/;
/** What an operator can begin with. */
const OPERATOR_STARTS = "-.!<>~+?*^|LlIiwt";
const SIGNS = /[=:>|\t"'`,(-]|\.{3}| (?:is|was|to) /;
/** The first group is there for what a line follows. */
const OPERATOR = /^(?:(-{1,2}>|\.{4,64}:?|\.{2,3}:)|[!<>~+?*^|]{1,2}=|<>|(?:[Ll]ike|LIKE|[Ii]n|IN)(?=[ (])|(?:is|was|to)(?= (?:["'`]|(?=\S{6})(?:[A-Za-z]{1,64}[0-9]|[0-9]{1,64}[A-Za-z]))))/;
const SECTION = /^\[([A-Za-z0-9_.-]{1,64})\]{1,2}[ \t]{0,8}\r?\n(?=[^[\r\n]{1,80}=)/;
const SOURCE = /\.(?:js|mjs|cjs|jsx|ts|mts|cts|tsx|rs|py|go|java|kt|rb|php)$/;
const FORM = /form-data/i;
const NEXT_ELEMENT = /^,\s*(["'`])([A-Za-z][A-Za-z0-9_. -]{0,63})\1\s*([,\])])/;
const ELEMENTS = /"[^"]{1,64}"|'[^']{1,64}'/g;
const VALUE_ATTRIBUTE = /^(<input\b[^>]*?\svalue\s*=\s*)(?:"[^"]*"|'[^']*'|[^\s>]+)/i;
const MAX_LIST = 4096;
const MAX_DISGUISE = 32;
const MAX_TAIL = 8;
const MAX_NAME = 256;
const MAX_INDENT = 200;
const MOST_WORK = 32;
const MAX_LABEL = 64;
const MAX_TAG = 2048;
const MOST_WORDS = 4;
