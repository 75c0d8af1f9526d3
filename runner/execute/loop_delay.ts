import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 20;
const PERIOD_MS = 60_000;

/** How late the event loop of this thread is. */
export type LoopDelay = {
  /** The 99th percentile over the last one or two minutes, in ms. */
  ms(): number;
  close(): void;
};

/**
 * Watches the event loop of this thread. Its value is the higher one of the current period and the last one, so that
 * a new period does not hide a recent delay.
 */
export function watchLoopDelay(): LoopDelay {
  const monitor = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  monitor.enable();
  // The monitor measures from one of its timers to the next, so without delay it reads the
  // resolution.
  const present = (): number => Math.max(0, monitor.percentile(99) / 1e6 - RESOLUTION_MS);
  let last = 0;
  const period = setInterval(() => {
    last = present();
    monitor.reset();
  }, PERIOD_MS);
  period.unref();
  return {
    ms: () => Math.max(last, present()),
    close() {
      clearInterval(period);
      monitor.disable();
    },
  };
}
