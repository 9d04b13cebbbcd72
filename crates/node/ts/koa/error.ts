/** A middleware that could not be set up. */
export class SetupError extends Error {
  override readonly name = "SetupError";
  /** The stable code, listed in docs/ERRORS.md. */
  readonly code: SetupCode;
  /** What to do. */
  readonly hint: string;

  constructor(code: SetupCode, what: string, hint: string) {
    super(`${code}: ${what}. ${hint}`);
    this.code = code;
    this.hint = hint;
  }
}

/** `DSL-9201` an option is wrong; `DSL-9202` koa-helmet is not installed. */
export type SetupCode = "DSL-9201" | "DSL-9202";
