/** The longest time of a timer: 24 days. */
const LONGEST_MS = 2 ** 31 - 1;

/** A time limit that also ends with any of the given signals. */
export type Deadline = {
  /** Aborted when the time is up, or when the first of the signals is aborted, with its reason. */
  signal: AbortSignal;
  /** Releases the timer and the signals. Call it when the work is over, with or without success. */
  end(): void;
};

/** Starts a time limit of `ms` milliseconds, or none. `reason` makes the error of the aborted signal. */
export function startDeadline(
  ms: number | undefined,
  signals: readonly (AbortSignal | undefined)[],
  reason: () => Error = () => new Error('The time is up'),
): Deadline {
  const controller = new AbortController();
  const timer =
    ms === undefined ? undefined : setTimeout(() => controller.abort(reason()), Math.min(ms, LONGEST_MS));
  const given = signals.filter((signal) => signal !== undefined);
  const forward = (): void => {
    clearTimeout(timer);
    controller.abort(given.find((signal) => signal.aborted)?.reason);
  };
  for (const signal of given) signal.addEventListener('abort', forward);
  if (given.some((signal) => signal.aborted)) forward();
  return {
    signal: controller.signal,
    end() {
      clearTimeout(timer);
      for (const signal of given) signal.removeEventListener('abort', forward);
    },
  };
}

/** The outcome of the work, or the reason of the signal if that is aborted first. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason);
  // Both may reject later, when nobody awaits them any more.
  work.catch(() => {});
  promise.catch(() => {});
  signal.addEventListener('abort', abort);
  if (signal.aborted) abort();
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** Waits `ms` milliseconds. Throws the reason of the signal if that is aborted first. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  try {
    await unlessAborted(over, signal);
  } finally {
    clearTimeout(timer);
  }
}
