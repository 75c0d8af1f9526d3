import { beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { checkDatabase } from '../../../check/database.ts';
import { parseConfig } from '../../../config/load.ts';
import { submittable } from '../../../core/registration/submittable.ts';
import { createRegistry } from '../../../core/registry.ts';
import { defineSchedule, type ScheduleDefinition } from '../../../core/schedules/schedule.ts';
import { settingsSchema } from '../../../core/schedules/settings.ts';
import { submissionOf } from '../../../core/schedules/submission.ts';
import { defineTask, type TaskDefinition } from '../../../core/task.ts';
import { registerDefinitions } from '../../../store/submit/definitions.ts';
import { createDatabase } from '../../support/database.ts';
import { submit } from '../../support/tasks.ts';

const database = await createDatabase();
const { pool } = database;
beforeEach(async () => {
  await pool.query('truncate errand.tasks, errand.definitions cascade');
});

const send = (version: string, payload: z.ZodType): TaskDefinition =>
  defineTask({ name: 'invoice.send', version, description: 'For a test', payload, example: { to: 'ann' } });
const old = send('1.0.0', z.object({ to: z.string() }));
const changed = send('2.0.0', z.object({ to: z.string().max(3) }));

const projectOf = (definitions: TaskDefinition[], schedules: ScheduleDefinition[] = []) => ({
  ...{ registry: createRegistry(definitions), schedules },
  ownership: { project: 'shop', ownerOf: () => 'shop' },
});
const check = (definitions: TaskDefinition[], url = database.url) =>
  checkDatabase(parseConfig({ DATABASE_URL: url }), projectOf(definitions));

test('tasks that would not parse are named with their number, an example and the reason', async () => {
  await registerDefinitions(pool, [old]);
  const [, long] = await submit(
    pool,
    { name: 'invoice.send', version: '1.0.0', payload: { to: 'ann' } },
    { name: 'invoice.send', version: '1.0.0', payload: { to: 'annabel' } },
  );
  expect((await check([old])).problems).toEqual([]);
  const { problems, summary } = await check([changed]);
  expect(summary).toBe('the database: 2 waiting tasks compared');
  expect(problems).toEqual([
    {
      kind: 'waiting',
      name: 'invoice.send',
      count: 1,
      exampleId: long?.id,
      message: expect.stringMatching(
        /^invoice\.send: 1 waiting task would fail.*\/payload\/to: .*3.*Add an upcast/,
      ),
    },
  ]);
});

test('a name that this project no longer has, and that no runner has, is a problem', async () => {
  await registerDefinitions(pool, [old]);
  await submit(pool, { name: 'invoice.send', version: '1.0.0', payload: { to: 'ann' } });
  expect((await check([])).problems).toEqual([
    {
      kind: 'waiting',
      name: 'invoice.send',
      message:
        'invoice.send: tasks wait, but neither this project nor a live runner has it. Cancel them, or add it again',
    },
  ]);
});

test('what is newer than the project is a warning: waiting tasks, and the registered definition', async () => {
  await registerDefinitions(pool, [changed]);
  await submit(pool, { name: 'invoice.send', version: '2.0.0', payload: { to: 'ann' } });
  const { problems, warnings } = await check([old]);
  expect(problems).toEqual([]);
  expect(warnings.map(({ message }) => message)).toEqual([
    'invoice.send: 1 waiting task of a newer version. They wait for a runner that has it',
    'invoice.send: registered is 2.0.0, which is newer than 1.0.0 of this project',
  ]);
});

test('a database that does not answer, or has no tables, is not compared', async () => {
  const dead = await check([old], 'postgres://errand:errand@127.0.0.1:1/errand');
  expect(dead).toMatchObject({
    isChecked: false,
    summary: expect.stringMatching(/^the database does not answer \(.*ECONNREFUSED/),
  });
  await pool.query('drop schema if exists empty cascade');
  const empty = await checkDatabase(
    parseConfig({ DATABASE_URL: database.url, ERRAND_SCHEMA: 'nothing_here' }),
    projectOf([old]),
  );
  expect(empty).toMatchObject({
    isChecked: false,
    summary: expect.stringContaining('no tables of Errand yet'),
  });
});

/** Stores a schedule that was checked against the old definition. */
async function store(id: string, to: string, owner: string | null = null): Promise<void> {
  const settings = settingsSchema.parse({ task: 'invoice.send', payload: { to }, cron: '@daily' });
  await pool.query(
    `insert into errand.schedules (id, task, origin, owner, settings, submission) values ($1, $2, $3, $4, $5, $6)`,
    [
      ...[id, 'invoice.send', owner === null ? 'api' : 'code', owner, settings],
      submissionOf(id, settings, submittable(old)),
    ],
  );
}

test('schedules whose payload would no longer fit are named, with the reason and what to do', async () => {
  await pool.query('truncate errand.schedules');
  await store('invoice.fits', 'ann');
  await store('invoice.breaks', 'annabel');
  await store('invoice.theirs', 'annabel', 'storefront');
  await store('invoice.own', 'annabel', 'shop');
  await store('invoice.is_broken', 'annabel');
  await pool.query(`update errand.schedules set broken = 'why' where id = 'invoice.is_broken'`);
  expect(await check([old])).toMatchObject({
    ...{ problems: [], warnings: [] },
    summary: 'the database: 0 waiting tasks and 4 schedules compared',
  });
  const { problems, warnings } = await check([changed]);
  expect(problems).toEqual([
    {
      ...{ kind: 'schedule', name: 'invoice.breaks' },
      message: expect.stringMatching(
        /^invoice\.breaks: the schedule would break\. The payload of version 1\.0\.0 does not fit invoice\.send 2\.0\.0: \/payload\/to .*\(PUT \/v1\/schedules\/invoice\.breaks\), or add an upcast/,
      ),
    },
    expect.objectContaining({ name: 'invoice.theirs' }),
  ]);
  expect(warnings).toMatchObject([{ name: 'invoice.is_broken' }]);
});

test('schedules in code that would not be registered are named', async () => {
  await pool.query('truncate errand.schedules');
  await store('invoice.of_api', 'ann');
  await store('invoice.theirs', 'ann', 'storefront');
  await store('invoice.free', 'ann', 'gone');
  await pool.query(
    `insert into errand.runners (host, pid, version, task_names, concurrency, lease_secs, project, schedules)
     values ('there', 1, 'test', '{}', 1, 60, 'storefront', '{invoice.theirs}'),
            ('here', 1, 'test', '{}', 1, 60, 'shop', '{invoice.theirs}')`,
  );
  const slow = defineTask({
    ...{ name: 'invoice.slow', version: '1.0.0', description: 'For a test', example: {} },
    payload: z.object({}).refine(async () => false, 'is never right'),
  });
  const schedule = (id: string) => defineSchedule({ id, task: old, payload: { to: 'ann' }, cron: '@daily' });
  const schedules = [
    ...[schedule('invoice.of_api'), schedule('invoice.theirs'), schedule('invoice.free')],
    defineSchedule({ id: 'invoice.slowly', task: slow, payload: {}, cron: '@daily' }),
  ];
  const config = parseConfig({ DATABASE_URL: database.url });
  const { problems } = await checkDatabase(config, projectOf([old, slow], schedules));
  expect(problems.map(({ message }) => message).toSorted()).toEqual([
    expect.stringMatching(/^invoice\.of_api: .*made by the API.*DELETE \/v1\/schedules\/invoice\.of_api/),
    expect.stringMatching(/^invoice\.slowly: .*would break.*is never right.*database\.test\.ts$/),
    expect.stringMatching(/^invoice\.theirs: .*belongs to storefront \(runner \d+ on there\): rename it$/),
  ]);
});
