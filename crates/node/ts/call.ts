// One call of the engine: a native session whose waits are JavaScript's timers and promises.

import { setTimeout } from "node:timers/promises";
import { native, type NativeEngine, type NativeSession, type Settled, type Step } from "./native.js";

/** The calls of one engine. They wake one another: a writer that is done lets the next one have its turn. */
export class Calls {
  readonly #engine: NativeEngine;
  readonly #open = new Map<number, Call>();
  #last = 0;

  constructor(engine: NativeEngine) {
    this.#engine = engine;
  }

  begin(): Call {
    do this.#last = (this.#last + 1) >>> 0;
    while (this.#open.has(this.#last));
    const id = this.#last;
    const session = new native.Session(this.#engine, id);
    const call = new Call(session, this.#engine.asyncFrom, (woken) => this.#wake(woken), () => this.#open.delete(id));
    this.#open.set(id, call);
    return call;
  }

  #wake(woken: readonly number[]): void {
    for (const id of woken) this.#open.get(id)?.wake();
  }
}

/** A call under way. `close` must be called at its end, however that comes. */
export class Call {
  #woken = false;
  #goOn: (() => void) | undefined;
  #large = false;

  constructor(
    private readonly session: NativeSession,
    private readonly asyncFrom: number,
    private readonly wakeOthers: (woken: readonly number[]) => void,
    private readonly forget: () => void,
  ) {}

  async start(target: string, operation: string, body: Uint8Array): Promise<Settled> {
    this.#large = body.byteLength >= this.asyncFrom;
    return this.#settle(
      this.#large ? await this.session.startAsync(target, operation, body) : this.session.start(target, operation, body),
    );
  }

  async resume(status: number, body: Uint8Array): Promise<Settled> {
    this.#large = body.byteLength >= this.asyncFrom;
    return this.#settle(this.#large ? await this.session.resumeAsync(status, body) : this.session.resume(status, body));
  }

  /** No answer came to what was last sent. */
  lost(why: Lost): Promise<Settled> {
    return this.#settle(this.session.lost(why));
  }

  sealItem(table: string, item: string): Promise<Settled> {
    return this.#settle(this.session.sealItem(table, item));
  }

  openItem(table: string, item: string): Promise<Settled> {
    return this.#settle(this.session.openItem(table, item));
  }

  close(): void {
    this.forget();
    this.wakeOthers(this.session.close() ?? []);
  }

  wake(): void {
    this.#woken = true;
    this.#goOn?.();
  }

  async #settle(step: Step): Promise<Settled> {
    for (;;) {
      if (step.woken) this.wakeOthers(step.woken);
      if (step.kind !== "wait") return step;
      await (step.pause === undefined ? this.#turn() : setTimeout(step.pause));
      this.#woken = false;
      step = this.#large ? await this.session.pollAsync() : this.session.poll();
    }
  }

  /** Waits for what another call has. A call that is waited for must not end with the process, so a timer holds it. */
  async #turn(): Promise<void> {
    if (this.#woken) return;
    const hold = setInterval(() => {}, 0x7fff_ffff);
    await new Promise<void>((resolve) => (this.#goOn = resolve));
    this.#goOn = undefined;
    clearInterval(hold);
  }
}

/** Why no answer came. */
export type Lost = "unreachable" | "timeout" | "broken";
