// A pino logger that redacts all it is given. Options alone cannot do it: pino passes the bindings of a child to no formatter, and a
// child's own formatters and serializers take the place of ours.

/** What a pino logger needs to have here. */
interface PinoLogger {
  child(bindings: Record<string, unknown>, options?: unknown): unknown;
  setBindings(bindings: Record<string, unknown>): void;
}
type LogMethod = (this: unknown, args: unknown[], method: (...args: unknown[]) => void, level: number) => void;
type Serializer = (value: unknown) => unknown;
interface PinoOptions {
  readonly hooks?: { readonly logMethod?: LogMethod };
  readonly formatters?: Formatters;
  readonly serializers?: Readonly<Record<string | symbol, Serializer>>;
  readonly msgPrefix?: string;
  readonly errorKey?: string;
}
interface Formatters {
  bindings?(bindings: object): object;
  log?(object: object): object;
}

/** Makes the logger with pino itself, which the application hands in. What its own hooks and formatters get is redacted already. */
export function pinoLogger<Logger>(
  make: (options: never, stream?: never) => Logger,
  given: object,
  stream: unknown,
  copy: (value: unknown) => unknown,
): Logger {
  const options = given as PinoOptions;
  const cleaner = new Cleaner(copy, options.errorKey ?? "err");
  const cleaned = cleaner.options(options);
  const all = {
    ...cleaned,
    hooks: { ...options.hooks, logMethod: cleaner.logMethod(options.hooks?.logMethod) },
    // Without one, what a mixin adds would be shown.
    formatters: { ...cleaned.formatters, ...cleaner.formatters(options.formatters ?? {}, ["bindings", "log"]) },
    // Not pino's own, which takes the copy of an error for an error.
    serializers: { [options.errorKey ?? "err"]: copy, ...cleaned.serializers },
  };
  const logger = make(all as never, stream as never);
  cleaner.prefixes.set(logger as object, options.msgPrefix ?? "");
  const { child, setBindings } = logger as PinoLogger;
  return Object.assign(logger as object, {
    child(this: object, bindings: object, more?: PinoOptions) {
      const made = child.call(this, cleaner.members(bindings), more && cleaner.options(more)) as object;
      cleaner.prefixes.set(made, (cleaner.prefixes.get(this) ?? "") + (more?.msgPrefix ?? ""));
      return made;
    },
    setBindings(this: unknown, bindings: object) {
      setBindings.call(this, cleaner.members(bindings));
    },
  }) as Logger;
}

class Cleaner {
  /** What a logger puts before each message, as it was given: it may be a name whose value is the message. */
  readonly prefixes = new WeakMap<object, string>();

  constructor(
    private readonly copy: (value: unknown) => unknown,
    private readonly errorKey: string,
  ) {}

  members(object: object): Record<string, unknown> {
    const copied = this.copy(object);
    return typeof copied === "object" && copied !== null ? (copied as Record<string, unknown>) : { redacted: copied };
  }

  /** Options of a logger or a child, whose own functions get copies and give what is copied once more. */
  options<Options extends PinoOptions>(given: Options): Options {
    const { formatters, serializers, msgPrefix } = given;
    return {
      ...given,
      ...(formatters && { formatters: { ...formatters, ...this.formatters(formatters, Object.keys(formatters)) } }),
      ...(serializers && { serializers: this.#serializers(serializers) }),
      ...(msgPrefix !== undefined && { msgPrefix: String(this.copy(String(msgPrefix))) }),
    };
  }

  formatters(given: Formatters, names: readonly string[]): Formatters {
    const made = (["bindings", "log"] as const).filter((name) => names.includes(name));
    return Object.fromEntries(made.map((name) => [
      name, (object: object) => this.members(given[name]?.(this.members(object)) ?? object),
    ]));
  }

  #serializers(given: NonNullable<PinoOptions["serializers"]>): NonNullable<PinoOptions["serializers"]> {
    const wrapped = Reflect.ownKeys(given).map((name) => {
      const serializer = given[name];
      return [name, typeof serializer === "function" ? (value: unknown) => this.copy(serializer(this.copy(value))) : serializer];
    });
    return Object.fromEntries(wrapped) as NonNullable<PinoOptions["serializers"]>;
  }

  logMethod(next: LogMethod | undefined): LogMethod {
    const cleaner = this;
    return function (this: unknown, args, method, level) {
      const redacted = cleaner.#arguments(args, cleaner.prefixes.get(this as object) ?? "");
      if (next === undefined) method.apply(this, redacted);
      else next.call(this, redacted, method, level);
    };
  }

  #arguments([first, ...rest]: unknown[], prefix: string): unknown[] {
    // pino takes the message of an error that stands first.
    if (typeof first === "string") return [this.#message(first, prefix), ...rest.map(this.copy)];
    const copied = this.copy(first);
    const [message, ...more] = first instanceof Error && rest.length === 0 ? [(copied as { message?: unknown }).message] : rest;
    const clean = typeof message === "string" ? [this.#message(message, prefix), ...more.map(this.copy)] : rest.map(this.copy);
    return [first instanceof Error ? { [this.errorKey]: copied } : copied, ...clean];
  }

  /** A message as it will stand behind the logger's prefix, which pino puts there. */
  #message(message: string, prefix: string): unknown {
    if (prefix === "") return this.copy(message);
    const [before, whole] = [String(this.copy(prefix)), String(this.copy(prefix + message))];
    return whole.startsWith(before) ? whole.slice(before.length) : whole;
  }
}
