// The decision, made three times for each connection: on the host if it is an address, on every address that DNS answers (and
// the connection goes to one of those, never to a second answer), and on the address that the socket says it reached.

import { lookup as dnsLookup, type LookupAddress, type LookupOptions } from "node:dns";
import type { LookupFunction } from "node:net";

import { gradeOf, parseAddress, rangeName } from "./address.js";
import { type AllowList, parseAllowList } from "./allow.js";
import { aBoolean, aFunction, type Expected, listOf, optionsOf } from "../check.js";
import { EgressError, misused, quote } from "./error.js";

/** What may be called. */
export interface EgressOptions {
  /**
   * Host names (`db.internal`, `*.svc.local`), addresses and ranges (`10.1.0.0/16`) that may be called although they are not
   * public; hosts and addresses may carry `:port`. A host name opens loopback, private and shared addresses only: trust it
   * as far as you trust its DNS. Everything else needs an address or a range, and a metadata address needs to be listed itself.
   */
  readonly allow?: readonly string[];
  /** Whether public addresses may be called without being listed. Default true. */
  readonly public?: boolean;
  /** Instead of `dns.lookup`; is called with `all: true`. */
  readonly lookup?: Lookup;
}

/** What `dns.lookup` looks like when it is asked for all addresses. */
export type Lookup = (
  host: string,
  options: LookupOptions & { all: true },
  answer: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** Judges connections. */
export class Guard {
  readonly #allow: AllowList;
  readonly #public: boolean;
  readonly #lookup: Lookup;

  /** `where` is the function that was given the options. */
  constructor(where: string, options: EgressOptions | undefined) {
    const given = optionsOf<EgressOptions>(where, options, RULES, misused);
    this.#allow = parseAllowList(where, given.allow ?? []);
    this.#public = given.public ?? true;
    this.#lookup = given.lookup ?? dnsLookup;
  }

  /** Why a host may not be called, if it is an address; a name is judged when it is resolved. */
  refuseHost(host: unknown, port: number): EgressError | undefined {
    if (host !== undefined && typeof host !== "string") {
      return new EgressError("DSL-9103", "the host is not a string", "name one host");
    }
    return host !== undefined && parseAddress(host) !== undefined ? this.refuseAddress(host, host, port) : undefined;
  }

  /** Why an address may not be called under a host's name. */
  refuseAddress(host: string, address: unknown, port: number): EgressError | undefined {
    const parsed = typeof address === "string" ? parseAddress(address) : undefined;
    if (parsed === undefined) {
      return new EgressError("DSL-9101", `the connection to ${quote(host)} is refused: where it leads cannot be told`,
        "connect to a host and a port");
    }
    const grade = gradeOf(parsed);
    if (grade === "public" && this.#public) return undefined;
    const listed = grade === "metadata" ? this.#allow.exactly(parsed, port) : this.#allow.address(parsed, port);
    if (listed) return undefined;
    const literal = parseAddress(host) !== undefined;
    if (!literal && (grade === "public" || grade === "internal") && this.#allow.host(host, port)) return undefined;
    if (grade === "public") {
      return new EgressError("DSL-9102", `the connection to ${quote(host)} is refused: nothing in allow lists it`,
        "if the application must call it, add it to allow");
    }
    return new EgressError(
      "DSL-9101",
      `the connection to ${quote(host)} is refused: its address is not public but ${rangeName(parsed)}`,
      grade === "internal"
        ? "if the application must call it, add the host or the range to allow; if a user chose the URL, it may be an attack"
        : "if the application must call it, add the address itself to allow; if a user chose the URL, it may be an attack",
    );
  }

  /** A lookup for `net.connect` that gives out an answer only if every address in it may be called. */
  lookup(port: number): LookupFunction {
    return (host, options, callback) => {
      const answer = callback as (error: Error | null, address: string | LookupAddress[], family?: number) => void;
      this.#lookup(host, { ...options, all: true }, (error, found) => {
        if (error) return answer(error, []);
        // Copied before it is judged, so that what was judged is what is connected to.
        const addresses = [...found].map(({ address, family }) => ({ address, family }));
        for (const { address } of addresses) {
          const refusal = this.refuseAddress(host, address, port);
          if (refusal !== undefined) return answer(refusal, []);
        }
        const [first] = addresses;
        if (first === undefined) return answer(this.refuseAddress(host, undefined, port) ?? null, []);
        return options.all === true ? answer(null, addresses) : answer(null, first.address, first.family);
      });
    };
  }
}

/** The options of the rules. */
export const RULES: { readonly [Name in keyof EgressOptions]-?: Expected } = {
  allow: listOf("host names, addresses and ranges", (entry) => typeof entry === "string"),
  public: aBoolean,
  lookup: aFunction,
};
