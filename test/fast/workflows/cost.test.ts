import { expect, test } from 'vitest';
import { stepRows } from '../../../core/workflows/graph.ts';
import { createDatabase } from '../../support/database.ts';
import { startTestRunner } from '../../support/runner.ts';
import { countDispatches, finished, submit } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';
import { watched } from '../api/app.ts';
import { linear, linearCode } from './shapes.ts';
import { registeredHandlersOf, submitWorkflow } from './workflows.ts';

// Issues 5 and 21: what a workflow costs in statements, as docs/design.md tells it. The runner's share, the submission
// being one more for any number of workflows. Statements that come by the clock (heartbeats, pauses, the look for held
// tasks, maintenance) are no part of it.

const STEPS = 4;
const PARTS = {
  fetch: /get_jobs|_private_jobs[\s\S]*for update/i,
  load: /errand\.load_attempts/,
  children: /where c\.parent_id = \$1/,
  record: /from crashed|recorded as/,
  complete: /complete_jobs|delete from [^;]*_private_jobs/i,
};

/** A runner, and how many statements of each kind it has sent. */
async function countedRunner() {
  const { pool } = await createDatabase();
  const sent = Object.fromEntries(Object.keys(PARTS).map((part) => [part, 0])) as Record<
    keyof typeof PARTS,
    number
  >;
  const counted = watched(pool, ({ text }) => {
    const part = Object.entries(PARTS).find(([, form]) => form.test(text))?.[0];
    if (part !== undefined) sent[part as keyof typeof PARTS]++;
  });
  await startTestRunner(counted, {
    registeredHandlers: new Map(registeredHandlersOf(counted, linear, linearCode)),
  });
  return { pool, sent };
}

test('alone, a workflow costs a fetch, a load and the end of a dispatch, and a record for each step', async () => {
  const { pool, sent } = await countedRunner();
  const { id } = await submitWorkflow(pool, linear, { value: 1 });
  expect(await finished(pool, id)).toMatchObject({ result: { value: 5 } });
  await until('the only dispatch is gone', async () => (await countDispatches(pool)) === 0);
  expect(sent).toMatchObject({ load: 1, record: STEPS, children: 0, complete: 1 });
  // The runner also looks when there is nothing.
  expect(sent.fetch).toBeGreaterThanOrEqual(1);
  const needed = 1 + sent.load + sent.record + sent.complete;
  const submission = 1;
  expect(submission + needed).toBeLessThanOrEqual(10);
});

test('side by side, steps share statements: far less than one each', async () => {
  const { pool, sent } = await countedRunner();
  const workflows = 200;
  const payloads = Array.from({ length: workflows }, (_, value) => ({ value }));
  const steps = stepRows(linear.graph);
  await submit(pool, ...payloads.map((payload) => ({ name: linear.name, payload, steps })));
  await until('all have succeeded', async () => {
    const { rows } = await pool.query(`select from errand.tasks where state <> 'succeeded' limit 1`);
    return rows.length === 0;
  });
  const all = Object.values(sent).reduce((sum, count) => sum + count, 0);
  expect(all / (workflows * STEPS)).toBeLessThan(1);
});
