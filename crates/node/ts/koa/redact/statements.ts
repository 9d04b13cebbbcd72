// SQL statements that name columns in one place and values in another.

import type { NameRules } from "./names.js";
import { skipSpace } from "./values.js";

/** Hides the values of a statement that names a sensitive column, all of them: which is whose cannot be told without reading SQL. */
export function statementValues(text: string, { isSensitive }: NameRules, hide: (start: number, end: number) => void): void {
  if (!MAY_BE.test(text)) return;
  for (const { 0: head, 1: columns = "", index } of text.matchAll(HEAD)) {
    if (!columns.split(",").some((column) => isSensitive(column.replace(/[\s"'`[\]]/g, "")))) continue;
    const start = skipSpace(text, index + head.length);
    const end = /stdin$/i.test(head) ? copied(text, start) : statementEnd(text, start);
    if (!PLACEHOLDERS.test(text.slice(start, end))) hide(start, end);
  }
}

/** The `;` behind a statement, outside of its texts. */
function statementEnd(text: string, start: number): number {
  let quote = "";
  for (let at = start; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (quote !== "") quote = char === quote ? "" : quote;
    else if (char === "'" || char === '"') quote = char;
    else if (char === ";") return at;
  }
  return text.length;
}

/** The lines of COPY end with one of their own. */
function copied(text: string, start: number): number {
  const end = text.indexOf("\n\\.", start);
  return end < 0 ? text.length : end;
}

const MAY_BE = /\b(?:into|copy)\b/i;
const HEAD = /\b(?:into|copy)\s[^;()]{0,200}\(([^()]{1,4000})\)\s{0,20}(?:values?(?=[\s(])|select\s|from\s{1,9}stdin\b)/gi;
const PLACEHOLDER = String.raw`(?:\?|\$[0-9]+|[:@]\w+|%s|%\(\w+\)s|null|default)`;
const PLACEHOLDERS = new RegExp(String.raw`^[\s,()]*(?:${PLACEHOLDER}[\s,()]+)*${PLACEHOLDER}?$`, "i");
