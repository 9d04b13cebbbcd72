// One request that the engine wants sent, through the SDK's whole stack: retries, signing, the application's middlewares.

import type { Call, Lost } from "./call.js";
import { DynasealError } from "./errors.js";
import { collect, type HttpResponse, madeUp, withAnswer, withRead } from "./http.js";
import type { Done, Send, Settled } from "./native.js";

export class Exchange {
  /** What the engine wants after the answer. */
  next: Settled | undefined;
  /** The last answer that the engine has not seen: one that the SDK may want to retry. */
  #unseen: { status: number; body: Uint8Array } | undefined;
  #lost: Lost | undefined;
  /** An attempt may have been carried out although nobody knows. */
  #unsure = false;

  constructor(
    private readonly call: Call,
    private readonly step: Send | Done,
    private readonly first: boolean,
  ) {}

  /** Sends the request and shows the answer to the engine. Called once for each attempt of the SDK. */
  async attempt(send: () => Promise<{ response: unknown }>): Promise<{ response: unknown }> {
    if (this.step.kind === "done") {
      this.next = this.step;
      return { response: madeUp(this.step.status, this.step.body) };
    }
    if (this.next) throw sentTwice(this.step.operation);
    let response: HttpResponse, body: Uint8Array;
    this.#unseen = this.#lost = undefined;
    try {
      response = (await send()).response as HttpResponse;
      const collected = collect(response.body);
      body = collected instanceof Promise ? await collected : collected;
    } catch (error) {
      this.#lost = reason(error);
      this.#unsure = true;
      throw error;
    }
    const status = response.statusCode;
    const failed = failure(status, body);
    if (status !== 200 && failed === undefined) {
      this.#unseen = { status, body };
      this.#unsure ||= status >= 500;
      return { response: withRead(response, body) };
    }
    const next = this.#resume(status, body, failed);
    this.next = next instanceof Promise ? await next : next;
    // The SDK sees an empty success where the engine goes on: only the last answer is the caller's.
    const shown = this.next.kind === "done" ? this.next : NOTHING;
    return { response: withAnswer(response, shown.status, shown.body) };
  }

  /** What to do after the SDK gave up with `error`; throws it if that is the end. */
  async after(error: unknown): Promise<Settled> {
    if (this.next || error instanceof DynasealError || isAbort(error)) throw error;
    if (this.#unseen) {
      const { status, body } = this.#unseen;
      const step = await this.call.resume(status, body);
      // The engine has nothing to add, so the SDK's exception is the answer.
      if (step.kind === "done" && step.status === status && step.body.equals(body)) throw error;
      return step;
    }
    if (this.#lost) {
      const step = await this.call.lost(this.#lost);
      // The SDK's error says more about the network than ours.
      if (step.kind === "failed" && step.failure.code.startsWith("DSL-6")) throw error;
      return step;
    }
    throw error;
  }

  /**
   * A guarded write whose first attempt got no answer may have been carried out, and then its own guard fails the second.
   * The engine finds out which it was. A write that the caller guarded is the caller's to judge, as with the SDK alone.
   */
  #resume(status: number, body: Uint8Array, failed: string | undefined): Settled | Promise<Settled> {
    const own = this.#unsure && !this.first && failed === CONDITION;
    return own ? this.call.lost("broken") : this.call.resume(status, body);
  }
}

const CONDITION = "ConditionalCheckFailedException";
/** Failures that the engine acts on, or that hold items. The SDK retries none of them. */
const FAILURES = [CONDITION, "TransactionCanceledException", "IdempotentParameterMismatchException"];

function failure(status: number, body: Uint8Array): string | undefined {
  if (status !== 400) return undefined;
  try {
    const { __type } = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8")) as {
      __type?: unknown;
    };
    return FAILURES.find((name) => typeof __type === "string" && __type.split("#").at(-1) === name);
  } catch {
    return undefined;
  }
}

/** Why an error of the SDK or of Node's network left no answer. */
export function reason(error: unknown): Lost {
  const { name, code } = (error ?? {}) as { name?: unknown; code?: unknown };
  if (name === "TimeoutError" || code === "ETIMEDOUT") return "timeout";
  return UNREACHABLE.has(String(code)) ? "unreachable" : "broken";
}

const UNREACHABLE = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"]);

function isAbort(error: unknown): boolean {
  return (error as { name?: unknown } | undefined)?.name === "AbortError";
}

const NOTHING = { status: 200, body: new Uint8Array(0) };

function sentTwice(operation: string): DynasealError {
  return new DynasealError({
    code: "DSL-9004",
    kind: "caller",
    message: `${operation}: another middleware sent the request again after it was answered`,
    hint: "leave retries to the SDK, or call send() again",
  });
}
