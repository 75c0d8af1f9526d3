import type { Pool } from 'pg';
import { expect, test } from 'vitest';
import { readFacts } from '../../../../store/operators/explain.ts';
import { QUEUE_READ_LIMIT } from '../../../../store/operators/explain_row.ts';
import { createDatabase } from '../../../support/database.ts';
import { scansOf } from '../../../support/plans.ts';
import { type Statement, watched } from '../app.ts';
import { fakeRunner } from '../explaining.ts';
import { fillMany } from '../fill.ts';

const { pool } = await createDatabase();
await fillMany(pool, 50_000);
await fakeRunner(pool, { names: ['deep.one', 'deep.two'] });

/** Writes due tasks past everything, and gives the newest. */
async function fillDue(name: string, state: string, count: number, due = '-1 hour'): Promise<string> {
  const { rows } = await pool.query<{ id: string }>(
    `insert into errand.tasks (name, version, state, priority, max_attempts, run_at, payload, dispatch_id)
     select $1, '1.0.0', $2, 0, 25, now() + $4::interval, '{}', gen_random_uuid() from generate_series(1, $3)
     returning id`,
    [name, state, count, due],
  );
  return rows.at(-1)?.id ?? '';
}

const queued = await fillDue('deep.one', 'queued', 15_000);
// What must not be read: it is not due.
await fillDue('deep.two', 'retrying', 15_000, '1 hour');
const retrying = await fillDue('deep.two', 'retrying', 200);
const scheduled = await fillDue('deep.two', 'scheduled', 1, '1 hour');
const parent = await fillDue('deep.three', 'running', 1);
await pool.query(
  `update errand.tasks set children = 15000, pending = 5000, dispatch_id = null where id = $1`,
  [parent],
);
// More than a task can have, and some of them not for everybody.
await pool.query(
  `insert into errand.tasks (name, version, state, priority, max_attempts, run_at, payload, parent_id)
   select case when n % 2 = 0 then 'deep.child' else 'other.child' end, '1.0.0',
          case when n % 3 = 0 then 'failed' when n % 3 = 1 then 'succeeded' else 'waiting' end, 0, 25, now(), '{}', $1
     from generate_series(1, 15000) n`,
  [parent],
);
// As many dispatches as there are open tasks, or more.
await pool.query(
  `select errand_worker.add_jobs(array_agg(errand.dispatch_spec(dispatch_id, name, priority, run_at, array[id])))
     from errand.tasks where dispatch_id is not null`,
);
await pool.query(
  `insert into errand.audit (actor, action, task_id, namespace, target)
   select 'a', 'cancel', id, 'bulk', name from errand.tasks limit 20000`,
);
await pool.query(
  `insert into errand.attempts (task_id, attempt, outcome, finished_at)
   select id, n, 'failed', now() from errand.tasks, generate_series(1, 3) n where state = 'failed'`,
);
await pool.query('vacuum analyze');
const { rows: ended } = await pool.query<{ id: string }>(
  `select id from errand.tasks where state = 'failed' order by id limit 1`,
);
const failed = ended[0]?.id ?? '';

/** What Postgres reads of each of its tables for the facts of a task, and the tables that it scans. */
async function costOf(
  id: string,
  mode: string,
): Promise<{ read: Record<string, number>; scanned: string[] }> {
  const client = await pool.connect();
  try {
    await client.query(`begin; set local plan_cache_mode = ${mode}`);
    const statements: Statement[] = [];
    expect(
      await readFacts(
        watched(client as unknown as Pool, (statement) => statements.push(statement)),
        id,
        null,
      ),
    ).not.toBeNull();
    expect(statements).toHaveLength(1);
    const [statement = { text: '', values: [] }] = statements;
    const read: Record<string, number> = {};
    const scanned: string[] = [];
    for (const scan of await scansOf(client, statement)) {
      read[scan.table] = (read[scan.table] ?? 0) + scan.read;
      if (scan.type === 'Seq Scan' && scan.loops > 0) scanned.push(scan.table);
    }
    return { read, scanned };
  } finally {
    await client.query('rollback');
    client.release();
  }
}

// Statements with names are planned once for all values, after some time.
const MODES = ['force_custom_plan', 'force_generic_plan'];
const LARGE = ['tasks', '_private_jobs', 'audit', 'attempts'];

test.each(MODES)('%s: of a deep queue it reads so many and no more', async (mode) => {
  const { read, scanned } = await costOf(queued, mode);
  expect(scanned.filter((table) => LARGE.includes(table))).toEqual([]);
  expect(read.tasks).toBeGreaterThan(QUEUE_READ_LIMIT);
  expect(read.tasks).toBeLessThan(QUEUE_READ_LIMIT + 1_100);
  expect(read._private_jobs).toBeLessThanOrEqual(2);
  expect(read.audit ?? 0).toBeLessThanOrEqual(2);
  const facts = await readFacts(pool, queued, null);
  expect(facts?.queue).toEqual({ ahead: QUEUE_READ_LIMIT + 1, is_capped: true });
});

test.each(MODES)('%s: of children it reads so many and no more, and tells of a few', async (mode) => {
  const { read, scanned } = await costOf(parent, mode);
  expect(scanned.filter((table) => LARGE.includes(table))).toEqual([]);
  expect(read.tasks).toBeGreaterThan(QUEUE_READ_LIMIT);
  expect(read.tasks).toBeLessThan(QUEUE_READ_LIMIT + 100);
  const family = (await readFacts(pool, parent, null))?.family;
  expect((family?.done ?? 0) + (family?.failed ?? 0)).toBeGreaterThan(6_000);
  expect(family?.members.map(({ state }) => state)).toEqual(Array.from({ length: 5 }, () => 'failed'));
  const mine = await readFacts(pool, parent, { namespaces: ['deep'], actor: 'key:a' });
  expect(mine?.family).toMatchObject({ done: family?.done, failed: family?.failed });
  expect(mine?.family?.members.length).toBeLessThan(5);
  expect(new Set(mine?.family?.members.map(({ name }) => name))).toEqual(new Set(['deep.child']));
});

test.each(MODES)('%s: of what is to be tried again later it reads nothing', async (mode) => {
  const { read, scanned } = await costOf(retrying, mode);
  expect(scanned.filter((table) => LARGE.includes(table))).toEqual([]);
  expect(read.tasks).toBeLessThan(300);
  expect((await readFacts(pool, retrying, null))?.queue).toEqual({ ahead: 199, is_capped: false });
});

test.each(MODES)('%s: of a task that is not due, or has ended, it reads that one', async (mode) => {
  for (const id of [scheduled, failed]) {
    const { read, scanned } = await costOf(id, mode);
    expect(scanned.filter((table) => LARGE.includes(table))).toEqual([]);
    expect(read.tasks).toBe(1);
  }
});
