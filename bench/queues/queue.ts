import type { BenchServer } from '../server.ts';

/** A queue that is measured, with all that its users set for much throughput. */
export type QueueKind = {
  readonly name: string;
  /** Makes its database and starts so many processes that execute, each warm and none of them fetching yet. */
  open(server: BenchServer, processes: number): Promise<Queue>;
};

/** An empty queue of no-op tasks, and the processes that will execute them. */
export type Queue = {
  /** Puts so many tasks there, however it is fast. */
  fill(count: number): Promise<void>;
  /**
   * Lets the processes fetch. Resolves when they do, since until one hears of it may take a second, and gives from when
   * on it counts, by performance.now().
   */
  go(): Promise<number>;
  /** Lets them fetch no more; what they have in hand they end. */
  hold(): Promise<void>;
  /** Whether everything is done, and recorded as far as it records. */
  isDrained(): Promise<boolean>;
  /** The processes whose CPU counts, besides those of Postgres. */
  readonly pids: readonly number[];
  /** The database whose statements count, if it is one. */
  readonly database: string | null;
  close(): Promise<void>;
};
