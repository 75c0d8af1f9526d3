import type { Logger } from 'pino';
import { isTerminal } from '../../core/states.ts';
import { sharedReading } from '../../process/shared_reading.ts';
import type { Database } from '../../store/database/pool.ts';
import { readTypicalDurations, type TypicalDurations } from '../../store/stats/typical_durations.ts';
import type { Task } from '../../store/tasks/tasks.ts';

/** Typical durations change slowly. No submission waits for a reading. */
const READING = { keepMs: 60_000, waitBudgetMs: 5_000 };

/** Estimates when a task ends, from how long others of its name took lately. */
export type Estimates = {
  /** An ISO 8601 time, or null: the task has ended, or nothing is known about its name. */
  completionOf(task: Pick<Task, 'name' | 'state' | 'run_at' | 'started_at'>): string | null;
};

/** Makes the estimates of a process. They are read again when they are asked for, at most once a minute. */
export function createEstimates(database: Database, log: Logger): Estimates {
  let known = new Map<string, TypicalDurations>();
  const read = sharedReading(() => readTypicalDurations(database), READING);

  async function refresh(): Promise<void> {
    const reading = await read();
    if (reading.value === null) log.debug({ reason: reading.why }, 'typical durations could not be read');
    else known = new Map(reading.value.map((one) => [one.name, one]));
  }

  return {
    completionOf({ name, state, run_at, started_at }) {
      void refresh();
      const typical = known.get(name);
      if (typical === undefined || isTerminal(state)) return null;
      const start = started_at === null ? Date.parse(run_at) + typical.waitMs : Date.parse(started_at);
      return new Date(Math.round(start + typical.processingMs)).toISOString();
    },
  };
}
