import { expect, test } from 'vitest';
import { type DueAttempt, loadDispatches } from '../../../store/attempts/load.ts';
import { type Outcome, recordOutcomes } from '../../../store/attempts/outcomes.ts';
import { registerRunner } from '../../../store/attempts/runners.ts';
import { createDatabase } from '../../support/database.ts';
import { submit } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';

const { pool } = await createDatabase();

const WORKFLOWS = 40;
const PARENTS = 8;
const RUNNERS = 4;

const parents = Array.from({ length: PARENTS }, (_none, index) => `parent${index}`);

function row(step: string, after: string[]) {
  const shown = { conditional: false, kind: 'handler' as const, child: null };
  return { step, name: `instant.w.${step}`, after, priority: null, max_attempts: 1, ...shown };
}

const steps = [...parents.map((step) => row(step, [])), row('join', parents)];

/** All attempts that could begin now, of whatever dispatch. */
async function due(): Promise<DueAttempt[]> {
  const { rows } = await pool.query<{ key: string; taskIds: string[] }>(
    'select key, payload as "taskIds" from errand_worker._private_jobs',
  );
  return (await loadDispatches(pool, rows)).flat();
}

function succeeded({ id, dispatchId, name, priority, attempt, parentId, hasChildren }: DueAttempt): Outcome {
  const base = { id, dispatchId, name, priority, attempt, parentId, hasChildren, durationMs: 1 };
  return { ...base, lines: [], progress: null, kind: 'succeeded', result: JSON.stringify(name) };
}

/** Starts all this work, lets each wait for the first row lock that it needs, and lets them go at once. */
async function atOnce(statements: (() => Promise<unknown>)[]): Promise<void> {
  const holder = await pool.connect();
  await holder.query('begin');
  await holder.query('select from errand.tasks where name = $1 order by id for update', ['instant.w']);
  const work = Promise.all(statements.map((statement) => statement()));
  // Not by the holder: what a transaction sees of other sessions stays as it was at first.
  await until('all wait for the lock', async () => {
    const { rows } = await pool.query(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
    return rows.length === statements.length;
  });
  await holder.query('commit');
  holder.release();
  await work;
}

/** A list in pieces of this size. */
function parts<T>(list: T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_none, part) =>
    list.slice(part * size, (part + 1) * size),
  );
}

async function runners(): Promise<number[]> {
  const runner = { host: 'test', version: 'test', taskNames: [], concurrency: 1, leaseSecs: 60 };
  return Promise.all(
    Array.from({ length: RUNNERS }, (_none, pid) => registerRunner(pool, { ...runner, pid })),
  );
}

/** The deadlocks that Postgres has found in this database: it counts when a session is idle or has ended. */
async function deadlocks(): Promise<number> {
  const { rows } = await pool.query<{ deadlocks: number }>(
    'select pg_stat_force_next_flush(), deadlocks from pg_stat_database where datname = current_database()',
  );
  return rows[0]?.deadlocks ?? Number.NaN;
}

test('F21: all parents of a step end at the same instant on different runners: it is queued once', async () => {
  const ids = await runners();
  const workflow = { name: 'instant.w', payload: {}, steps };
  const workflows = await submit(pool, ...Array.from({ length: WORKFLOWS }, () => workflow));
  const attempts = await due();
  expect(attempts).toHaveLength(WORKFLOWS * PARENTS);
  const place = new Map(workflows.map(({ id }, index) => [id, index]));
  // Each runner has two parents of every workflow, others of each; half of them begin with the last workflow.
  const hands = ids.map((_runner, index) =>
    attempts
      .filter(({ name, parentId }) => {
        const parent = parents.findIndex((step) => name.endsWith(step));
        return (parent + (place.get(parentId ?? '') ?? 0)) % RUNNERS === index;
      })
      .toSorted((a, b) => (index % 2 === 0 ? 1 : -1) * a.id.localeCompare(b.id)),
  );
  const counted: string[] = [];
  await atOnce(
    hands.map((hand, index) => async () => {
      for (const part of parts(hand, index + 2)) {
        const recorded = await recordOutcomes(pool, ids[index] ?? 0, part.map(succeeded));
        counted.push(...recorded.ids);
      }
    }),
  );
  expect(counted.sort()).toEqual(attempts.map(({ id }) => id).sort());
  await expectQueuedOnce('join', WORKFLOWS);
  const joins = await due();
  expect(joins.map(({ name }) => name)).toEqual(Array.from({ length: WORKFLOWS }, () => 'instant.w.join'));
  expect(joins.map(({ results }) => Object.keys(results ?? {}).length)).toEqual(joins.map(() => PARENTS));
  // And the same by all four at once: each counts once, and so is the whole queued.
  const twice: string[] = [];
  await atOnce(
    ids.map((runner, index) => async () => {
      const mine = index % 2 === 0 ? joins : joins.toReversed();
      const recorded = await recordOutcomes(pool, runner, mine.map(succeeded));
      twice.push(...recorded.ids);
    }),
  );
  expect(twice.sort()).toEqual(joins.map(({ id }) => id).sort());
  expect((await due()).map(({ id }) => id).sort()).toEqual(workflows.map(({ id }) => id).sort());
  await expectQueuedOnce(null, WORKFLOWS);
  expect(await deadlocks()).toBe(0);
});

/** In exactly one dispatch of all that there ever were: none is deleted here. */
async function expectQueuedOnce(step: string | null, count: number): Promise<void> {
  const { rows } = await pool.query<{ dispatches: number; pending: number; state: string }>(
    `select t.state, t.pending,
            (select count(*)
               from errand_worker._private_jobs job, json_array_elements_text(job.payload) as e (id)
              where e.id = t.id::text)::integer as dispatches
       from errand.tasks t
      where t.step is not distinct from $1`,
    [step],
  );
  expect(rows).toEqual(Array.from({ length: count }, () => ({ state: 'queued', pending: 0, dispatches: 1 })));
}
