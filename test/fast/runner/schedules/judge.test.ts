import { pino } from 'pino';
import { beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import type { Ownership } from '../../../../core/registration/owner.ts';
import { schemaHashOf } from '../../../../core/registration/schema_hash.ts';
import { submittable } from '../../../../core/registration/submittable.ts';
import { type ScheduleSettings, settingsSchema } from '../../../../core/schedules/settings.ts';
import { submissionOf } from '../../../../core/schedules/submission.ts';
import { defineTask, type TaskDefinition, type TaskInput } from '../../../../core/task.ts';
import { defineWorkflow, step } from '../../../../core/workflow.ts';
import { judgeSchedules, keepJudged } from '../../../../runner/schedules/judge.ts';
import { registerDefinitions } from '../../../../store/submit/definitions.ts';
import { createDatabase } from '../../../support/database.ts';
import { readSchedule } from '../../../support/schedules.ts';

const { pool } = await createDatabase();

let lines: string[] = [];
const log = pino({ base: null }, { write: (line: string) => lines.push(line) });
const ownership: Ownership = { project: 'shop', ownerOf: () => 'shop' };

beforeEach(async () => {
  lines = [];
  await pool.query('truncate errand.schedules; delete from errand.definitions');
});

const V1 = z.object({ to: z.string() });
const define = (more: Partial<TaskInput<string, z.ZodType, undefined>> = {}): TaskDefinition =>
  defineTask({
    ...{ name: 'mail.send', version: '1.0.0', description: 'For a test' },
    ...{ payload: V1 as z.ZodType, example: { to: 'ann' } },
    ...more,
  });
const V2 = z.object({ address: z.string() });
const v2 = (more: Partial<TaskInput<string, z.ZodType, undefined>> = {}): TaskDefinition =>
  define({ version: '2.0.0', payload: V2, example: { address: 'ann' }, ...more });

/** Stores a schedule that was checked against a definition. */
async function store(
  id: string,
  definition: TaskDefinition,
  given: Partial<ScheduleSettings> = {},
  { owner = null, nextAt = '2026-01-02 02:30Z' }: { owner?: string | null; nextAt?: string } = {},
): Promise<void> {
  const settings = settingsSchema.parse({
    ...{ task: definition.name, payload: { to: 'ann' }, cron: '30 2 * * *' },
    ...given,
  });
  await pool.query(
    `insert into errand.schedules (id, task, origin, owner, settings, submission, schema_hash, next_at, due_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $8)`,
    [
      ...[id, definition.name, owner === null ? 'api' : 'code', owner, settings],
      ...[submissionOf(id, settings, submittable(definition)), schemaHashOf(definition), nextAt],
    ],
  );
}

/** A runner starts with this definition. */
async function start(definition: TaskDefinition): Promise<void> {
  await registerDefinitions(pool, [definition], ownership);
  await judgeSchedules({ pool, log, definitions: [definition], ownership });
}

const submissionOfRow = async (id: string): Promise<unknown> => {
  const { rows } = await pool.query('select submission from errand.schedules where id = $1', [id]);
  return rows[0]?.submission;
};

test('a payload that no longer fits breaks the schedule, with words: what, where, since when, what to do', async () => {
  await store('mail.nightly', define());
  await start(v2());
  const { broken, due_at, next_at } = await readSchedule(pool, 'mail.nightly');
  expect(broken).toMatch(
    /^The payload of version 1\.0\.0 does not fit mail\.send 2\.0\.0: \/payload\/address is required; \/payload\/to is not .*"ann"\. Change its payload \(PUT \/v1\/schedules\/mail\.nightly\), or add an upcast from version 1\.0\.0 to mail\.send 2\.0\.0$/,
  );
  expect([due_at, next_at]).toEqual([null, '2026-01-02T02:30:00.000Z']);
  const errors = lines.map((line) => JSON.parse(line)).filter(({ level }) => level >= 50);
  expect(errors).toMatchObject([{ schedule: 'mail.nightly', reason: broken }]);
});

test('it is logged once, and mended by a definition that takes it: missed times follow its catch-up', async () => {
  await store('mail.nightly', define());
  await start(v2());
  await start(v2());
  expect(lines).toHaveLength(1);
  await start(v2({ version: '2.1.0', upcast: { '1.0.0': (old) => ({ address: V1.parse(old).to }) } }));
  expect(await readSchedule(pool, 'mail.nightly')).toMatchObject({
    ...{ broken: null, broken_at: null, due_at: '2026-01-02T02:30:00.000Z' },
  });
  // Each run converts it.
  expect(await submissionOfRow('mail.nightly')).toMatchObject({ version: '1.0.0' });
  expect(lines.at(-1)).toContain('submits tasks again');
});

test('a payload that fits as it is gets the new version, and its due time stays', async () => {
  await store('mail.nightly', define());
  await start(define({ version: '1.1.0', payload: V1.extend({ from: z.string().default('us') }) }));
  expect(await submissionOfRow('mail.nightly')).toMatchObject({ version: '1.1.0' });
  expect(await readSchedule(pool, 'mail.nightly')).toMatchObject({
    ...{ due_at: '2026-01-02T02:30:00.000Z', revision: 2 },
  });
  expect(lines).toEqual([]);
});

test('an upcast that throws breaks the schedule with its words', async () => {
  await store('mail.nightly', define());
  const upcast = () => {
    throw new Error('nobody is called ann');
  };
  await start(v2({ upcast: { '1.0.0': upcast } }));
  expect(await readSchedule(pool, 'mail.nightly')).toMatchObject({
    broken: expect.stringContaining('nobody is called ann'),
  });
});

test('what a policy adds to a submission is renewed, but what the schedule says stays', async () => {
  await store('mail.nightly', define());
  await store('mail.own', define(), { priority: 7, max_attempts: 2 });
  await start(define({ policy: { priority: 3, maxAttempts: 9, callbackUrl: 'https://example.com/x' } }));
  const added = { callback_url: 'https://example.com/x', version: '1.0.0' };
  expect(await submissionOfRow('mail.nightly')).toMatchObject({ ...added, priority: 3, max_attempts: 9 });
  expect(await submissionOfRow('mail.own')).toMatchObject({ ...added, priority: 7, max_attempts: 2 });
  await start(define());
  expect(await submissionOfRow('mail.nightly')).not.toHaveProperty('callback_url');
});

test('the steps of a workflow are renewed', async () => {
  const workflow = (...names: string[]): TaskDefinition =>
    defineWorkflow({
      ...{
        name: 'mail.all',
        version: '1.0.0',
        description: 'For a test',
        payload: V1,
        example: { to: 'ann' },
      },
      steps: Object.fromEntries(names.map((name) => [name, step({})])),
    });
  await store('mail.nightly', workflow('a'));
  await start(workflow('a', 'b'));
  expect(await submissionOfRow('mail.nightly')).toMatchObject({ steps: [{ step: 'a' }, { step: 'b' }] });
  await start(workflow('b'));
  expect(await submissionOfRow('mail.nightly')).toMatchObject({ steps: [{ step: 'b' }] });
});

test('nothing is written if nothing has changed', async () => {
  const workflow = defineWorkflow({
    ...{ name: 'mail.all', version: '1.0.0', description: 'For a test', payload: V1, example: { to: 'ann' } },
    ...{ steps: { a: step({}) }, policy: { callbackUrl: 'https://example.com/x' } },
  });
  await store('mail.nightly', workflow, { tags: ['x'], priority: 1 });
  await start(workflow);
  expect((await readSchedule(pool, 'mail.nightly')).revision).toBe(1);
});

test('a paused schedule is judged, and is not due', async () => {
  await store('mail.nightly', define());
  await pool.query('update errand.schedules set paused_at = now(), due_at = null');
  await start(define({ version: '1.1.0' }));
  expect(await readSchedule(pool, 'mail.nightly')).toMatchObject({ due_at: null, broken: null, revision: 2 });
});

test('a runner judges by no definition that is not the registered one', async () => {
  await store('mail.nightly', define());
  await pool.query(
    `insert into errand.runners (host, pid, version, task_names, concurrency, lease_secs, task_versions)
     values ('there', 1, 'test', '{mail.send}', 1, 60, '{"mail.send": "3.0.0"}')`,
  );
  await registerDefinitions(pool, [v2({ version: '3.0.0' })], ownership);
  await start(v2());
  expect((await readSchedule(pool, 'mail.nightly')).broken).toBeNull();
});

test('those in its own code are left to their registration; those of other repositories are judged', async () => {
  await store('mail.a', define(), {}, { owner: 'shop' });
  await store('mail.b', define(), {}, { owner: 'storefront' });
  await start(v2());
  expect((await readSchedule(pool, 'mail.a')).broken).toBeNull();
  expect((await readSchedule(pool, 'mail.b')).broken).toMatch(
    /Change its payload in the code of its repository/,
  );
});

test('a round judges those that were checked against other schemas meanwhile', async () => {
  await start(v2());
  // By an API that has not been replaced yet.
  await store('mail.nightly', define());
  await keepJudged({ pool, log, definitions: [v2()], ownership });
  expect((await readSchedule(pool, 'mail.nightly')).broken).toMatch('does not fit');
});

test('many are judged page by page', async () => {
  await store('mail.nightly', define());
  await pool.query(
    `insert into errand.schedules (id, task, origin, settings, submission, schema_hash, next_at, due_at)
     select 'mail.n' || n, task, origin, settings, submission, schema_hash, next_at, due_at
       from errand.schedules, generate_series(1, 1000) n`,
  );
  await start(v2());
  const { rows } = await pool.query('select from errand.schedules where broken is null');
  expect(rows).toHaveLength(0);
});
