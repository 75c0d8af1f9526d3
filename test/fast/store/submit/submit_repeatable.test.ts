import type { Pool, PoolClient } from 'pg';
import { beforeEach, describe, expect, test } from 'vitest';
import { taskIdAt } from '../../../../core/task_id.ts';
import type { Database } from '../../../../store/database/pool.ts';
import type { Submission } from '../../../../store/submit/submit.ts';
import { submitNew } from '../../../../store/submit/submit_new.ts';
import { submitRepeatable } from '../../../../store/submit/submit_repeatable.ts';
import { createDatabase } from '../../../support/database.ts';
import { countDispatches } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';

const { pool } = await createDatabase();
beforeEach(async () => {
  await pool.query('delete from errand.tasks; delete from errand_worker._private_jobs');
});

const LOCK_TIMEOUT_MS = 60_000;

function submission(key: string | null): Submission {
  return {
    ...{ id: taskIdAt(Date.now()), name: 's.x', version: '1.0.0', payload: {}, priority: 0, maxAttempts: 3 },
    ...{ runAt: null, delayMs: null, dedupWindowMs: null, tags: [], initiator: null, sourceSystem: null },
    ...{ reason: null, requestId: null, traceparent: null },
    dedup: key === null ? { dedup: null, key: null } : { dedup: 'key', key },
  };
}

function lost(): Error {
  return Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
}

/** The pool, but what it is asked first goes as `first` says. */
function firstBy(first: (statement: Parameters<Pool['query']>) => Promise<unknown>): Database {
  let isFirst = true;
  const query = (...statement: Parameters<Pool['query']>): unknown => {
    if (!isFirst) return pool.query(...statement);
    isFirst = false;
    return first(statement);
  };
  return { query } as Database;
}

async function total(): Promise<number> {
  return (await pool.query('select from errand.tasks')).rowCount ?? 0;
}

describe.each([
  ['without deduplication', null],
  ['by a key', 'one'],
])('a submission %s whose connection breaks', (_what, key) => {
  const both = (): Submission[] => [submission(key), submission(null)];

  test('before it has arrived is made on another connection', async () => {
    const two = both();
    const made = await submitRepeatable(
      firstBy(() => Promise.reject(lost())),
      two,
      LOCK_TIMEOUT_MS,
    );
    expect(made.map((task) => task?.id)).toEqual(two.map(({ id }) => id));
    expect([await total(), await countDispatches(pool)]).toEqual([2, 1]);
  });

  test('after its commit is the task that was made', async () => {
    const two = both();
    const committed = firstBy(async (statement) => {
      await pool.query(...statement);
      throw lost();
    });
    const made = await submitRepeatable(committed, two, LOCK_TIMEOUT_MS);
    expect(made.map((task) => task?.id)).toEqual(two.map(({ id }) => id));
    expect(made.map((task) => task?.max_attempts)).toEqual([3, 3]);
    expect([await total(), await countDispatches(pool)]).toEqual([2, 1]);
  });

  test('and whose first statement commits only after the second has begun is one task', async () => {
    const two = both();
    const client: PoolClient = await pool.connect();
    const late = firstBy(async () => {
      await client.query('begin');
      await submitNew(client, two);
      throw lost();
    });
    const submitted = submitRepeatable(late, two, LOCK_TIMEOUT_MS);
    await waitsForLock();
    await client.query('commit');
    client.release();
    expect((await submitted).map((task) => task?.id)).toEqual(two.map(({ id }) => id));
    expect([await total(), await countDispatches(pool)]).toEqual([2, 1]);
  });
});

test('a duplicate of what somebody else submitted stays one after a lost answer', async () => {
  const [own, mate] = [submission('one'), submission(null)];
  await submitNew(pool, [submission('one')]);
  const committed = firstBy(async (statement) => {
    await pool.query(...statement);
    throw lost();
  });
  const made = await submitRepeatable(committed, [own, mate], LOCK_TIMEOUT_MS);
  expect(made.map((task) => task?.id)).toEqual([undefined, mate.id]);
  expect(await total()).toBe(2);
});

test('what waits for a lock and was sent before is found when it is tried again in another group', async () => {
  const one = submission(null);
  const client: PoolClient = await pool.connect();
  const late = firstBy(async () => {
    await client.query('begin');
    await submitNew(client, [one]);
    throw lost();
  });
  await expect(submitRepeatable(late, [one], 50)).rejects.toMatchObject({ code: '55P03' });
  await client.query('commit');
  client.release();
  const [task] = await submitRepeatable(pool, [one], 50);
  expect(task?.id).toBe(one.id);
  expect(await total()).toBe(1);
});

test('without an id of its own it is not sent again', async () => {
  const { id: _id, ...bare } = submission(null);
  const broken = firstBy(() => Promise.reject(lost()));
  await expect(submitRepeatable(broken, [bare], LOCK_TIMEOUT_MS)).rejects.toThrow('ECONNRESET');
  expect(await total()).toBe(0);
});

async function waitsForLock(): Promise<void> {
  await until('it waits for the other', async () => {
    const { rowCount } = await pool.query(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
    return rowCount === 1;
  });
}
