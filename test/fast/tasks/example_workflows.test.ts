import { expect, test } from 'vitest';
import type { WorkflowDefinition } from '../../../core/workflow.ts';
import { diamond } from '../../../tasks/example/example.diamond.workflow.ts';
import { linear } from '../../../tasks/example/example.linear.workflow.ts';
import { mixed } from '../../../tasks/example/example.mixed.workflow.ts';
import { tree } from '../../../tasks/example/example.tree.workflow.ts';
import { createDatabase } from '../../support/database.ts';
import { startTestRunner } from '../../support/runner.ts';
import { finished } from '../../support/tasks.ts';
import { childrenOf, submitWorkflow } from '../workflows/workflows.ts';

const { pool } = await createDatabase();

/** Steps that began before one that they come after had ended. */
async function tooEarly(id: string): Promise<unknown[]> {
  const { rows } = await pool.query(
    `select t.step, b.step as before
       from errand.tasks t
       join errand.tasks b on b.parent_id = t.parent_id and b.step = any (t.after)
      where t.parent_id = $1 and (t.started_at < b.finished_at) is not false`,
    [id],
  );
  return rows;
}

test.each<[WorkflowDefinition, number, unknown]>([
  // 3, 6, 16, 256, -256
  [linear, 3, { number: -256 }],
  [linear, -5, { number: 0 }],
  // 6, then 7 beside 36
  [diamond, 3, { number: 43 }],
  [
    tree,
    3,
    {
      left_minus: { number: 24 },
      left_plus: { number: 26 },
      right_minus: { number: 34 },
      right_plus: { number: 36 },
    },
  ],
  // 4, then 8 and 16 side by side, which make 24, beside 2
  [mixed, 3, { text: 'The total is 26' }],
])('$name (case %#)', async (workflow, number, result) => {
  await startTestRunner(pool);
  const { id } = await submitWorkflow(pool, workflow, { number });
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', attempt: 1, result });
  const steps = workflow.graph.steps.map(({ step }) => [step, 'succeeded 1']);
  expect(await childrenOf(pool, id)).toEqual(Object.fromEntries(steps));
  expect(await tooEarly(id)).toEqual([]);
});

test('a condition that does not hold skips its step, and the next goes on without it', async () => {
  await startTestRunner(pool);
  const { id } = await submitWorkflow(pool, mixed, { number: 2 });
  // 3, then 6 and 9 side by side, which make 15
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', result: { text: 'The total is 15' } });
  const { rows } = await pool.query('select step from errand.tasks where parent_id = $1 and skipped', [id]);
  expect(rows).toEqual([{ step: 'halve' }]);
  expect(await tooEarly(id)).toEqual([]);
});

test('the shapes are those that their descriptions tell of', () => {
  const edges = ({ graph }: WorkflowDefinition) =>
    graph.steps.map(({ step, after }) => (after.length === 0 ? step : `${after.join('+')} → ${step}`));
  expect(edges(linear)).toEqual(['double', 'double → add_ten', 'add_ten → square', 'square → negate']);
  expect(edges(diamond)).toEqual(['double', 'double → add_one', 'double → square', 'add_one+square → sum']);
  expect(edges(tree)).toHaveLength(7);
  expect(edges(mixed)).toHaveLength(7);
});
