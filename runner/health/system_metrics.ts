import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Pool } from 'pg';

const RESOLUTION_MS = 20;
const PERIOD_MS = 60_000;

/** The resources of the process in `/health`. */
export type SystemMetrics = {
  memory: { rss_bytes: number; heap_used_bytes: number };
  cpu: { user_seconds: number; system_seconds: number };
  /** 99th percentile over the last one or two minutes. */
  event_loop_delay_p99_seconds: number;
  database_pool: { total: number; idle: number; waiting: number };
  dispatches_in_hand: number;
};

/** Starts to watch the event loop. Gives a function that reads all figures of the process. */
export function watchSystem(pool: Pool, dispatchesInHand: () => number): () => SystemMetrics {
  const delay = watchEventLoop();
  return () => {
    const { rss, heapUsed } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    return {
      memory: { rss_bytes: rss, heap_used_bytes: heapUsed },
      cpu: { user_seconds: user / 1e6, system_seconds: system / 1e6 },
      event_loop_delay_p99_seconds: delay(),
      database_pool: { total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount },
      dispatches_in_hand: dispatchesInHand(),
    };
  };
}

/**
 * Gives the higher value of the current period and the last one, so that a new period does not hide
 * a recent delay.
 */
function watchEventLoop(): () => number {
  const monitor = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  monitor.enable();
  // The monitor measures from one of its timers to the next, so without delay it reads the
  // resolution.
  const present = (): number => Math.max(0, monitor.percentile(99) / 1e9 - RESOLUTION_MS / 1e3);
  let last = 0;
  const period = setInterval(() => {
    last = present();
    monitor.reset();
  }, PERIOD_MS);
  period.unref();
  return () => Math.max(last, present());
}
