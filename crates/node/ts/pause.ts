// Waits that end: with time, or with the caller's abort signal.

/** Waits so many milliseconds. Rejects once `signal` is aborted. */
export function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return until(signal, (over) => {
    const timer = setTimeout(over, milliseconds);
    return () => clearTimeout(timer);
  });
}

/** Waits until `begin`'s argument is called; what `begin` gives undoes it. Rejects once `signal` is aborted. */
export function until(signal: AbortSignal | undefined, begin: (over: () => void) => () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const over = () => {
      undo();
      signal?.removeEventListener("abort", over);
      if (signal?.aborted) reject(aborted(signal));
      else resolve();
    };
    const undo = begin(over);
    signal?.addEventListener("abort", over);
    if (signal?.aborted) over();
  });
}

/** What comes within so many milliseconds, if it does. */
export async function within<Value>(milliseconds: number, coming: Promise<Value>): Promise<Value | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), milliseconds)));
  try {
    return await Promise.race([coming, over]);
  } finally {
    clearTimeout(timer);
  }
}

/** As the SDK's own, which it does not retry. */
export function aborted({ reason }: AbortSignal): Error {
  return Object.assign(new Error("Request aborted", { cause: reason }), { name: "AbortError" });
}
