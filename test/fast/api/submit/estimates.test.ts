import { expect, test } from 'vitest';
import { registerDefinitions } from '../../../../store/submit/definitions.ts';
import { definitions } from '../../../../tasks/index.ts';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { until } from '../../../support/until.ts';

// When a submitted task will probably have ended.

const { pool } = await createDatabase();
await registerDefinitions(pool, definitions);
let count = 0;

/** Sums of ten tasks that have succeeded in this hour. */
async function rollUp(name: string, measure: 'wait' | 'processing', ms: number): Promise<void> {
  await pool.query(
    `insert into errand.rollups (name, minutes, starts_at, state, measure, bucket, tasks, attempts, ms)
     values ($1, 60, date_bin('1 hour', now(), 'epoch'), 'succeeded', $2, 1, 10, 10, $3)`,
    [name, measure, ms],
  );
}

test('an estimate adds the usual wait and duration of the name; without figures, and at the end, it is null', async () => {
  const api = await startApi(pool);
  const submit = (options = {}) =>
    api.call('POST', '/v1/tasks/example.echo', { payload: { message: `${++count}` }, ...options });
  expect((await submit()).body).toMatchObject({ created: true, estimated_completion: null });
  await rollUp('example.echo', 'wait', 20_000);
  await rollUp('example.echo', 'processing', 50_000);

  // Another process, which has read nothing yet.
  const other = await startApi(pool);
  const estimated = await until('the figures are read', async () => {
    const { body } = await other.call('POST', '/v1/tasks/example.echo', {
      payload: { message: `${++count}` },
    });
    return body.estimated_completion !== null && body;
  });
  expect(Date.parse(estimated.estimated_completion)).toBe(Date.parse(estimated.task.run_at) + 7_000);
  const again = { payload: { message: `${count}` } };
  const { body: later } = await other.call('POST', '/v1/tasks/example.echo', {
    payload: { message: 'later' },
    delay_seconds: 3_600,
  });
  expect(Date.parse(later.estimated_completion)).toBe(Date.parse(later.task.run_at) + 7_000);
  await other.call('DELETE', `/v1/tasks/${estimated.task.id}`);
  await pool.query(`update errand.tasks set state = 'succeeded', finished_at = now() where id = $1`, [
    estimated.task.id,
  ]);
  const { body: ended } = await other.call('POST', '/v1/tasks/example.echo', again);
  expect(ended).toMatchObject({ created: false, task: { state: 'succeeded' }, estimated_completion: null });
  // A name without figures.
  const { body } = await other.call('POST', '/v1/tasks/text.count_words', { payload: { text: 'a' } });
  expect(body.estimated_completion).toBeNull();
});
