import { expect, test } from 'vitest';
import { createDatabase } from '../../support/database.ts';
import { startTestRunner } from '../../support/runner.ts';
import { finished } from '../../support/tasks.ts';
import { diamond, diamondCode } from './shapes.ts';
import { childrenOf, registeredHandlersOf, submitWorkflow } from './workflows.ts';

const { pool } = await createDatabase();

test('steps run in the order of the graph, get the results before them, and the last gives that of the whole', async () => {
  await startTestRunner(pool, {
    registeredHandlers: new Map(registeredHandlersOf(pool, diamond, diamondCode)),
  });
  const { id, state } = await submitWorkflow(pool, diamond, { value: 5 });
  expect(state).toBe('running');
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', result: { value: 20 } });
  expect(await childrenOf(pool, id)).toEqual({
    double: 'succeeded 1',
    plus: 'succeeded 1',
    minus: 'succeeded 1',
    sum: 'succeeded 1',
  });
});
