import { afterAll, expect, test } from 'vitest';
import { z } from 'zod';
import { defineTask } from '../../../../core/task.ts';
import { awaitCanary } from '../../../../runner/builtin/bulk.ts';
import { readCanary } from '../../../../store/operators/bulk.ts';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { registeredHandler, startFileRunner } from '../../../support/runner.ts';
import { finished, submit } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';
import { fill } from '../fill.ts';

// A bulk retry tries a few first: while the cause is there, retrying all would only do the damage again.

const { pool } = await createDatabase();
const api = await startApi(pool);

/** What fails as long as its cause is there, each with a number of its own in the message. */
let isBroken = true;
const charge = defineTask({
  name: 'shop.charge',
  version: '1.0.0',
  description: 'Charges a card.',
  payload: z.strictObject({ card: z.int() }),
  example: { card: 1 },
  policy: { maxAttempts: 1, dedup: { strategy: 'none' } },
});
const runner = await startFileRunner(pool, {
  registeredHandlers: new Map([
    registeredHandler(charge, async ({ card }) => {
      if (isBroken) throw new Error(`the bank refuses the card ${card}`);
      return null;
    }),
  ]),
});
// It has Errand's own tasks.
const bulkRunner = await startFileRunner(pool);
afterAll(() => Promise.all([runner.stop(), bulkRunner.stop()]));

/** So many that have failed, with this tag. */
async function failed(tag: string, count: number): Promise<void> {
  const tasks = await submit(
    pool,
    ...Array.from({ length: count }, (_, card) => ({
      name: charge.name,
      payload: { card },
      maxAttempts: 1,
      tags: [tag],
    })),
  );
  await Promise.all(tasks.map(({ id }) => finished(pool, id)));
}

async function states(tag: string): Promise<Record<string, number>> {
  const { rows } = await pool.query<{ state: string; attempt: number; count: number }>(
    'select state, attempt, count(*) from errand.tasks where tags @> array[$1] group by 1, 2 order by 1, 2',
    [tag],
  );
  return Object.fromEntries(
    rows.map(({ state, attempt, count }) => [`${state} at attempt ${attempt}`, count]),
  );
}

const retry = (body: object, path = '/v1/tasks/retry') => api.call('POST', path, body);

test('a retry of more than a hundred tries five, and stops when the cause is still there', async () => {
  isBroken = true;
  await failed('many', 120);
  const answer = await retry({ filter: { tag: 'many' } });
  expect(answer.status).toBe(202);
  expect(answer.body.message).toMatch(/It retries 5 tasks first/);
  const bulk = await finished(pool, answer.body.task.id);
  expect(bulk).toMatchObject({ state: 'failed', error: { error_code: 'CANARY_FAILED' } });
  expect(bulk.error?.message).toMatch(
    /\d of 5 failed again as before \(shop\.charge:.*no others were retried.*"canary": 0/,
  );
  expect(await states('many')).toEqual({ 'failed at attempt 1': 115, 'failed at attempt 2': 5 });

  isBroken = false;
  const mended = await retry({ filter: { tag: 'many' } });
  expect(await finished(pool, mended.body.task.id)).toMatchObject({
    state: 'succeeded',
    result: { changed: 120 },
  });
  await until('all have succeeded', async () =>
    Object.keys(await states('many')).every((one) => one.startsWith('succeeded')),
  );
});

test('a group of errors can be retried with a canary, however small it is', async () => {
  isBroken = true;
  await failed('few', 10);
  const { body } = await api.call('GET', '/v1/errors?name=shop.charge');
  const answer = await retry(
    { canary: 2 },
    `/v1/errors/${encodeURIComponent(body.groups[0].error_group)}/retry`,
  );
  expect(answer.status).toBe(202);
  expect((await finished(pool, answer.body.task.id)).state).toBe('failed');
  expect(await states('few')).toEqual({ 'failed at attempt 1': 8, 'failed at attempt 2': 2 });
});

test('with canary 0 all go at once, and every task is retried only by its own word', async () => {
  isBroken = false;
  const { body } = await retry({ all: true, dry_run: true });
  expect(body.matched).toBeGreaterThanOrEqual(10);
  expect((await retry({})).body.details).toEqual([
    { path: '/body/filter', message: expect.stringContaining('"all": true') },
  ]);
  expect((await retry({ all: true, canary: 0 })).body).toMatchObject({
    changed: body.matched,
    task: null,
  });
});

test('those that come to nothing in time stop it too', async () => {
  const [id] = await fill(pool, [{ state: 'queued' }]);
  const bulkId = '01890a5d-ac96-774b-bceb-302099a8057f';
  await pool.query(
    `insert into errand.audit (at, actor, action, task_id, details)
     values (now() - interval '61 minutes', 'ann', 'retry', $1, jsonb_build_object('bulk', $2::text, 'error_group', 'a:b'))`,
    [id, bulkId],
  );
  const context = { attempt: 1, signal: new AbortController().signal };
  const waiting = awaitCanary(() => readCanary(pool, bulkId, 1), 1, context);
  await expect(waiting).rejects.toThrow(/1 of 1 did not end within 60 minutes: no others were retried/);
});
