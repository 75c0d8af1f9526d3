import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createRegistry } from '../../../core/registry.ts';
import { defineSchedule } from '../../../core/schedules/schedule.ts';
import { registerDefinitions } from '../../../store/submit/definitions.ts';
import { startApi } from '../../support/api.ts';
import { createDatabase } from '../../support/database.ts';
import { finished } from '../../support/tasks.ts';
import { createWitness, type Keyed, limited, startLimited, stateOf } from './limited.ts';

const { pool } = await createDatabase();
const keyed = limited('given.keyed', [
  4,
  {
    limit: 1,
    key: ({ key }) => {
      if (key === undefined) throw new Error('no key in the payload');
      return key;
    },
  },
]);
const plain = limited('given.plain', 2);
await registerDefinitions(pool, [keyed, plain]);
const api = await startApi(pool, { registry: createRegistry([keyed, plain]) });

const submit = (name: string, body: object) =>
  api.call('POST', `/v1/tasks/${name}`, { payload: {}, dedup: 'none', ...body });

const REFUSAL = 'must not be given: given.plain has no limit with a key';

test('Q4: concurrency_key is the key of all rules with a key, in place of what they compute', async () => {
  const witness = createWitness();
  await startLimited(pool, [keyed], (payload) =>
    witness.within([(payload as Keyed).key ?? ''], () => pause(5)),
  );
  const one = Array.from({ length: 5 }, () => submit('given.keyed', { concurrency_key: 'one' }));
  const other = Array.from({ length: 5 }, () =>
    submit('given.keyed', { payload: { key: 'one' }, concurrency_key: 'other' }),
  );
  const computed = Array.from({ length: 5 }, () => submit('given.keyed', { payload: { key: 'computed' } }));
  const answers = await Promise.all([...one, ...other, ...computed]);
  for (const { body } of answers)
    expect(await finished(pool, body.task.id)).toMatchObject({ state: 'succeeded' });
  expect(answers[0]?.body.task.concurrency_key).toBe('one');
  expect(answers.at(-1)?.body.task.concurrency_key).toBeNull();
  expect(['', 'one', 'computed'].map(witness.most)).toEqual([1, 1, 1]);
  expect(await stateOf(pool, 'given.keyed:key')).toEqual({ slots: 0, waits: 0 });
});

test('without a rule with a key it is refused with its path: over HTTP, in batches, in SQL, for schedules', async () => {
  const { status, body } = await submit('given.plain', { concurrency_key: 'one' });
  expect({ status, details: body.details }).toEqual({
    status: 400,
    details: [{ path: '/body/concurrency_key', message: REFUSAL }],
  });
  const items = [{ payload: {}, concurrency_key: 'one' }, { payload: {} }];
  const batch = await api.call('POST', '/v1/tasks/given.plain/batch', { items });
  expect(batch.body.items[0].errors).toEqual([{ path: '/body/items/0/concurrency_key', message: REFUSAL }]);
  const bySql = (name: string) =>
    pool.query(`select state from errand.submit($1, '{}', dedup => 'none', concurrency_key => 'one')`, [
      name,
    ]);
  await expect(bySql('given.plain')).rejects.toThrow(
    'concurrency_key: must not be given: the task has no limit with a key',
  );
  expect((await bySql('given.keyed')).rows).toEqual([{ state: 'queued' }]);
  const schedule = { id: 'given.daily', payload: { key: 'a' }, cron: '@daily', concurrencyKey: 'one' };
  expect(() => defineSchedule({ ...schedule, task: plain })).toThrow(REFUSAL);
  expect(defineSchedule({ ...schedule, task: keyed }).settings.concurrency_key).toBe('one');
  const put = (task: string) =>
    api.call('PUT', '/v1/schedules/given.nightly', {
      task,
      payload: {},
      cron: '@daily',
      concurrency_key: 'one',
    });
  expect((await put('given.plain')).body.details).toEqual([
    { path: '/body/concurrency_key', message: REFUSAL },
  ]);
  expect((await put('given.keyed')).status).toBe(201);
  const { body: made } = await api.call('POST', '/v1/schedules/given.nightly/trigger');
  expect(made.task.concurrency_key).toBe('one');
});

test.each(['', 'x'.repeat(513), 7, 'a\0b', '\ud800'])('the key %j is refused with its path', async (key) => {
  const { status, body } = await submit('given.keyed', { payload: { key: 'a' }, concurrency_key: key });
  expect({ status, paths: body.details?.map(({ path }: { path: string }) => path) }).toEqual({
    status: 400,
    paths: ['/body/concurrency_key'],
  });
});

test('the longest keys, of any characters, can be used', async () => {
  await startLimited(pool, [keyed], () => pause(1));
  const { body } = await submit('given.keyed', { concurrency_key: '😀'.repeat(512) });
  expect(await finished(pool, body.task.id)).toMatchObject({ state: 'succeeded' });
});

test('a payload whose key cannot be computed is refused, unless the submission has the key', async () => {
  expect((await submit('given.keyed', {})).status).toBe(400);
  expect((await submit('given.keyed', { concurrency_key: 'k' })).status).toBe(201);
});
