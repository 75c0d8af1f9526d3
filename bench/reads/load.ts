import { setTimeout as pause } from 'node:timers/promises';
import type { Pool } from 'pg';
import { openClient } from '../http/client.ts';
import { startApi } from '../queues/errand.ts';
import { type Durations, toDurations } from '../timing.ts';
import { type Ledger, PAGE_SIZE } from './ledger.ts';

/**
 * The rate of requests to an API process, whether or not earlier ones are answered. It is well
 * below what the API can do.
 */
export const LOAD = { perSecond: 100, connections: 16 };
const WARM_UP_SECS = 3;
const SAMPLE = 1_000;

/** Of nine reads four are pages, four are tasks, and one is statistics. */
const MIX = ['page', 'task', 'page', 'task', 'statistics', 'page', 'task', 'page', 'task'] as const;
export type LoadedRead = (typeof MIX)[number];
/** Durations of reads under load, by the kind of read. */
export type Load = Record<LoadedRead, Durations>;

/**
 * Asks a real API process for pages, for tasks from everywhere in the ledger and for statistics, at
 * a fixed rate for `seconds`. Gives the durations in ms from when each request was due to when its
 * answer arrived. Throws if a read fails.
 */
export async function measureLoad({ pool, database }: Ledger, seconds: number): Promise<Load> {
  const ids = await sampleIds(pool);
  const api = await startApi(database.url);
  const client = openClient(api.base, LOAD.connections);
  const paths = {
    page: () => `/v1/tasks?page_size=${PAGE_SIZE}`,
    task: (index: number) => `/v1/tasks/${ids[index % ids.length]}`,
    statistics: () => '/v1/tasks/stats?window_minutes=60',
  };
  try {
    await atRate(Math.min(WARM_UP_SECS, seconds), (index) => client.get(paths[readOf(index)](index)));
    const times = { page: [], task: [], statistics: [] } as Record<LoadedRead, number[]>;
    await atRate(seconds, async (index, due) => {
      const read = readOf(index);
      await client.get(paths[read](index));
      times[read].push(performance.now() - due);
    });
    return {
      page: toDurations(times.page),
      task: toDurations(times.task),
      statistics: toDurations(times.statistics),
    };
  } finally {
    await client.close();
    await api.process.stop();
  }
}

function readOf(index: number): LoadedRead {
  return MIX[index % MIX.length] ?? 'task';
}

/**
 * Starts each request at its time. If a request starts late because others are not done, that time
 * counts too.
 */
async function atRate(
  seconds: number,
  work: (index: number, due: number) => Promise<unknown>,
): Promise<void> {
  const startedAt = performance.now();
  const under: Promise<unknown>[] = [];
  for (let index = 0; index < seconds * LOAD.perSecond; index++) {
    const due = startedAt + (index * 1_000) / LOAD.perSecond;
    const early = due - performance.now();
    if (early > 0) await pause(early);
    const one = work(index, due);
    // Thrown below, when all have started.
    one.catch(() => {});
    under.push(one);
  }
  await Promise.all(under);
}

/**
 * Ids of tasks from the complete time of the ledger. Uses the primary key: ids are in the order of
 * time.
 */
async function sampleIds(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    `select distinct t.id
       from (select uuidv7(make_interval(hours => -24) * n / $1) as id from generate_series(1, $1::integer) n offset 0) at
      cross join lateral (select id from errand.tasks where id >= at.id order by id limit 1) t`,
    [SAMPLE],
  );
  return rows.map(({ id }) => id);
}
