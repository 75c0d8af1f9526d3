import type { Pool } from 'pg';
import { FINAL } from '../../../../core/states.ts';
import type { Database } from '../../../../store/database/pool.ts';
import { rollUp } from '../../../../store/stats/rollups.ts';

/** A finished task as a test wants it; what is not given is the simplest. */
export type FinishedRow = {
  name?: string;
  state?: (typeof FINAL)[number];
  /** Seconds before now. */
  ago: number;
  attempt?: number;
  waitMs?: number;
  /** Null: it never started. */
  processingMs?: number | null;
};

/** Registers names, without looking at what they would need to run. */
export async function registerNames(database: Database, ...names: string[]): Promise<void> {
  await database.query(
    `insert into errand.definitions (name, namespace, version, schema_hash, payload_schema, policy)
     select name, split_part(name, '.', 1), '1.0.0', '', '{}', '{}' from unnest($1::text[]) name
     on conflict do nothing`,
    [names],
  );
}

/** Writes finished tasks into the ledger, past everything. */
export async function insertFinished(database: Database, rows: FinishedRow[]): Promise<void> {
  const values = rows.map((row) => ({
    name: row.name ?? 'a.one',
    state: row.state ?? 'succeeded',
    ago: row.ago,
    attempt: row.attempt ?? 1,
    wait: (row.waitMs ?? 10) / 1_000,
    processing: row.processingMs === null ? null : (row.processingMs ?? 100) / 1_000,
  }));
  await database.query(
    `insert into errand.tasks (name, version, state, priority, attempt, max_attempts, payload, finished_at, started_at, run_at)
     select name, '1.0.0', state, 0, attempt, 25, '{}', at, at - make_interval(secs => processing),
            at - make_interval(secs => coalesce(processing, 0)) - make_interval(secs => wait)
       from jsonb_to_recordset($1::jsonb) as r (name text, state text, ago float8, attempt integer, wait float8, processing float8)
      cross join lateral (select now() - make_interval(secs => ago)) finished (at)`,
    [JSON.stringify(values)],
  );
}

/** Puts the watermark so many seconds before now: as if a migration had been then. */
export async function setWatermark(database: Database, ago: number): Promise<void> {
  await database.query(
    'update errand.rollup_watermark set rolled_up_to = now() - make_interval(secs => $1)',
    [ago],
  );
}

/** Empties the ledger and the sums. */
export async function empty(pool: Pool): Promise<void> {
  await pool.query('truncate errand.tasks, errand.rollups, errand.definitions cascade');
}

/** Of how many minutes there are sums. */
export const SPANS = [1, 10, 60] as const;
type Span = (typeof SPANS)[number];

/** Sums of one name, span and state. */
export type Sums = {
  name: string;
  starts_at: string;
  state: string;
  tasks: number;
  attempts: number;
  wait: number;
  processing: number;
  unstarted: number;
};

/** What errand.rollups holds of such spans. */
export async function rolledUp(database: Database, minutes: Span = 1): Promise<Sums[]> {
  const { rows } = await database.query<Sums>(
    `select name, starts_at, state,
           sum(tasks) filter (where measure = 'processing')::float8 as tasks,
           sum(attempts) filter (where measure = 'processing')::float8 as attempts,
           round(sum(ms) filter (where measure = 'wait')) as wait,
           round(sum(ms) filter (where measure = 'processing')) as processing,
           coalesce(sum(tasks) filter (where measure = 'processing' and bucket = -1), 0)::float8 as unstarted
       from errand.rollups where minutes = $1 group by 1, 2, 3 order by 1, 2, 3`,
    [minutes],
  );
  return rows;
}

/** What it should hold: the same by a naive query over what finished between a time and the watermark. */
export async function naively(database: Database, sinceAgo: number, minutes: Span = 1): Promise<Sums[]> {
  const { rows } = await database.query<Sums>(
    `select name, to_timestamp(floor(extract(epoch from finished_at) / (60 * $2)) * 60 * $2) as starts_at, state, count(*)::float8 as tasks,
            sum(case when started_at is null then attempt - 1 else attempt end)::float8 as attempts,
            round(coalesce(sum(extract(epoch from started_at - run_at)), 0) * 1000)::float8 as wait,
            round(coalesce(sum(extract(epoch from finished_at - started_at)), 0) * 1000)::float8 as processing,
            count(*) filter (where started_at is null)::float8 as unstarted
       from errand.tasks, errand.rollup_watermark
      where finished_at >= now() - make_interval(secs => $1) and finished_at < rolled_up_to
      group by 1, 2, 3 order by 1, 2, 3`,
    [sinceAgo, minutes],
  );
  return rows;
}

/** Rows of three names in every state in which a task has finished, spread over the last `sinceAgo` seconds. */
export function some(count: number, sinceAgo: number): FinishedRow[] {
  return Array.from({ length: count }, (_, index) => ({
    name: ['a.one', 'a.two', 'b.one'][index % 3] ?? '',
    state: FINAL[index % FINAL.length] ?? 'succeeded',
    ago: (sinceAgo * (index + 0.5)) / count,
    attempt: 1 + (index % 5),
    waitMs: (index * 37) % 5_000,
    processingMs: index % 7 === 0 ? null : (index * 53) % 90_000,
  }));
}

/** Rolls up as maintenance does it, and gives how many calls that took. */
export async function catchUp(pool: Pool, stepSecs = 600): Promise<number> {
  let calls = 1;
  while (await rollUp(pool, stepSecs)) calls++;
  return calls;
}
