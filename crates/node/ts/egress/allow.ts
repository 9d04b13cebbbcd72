// The allow list: what may be called although it is not public, and, with `public: false`, what may be called at all.

import type { BlockList } from "node:net";
import { isIP } from "node:net";
import { domainToASCII } from "node:url";

import { type Address, blockList, parseAddress } from "./address.js";
import { EgressError, quote } from "./error.js";

/** A checked allow list. */
export interface AllowList {
  /** Whether an entry is this host name. */
  host(name: string, port: number): boolean;
  /** Whether an entry is this address, or a range with it. */
  address(address: Address, port: number): boolean;
  /** Whether an entry is this very address. */
  exactly(address: Address, port: number): boolean;
}

/** Reads the entries; the first that is none is an error. */
export function parseAllowList(entries: readonly string[]): AllowList {
  if (!Array.isArray(entries)) throw new EgressError("DSL-9104", "allow is not a list", 'Write allow: ["10.0.0.0/8"]');
  const rules = entries.map(parseEntry);
  const some = (port: number, fits: (rule: Rule) => boolean): boolean =>
    rules.some((rule) => (rule.port === undefined || rule.port === port) && fits(rule));
  return {
    host: (name, port) => {
      const canonical = canonicalHost(name);
      return some(port, (rule) => rule.host !== undefined && matches(rule.host, canonical));
    },
    address: ({ text, family }, port) => some(port, (rule) => rule.ranges?.check(text, family) === true),
    exactly: ({ text, family }, port) => some(port, (rule) => rule.single && rule.ranges?.check(text, family) === true),
  };
}

/** A host name as it is compared: lower case, punycode, without the root's dot. */
function canonicalHost(name: string): string {
  return domainToASCII(name.replace(/\.$/, ""));
}

interface Rule {
  readonly host?: string;
  readonly ranges?: BlockList;
  readonly single: boolean;
  readonly port: number | undefined;
}

function parseEntry(entry: unknown): Rule {
  if (typeof entry !== "string") throw unreadable(entry);
  if (isIP(entry) !== 0 || entry.includes("/")) return rangeRule(entry, undefined, entry);
  const [, bracketed, plain = "", digits] = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(\d{1,5}))?$/.exec(entry) ?? [];
  const port = digits === undefined ? undefined : Number(digits);
  if (port !== undefined && (port < 1 || port > 65_535)) throw unreadable(entry);
  if (bracketed !== undefined) return rangeRule(bracketed, port, entry);
  if (isIP(plain) !== 0) return rangeRule(plain, port, entry);
  const wildcard = plain.startsWith("*.");
  const host = canonicalHost(wildcard ? plain.slice(2) : plain);
  // A name that ends in a number is an address in a spelling that `isIP` does not take: 127.1, 0x7f000001.
  if (!HOST.test(host) || /(?:^|\.)(?:\d+|0x[\da-f]*)$/.test(host)) throw unreadable(entry);
  return { host: wildcard ? `*.${host}` : host, single: false, port };
}

function rangeRule(text: string, port: number | undefined, entry: string): Rule {
  const ranges = blockList([text]);
  if (ranges === undefined) throw unreadable(entry);
  return { ranges, single: parseAddress(text) !== undefined, port };
}

function matches(rule: string, host: string): boolean {
  return rule.startsWith("*.") ? host.endsWith(rule.slice(1)) && host.length > rule.length - 1 : rule === host;
}

function unreadable(entry: unknown): EgressError {
  return new EgressError(
    "DSL-9104",
    `the entry ${quote(entry)} of allow cannot be read`,
    "Write a host name, *.example.com, an address or a range like 10.0.0.0/8; a host or an address may end in :PORT",
  );
}

const HOST = /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$/;
