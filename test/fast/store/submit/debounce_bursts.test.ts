import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { defineTask } from '../../../../core/task.ts';
import { retryTransient } from '../../../../store/database/pool.ts';
import { cancelTask } from '../../../../store/operators/cancel.ts';
import { type Submission, submitTasks } from '../../../../store/submit/submit.ts';
import { createDatabase } from '../../../support/database.ts';
import { registeredHandler, startTestRunner } from '../../../support/runner.ts';
import { countDispatches } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';

const { pool } = await createDatabase();

const definition = defineTask({
  name: 'burst.index',
  version: '1.0.0',
  description: 'Notes its payload',
  payload: z.object({ n: z.number() }),
  example: { n: 1 },
});

const RUNS = Number(process.env.BURST_RUNS ?? 6);
/** Shorter than any real one, so that starts and submissions meet all the time. */
const DELAY_SECS = 0.03;

type Step =
  | { kind: 'submit'; key: string; items: number; pauseMs: number }
  | { kind: 'cancel'; key: string; pauseMs: number }
  | { kind: 'clock'; stepMs: number; pauseMs: number };

const key = fc.constantFrom('a', 'b');
// Around the delay, where the races are.
const pauseMs = fc.constantFrom(0, 0, 5, 20, 28, 30, 32, 40);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('submit' as const),
      key,
      items: fc.constantFrom(1, 1, 3),
      pauseMs,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel' as const), key, pauseMs }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('clock' as const),
      stepMs: fc.integer({ min: -40, max: 40 }),
      pauseMs,
    }),
  },
);

/** A submission that was acknowledged: its number, and its task as it was then. */
type Acknowledged = { n: number; outcome: string; id: string; debounced: number };

test('whatever several submitters do beside starting runners, the last payload of each burst runs, once', async () => {
  const ran: { id: string; n: number }[] = [];
  const handlers = [
    registeredHandler(definition, async ({ n }, { id }) => {
      ran.push({ id, n });
      await sleep(n % 3 === 0 ? 5 : 0);
    }),
  ];
  const registeredHandlers = new Map(handlers);
  await startTestRunner(pool, { registeredHandlers });
  await startTestRunner(pool, { registeredHandlers });
  let last = 0;

  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(step, { maxLength: 14 }), { minLength: 2, maxLength: 4 }),
      async (submitters) => {
        await pool.query('delete from errand.tasks; delete from errand_worker._private_jobs');
        ran.length = 0;
        const acknowledged: Acknowledged[] = [];
        const next = (): number => ++last;
        await Promise.all(
          submitters.map(async (steps) => {
            for (const one of steps) {
              await sleep(one.pauseMs);
              if (one.kind === 'submit') acknowledged.push(...(await submitBurst(one.key, one.items, next)));
              else if (one.kind === 'cancel') await cancelNewest(one.key);
              else await stepClock(one.stepMs);
            }
          }),
        );
        await check(acknowledged, ran);
      },
    ),
    { numRuns: RUNS, endOnFailure: true },
  );
});

async function submitBurst(key: string, items: number, next: () => number): Promise<Acknowledged[]> {
  const numbers = Array.from({ length: items }, next);
  const submissions = numbers.map(
    (n): Submission => ({
      ...{ name: definition.name, version: '1.0.0', payload: { n }, priority: 0, maxAttempts: 5 },
      ...{ requestId: null, traceparent: null },
      dedup: { dedup: 'debounce', key, seconds: DELAY_SECS, maxSeconds: 5 * DELAY_SECS },
    }),
  );
  const submitted = await submitTasks(pool, submissions);
  return submitted.map(({ outcome, task }, index) => {
    if (task === null) throw new Error('nothing was submitted');
    // Of several in one call the last is the newest.
    const debounced = (task.debounced ?? -1) - (items - 1 - index);
    return { n: numbers[index] ?? -1, outcome, id: task.id, debounced };
  });
}

async function cancelNewest(key: string): Promise<void> {
  const { rows } = await pool.query<{ id: string }>(
    'select id from errand.tasks where dedup_key = $1 order by id desc limit 1',
    [key],
  );
  for (const { id } of rows)
    await cancelTask(pool, id, { actor: 'ann', reason: null, requestId: null }, null);
}

/** As if the clock of Postgres went forward, or back, for everything that is due later. */
async function stepClock(ms: number): Promise<void> {
  // It locks rows in no order.
  await retryTransient(() =>
    pool.query(
      `with t as (
         update errand.tasks
            set run_at = run_at - make_interval(secs => $1), debounce_until = debounce_until - make_interval(secs => $1)
          where state = 'scheduled')
       update errand_worker._private_jobs set run_at = run_at - make_interval(secs => $1)`,
      [ms / 1_000],
    ),
  );
}

async function check(
  acknowledged: readonly Acknowledged[],
  ran: readonly { id: string; n: number }[],
): Promise<void> {
  type Row = { id: string; state: string; n: number; debounced: number };
  const rows = await until('all tasks have ended', async () => {
    const { rows } = await pool.query<Row & { over: boolean }>(
      `select id, state, (payload ->> 'n')::integer as n, debounced, finished_at is not null as over from errand.tasks`,
    );
    return rows.every(({ over }) => over) && rows;
  });
  const byTask = Map.groupBy(acknowledged, ({ id }) => id);
  expect([...byTask.keys()].toSorted()).toEqual(rows.map(({ id }) => id).toSorted());
  for (const { id, state, n, debounced } of rows) {
    const own = byTask.get(id) ?? [];
    // Each submission has its place in the burst, and the last one's payload is that of the task.
    expect(own.map((one) => one.debounced).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: debounced + 1 }, (_, index) => index),
    );
    expect(own.find((one) => one.debounced === debounced)?.n).toBe(n);
    expect(own.filter(({ outcome }) => outcome === 'created')).toHaveLength(1);
    const runs = ran.filter((run) => run.id === id).map((run) => run.n);
    if (state === 'cancelled') expect([[], [n]]).toContainEqual(runs);
    else expect([id, state, runs]).toEqual([id, 'succeeded', [n]]);
  }
  await until('no dispatch is left', async () => (await countDispatches(pool)) === 0);
}
