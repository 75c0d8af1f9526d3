import type { Pool } from 'pg';

/** A start that was counted: when, by Postgres's clock in ms, and how many at that time. */
export type Start = { at: number; starts: number };

/**
 * Keeps each start that the ledger counts, also those that it forgets. For rates with a burst of at most 60,
 * whose starts are written with their time.
 */
export async function keepStarts(pool: Pool): Promise<void> {
  await pool.query(`
    create table public.kept_starts (limit_name text, key text, at timestamptz, starts integer);
    create function public.keep_starts() returns trigger language plpgsql as $$
    begin
      insert into public.kept_starts values (new.limit_name, new.key, new.bucket_end, new.starts);
      return null;
    end $$;
    create trigger keep after insert on errand.limit_starts for each row execute function public.keep_starts()`);
}

/** The starts that were kept, in order. */
export async function startsOf(pool: Pool, limit: string, key = ''): Promise<Start[]> {
  const { rows } = await pool.query<Start>(
    `select extract(epoch from at)::float8 * 1000 as at, starts
       from public.kept_starts where limit_name = $1 and key = $2 order by kept_starts.at`,
    [limit, key],
  );
  return rows;
}

/** The most starts in any window of so many ms. A window contains its first moment and not its last one. */
export function mostIn(starts: readonly Start[], windowMs: number): number {
  // Postgres writes microseconds; as a number of ms they are about so exact.
  const end = (at: number): number => at + windowMs - 0.01;
  return Math.max(
    0,
    ...starts.map((first, index) =>
      starts
        .slice(index)
        .filter(({ at }) => at < end(first.at))
        .reduce((sum, one) => sum + one.starts, 0),
    ),
  );
}
