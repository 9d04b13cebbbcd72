// Waits that the caller's abort signal ends.

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

/** As the SDK's own, which it does not retry. */
export function aborted({ reason }: AbortSignal): Error {
  return Object.assign(new Error("Request aborted", { cause: reason }), { name: "AbortError" });
}
