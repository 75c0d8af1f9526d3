import pino from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { returnOrphaned } from '../../../../runner/fetch/unstarted.ts';
import { lockedDispatches, returnDispatches } from '../../../../store/attempts/dispatches.ts';
import { createDatabase } from '../../../support/database.ts';
import { submitOne } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';

const { pool } = await createDatabase();
const POOL = 'pool-a';

/** The dispatch of a new task, locked as by a fetch, and its key. */
async function lockedDispatch(poolId = POOL): Promise<string> {
  const { id } = await submitOne(pool, { name: 'example.echo', payload: { message: 'x' } });
  const { rows } = await pool.query<{ key: string }>(
    `update errand_worker._private_jobs job
        set locked_at = now(), locked_by = $2
       from errand.tasks t
      where t.id = $1 and job.key = t.dispatch_id::text
     returning job.key`,
    [id, poolId],
  );
  return String(rows[0]?.key);
}

async function isLocked(key: string): Promise<boolean> {
  const { rows } = await pool.query(
    'select 1 from errand_worker._private_jobs where key = $1 and locked_at is not null',
    [key],
  );
  return rows.length === 1;
}

/** Looks after the dispatches of POOL, which has these in hand. Gives how often it has looked. */
function watch(keysInHand: () => string[]): { looks: () => number; doubt: () => void } {
  let looks = 0;
  const orphaned = returnOrphaned(
    {
      log: pino({ level: 'silent' }),
      locked: async (poolIds) => {
        const dispatches = await lockedDispatches(pool, poolIds);
        looks++;
        return dispatches;
      },
      returnDispatches: (poolIds, dispatches) => returnDispatches(pool, poolIds, dispatches),
    },
    new Set([{ id: POOL, keys: keysInHand }]),
  );
  onTestFinished(orphaned.stop);
  return { looks: () => looks, doubt: orphaned.doubt };
}

test('after an error what is locked and in nobody’s hands goes back at the second look, and nothing else', async () => {
  const orphaned = await lockedDispatch();
  const inHand = await lockedDispatch();
  const foreign = await lockedDispatch('pool-b');
  const refetched = await lockedDispatch();
  const { looks, doubt } = watch(() => [inHand]);
  doubt();
  await until('it has looked once', () => looks() === 1);
  expect(await isLocked(orphaned), 'its fetch may have its answer under way').toBe(true);
  await pool.query('update errand_worker._private_jobs set locked_at = now() where key = $1', [refetched]);
  await until('it was given back', async () => !(await isLocked(orphaned)));
  for (const key of [inHand, foreign, refetched]) expect(await isLocked(key)).toBe(true);
});

test('what is in hand by the second look stays, and while nothing went wrong it is not looked at all', async () => {
  const begun = await lockedDispatch();
  const keys: string[] = [];
  const { looks, doubt } = watch(() => keys);
  const quiet = watch(() => []);
  doubt();
  await until('it has looked once', () => looks() === 1);
  keys.push(begun);
  await until('it has looked again, twice', () => looks() === 3);
  expect(await isLocked(begun)).toBe(true);
  expect(quiet.looks()).toBe(0);
});
