// What an IP address is for. IPv4 is public unless a range says otherwise; IPv6 is public only inside 2000::/3, so forms that
// nobody thought of here (IPv4-compatible, translated, site-local, unique local) are refused without being listed.
//
//   ::ffff:0:0/96   IPv4-mapped   judged as the IPv4 address inside
//   64:ff9b::/96    NAT64         judged as the IPv4 address inside, since IPv6-only networks reach public IPv4 that way
//   2002::/16, 2001::/32, 64:ff9b:1::/48   6to4, Teredo, local NAT64   refused whole
//
// Sources: the IANA special-purpose registries, and the metadata addresses that cloud providers document.

import { BlockList, isIP, isIPv4 } from "node:net";

/**
 * How freely an address may be called. `internal`: a listed host name may resolve to it. `special`: only an entry that is an
 * address or a range opens it. `metadata`: only an entry that is this very address opens it.
 */
export type Grade = "public" | "internal" | "special" | "metadata";

/** An address in the form in which it is judged: without zone, and IPv4 where IPv4 is inside. */
export interface Address {
  readonly text: string;
  readonly family: "ipv4" | "ipv6";
}

/** Reads an address as DNS and `net` write it; undefined if it is none. */
export function parseAddress(text: string): Address | undefined {
  const bare = text.replace(/%.*$/s, "");
  switch (isIP(bare)) {
    case 4:
      return { text: bare, family: "ipv4" };
    case 6: {
      const inside = embeddedIpv4(bare);
      return inside === undefined ? { text: bare, family: "ipv6" } : { text: inside, family: "ipv4" };
    }
    default:
      return undefined;
  }
}

/** How freely an address may be called. */
export function gradeOf(address: Address): Grade {
  const { text, family } = address;
  if (METADATA.check(text, family)) return "metadata";
  if (SPECIAL.check(text, family)) return "special";
  if (INTERNAL.check(text, family)) return "internal";
  return family === "ipv4" || GLOBAL_UNICAST.check(text, family) ? "public" : "special";
}

/** What the range of an address is called, for messages. */
export function rangeName(address: Address): string {
  for (const [name, ranges] of NAMED) if (ranges.check(address.text, address.family)) return name;
  return "reserved";
}

/** A list of `address` and `address/prefix`; undefined if one is neither. An IPv4-mapped entry is the IPv4 address inside. */
export function blockList(entries: readonly string[]): BlockList | undefined {
  const list = new BlockList();
  for (const entry of entries) {
    const [base = "", prefix, ...rest] = entry.split("/");
    const address = parseAddress(base);
    if (address === undefined || rest.length > 0 || base.includes("%")) return undefined;
    if (prefix === undefined) {
      list.addAddress(address.text, address.family);
      continue;
    }
    const bits = address.family === "ipv4" ? 32 : 128;
    const mapped = address.family === "ipv4" && !isIPv4(base);
    if (mapped || !/^\d{1,3}$/.test(prefix) || Number(prefix) > bits) return undefined;
    list.addSubnet(address.text, Number(prefix), address.family);
  }
  return list;
}

function embeddedIpv4(address: string): string | undefined {
  const words = hextets(address);
  const prefix = words.slice(0, 6).map((word) => word.toString(16)).join(":");
  if (prefix !== "0:0:0:0:0:ffff" && prefix !== "64:ff9b:0:0:0:0") return undefined;
  return words.slice(6).flatMap((word) => [word >> 8, word & 0xff]).join(".");
}

/** The eight words of a valid IPv6 address. The URL parser brings every spelling into one form. */
function hextets(address: string): number[] {
  const canonical = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const [head = "", tail] = canonical.split("::");
  const words = (part: string): number[] => (part === "" ? [] : part.split(":").map((word) => Number.parseInt(word, 16)));
  const before = words(head);
  const after = words(tail ?? "");
  return [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after];
}

function ranges(...entries: string[]): BlockList {
  const list = blockList(entries);
  if (list === undefined) throw new TypeError("a range of this file cannot be read");
  return list;
}

const METADATA_ADDRESSES = [
  "169.254.169.254", "169.254.170.2", "169.254.170.23", "fd00:ec2::254", "fd00:ec2::23", // AWS: EC2, ECS, EKS
  "fd20:ce::254", // Google
  "168.63.129.16", // Azure's host; a public address that is not
  "192.0.0.192", // Oracle
  "100.100.100.200", // Alibaba
  "169.254.42.42", "fd00:42::42", // Scaleway
];
const INTERNAL_RANGES: readonly (readonly [string, readonly string[]])[] = [
  ["loopback", ["127.0.0.0/8", "::1"]],
  ["private", ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"]],
  ["shared (carrier-grade NAT)", ["100.64.0.0/10"]],
];
const SPECIAL_RANGES: readonly (readonly [string, readonly string[]])[] = [
  ["link-local", ["169.254.0.0/16", "fe80::/10"]],
  ["unspecified", ["0.0.0.0/8", "::"]],
  ["multicast", ["224.0.0.0/4", "ff00::/8"]],
  ["benchmarking", ["198.18.0.0/15", "2001:2::/48"]],
  ["documentation", ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20"]],
  ["6to4", ["2002::/16", "192.88.99.0/24"]],
  ["Teredo", ["2001::/32"]],
  ["reserved", ["192.0.0.0/24", "240.0.0.0/4", "2001::/23"]],
];
const METADATA = ranges(...METADATA_ADDRESSES);
const INTERNAL = ranges(...INTERNAL_RANGES.flatMap(([, entries]) => entries));
const SPECIAL = ranges(...SPECIAL_RANGES.flatMap(([, entries]) => entries));
const GLOBAL_UNICAST = ranges("2000::/3");
const NAMED: readonly (readonly [string, BlockList])[] = [
  ["metadata", METADATA],
  ...[...SPECIAL_RANGES, ...INTERNAL_RANGES].map(([name, entries]) => [name, ranges(...entries)] as const),
];
