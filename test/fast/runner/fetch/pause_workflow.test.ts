import { expect, test } from 'vitest';
import { createDatabase } from '../../../support/database.ts';
import { pause, resume } from '../../../support/pauses.ts';
import { startTestRunner } from '../../../support/runner.ts';
import { finished, submitOne } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';
import { diamond, diamondCode } from '../../workflows/shapes.ts';
import { childrenOf, registeredHandlersOf, submitWorkflow } from '../../workflows/workflows.ts';
import { knows, startNoting } from '../pausable.ts';

const { pool } = await createDatabase();

const startDiamonds = () =>
  startTestRunner(pool, { registeredHandlers: new Map(registeredHandlersOf(pool, diamond, diamondCode)) });

test('a paused workflow starts none of its steps, and goes on with them', async () => {
  const runner = await startDiamonds();
  const { runner: other } = await startNoting(pool, ['graph.diamonds']);
  await pause(pool, 'graph.diamond');
  await knows(runner, 'graph', ['graph.diamond']);
  await knows(other, 'graph', ['graph.diamond']);
  expect(['graph.diamond', 'graph.diamond.double'].map(runner.pauses.isPaused)).toEqual([true, true]);
  expect(['graph', 'graph.diamonds', 'graph.dia'].map(runner.pauses.isPaused)).toEqual([false, false, false]);
  const { id } = await submitWorkflow(pool, diamond, { value: 1 });
  const beside = await submitOne(pool, { name: 'graph.diamonds', payload: {} });
  await finished(pool, beside.id);
  expect(await childrenOf(pool, id)).toMatchObject({ double: 'queued 1' });
  await resume(pool, 'graph.diamond');
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', result: { value: 4 } });
});

test('a paused step is held by itself, and with it what waits for it', async () => {
  const runner = await startDiamonds();
  await pause(pool, 'graph.diamond.plus');
  await knows(runner, 'graph', ['graph.diamond.plus']);
  const { id } = await submitWorkflow(pool, diamond, { value: 1 });
  const held = { double: 'succeeded 1', plus: 'queued 1', minus: 'succeeded 1', sum: 'waiting 1' };
  await until('the step beside it is done', async () => (await childrenOf(pool, id)).minus === 'succeeded 1');
  expect(await childrenOf(pool, id)).toEqual(held);
  await resume(pool, 'graph.diamond.plus');
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
});

test('when the notification is lost, the begin of a step refuses', async () => {
  const runner = await startDiamonds();
  await knows(runner, 'graph', []);
  await pause(pool, 'graph.diamond', false);
  const { id } = await submitWorkflow(pool, diamond, { value: 1 });
  await knows(runner, 'graph', ['graph.diamond']);
  expect(await childrenOf(pool, id)).toMatchObject({ double: 'queued 1' });
  await resume(pool, 'graph.diamond');
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
});
