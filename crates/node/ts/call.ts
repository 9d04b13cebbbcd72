// One call of the engine: a native session whose waits are JavaScript's timers and promises.

import { types } from "node:util";
import type { Target } from "./http.js";
import type { NativeEngine, Quick, Send, Settled, Step, Wait } from "./native.js";
import { until } from "./pause.js";

/** The calls of one engine. They wake one another: a writer that is done lets the next one have its turn. */
export class Calls {
  readonly quick: Quick;
  readonly #open = new Map<number, Call>();
  #last = 0;

  constructor(readonly engine: NativeEngine) {
    this.quick = engine.quick();
  }

  /** A call; `signal` ends its waits, as it ends the requests that the SDK sends. */
  begin(signal?: AbortSignal): Call {
    do this.#last = (this.#last + 1) >>> 0;
    while (this.#open.has(this.#last));
    const call = new Call(this, this.#last, signal);
    this.#open.set(this.#last, call);
    return call;
  }

  wake(ids: readonly number[]): void {
    for (const id of ids) this.#open.get(id)?.wake();
  }

  forget(id: number): void {
    this.#open.delete(id);
  }
}

/** A call under way. `close` must be called at its end, however that comes. */
export class Call {
  #woken = false;
  #goOn: (() => void) | undefined;
  /** Whether the step that is taken would hold up the event loop: the engine tells by what it costs, and not by bytes alone. */
  #heavy = false;
  #over = false;
  /** A step that another thread takes. */
  #stepping: Promise<unknown> | undefined;

  constructor(
    private readonly calls: Calls,
    private readonly id: number,
    readonly signal: AbortSignal | undefined,
  ) {}

  start(target: Target, body: Uint8Array): Settled | Promise<Settled> {
    const { engine, quick } = this.calls;
    const { service, operation, header } = target;
    const length = quick.start(this.id, header, body, ROOM);
    this.#heavy = length === LONG;
    if (this.#heavy) return this.#later(engine.startAsync(this.id, header, body));
    return length < 0
      ? this.#settle(engine.held(this.id))
      : { kind: "send", target: service, operation, number: 1, region: null, aside: false, body: taken(length) };
  }

  /** The answer to a request that this call handed out; it moves the call if that is the last one, and no other. */
  resume({ number }: Send, status: number, body: Uint8Array): Settled | Promise<Settled> {
    const { engine, quick } = this.calls;
    const length = quick.resume(this.id, number, status, body, ROOM);
    this.#heavy = length === LONG;
    if (this.#heavy) return this.#later(engine.resumeAsync(this.id, number, status, body));
    if (length < 0) return this.#settle(engine.held(this.id));
    this.#over = true;
    return { kind: "done", status, body: taken(length) };
  }

  /** No answer came to it. */
  async lost({ number }: Send, why: Lost): Promise<Settled> {
    return this.#settle(this.calls.engine.lost(this.id, number, why));
  }

  async sealItem(table: string, item: string): Promise<Settled> {
    return this.#begun(this.calls.engine.sealItem(this.id, table, item));
  }

  async openItem(table: string, item: string): Promise<Settled> {
    return this.#begun(this.calls.engine.openItem(this.id, table, item));
  }

  async openRecords(table: string | undefined, text: string): Promise<Settled> {
    return this.#begun(this.calls.engine.openRecords(this.id, table, text));
  }

  close(): void {
    this.calls.forget(this.id);
    if (this.#over) return;
    const close = () => this.calls.wake(this.calls.engine.close(this.id));
    // A session that is being stepped elsewhere cannot be ended before it is back.
    if (this.#stepping) void this.#stepping.then(close, close);
    else close();
  }

  wake(): void {
    this.#woken = true;
    this.#goOn?.();
  }

  #begun(step: Step | Promise<Step>): Settled | Promise<Settled> {
    this.#heavy = types.isPromise(step);
    return types.isPromise(step) ? this.#later(step) : this.#settle(step);
  }

  async #later(step: Promise<Step>): Promise<Settled> {
    this.#stepping = step;
    try {
      return this.#settle(await step);
    } finally {
      if (this.#stepping === step) this.#stepping = undefined;
    }
  }

  /** The step, or what follows once its waits are over. */
  #settle(step: Step): Settled | Promise<Settled> {
    if (step.woken) this.calls.wake(step.woken);
    if (step.kind === "wait") return this.#wait(step);
    this.#over = step.kind === "done";
    return step;
  }

  async #wait({ pause }: Wait): Promise<Settled> {
    if (!this.#woken) await this.#pause(pause);
    this.#woken = false;
    const { engine } = this.calls;
    return this.#heavy ? this.#later(engine.pollAsync(this.id)) : this.#settle(engine.poll(this.id));
  }

  /**
   * Waits for what another call has, whose next step wakes this one, for so many milliseconds at most; or, if nobody has anything,
   * so long. Throws once the call is aborted; nothing is under way then, and `close` gives up its place.
   */
  #pause(milliseconds: number | null): Promise<void> {
    return until(this.signal, (over) => {
      this.#goOn = over;
      const timer = milliseconds === null ? undefined : setTimeout(over, milliseconds);
      return () => {
        this.#goOn = undefined;
        clearTimeout(timer);
      };
    });
  }
}

/** Where the engine leaves a body. Larger ones come as buffers of their own. */
const ROOM = Buffer.alloc(64 * 1024);

/** A body as its own buffer; the room, which is never given back, keeps nothing of it. */
function taken(length: number): Buffer {
  const body = Buffer.allocUnsafe(length);
  ROOM.copy(body, 0, 0, length);
  ROOM.fill(0, 0, length);
  return body;
}

/** What a quick function gives that took no step. */
const LONG = -2;

/** Why no answer came. */
export type Lost = "unreachable" | "timeout" | "broken" | "credentials";
