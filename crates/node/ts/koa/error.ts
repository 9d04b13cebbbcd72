import { type Failure, DynasealError } from "../errors.js";

/** A middleware that could not be set up. */
export class SetupError extends DynasealError {
  /** The stable code, listed in docs/ERRORS.md. */
  declare readonly code: SetupCode;

  constructor(code: SetupCode, message: string, hint: string) {
    const failure: Failure = { code, kind: "config", message, hint };
    super(failure);
  }
}

Object.defineProperty(SetupError.prototype, "name", { value: "SetupError", configurable: true, writable: true });

/** `DSL-9201` what was given is wrong; `DSL-9202` koa-helmet is not installed. */
export type SetupCode = "DSL-9201" | "DSL-9202";

/** What was given to a function of dynaseal/koa is wrong. */
export function misused(message: string, hint: string): SetupError {
  return new SetupError("DSL-9201", message, hint);
}
