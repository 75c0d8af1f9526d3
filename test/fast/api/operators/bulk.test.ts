import { expect, test } from 'vitest';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { startTestRunner } from '../../../support/runner.ts';
import { finished, inState } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';
import { fill } from '../fill.ts';
import { dispatchesOf, expectError } from '../ledger.ts';
import { as, authenticateByWords } from '../principals.ts';

const { pool } = await createDatabase();
const api = await startApi(pool);
const guarded = await startApi(pool, { authenticate: authenticateByWords });

/** How many tasks of a tag are in each state. */
async function states(tag: string): Promise<Record<string, number>> {
  const { rows } = await pool.query<{ state: string; count: number }>(
    'select state, count(*) from errand.tasks where tags @> array[$1] group by 1',
    [tag],
  );
  return Object.fromEntries(rows.map(({ state, count }) => [state, count]));
}

function failed(tag: string, count: number, more: object = {}): Promise<string[]> {
  const row = {
    state: 'failed' as const,
    error: 'no',
    finished: '2026-01-01T00:00:00Z',
    tags: [tag],
    ...more,
  };
  return fill(
    pool,
    Array.from({ length: count }, () => row),
  );
}

async function auditOf(tag: string): Promise<{ action: string; details: Record<string, unknown> }[]> {
  const { rows } = await pool.query(
    `select a.action, a.actor, a.reason, a.details
       from errand.audit a
       left join errand.tasks t on t.id = a.task_id
      where t.tags @> array[$1] or a.details -> 'filter' ->> 'tag' = $1
      order by a.id`,
    [tag],
  );
  return rows;
}

test('a dry run counts and changes nothing', async () => {
  await failed('dry', 3);
  const { status, body } = await api.call('POST', '/v1/tasks/retry', {
    filter: { tag: 'dry' },
    dry_run: true,
  });
  expect(status).toBe(200);
  expect(body).toMatchObject({
    action: 'retry',
    dry_run: true,
    matched: 3,
    matched_is_estimate: false,
    changed: 0,
    task: null,
  });
  expect(await states('dry')).toEqual({ failed: 3 });
  expect(await auditOf('dry')).toEqual([]);
});

test('a small one is done at once, in shared dispatches, each task and the whole in the audit trail', async () => {
  const ids = await failed('small', 5);
  await fill(pool, [
    { state: 'cancelled', tags: ['small'] },
    { state: 'queued', tags: ['small'] },
  ]);
  const { status, body } = await api.call('POST', '/v1/tasks/retry', {
    filter: { tag: 'small' },
    reason: 'mended',
  });
  expect({ status, ...body }).toMatchObject({ status: 200, matched: 5, changed: 5, task: null });
  expect(await states('small')).toEqual({ queued: 6, cancelled: 1 });
  expect(await dispatchesOf(pool, ids)).toHaveLength(1);
  const trail = await auditOf('small');
  const bulk = trail[0]?.details.bulk;
  expect(trail).toEqual([
    ...ids.map(() => ({
      action: 'retry',
      actor: 'anonymous',
      reason: 'mended',
      details: { state: 'failed', error_group: expect.stringContaining('example.echo:'), bulk },
    })),
    {
      action: 'bulk_retry',
      actor: 'anonymous',
      reason: 'mended',
      details: { bulk, changed: 5, filter: { tag: 'small', state: ['failed'], dismissed: false } },
    },
  ]);
});

test('a limit takes the oldest', async () => {
  const ids = await failed('limited', 4);
  const { body } = await api.call('POST', '/v1/tasks/retry', { filter: { tag: 'limited' }, limit: 3 });
  expect(body).toMatchObject({ matched: 4, changed: 3 });
  const { rows } = await pool.query(
    `select id from errand.tasks where state = 'failed' and tags @> '{limited}'`,
  );
  expect(rows.map(({ id }) => id)).toEqual(ids.slice(3));
});

test('a cancel takes what is not finished', async () => {
  await fill(pool, [
    { state: 'queued', tags: ['stop'] },
    { state: 'retrying', tags: ['stop'] },
    { state: 'succeeded', tags: ['stop'] },
  ]);
  const { body } = await api.call('POST', '/v1/tasks/cancel', { filter: { tag: 'stop' } });
  expect(body).toMatchObject({ action: 'cancel', matched: 2, changed: 2 });
  expect(await states('stop')).toEqual({ cancelled: 2, succeeded: 1 });
});

test.each([
  ['no filter', {}],
  ['an empty filter', { filter: {} }],
  ['all and a filter', { filter: { tag: 'a' }, all: true }],
  ['all that is not so', { all: false }],
  ['an unknown filter', { filter: { nmae: 'a.b' } }],
  ['a state that can not be retried', { filter: { state: ['queued'] } }],
  ['a limit of nothing', { filter: { tag: 'a' }, limit: 0 }],
  ['a time that is none', { filter: { created_from: 'yesterday' } }],
  ['an unknown option', { filter: { tag: 'a' }, dryrun: true }],
])('%s is refused and changes nothing', async (_what, body) => {
  await failed('refused', 1);
  const answer = await api.call('POST', '/v1/tasks/retry', body);
  expectError(answer, { status: 400, code: 'VALIDATION_FAILED', details: 'some' });
  expect(Object.keys(await states('refused'))).toEqual(['failed']);
});

test('a caller changes its own namespaces only', async () => {
  await failed('shared', 2);
  await failed('shared', 2, { name: 'text.count_words' });
  const send = (who: string, filter: object) => guarded.call('POST', '/v1/tasks/retry', { filter }, as(who));
  expect((await send('eve of text', { tag: 'shared' })).body).toMatchObject({ matched: 2, changed: 2 });
  expect((await send('eve of text', { tag: 'shared', namespace: 'example' })).body.matched).toBe(0);
  const { rows } = await pool.query(
    `select distinct name from errand.tasks where state = 'failed' and tags @> '{shared}'`,
  );
  expect(rows).toEqual([{ name: 'example.echo' }]);
  expectError(await send('eve of text may read,submit', { tag: 'shared' }), {
    status: 403,
    code: 'FORBIDDEN',
  });
});

test('a paced one is a task of its own, with progress and a result; who asked for it sees it, others do not', async () => {
  await startTestRunner(pool);
  await failed('paced', 30, { name: 'nobody.knows' });
  const body = { filter: { tag: 'paced' }, per_second: 20, reason: 'slowly' };
  const answer = await guarded.call('POST', '/v1/tasks/retry', body, as('ann of nobody'));
  expect(answer).toMatchObject({
    status: 202,
    body: { changed: null, matched: 30, task: { name: 'errand.bulk' } },
  });
  const { id } = answer.body.task;
  expect(answer.headers.get('location')).toBe(`/v1/tasks/${id}`);
  const done = await finished(pool, id);
  expect(done).toMatchObject({ state: 'succeeded', result: { changed: 30 }, progress: 1 });
  expect(Date.parse(done.finished_at ?? '') - Date.parse(done.started_at ?? '')).toBeGreaterThan(900);
  expect(await states('paced')).toEqual({ queued: 30 });
  expect(await auditOf('paced')).toHaveLength(31);
  const read = (who: string) => guarded.call('GET', `/v1/tasks/${id}`, undefined, as(who));
  expect((await read('ann of nobody')).status).toBe(200);
  expect((await read('ann of *')).status).toBe(200);
  expect((await read('eve of nobody')).status).toBe(404);
});

test('a large one can be aborted, and what it has not reached stays as it is', async () => {
  await startTestRunner(pool);
  await failed('aborted', 1_500, { name: 'nobody.knows' });
  const { body } = await guarded.call(
    'POST',
    '/v1/tasks/retry',
    { filter: { tag: 'aborted' }, per_second: 100, canary: 0 },
    as('ann of nobody'),
  );
  await until('it is under way', async () => ((await states('aborted')).queued ?? 0) > 0);
  await inState(pool, body.task.id, 'running');
  expectError(await guarded.call('DELETE', `/v1/tasks/${body.task.id}`, undefined, as('eve of nobody')), {
    status: 403,
    code: 'FORBIDDEN',
  });
  expect(
    (await guarded.call('DELETE', `/v1/tasks/${body.task.id}`, undefined, as('ann of nobody'))).status,
  ).toBe(200);
  expect((await finished(pool, body.task.id)).state).toBe('cancelled');
  const after = await states('aborted');
  expect(after.failed).toBeGreaterThan(0);
  expect((after.failed ?? 0) + (after.queued ?? 0)).toBe(1_500);
});

test('more than a thousand are left to a task even without a pace, and a limit holds over a crash of it', async () => {
  await failed('large', 2_200, { name: 'nobody.knows' });
  const { status, body } = await api.call('POST', '/v1/tasks/retry', {
    filter: { tag: 'large' },
    limit: 2_000,
    canary: 0,
  });
  expect(status).toBe(202);
  // As if an attempt had died after its first steps.
  const { rows } = await pool.query<{ id: string }>(
    `select id from errand.tasks where tags @> '{large}' order by id limit 700`,
  );
  const { retryTasks } = await import('../../../../store/operators/retry.ts');
  const act = { actor: 'anonymous', reason: null, requestId: null, bulk: String(body.task.id) };
  await retryTasks(
    pool,
    rows.map(({ id }) => id),
    act,
    null,
  );
  await startTestRunner(pool);
  expect(await finished(pool, body.task.id)).toMatchObject({
    state: 'succeeded',
    result: { changed: 2_000 },
  });
  expect(await states('large')).toEqual({ queued: 2_000, failed: 200 });
});

test('nobody submits such a task by name', async () => {
  for (const send of [
    () => api.call('POST', '/v1/tasks/errand.bulk', { payload: {} }),
    () => api.call('POST', '/v1/tasks', { name: 'errand.bulk', payload: {} }),
    () => api.call('POST', '/v1/tasks/errand.bulk/batch', { items: [{ payload: {} }] }),
  ]) {
    expect((await send()).body.code).toBe('NOT_FOUND');
  }
  await expect(pool.query(`select errand.submit('errand.bulk', '{}')`)).rejects.toThrow('There is no task');
});
