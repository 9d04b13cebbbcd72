/** Why a connection was refused, or the guard could not be set up. Never names the address that a host resolved to. */
export class EgressError extends Error {
  override readonly name = "EgressError";
  /** The stable code, listed in docs/ERRORS.md. */
  readonly code: EgressCode;
  /** What to do. */
  readonly hint: string;

  constructor(code: EgressCode, what: string, hint: string) {
    super(`${code}: ${what}. ${hint}`);
    this.code = code;
    this.hint = hint;
  }
}

/**
 * `DSL-9101` the address is not a public one; `DSL-9102` nothing lists it, and `public` is false; `DSL-9103` the connection
 * would not go to a host and a port; `DSL-9104` an option is wrong; `DSL-9105` undici is not installed.
 */
export type EgressCode = "DSL-9101" | "DSL-9102" | "DSL-9103" | "DSL-9104" | "DSL-9105";

/** A host as it may stand in a message: quoted, escaped, cut. It can be an attacker's text. */
export function quote(host: unknown): string {
  return JSON.stringify(String(host).slice(0, MAX_HOST));
}

const MAX_HOST = 253;
