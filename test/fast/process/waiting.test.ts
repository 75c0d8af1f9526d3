import type { QueryConfig } from 'pg';
import { pino } from 'pino';
import { beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { defineTask } from '../../../core/task.ts';
import { defineWorkflow, step } from '../../../core/workflow.ts';
import { stepRows } from '../../../core/workflows/graph.ts';
import { checkWaiting, MAX_LOOKED_AT, watchWaiting } from '../../../process/waiting.ts';
import { createDatabase } from '../../support/database.ts';
import { submit } from '../../support/tasks.ts';

const { pool } = await createDatabase();
beforeEach(async () => {
  await pool.query('truncate errand.tasks cascade');
});

const send = defineTask({
  name: 'invoice.send',
  version: '2.0.0',
  description: 'For a test',
  payload: z.object({ to: z.string().refine((to) => !to.includes(' '), 'one word') }),
  example: { to: 'ann' },
  upcast: { '1.0.0': (old) => ({ to: z.object({ recipient: z.string() }).parse(old).recipient }) },
});
const flow = defineWorkflow({
  name: 'invoice.flow',
  version: '2.0.0',
  description: 'For a test',
  payload: z.object({ to: z.string() }),
  example: { to: 'ann' },
  steps: { first: step({}) },
});

const of = (version: string, payload: unknown) => ({ name: 'invoice.send', version, payload });
const TIME = expect.stringMatching(/^\d{4}-.*Z$/);

test('nothing waits: one look, and nothing is found', async () => {
  const asked: string[] = [];
  const counting = {
    query: (given: QueryConfig) => {
      asked.push(String(given.name));
      return pool.query(given);
    },
  };
  const found = await checkWaiting(counting as unknown as typeof pool, [send, flow]);
  expect(found).toEqual({ checkedAt: TIME, byName: new Map() });
  expect(asked).toEqual(['read_waiting_parts']);
});

test('what has not ended is held against its definition, as a runner would, whatever its state and version', async () => {
  const tasks = await submit(
    pool,
    of('2.0.0', { to: 'ann' }),
    of('2.0.0', { to: 'two words' }),
    of('1.0.0', { recipient: 'ann' }),
    of('1.0.0', { to: 'ann' }),
    of('0.9.0', { to: 'ann' }),
    of('0.9.0', { recipient: 'ann' }),
    of('2.0.1', { something: 'else' }),
    { ...of('2.0.0', {}), delayMs: 60_000 },
    { ...of('2.0.0', { gone: true }), tags: ['ended'] },
    { name: 'invoice.flow', version: '1.0.0', payload: {}, steps: stepRows(flow.graph) },
  );
  await pool.query(
    `update errand.tasks set state = 'failed', error = '{}', finished_at = now(), dispatch_id = null where tags <> '{}'`,
  );
  const { byName } = await checkWaiting(pool, [send, flow]);
  const [, words, , unfit, , older, , scheduled] = tasks.map(({ id }) => id);
  expect(byName.get('invoice.send')).toEqual({
    ...{ looked_at: 8, is_bounded: false, misfits: 4, newer: 1, checked_at: TIME },
    misfit_ids: expect.arrayContaining([words, unfit, older, scheduled]),
  });
  expect(byName.get('invoice.flow')).toMatchObject({ looked_at: 1, misfits: 1 });
  expect(byName.get('invoice.flow.first')).toMatchObject({ looked_at: 1, misfits: 1 });
});

test('of many no more than a number is looked at, nor what is very large, and it says so', async () => {
  await pool.query(
    `insert into errand.tasks (name, version, state, priority, max_attempts, run_at, payload)
     select 'invoice.send', '2.0.0', state, 0, 1, now(), case when n % 100 = 0 then '{}' else '{"to": "ann"}' end::jsonb
       from generate_series(1, $1) n, unnest('{queued,retrying}'::text[]) as s (state)`,
    [MAX_LOOKED_AT / 2],
  );
  const looked = async () => (await checkWaiting(pool, [send])).byName.get('invoice.send');
  const all = { looked_at: MAX_LOOKED_AT, misfits: MAX_LOOKED_AT / 100 };
  expect(await looked()).toMatchObject({ ...all, is_bounded: false });
  expect((await looked())?.misfit_ids).toHaveLength(5);
  await submit(pool, of('2.0.0', { to: 'ann' }));
  expect(await looked()).toMatchObject({ looked_at: MAX_LOOKED_AT, is_bounded: true });
  await pool.query('truncate errand.tasks cascade');
  await pool.query(
    `insert into errand.tasks (name, version, state, priority, max_attempts, run_at, payload)
     select 'invoice.send', '2.0.0', 'queued', 0, 1, now(),
            jsonb_build_object('to', (select string_agg(md5(n::text), '') from generate_series(1, 10000) n), 'x', 1)`,
  );
  expect(await looked()).toMatchObject({ looked_at: 1, misfits: 0, is_bounded: true });
});

test('a process tells what it found, of what it has a definition for, and logs what will fail', async () => {
  const lines: Record<string, unknown>[] = [];
  const log = pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const stopping = new AbortController();
  const waiting = watchWaiting({ database: pool, definitions: [send, flow], log, stopping: stopping.signal });
  expect(waiting.of('invoice.send')).toBeNull();
  const [misfit, newer] = await submit(pool, of('2.0.0', {}), of('3.0.0', {}));
  await waiting.report();
  expect(waiting.of('invoice.send')).toMatchObject({ misfits: 1, misfit_ids: [misfit?.id], newer: 1 });
  expect(waiting.of('invoice.flow')).toMatchObject({ looked_at: 0, misfits: 0, checked_at: TIME });
  expect(waiting.of('invoice.other')).toBeNull();
  expect(
    lines.map(({ level, task_name, misfit_ids, newer: count, msg }) => [
      level,
      task_name,
      misfit_ids,
      count,
      msg,
    ]),
  ).toEqual([
    [40, 'invoice.send', [misfit?.id], 1, 'waiting tasks do not fit their definition: they will fail'],
    [40, 'invoice.send', undefined, 1, 'tasks are waiting for a runner with a newer definition'],
  ]);
  expect(newer).toBeDefined();
  // What it knows is good for a while.
  await pool.query('truncate errand.tasks cascade');
  waiting.refresh();
  await waiting.report();
  expect(waiting.of('invoice.send')).toMatchObject({ misfits: 0 });
});

test('that it can not look is told, and no failure of the process; nothing is told of a process that stops', async () => {
  const lines: string[] = [];
  const log = pino({}, { write: (line: string) => void lines.push(JSON.parse(line).msg) });
  const stopping = new AbortController();
  const database = { query: () => Promise.reject(new Error('Postgres is away')) };
  const options = {
    database: database as unknown as typeof pool,
    definitions: [send],
    log,
    stopping: stopping.signal,
  };
  await watchWaiting(options).report();
  expect(lines).toEqual(['could not check the waiting tasks against their definitions']);
  stopping.abort();
  await watchWaiting(options).report();
  expect(lines).toHaveLength(1);
});
