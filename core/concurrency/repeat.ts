/** Repeats `work`, which must not fail, every `everyMs`, but never runs it twice at once. */
export function repeat(work: () => Promise<void>, everyMs: number): { stop(): Promise<void> } {
  let last = Promise.resolve();
  let underWay = false;
  const timer = setInterval(() => {
    if (underWay) return;
    underWay = true;
    last = work().finally(() => {
      underWay = false;
    });
  }, everyMs);
  return {
    stop() {
      clearInterval(timer);
      return last;
    },
  };
}
