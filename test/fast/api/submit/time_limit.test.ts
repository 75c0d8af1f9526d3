import { expect, test } from 'vitest';
import { z } from 'zod';
import { createRegistry } from '../../../../core/registry.ts';
import { defineWorkflow, step } from '../../../../core/workflow.ts';
import { registerDefinitions } from '../../../../store/submit/definitions.ts';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { textTask } from '../definitions.ts';
import { explanationOf, fakeRunner } from '../explaining.ts';

const { pool } = await createDatabase();
const plain = textTask('limited.plain', { dedup: { strategy: 'none' }, timeoutMs: 5_000 });
const same = textTask('limited.same', {});
const burst = textTask('limited.burst', { debounceSeconds: 600 });
const flow = defineWorkflow({
  ...{ name: 'limited.flow', version: '1', description: 'For this test' },
  ...{ payload: z.strictObject({ text: z.string() }), example: { text: 'a' } },
  steps: { only: step({}) },
});
await registerDefinitions(pool, [plain, same, burst, flow]);
const api = await startApi(pool, { registry: createRegistry([plain, same, burst, flow]) });

const payload = { text: 'a' };

function submit(name: string, options: Record<string, unknown> = {}) {
  return api.call('POST', `/v1/tasks/${name}`, { payload, ...options });
}

const limitOf = async (answer: ReturnType<typeof submit>): Promise<number | null> =>
  (await answer).body.task.timeout_seconds;

async function bySql(
  name: string,
  timeout: string | null,
): Promise<{ ms: number | null; told: number | null }> {
  const { rows } = await pool.query<{ id: string }>(
    `select id from errand.submit($1, '{"text":"sql"}', timeout => $2::interval)`,
    [name, timeout],
  );
  return rowOf(rows[0]?.id ?? '');
}

async function rowOf(id: string): Promise<{ ms: number | null; told: number | null }> {
  const { rows } = await pool.query<{ ms: number | null; told: number | null }>(
    `select timeout_ms as ms, (errand.callback_data(t) ->> 'timeout_seconds')::float8 as told
       from errand.tasks t where id = $1`,
    [id],
  );
  if (rows[0] === undefined) throw new Error(`there is no task ${id}`);
  return rows[0];
}

test('S11: timeout_seconds is kept with the task: by path, by name, in batches and in SQL', async () => {
  expect(await limitOf(submit('limited.plain', { timeout_seconds: 60 }))).toBe(60);
  expect(await limitOf(submit('limited.plain', { timeout_seconds: 86_400 }))).toBe(86_400);
  expect(await limitOf(submit('limited.plain'))).toBeNull();
  const named = { name: 'limited.plain', payload, timeout_seconds: 7 };
  const { body } = await api.call('POST', '/v1/tasks', named);
  expect(body.task.timeout_seconds).toBe(7);
  expect(await rowOf(body.task.id)).toEqual({ ms: 7_000, told: 7 });
  // The statement for submissions that are not plain.
  expect(await limitOf(submit('limited.burst', { timeout_seconds: 9 }))).toBe(9);
  const items = [{ payload, timeout_seconds: 8 }, { payload }, { payload, claim_timeout_seconds: 3 }];
  const batch = await api.call('POST', '/v1/tasks/limited.plain/batch', { items });
  const rows = await Promise.all(batch.body.items.map(({ id }: { id: string }) => rowOf(id)));
  expect(rows.map(({ ms }) => ms)).toEqual([8_000, null, 3_000]);
});

test('in SQL it is an interval', async () => {
  expect(await bySql('limited.plain', '1.5 seconds')).toEqual({ ms: 1_500, told: 1.5 });
  await expect(bySql('limited.plain', '0.5 seconds')).rejects.toThrow(
    'timeout: must be from 1 second to 1 day',
  );
  await expect(bySql('limited.plain', '25 hours')).rejects.toThrow('timeout: must be from 1 second to 1 day');
  expect(await bySql('limited.plain', null)).toEqual({ ms: null, told: null });
});

test('the older name claim_timeout_seconds is the same option; both must be equal, and null is absent', async () => {
  expect(await limitOf(submit('limited.plain', { claim_timeout_seconds: 20 }))).toBe(20);
  const both = { timeout_seconds: 20, claim_timeout_seconds: 20 };
  expect(await limitOf(submit('limited.plain', both))).toBe(20);
  expect(await limitOf(submit('limited.plain', { ...both, timeout_seconds: null }))).toBe(20);
  expect(await limitOf(submit('limited.plain', { ...both, claim_timeout_seconds: null }))).toBe(20);
  const { status, body } = await submit('limited.plain', { ...both, claim_timeout_seconds: 21 });
  expect({ status, details: body.details }).toEqual({
    status: 400,
    details: [
      {
        path: '/body/claim_timeout_seconds',
        message: 'is the older name of timeout_seconds, and must not differ from it, got 21',
      },
    ],
  });
});

test.each(['timeout_seconds', 'claim_timeout_seconds'])(
  '%s outside its bounds is refused with its path, alone and in a batch',
  async (option) => {
    for (const value of [0, -1, 1.5, 86_401, '60', true]) {
      const { status, body } = await submit('limited.plain', { [option]: value });
      expect({ status, paths: body.details?.map(({ path }: { path: string }) => path) }).toEqual({
        status: 400,
        paths: [`/body/${option}`],
      });
    }
    const items = [{ payload, [option]: 0 }, { payload }];
    const { body } = await api.call('POST', '/v1/tasks/limited.plain/batch', { items });
    expect(body.items[0].errors).toMatchObject([{ path: `/body/items/0/${option}` }]);
    expect(body.items[1].created).toBe(true);
  },
);

test('a workflow takes none, under either name, and in SQL', async () => {
  const message =
    'must not be given for a workflow: its steps do the work, and their policies have time limits';
  for (const option of ['timeout_seconds', 'claim_timeout_seconds']) {
    const { status, body } = await submit('limited.flow', { [option]: 60 });
    expect({ status, details: body.details }).toEqual({
      status: 400,
      details: [{ path: `/body/${option}`, message }],
    });
  }
  await expect(bySql('limited.flow', '1 minute')).rejects.toThrow(`timeout: ${message}`);
});

test('a duplicate of a live task keeps it; a submission that queues the task again decides it', async () => {
  const { body: first } = await submit('limited.same', { timeout_seconds: 60 });
  const { id } = first.task;
  expect(await limitOf(submit('limited.same', { timeout_seconds: 5 }))).toBe(60);
  const fail = () =>
    pool.query(
      `update errand.tasks
          set state = 'failed', dispatch_id = null, started_at = now(), finished_at = now(),
              error = '{"error_type":"Error","message":"no","error_code":null,"retryable":true,"metadata":null,"stack":null}'
        where id = $1`,
      [id],
    );
  await fail();
  const { body: again } = await submit('limited.same', { timeout_seconds: 5 });
  expect(again).toMatchObject({ outcome: 'rearmed', task: { id, timeout_seconds: 5 } });
  await fail();
  const { body: retried } = await api.call('PATCH', `/v1/tasks/${id}/retry`);
  expect(retried.task.timeout_seconds).toBe(5);
  await fail();
  const { body: replaced } = await api.call('POST', `/v1/tasks/${id}/resubmit`, { reason: 'again' });
  expect(replaced.task).toMatchObject({ resubmission_of: id, timeout_seconds: 5 });
});

test('of a burst the last submission decides', async () => {
  const given = (timeout: number) =>
    submit('limited.burst', {
      dedup_key: 'one',
      timeout_seconds: timeout,
      payload: { text: String(timeout) },
    });
  const { body: first } = await given(10);
  const { body: second } = await given(20);
  expect([first.task.id, first.task.timeout_seconds]).toEqual([second.task.id, 10]);
  expect(second).toMatchObject({ outcome: 'debounced', task: { timeout_seconds: 20 } });
});

test('the explanation of a running task has the time limit of its submission', async () => {
  const runner = await fakeRunner(pool, { names: ['limited.plain'] });
  const until = async (timeout: number | null): Promise<number> => {
    const { body } = await submit('limited.plain', { timeout_seconds: timeout });
    await pool.query(
      `update errand.tasks set state = 'running', started_at = now(), runner_id = $2 where id = $1`,
      [body.task.id, runner],
    );
    const { reasons } = await explanationOf(api, body.task.id);
    const [running] = reasons;
    return Date.parse(running?.until ?? '') - Date.parse(running?.since ?? '');
  };
  expect([await until(90), await until(null)]).toEqual([90_000, 5_000]);
});
