import type { BenchServer } from '../server.ts';

/** A measured queue, set up for high throughput as its users would do. */
export type QueueKind = {
  readonly name: string;
  /**
   * Makes its database and starts so many executing processes. They are warm but do not fetch yet.
   */
  open(server: BenchServer, processes: number): Promise<Queue>;
};

/** An empty queue of no-op tasks, and the processes that will execute them. */
export type Queue = {
  /** Submits so many tasks in the fastest way. */
  fill(count: number): Promise<void>;
  /**
   * Lets the processes fetch. Resolves when they do, since a process may need a second to notice.
   * Gives the time from which to measure, by performance.now().
   */
  go(): Promise<number>;
  /** Makes the processes stop fetching. They finish what they have in hand. */
  hold(): Promise<void>;
  /** Whether everything is done, and recorded as far as the queue records it. */
  isDrained(): Promise<boolean>;
  /**
   * When each task that has been executed started, in ms since 1970, in order. Only queues that keep results
   * know it.
   */
  readStarts?(): Promise<number[]>;
  /** The processes whose CPU counts, besides those of Postgres. */
  readonly pids: readonly number[];
  /** The database whose statements are counted, if any. */
  readonly database: string | null;
  close(): Promise<void>;
};
