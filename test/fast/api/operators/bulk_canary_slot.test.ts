import { expect, test } from 'vitest';
import { z } from 'zod';
import { defineTask } from '../../../../core/task.ts';
import { builtinHandlers } from '../../../../runner/builtin/registered_handlers.ts';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { NO_CALLBACKS, registeredHandler, startTestRunner } from '../../../support/runner.ts';
import { finished, inState, submit } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';

test('a bulk retry leaves the only slot there is to those that it has retried first', async () => {
  const { pool } = await createDatabase();
  const api = await startApi(pool);
  let isBroken = true;
  const go = Promise.withResolvers<void>();
  const charge = defineTask({
    name: 'shop.charge',
    version: '1.0.0',
    description: 'Charges a card.',
    payload: z.strictObject({ card: z.int() }),
    example: { card: 1 },
    policy: { maxAttempts: 1, dedup: { strategy: 'none' } },
  });
  await startTestRunner(pool, {
    concurrency: 1,
    registeredHandlers: new Map([
      registeredHandler(charge, async ({ card }) => {
        if (isBroken) throw new Error(`the bank refuses the card ${card}`);
        await go.promise;
        return null;
      }),
      ...builtinHandlers(pool, NO_CALLBACKS),
    ]),
  });
  const cards = [1, 2, 3, 4];
  const tasks = await submit(
    pool,
    ...cards.map((card) => ({ name: charge.name, payload: { card }, maxAttempts: 1 })),
  );
  await Promise.all(tasks.map(({ id }) => finished(pool, id)));
  isBroken = false;
  const answer = await api.call('POST', '/v1/tasks/retry', { all: true, canary: 2 });
  expect(answer.status).toBe(202);
  const { id } = answer.body.task;
  await inState(pool, id, 'scheduled');
  const { body } = await api.call('GET', `/v1/tasks/${id}`);
  expect(body.attempts[0]).toMatchObject({
    outcome: 'interrupted',
    error: { message: 'Waits for 2 of the 2 tasks that were retried first' },
  });
  await until('one of them runs', async () => {
    const { rowCount } = await pool.query(`select from errand.tasks where name = $1 and state = 'running'`, [
      charge.name,
    ]);
    return rowCount === 1;
  });
  go.resolve();
  const bulk = await finished(pool, id);
  expect(bulk).toMatchObject({ state: 'succeeded', result: { changed: 4 } });
  expect(bulk.max_attempts - bulk.attempt).toBe(24);
});
