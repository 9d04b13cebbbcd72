// The one error of this package. What DynamoDB itself answers stays the SDK's own exception.

import type { NativeFailure } from "./native.js";

/** Whose fault a failure is. */
export type Kind = "caller" | "config" | "data" | "keys" | "outage" | "internal";

/** One fault of a configuration. File, line and column are there if it was read from a file. */
export interface Fault {
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/**
 * Something that Dynaseal refused or could not do. The message says what, where and what to do; it names tables, operations
 * and attributes, never a value or a key.
 */
export class DynasealError extends Error {
  /** Stays the same from version to version; docs/ERRORS.md lists them all. */
  readonly code: string;
  /** `data`: a stored item is not what was sealed, which is a security event. */
  readonly kind: Kind;
  /** What to do. */
  readonly hint: string;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
  /** As in the SDK's exceptions. */
  readonly $fault: "client" | "server";
  /** As in the SDK's exceptions: there if a retry may help. */
  declare readonly $retryable?: { readonly throttling: boolean };
  /** As in the SDK's exceptions: there if an answer came that is none of DynamoDB's, whose headers may say when to come back. */
  declare readonly $response?: { readonly statusCode: number; readonly headers: Readonly<Record<string, string>> };
  /** As in the SDK's exceptions: the same answer's status, and how often it was tried. */
  declare readonly $metadata?: { readonly httpStatusCode?: number; readonly attempts?: number };
  /** Everything that is wrong with a configuration. */
  declare readonly faults?: readonly Fault[];

  constructor(failure: Failure) {
    super(failure.faults ? `the configuration cannot be used\n${failure.message}` : sentence(failure));
    this.code = failure.code;
    this.kind = failure.kind;
    this.hint = failure.hint;
    this.retryable = failure.retryable ?? false;
    this.$fault = failure.kind === "outage" || failure.kind === "internal" ? "server" : "client";
    if (this.retryable) this.$retryable = { throttling: failure.code === CONTENDED };
    if (failure.faults) this.faults = failure.faults;
  }
}

// On the prototype, as the names of built-in errors are, so that it is not printed twice.
Object.defineProperty(DynasealError.prototype, "name", { value: "DynasealError", configurable: true, writable: true });

/** Why something failed. */
export interface Failure extends Omit<NativeFailure, "kind" | "retryable"> {
  readonly kind: Kind;
  readonly retryable?: boolean;
}

function sentence({ code, message, hint }: Failure): string {
  return `${code}: ${message}. ${hint.charAt(0).toUpperCase()}${hint.slice(1)}.`;
}

/** Other writers were faster, again and again: what throttling is for the gateway's callers. */
const CONTENDED = "DSL-2005";
