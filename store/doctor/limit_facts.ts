import type { Database } from '../database/pool.ts';
import { type LimitFigures, readLimitFigures } from '../limits/figures.ts';

/** The settings of operators for a limit. */
export type SetLimit = {
  name: string;
  /** Null: no registered definition has it. */
  declared: number | null;
  /** The value in place of the declared one: a number, or `none` for no limit. Null without one. */
  value: number | 'none' | null;
  isPaused: boolean;
  actor: string | null;
  reason: string | null;
  seconds: number;
};

export type LimitFacts = {
  set: SetLimit[];
  /** Limits that tasks wait for, with up to 10,000 of them. */
  waiting: Pick<LimitFigures, 'name' | 'waiters' | 'oldestWaiterSecs'>[];
};

/** More are not named. */
const MAX_NAMED = 20;

/** Reads them. Limits are as many as people write, and of the waits a bounded number is counted. */
export async function readLimitFacts(database: Database): Promise<LimitFacts> {
  type Row = Omit<SetLimit, 'value'> & { isUnlimited: boolean; slots: number | null };
  const { rows } = await database.query<Row>(`
    select name, declared_slots as declared, set_slots as slots, is_unlimited as "isUnlimited", is_paused as "isPaused",
           set_by as actor, set_reason as reason, extract(epoch from now() - set_at)::float8 as seconds
      from errand.limits
     where set_at is not null
     order by is_paused desc, name
     limit ${MAX_NAMED}`);
  const figures = await readLimitFigures(database);
  return {
    set: rows.map(({ isUnlimited, slots, ...limit }) => ({ ...limit, value: isUnlimited ? 'none' : slots })),
    waiting: figures
      .filter(({ waiters, isPaused }) => waiters > 0 && !isPaused)
      .sort((one, other) => other.oldestWaiterSecs - one.oldestWaiterSecs)
      .slice(0, MAX_NAMED),
  };
}
