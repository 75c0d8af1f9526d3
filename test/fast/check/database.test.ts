import { beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { checkDatabase } from '../../../check/database.ts';
import { parseConfig } from '../../../config/load.ts';
import { createRegistry } from '../../../core/registry.ts';
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

const check = (definitions: TaskDefinition[], url = database.url) =>
  checkDatabase(parseConfig({ DATABASE_URL: url }), createRegistry(definitions));

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
    createRegistry([old]),
  );
  expect(empty).toMatchObject({
    isChecked: false,
    summary: expect.stringContaining('no tables of Errand yet'),
  });
});
