import { setTimeout as pause } from 'node:timers/promises';
import type { Pool } from 'pg';
import { z } from 'zod';
import { submitBatch } from '../../store/submit/submit_batch.ts';
import type { BenchServer } from '../server.ts';
import { type Limited, limitedSubmission, openLimited } from './queue.ts';
import type { LimitedName, Ran } from './tasks.ts';

const POLL_MS = 20;
const BATCH = 10_000;
/** So many tasks of the backlog are done before others come. */
const UNDER_WAY = 100;

const ranSchema = z.object({ from: z.number(), to: z.number() });

/**
 * Executes tasks of a name with a limit of 1. Gives the ms between the end of each attempt and the start
 * of the next one, by the clock of the runner.
 */
export async function handOvers(limited: Limited, name: LimitedName, count: number): Promise<number[]> {
  const queue = limited.queue(name, 1);
  await queue.hold();
  await queue.fill(count);
  await queue.go();
  while (!(await queue.isDrained())) await pause(POLL_MS);
  const ran = (await readRan(limited.pool, name)).toSorted((one, other) => one.from - other.from);
  return ran.slice(1).map(({ from }, index) => from - (ran[index]?.to ?? from));
}

/** Uses tasks_name_state_id_idx. */
async function readRan(pool: Pool, name: LimitedName): Promise<Ran[]> {
  const { rows } = await pool.query<{ result: unknown }>(
    `select /* bench */ result from errand.tasks where name = $1 and state = 'succeeded'`,
    [name],
  );
  return rows.map(({ result }) => ranSchema.parse(result));
}

/**
 * Submits a backlog of one key, and while it is executed one task of each of some other keys, one after
 * the other. Gives the ms from each submission to the start of its task.
 */
export async function behindBacklog(
  server: BenchServer,
  { backlog, others }: { backlog: number; others: number },
): Promise<number[]> {
  const limited = await openLimited(server);
  const { pool } = limited;
  try {
    for (let from = 0; from < backlog; from += BATCH) {
      const count = Math.min(BATCH, backlog - from);
      await submitBatch(
        pool,
        Array.from({ length: count }, () => limitedSubmission('bench.turns', 'many')),
      );
    }
    while ((await countDone(pool)) < Math.min(UNDER_WAY, backlog / 2)) await pause(POLL_MS);
    const waits: number[] = [];
    while (waits.length < others) {
      const sent = performance.timeOrigin + performance.now();
      const [submitted] = await submitBatch(pool, [
        limitedSubmission('bench.turns', `other ${waits.length}`),
      ]);
      const { from } = await finishedRun(pool, submitted?.task?.id ?? '');
      waits.push(from - sent);
    }
    return waits;
  } finally {
    await limited.close();
  }
}

/** Uses tasks_name_finished_at_idx. */
async function countDone(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    `select /* bench */ count(*)::integer as count
       from errand.tasks
      where name = 'bench.turns' and finished_at is not null`,
  );
  return rows[0]?.count ?? 0;
}

async function finishedRun(pool: Pool, id: string): Promise<Ran> {
  for (;;) {
    const { rows } = await pool.query<{ result: unknown }>(
      `select /* bench */ result from errand.tasks where id = $1 and state = 'succeeded'`,
      [id],
    );
    if (rows[0] !== undefined) return ranSchema.parse(rows[0].result);
    await pause(POLL_MS);
  }
}
