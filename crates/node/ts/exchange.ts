// One request that the engine wants sent, through the SDK's whole stack: retries, signing, the application's middlewares.
//
// It moves its call by one answer. Whoever sends it again gets that answer, or waits for it, so that a write is carried out once
// and told right however often a middleware sends it; what no answer comes to is sent again, as the SDK's retries do.

import type { Call, Lost } from "./call.js";
import { DynasealError, type Failure } from "./errors.js";
import { own } from "./attributes.js";
import { collect, copied, type HttpResponse, madeUp, withAnswer, withRead } from "./http.js";
import type { Done, Send, Settled } from "./native.js";
import { within } from "./pause.js";

/** What a middleware of the step deserialize gives back. */
export interface Output {
  response: unknown;
}

/** Starts the caller's own request once more, as a call by itself. */
export type Again = () => Promise<{ readonly call: Call; readonly step: Settled }>;

export class Exchange {
  #next: Settled | undefined;
  /** The answer that moved the call, as the SDK was shown it. */
  #shown: HttpResponse | Promise<HttpResponse> | undefined;
  /** The attempt under way. */
  #flight: { readonly since: number; readonly output: Promise<Output> } | undefined;
  /** The last answer that the engine has not seen: one that the SDK may want to retry. */
  #unseen: { readonly status: number; readonly body: Uint8Array } | undefined;
  #lost: Lost | undefined;
  /** An attempt may have been carried out although nobody knows. */
  #unsure = false;
  #over = false;

  /** `again` is there if nothing but what fetches keys was sent before. */
  constructor(
    private readonly call: Call,
    private readonly step: Send | Done,
    private readonly again: Again | undefined,
  ) {}

  /** Sends the request and shows the answer to the engine. Called for each attempt of the SDK, and of whoever else sends it. */
  async attempt(send: () => Promise<Output>): Promise<Output> {
    const { step } = this;
    if (step.kind === "done") {
      this.#next = step;
      return { response: madeUp(step.status, step.body) };
    }
    if (this.#over) throw tooLate(step.operation);
    if (this.#shown) return this.#answered(step, send);
    const before = this.#flight;
    if (before) {
      const output = await within(before.since + PATIENCE - Date.now(), before.output);
      if (output) return { response: copied(output.response as HttpResponse) };
      if (this.#over || this.#shown || this.#flight !== before) return this.attempt(send);
      // Given up, as by a time limit of the SDK's: it may have been carried out.
      this.#unsure = true;
    }
    const flight = (this.#flight = { since: Date.now(), output: this.#send(step, send) });
    try {
      return await flight.output;
    } finally {
      if (this.#flight === flight) this.#flight = undefined;
    }
  }

  /** What the engine wants, now that the SDK has an output; nothing if no answer came to the request. */
  async outcome(): Promise<Settled | undefined> {
    await this.#shown;
    return this.#next;
  }

  /** What to do after the SDK gave up with `error`; throws it if that is the end. */
  async after(error: unknown): Promise<Settled> {
    await this.#shown;
    const { step } = this;
    if (this.#next || step.kind === "done" || error instanceof DynasealError || isAbort(error)) throw error;
    this.end();
    if (this.#unseen) {
      const { status, body } = this.#unseen;
      const next = await this.call.resume(step, status, body);
      // The engine has nothing to add, so the SDK's exception is the answer.
      if (next.kind === "done" && next.status === status && next.body.equals(body)) throw error;
      if (next.kind === "failed") throw answered(next.failure, error);
      return next;
    }
    const lost = this.#flight ? "timeout" : this.#lost;
    if (!lost) throw error;
    const next = await this.call.lost(step, lost);
    // The SDK's error says more about the network than ours.
    if (next.kind === "failed" && next.failure.code.startsWith("DSL-6")) throw error;
    return next;
  }

  /** From here on nothing moves the call, and nothing more is sent. */
  end(): void {
    this.#over = true;
  }

  async #send(step: Send, send: () => Promise<Output>): Promise<Output> {
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
    // Another attempt's answer came first.
    if (this.#shown) return { response: copied(await this.#shown) };
    if (this.#over) throw tooLate(step.operation);
    const status = response.statusCode;
    const failed = failure(status, body);
    if (!isSuccess(status) && failed === undefined) {
      this.#unseen = { status, body };
      this.#unsure ||= status >= 500;
      return { response: withRead(response, body) };
    }
    const next = this.#resume(step, status, body, failed);
    const show = (next: Settled) => {
      this.#next = next;
      // The SDK sees an empty success where the engine goes on: only the last answer is the caller's.
      const shown = next.kind === "done" ? next : NOTHING;
      return withAnswer(response, shown.status, shown.body);
    };
    this.#shown = next instanceof Promise ? next.then(show) : show(next);
    return { response: await this.#shown };
  }

  /**
   * The request is sent again although it has its answer. If it goes on as it came, as on tables that are not protected, it may,
   * as a call by itself. What was sealed or decided here was sent once, and has one answer.
   */
  async #answered(step: Send, send: () => Promise<Output>): Promise<Output> {
    const shown = await this.#shown;
    const before = { response: copied(shown as HttpResponse) };
    if (!this.again || this.#next?.kind !== "done") return before;
    const { call, step: anew } = await this.again();
    try {
      if (anew.kind !== "send" || anew.operation !== step.operation || !anew.body.equals(step.body)) return before;
      const exchange = new Exchange(call, anew, undefined);
      const output = await exchange.attempt(send);
      const next = await exchange.outcome();
      return next === undefined || next.kind === "done" ? output : before;
    } finally {
      call.close();
    }
  }

  /**
   * A guarded write whose first attempt got no answer may have been carried out, and then its own guard fails the second.
   * The engine finds out which it was. A write that the caller guarded is the caller's to judge, as with the SDK alone.
   */
  #resume(step: Send, status: number, body: Uint8Array, failed: string | undefined): Settled | Promise<Settled> {
    const guard = this.#unsure && !this.again && failed === CONDITION;
    return guard ? this.call.lost(step, "broken") : this.call.resume(step, status, body);
  }
}

/** For how many milliseconds an attempt is waited for before the request is sent again. An answer of DynamoDB takes a few. */
const PATIENCE = 1000;

const CONDITION = "ConditionalCheckFailedException";
/** Failures that the engine acts on, or that hold items. The SDK retries none of them. */
const FAILURES = [CONDITION, "TransactionCanceledException", "IdempotentParameterMismatchException"];

function failure(status: number, body: Uint8Array): string | undefined {
  if (status !== 400) return undefined;
  try {
    const answer: unknown = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8"));
    const type = own(answer, "__type");
    return FAILURES.find((name) => typeof type === "string" && type.split("#").at(-1) === name);
  } catch {
    return undefined;
  }
}

/** What the SDK takes for one. DynamoDB answers 200 alone, and so the engine judges any other. */
function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
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

/** A failure with what the SDK knows of the answer, as on its own exceptions: a header may say when to come back. */
function answered(failure: Failure, error: unknown): DynasealError {
  const failed = new DynasealError(failure);
  const { $metadata, $response } = (error ?? {}) as { $metadata?: unknown; $response?: unknown };
  for (const [name, value] of Object.entries({ $metadata, $response }))
    if (value !== undefined) Object.defineProperty(failed, name, { value, enumerable: false, configurable: true, writable: true });
  return failed;
}

const NOTHING = { status: 200, body: new Uint8Array(0) };

function tooLate(operation: string): DynasealError {
  return new DynasealError({
    code: "DSL-9004",
    kind: "caller",
    message: `${operation}: another middleware sent the request again after its call had ended or gone on, so it was not sent`,
    hint: "leave retries to the SDK, or call send() again",
  });
}
