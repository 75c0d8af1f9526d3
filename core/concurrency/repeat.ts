/**
 * Repeats `work`, which must not fail, every `everyMs`, but never runs it twice at once. `now` runs it at once,
 * and again after the run that has started, if there is one.
 */
export function repeat(work: () => Promise<void>, everyMs: number): { now(): void; stop(): Promise<void> } {
  let last: Promise<void> = Promise.resolve();
  let underWay = false;
  let isAsked = false;
  let isStopped = false;
  async function run(): Promise<void> {
    underWay = true;
    try {
      do {
        isAsked = false;
        await work();
      } while (isAsked && !isStopped);
    } finally {
      underWay = false;
    }
  }
  const start = (): void => {
    if (!underWay) last = run();
  };
  const timer = setInterval(start, everyMs);
  return {
    now() {
      if (isStopped) return;
      isAsked = true;
      start();
    },
    stop() {
      isStopped = true;
      clearInterval(timer);
      return last;
    },
  };
}
