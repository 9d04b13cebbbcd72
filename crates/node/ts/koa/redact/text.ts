// What is redacted inside of texts. Every search is linear or bounded, so a long text costs no more than its length.
//
//   view.ts    the text as a reader takes it: encodings off, look-alikes folded
//   shapes.ts  what tells by its shape: keys, tokens, addresses, numbers of cards
//   pairs.ts   what tells by the name before it        values.ts  where a value ends
//   statements.ts  what tells by a column of an SQL statement

import { FACTS } from "./facts.js";
import type { NameRules } from "./names.js";
import { sensitivePairs } from "./pairs.js";
import { each, secretShapes } from "./shapes.js";
import { statementValues } from "./statements.js";
import { View } from "./view.js";

/** A function that takes secrets out of a text. */
export function textRedactor(
  rules: NameRules,
  extra: readonly RegExp[],
  mark: string,
  maxLength: number,
): (text: string) => string {
  const patterns = extra.map(({ source, flags }) => new RegExp(source, `${flags.replace(/[gy]/g, "")}g`));
  return (text) => {
    if (text.length > maxLength) return `${mark} (a text of ${text.length} characters)`;
    const found: [number, number][] = [];
    let view: View | undefined = View.of(text);
    for (let level = 0; view !== undefined; level += 1) {
      // So many encodings one inside of the other have nothing to say.
      if (level > FACTS.limits.levels) return mark;
      const { text: shown } = view;
      const hide = (start: number, end: number): void => void found.push((view as View).source(start, end));
      secretShapes(shown, hide);
      for (const pattern of patterns) each(pattern, shown, (found, start) => hide(start, start + found.length));
      sensitivePairs(shown, rules, hide);
      statementValues(shown, rules, hide);
      view = view.decoded();
    }
    return found.length === 0 ? text : marked(text, found, mark);
  };
}

/** The text with one mark for each part; parts that meet or overlap become one. */
function marked(text: string, found: [number, number][], mark: string): string {
  found.sort(([a, aEnd], [b, bEnd]) => a - b || bEnd - aEnd);
  let clean = "";
  let done = -1;
  for (const [start, end] of found) {
    if (start >= done && (start > done || end > start)) clean += text.slice(Math.max(done, 0), start) + mark;
    done = Math.max(done, end);
  }
  return clean + text.slice(Math.max(done, 0));
}
