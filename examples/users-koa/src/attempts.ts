// What costs the hashing of a password is done so often in a quarter of an hour: for one name from one network, after ten wrong
// passwords, no more attempts to log in; and from one network so many registrations. They are counted in this process's memory;
// several processes need a common store for them, such as rate-limiter-flexible has.

import { isIPv6 } from "node:net";
import { Answer } from "./answers.js";

export class Attempts {
  constructor(private readonly most: number) {}

  /** By name and network, the oldest first. */
  readonly #counted = new Map<string, { count: number; readonly until: number }>();

  /**
   * Counts an attempt, before anything is read or hashed for it, so that many at once do not slip through. Throws if there were too
   * many; otherwise returns what is to be called if it is not to count: the password was right.
   */
  begin(username: string, address: string): () => void {
    const key = `${username} ${network(address)}`;
    const now = performance.now();
    let counted = this.#counted.get(key);
    if (!counted || counted.until <= now) {
      this.#counted.delete(key);
      for (const oldest of this.#counted.keys()) {
        if (this.#counted.size < MOST_KEYS) break;
        this.#counted.delete(oldest);
      }
      this.#counted.set(key, (counted = { count: 0, until: now + WINDOW }));
    }
    if (counted.count >= this.most) throw new Answer(429, "Too many attempts", Math.ceil((counted.until - now) / 1000));
    counted.count += 1;
    return () => this.#counted.delete(key);
  }
}

/** An IPv4 address; of an IPv6 address its first half, since whoever has one has all that differ in the other. */
function network(address: string): string {
  const [, mapped] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address) ?? [];
  if (mapped !== undefined || !isIPv6(address)) return mapped ?? address;
  const [front = [], back] = address.split("::").map((half) => half.split(":").filter((group) => group !== ""));
  const zeros = back === undefined ? 0 : 8 - front.length - back.length;
  const groups = [...front, ...Array<string>(Math.max(zeros, 0)).fill("0"), ...(back ?? [])];
  return groups.slice(0, 4).map((group) => Number.parseInt(group, 16)).join(":");
}

/** Milliseconds, from the first of them. */
const WINDOW = 15 * 60 * 1000;
/** So many names and networks are remembered; each of them has cost its caller the hashing of a password. */
const MOST_KEYS = 10_000;
