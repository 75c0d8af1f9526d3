/** What timers can hold: 24 days. */
const LONGEST_MS = 2 ** 31 - 1;

/** A time limit, tied to the signals of those who may end the work before. */
export type Deadline = {
  /** Aborted when the time is up, or with the first of the signals and for its reason. */
  signal: AbortSignal;
  /** Lets go of timer and signals: to be called when the work is over, whatever came of it. */
  end(): void;
};

/** Starts a time limit of so many milliseconds, or none; `reason` makes what the signal is aborted with. */
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

/** The outcome of some work, or the reason of a signal that is aborted before. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason);
  // Both may still come when nobody looks any more.
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

/** Waits so many milliseconds. Throws the reason of the signal when that is aborted before. */
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
