import type { Database } from '../database/pool.ts';
import { COUNTS, IS_LIMIT, LIMIT_READ_LIMIT } from './read.ts';

/** More limits have no figures: each of them is several time series. */
const MAX_FIGURES = 200;

/** The figures of a limit. Counts end at LIMIT_READ_LIMIT. */
export type LimitFigures = {
  name: string;
  /** How many attempts may run at a time, or start in a period; of a limit with keys for each key. Null without a limit. */
  slots: number | null;
  isPaused: boolean;
  holders: number;
  waiters: number;
  /** How long the task has been due that waits the longest, of those that were counted; 0 if none waits. */
  oldestWaiterSecs: number;
};

/** The figures of the first MAX_FIGURES limits by name. Reads a bounded number of index entries of each. */
export async function readLimitFigures(database: Database): Promise<LimitFigures[]> {
  const { rows } = await database.query<LimitFigures>({
    name: 'read_limit_figures',
    text: `
      select l.name,
             case when l.is_paused then 0
                  when l.declared_slots is not null and not l.is_unlimited then l.slots end as slots,
             l.is_paused as "isPaused",
             least(held.holders, ${LIMIT_READ_LIMIT}) as holders, least(waits.waiters, ${LIMIT_READ_LIMIT}) as waiters,
             greatest(0, coalesce(errand.duration_ms(now() - waits.oldest) / 1000, 0))::float8 as "oldestWaiterSecs"
        from (select * from errand.limits where ${IS_LIMIT} order by name limit ${MAX_FIGURES}) l${COUNTS}
       order by l.name`,
  });
  return rows;
}
