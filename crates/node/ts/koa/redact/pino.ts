// A pino logger that redacts all it is given. Options alone cannot do it: pino passes the bindings of a child to no formatter.

/** What a pino logger needs to have here. */
interface PinoLogger {
  child(bindings: Record<string, unknown>, options?: unknown): unknown;
  setBindings(bindings: Record<string, unknown>): void;
}
type LogMethod = (this: unknown, args: unknown[], method: (...args: unknown[]) => void, level: number) => void;
interface PinoOptions {
  readonly hooks?: { readonly logMethod?: LogMethod };
  readonly formatters?: { bindings?(bindings: object): object; log?(object: object): object };
  readonly serializers?: object;
}

/** Makes the logger with pino itself, which the application hands in. What its own hooks and formatters get is redacted already. */
export function pinoLogger<Logger>(
  make: (options: never, stream?: never) => Logger,
  given: object,
  stream: unknown,
  copy: (value: unknown) => unknown,
): Logger {
  const { hooks, formatters, serializers, ...options } = given as PinoOptions;
  const members = (object: object): Record<string, unknown> => {
    const copied = copy(object);
    return typeof copied === "object" && copied !== null ? (copied as Record<string, unknown>) : { redacted: copied };
  };
  const all = {
    ...options,
    hooks: { ...hooks, logMethod: logMethod(copy, hooks?.logMethod) },
    formatters: {
      ...formatters,
      bindings: (bindings: object) => members(formatters?.bindings?.(members(bindings)) ?? bindings),
      // Also what a mixin adds.
      log: (object: object) => members(formatters?.log?.(members(object)) ?? object),
    },
    // Not pino's own, which takes the copy of an error for an error.
    serializers: { err: copy, ...serializers },
  };
  const logger = make(all as never, stream as never);
  const { child, setBindings } = logger as PinoLogger;
  return Object.assign(logger as object, {
    child(this: unknown, bindings: object, more?: unknown) {
      return child.call(this, members(bindings), more);
    },
    setBindings(this: unknown, bindings: object) {
      setBindings.call(this, members(bindings));
    },
  }) as Logger;
}

function logMethod(copy: (value: unknown) => unknown, next: LogMethod | undefined): LogMethod {
  return function (args, method, level) {
    const [first, ...rest] = args;
    const clean = rest.map((arg) => copy(arg));
    const copied = copy(first);
    // pino takes the message of an error that stands first.
    const message = clean.length === 0 && first instanceof Error ? [(copied as { message?: unknown }).message] : clean;
    const redacted = [first instanceof Error ? { err: copied } : copied, ...message];
    if (next === undefined) method.apply(this, redacted);
    else next.call(this, redacted, method, level);
  };
}
