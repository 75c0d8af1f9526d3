import pino from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { returnAstray } from '../../runner/astray.ts';
import { lockedRings, returnRings } from '../../store/rings.ts';
import { createDatabase } from '../support/database.ts';
import { submitOne } from '../support/tasks.ts';
import { until } from '../support/until.ts';

const { pool } = await createDatabase();
const POOL = 'pool-a';

/** The ring of a new task, locked as by a fetch, and its key. */
async function lockedRing(poolId = POOL): Promise<string> {
  const { id } = await submitOne(pool, { name: 'example.echo', payload: { message: 'x' } });
  const { rows } = await pool.query<{ key: string }>(
    `update graphile_worker._private_jobs job
        set locked_at = now(), locked_by = $2
       from errand.tasks t
      where t.id = $1 and job.key = t.ring::text
     returning job.key`,
    [id, poolId],
  );
  return String(rows[0]?.key);
}

async function isLocked(key: string): Promise<boolean> {
  const { rows } = await pool.query(
    'select 1 from graphile_worker._private_jobs where key = $1 and locked_at is not null',
    [key],
  );
  return rows.length === 1;
}

/** Looks after the rings of POOL, which has these in hand. Gives how often it has looked. */
function watch(keysInHand: () => string[]): { looks: () => number; doubt: () => void } {
  let looks = 0;
  const astray = returnAstray(
    {
      log: pino({ level: 'silent' }),
      locked: async (poolIds) => {
        const rings = await lockedRings(pool, poolIds);
        looks++;
        return rings;
      },
      returnRings: (poolIds, rings) => returnRings(pool, poolIds, rings),
    },
    new Set([{ id: POOL, keys: keysInHand }]),
  );
  onTestFinished(astray.stop);
  return { looks: () => looks, doubt: astray.doubt };
}

test('after an error what is locked and in nobody’s hands goes back at the second look, and nothing else', async () => {
  const astray = await lockedRing();
  const inHand = await lockedRing();
  const foreign = await lockedRing('pool-b');
  const refetched = await lockedRing();
  const { looks, doubt } = watch(() => [inHand]);
  doubt();
  await until('it has looked once', () => looks() === 1);
  expect(await isLocked(astray), 'its fetch may have its answer under way').toBe(true);
  await pool.query('update graphile_worker._private_jobs set locked_at = now() where key = $1', [refetched]);
  await until('it was given back', async () => !(await isLocked(astray)));
  for (const key of [inHand, foreign, refetched]) expect(await isLocked(key)).toBe(true);
});

test('what is in hand by the second look stays, and while nothing went wrong it is not looked at all', async () => {
  const begun = await lockedRing();
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
