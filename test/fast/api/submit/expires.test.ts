import { expect, test } from 'vitest';
import { z } from 'zod';
import { createRegistry } from '../../../../core/registry.ts';
import { defineWorkflow, step } from '../../../../core/workflow.ts';
import { endExpired } from '../../../../store/attempts/expire.ts';
import { registerDefinitions } from '../../../../store/submit/definitions.ts';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { textTask } from '../definitions.ts';

const { pool } = await createDatabase();
const quick = textTask('expiring.quick', { expiresInSeconds: 30, dedup: { strategy: 'none' } });
const plain = textTask('expiring.plain', { dedup: { strategy: 'none' } });
const flow = defineWorkflow({
  ...{ name: 'expiring.flow', version: '1', description: 'For this test' },
  ...{ payload: z.strictObject({ text: z.string() }), example: { text: 'a' } },
  steps: { only: step({}) },
});
await registerDefinitions(pool, [quick, plain, flow]);
const api = await startApi(pool, { registry: createRegistry([quick, plain, flow]) });

const payload = { text: 'a' };

function submit(name: string, options: Record<string, unknown> = {}) {
  return api.call('POST', `/v1/tasks/${name}`, { payload, ...options });
}

/** Seconds from when a task is due to its expiry. */
const given = ({ run_at, expires_at }: { run_at: string; expires_at: string }): number =>
  Math.round((Date.parse(expires_at) - Date.parse(run_at)) / 1_000);

async function bySql(name: string, expiresIn: string | null): Promise<number | null> {
  const made = await pool.query<{ id: string }>(
    `select id from errand.submit($1, '{"text":"a"}', expires_in => $2::interval)`,
    [name, expiresIn],
  );
  const { rows } = await pool.query<{ secs: number | null }>(
    'select extract(epoch from expires_at - run_at)::float8 as secs from errand.tasks where id = $1',
    [made.rows[0]?.id],
  );
  return rows[0]?.secs ?? null;
}

test('Q4: expires_in_seconds counts from when the task is due, and replaces the policy; by name, in batches and in SQL', async () => {
  expect(given((await submit('expiring.plain', { expires_in_seconds: 60 })).body.task)).toBe(60);
  const later = await submit('expiring.plain', { expires_in_seconds: 60, delay_seconds: 600 });
  expect(given(later.body.task)).toBe(60);
  expect(given((await submit('expiring.quick')).body.task)).toBe(30);
  expect(given((await submit('expiring.quick', { expires_in_seconds: 90 })).body.task)).toBe(90);
  expect((await submit('expiring.plain')).body.task.expires_at).toBeNull();
  const items = [{ payload, expires_in_seconds: 7 }, { payload }];
  const { body } = await api.call('POST', '/v1/tasks/expiring.quick/batch', { items });
  const times = await Promise.all(
    body.items.map(({ id }: { id: string }) => api.call('GET', `/v1/tasks/${id}`)),
  );
  expect(times.map((answer) => given(answer.body))).toEqual([7, 30]);
  expect([await bySql('expiring.plain', '45 seconds'), await bySql('expiring.quick', null)]).toEqual([
    45, 30,
  ]);
  expect(await bySql('expiring.plain', null)).toBeNull();
});

test.each([0, -1, 1.5, 366 * 86_400 + 1, '60'])('%s is refused with its path', async (value) => {
  const { status, body } = await submit('expiring.plain', { expires_in_seconds: value });
  expect({ status, paths: body.details?.map(({ path }: { path: string }) => path) }).toEqual({
    status: 400,
    paths: ['/body/expires_in_seconds'],
  });
});

test('a workflow takes none, over HTTP and in SQL', async () => {
  const message = 'must not be given for a workflow, which starts as soon as it is due';
  const { status, body } = await submit('expiring.flow', { expires_in_seconds: 60 });
  expect({ status, details: body.details }).toEqual({
    status: 400,
    details: [{ path: '/body/expires_in_seconds', message }],
  });
  await expect(bySql('expiring.flow', '1 minute')).rejects.toThrow(`expires_in: ${message}`);
  await expect(bySql('expiring.plain', '0 seconds')).rejects.toThrow(
    'expires_in: must be from 1 second to 366 days',
  );
});

test('a waiting caller gets the expired task; lists, figures and the explanation know the state', async () => {
  const { body: submitted } = await submit('expiring.plain', { expires_in_seconds: 60, tags: ['seen'] });
  const { id } = submitted.task;
  const waiting = api.call('GET', `/v1/tasks/${id}?wait=20`);
  await pool.query('update errand.tasks set expires_at = now() where id = $1', [id]);
  await endExpired(pool);
  const { body: ended } = await waiting;
  expect(ended).toMatchObject({ state: 'expired', error: { error_code: 'EXPIRED' }, attempts: [] });
  const { body: page } = await api.call('GET', '/v1/tasks?state=expired&tag=seen');
  expect(page.tasks.map((task: { id: string }) => task.id)).toEqual([id]);
  const { body: stats } = await api.call('GET', '/v1/tasks/stats?name=expiring.plain');
  expect(stats.total.finished).toEqual({ succeeded: 0, failed: 0, cancelled: 0, resolved: 0, expired: 1 });
  expect(stats.total.success_rate).toBeNull();
  const { body: why } = await api.call('GET', `/v1/tasks/${id}/explain`);
  expect(why.reasons[0]).toMatchObject({
    code: 'expired',
    message: expect.stringMatching(/^No attempt started by/),
  });
  expect((await api.call('DELETE', `/v1/tasks/${id}`)).body.error).toMatch(/it has expired/);
  const { status, body: again } = await api.call('PATCH', `/v1/tasks/${id}/retry`);
  expect(status).toBe(200);
  expect(again.task).toMatchObject({ state: 'queued', expires_at: null });
});

test('an expired task can be replaced by one with another payload', async () => {
  const { body } = await submit('expiring.plain', { expires_in_seconds: 60 });
  await pool.query('update errand.tasks set expires_at = now() where id = $1', [body.task.id]);
  await endExpired(pool);
  const { status, body: made } = await api.call('POST', `/v1/tasks/${body.task.id}/resubmit`, {
    ...{ payload: { text: 'b' }, reason: 'too late' },
  });
  expect({ status, made }).toMatchObject({ status: 201, made: { task: { resubmission_of: body.task.id } } });
});
