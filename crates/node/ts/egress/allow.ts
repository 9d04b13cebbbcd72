// The allow list: what may be called although it is not public, and, with `public: false`, what may be called at all.

import type { BlockList } from "node:net";
import { isIP } from "node:net";
import { domainToASCII } from "node:url";

import { type Address, blockList, parseAddress } from "./address.js";
import { type EgressError, misused } from "./error.js";

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
export function parseAllowList(where: string, entries: readonly string[]): AllowList {
  const rules = entries.map((entry, at) => {
    const rule = parseEntry(entry);
    if (rule === undefined) throw unreadable(where, at + 1);
    return rule;
  });
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

/** Undefined for what is none. */
function parseEntry(entry: string): Rule | undefined {
  if (isIP(entry) !== 0 || entry.includes("/")) return rangeRule(entry, undefined);
  const [, bracketed, plain = "", digits] = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(\d{1,5}))?$/.exec(entry) ?? [];
  const port = digits === undefined ? undefined : Number(digits);
  if (port !== undefined && (port < 1 || port > 65_535)) return undefined;
  if (bracketed !== undefined) return rangeRule(bracketed, port);
  if (isIP(plain) !== 0) return rangeRule(plain, port);
  const wildcard = plain.startsWith("*.");
  const host = canonicalHost(wildcard ? plain.slice(2) : plain);
  // A name that ends in a number is an address in a spelling that `isIP` does not take: 127.1, 0x7f000001.
  if (!HOST.test(host) || /(?:^|\.)(?:\d+|0x[\da-f]*)$/.test(host)) return undefined;
  return { host: wildcard ? `*.${host}` : host, single: false, port };
}

function rangeRule(text: string, port: number | undefined): Rule | undefined {
  const ranges = blockList([text]);
  return ranges && { ranges, single: parseAddress(text) !== undefined, port };
}

function matches(rule: string, host: string): boolean {
  return rule.startsWith("*.") ? host.endsWith(rule.slice(1)) && host.length > rule.length - 1 : rule === host;
}

/** An entry may hold a password, as URLs do. */
function unreadable(where: string, number: number): EgressError {
  return misused(
    `${where}: entry ${number} of the option allow cannot be read`,
    "write a host name, *.example.com, an address or a range like 10.0.0.0/8; a host or an address may end in :PORT",
  );
}

const HOST = /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$/;
