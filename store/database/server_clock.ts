import type { Database } from './pool.ts';

const SAMPLE_EVERY_MS = 10_000;
/** The interval until there are SAMPLES_KEPT samples. */
const FIRST_SAMPLES_EVERY_MS = 1_000;
const SAMPLES_KEPT = 3;
/** A sample that took longer is too inexact. */
const SAMPLE_LIMIT_MS = 100;
const STALE_AFTER_MS = 60_000;
/**
 * If the two clocks of this machine differ by more than this from their state at the sample, the
 * machine may have slept.
 */
const JUMP_MS = 50;

type Sample = { offset: number; taken: number; wall: number };

/** Postgres's clock. */
export type ServerClock = {
  /** The time in milliseconds with fractions, or null while it is not known exactly enough. */
  now(): number | null;
  close(): void;
};

/**
 * Follows Postgres's clock with one query every ten seconds, so that ids with Postgres's time can
 * be made here. The clock of this machine only measures how much time has passed since. The given
 * time is never before the true one, and after it by at most the time that a query takes to arrive.
 * So a task that is submitted after another submission was answered has the greater id, whichever
 * process made the two.
 */
export function followClock(database: Database): ServerClock {
  let samples: Sample[] = [];
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;
  async function sample(): Promise<void> {
    const sent = performance.now();
    try {
      const { rows } = await database.query<{ now: number }>(
        'select extract(epoch from clock_timestamp())::float8 * 1000 as now',
      );
      const now = rows[0]?.now;
      const taken = performance.now();
      if (now === undefined || taken - sent > SAMPLE_LIMIT_MS) return;
      samples = [...samples, { offset: now - sent, taken, wall: Date.now() - taken }].slice(-SAMPLES_KEPT);
    } catch {
      // The next answer may come from another server.
      samples = [];
    } finally {
      const waitMs = samples.length < SAMPLES_KEPT ? FIRST_SAMPLES_EVERY_MS : SAMPLE_EVERY_MS;
      if (!isClosed) timer = setTimeout(sample, waitMs).unref();
    }
  }
  void sample();
  return {
    now() {
      const local = performance.now();
      const newest = samples.at(-1);
      if (newest === undefined || local - newest.taken > STALE_AFTER_MS) return null;
      if (Math.abs(Date.now() - local - newest.wall) > JUMP_MS) return null;
      return local + Math.min(...samples.map(({ offset }) => offset));
    },
    close() {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}
