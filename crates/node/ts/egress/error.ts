import { DynasealError } from "../errors.js";

/** Why a connection was refused, or the guard could not be set up. Never names the address that a host resolved to. */
export class EgressError extends DynasealError {
  /** The stable code, listed in docs/ERRORS.md. */
  declare readonly code: EgressCode;

  constructor(code: EgressCode, message: string, hint: string) {
    super({ code, kind: code === "DSL-9104" || code === "DSL-9105" ? "config" : "caller", message, hint });
  }
}

Object.defineProperty(EgressError.prototype, "name", { value: "EgressError", configurable: true, writable: true });

/**
 * `DSL-9101` the address is not a public one; `DSL-9102` nothing lists it, and `public` is false; `DSL-9103` the connection
 * would not go to a host and a port; `DSL-9104` an option is wrong; `DSL-9105` undici is not installed.
 */
export type EgressCode = "DSL-9101" | "DSL-9102" | "DSL-9103" | "DSL-9104" | "DSL-9105";

/** An option is wrong. */
export function misused(message: string, hint: string): EgressError {
  return new EgressError("DSL-9104", message, hint);
}

/** A host as it may stand in a message: quoted, escaped, cut. It can be an attacker's text. */
export function quote(host: string): string {
  return JSON.stringify(host.slice(0, MAX_HOST));
}

const MAX_HOST = 253;
