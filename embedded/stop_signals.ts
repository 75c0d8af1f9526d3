const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * One Ctrl-C can arrive twice: from the terminal, which signals its entire foreground group, and from npm,
 * which forwards signals. Nobody presses twice within this time.
 */
const SAME_PRESS_MS = 500;

/** Calls `first` on the first signal that asks this process to stop, and `again` on a later one. */
export function onStopSignals(first: () => void, again: () => void): void {
  let firstAt: number | undefined;
  const handle = () => {
    if (firstAt === undefined) {
      firstAt = performance.now();
      first();
    } else if (performance.now() - firstAt > SAME_PRESS_MS) {
      again();
    }
  };
  for (const signal of SIGNALS) process.on(signal, handle);
}
