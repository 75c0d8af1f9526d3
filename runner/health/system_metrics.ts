import type { Pool } from 'pg';
import { watchLoopDelay } from '../execute/loop_delay.ts';

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
  const delay = watchLoopDelay();
  return () => {
    const { rss, heapUsed } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    return {
      memory: { rss_bytes: rss, heap_used_bytes: heapUsed },
      cpu: { user_seconds: user / 1e6, system_seconds: system / 1e6 },
      event_loop_delay_p99_seconds: delay.ms() / 1e3,
      database_pool: { total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount },
      dispatches_in_hand: dispatchesInHand(),
    };
  };
}
