import { expect, test } from 'vitest';
import { defineSteps, defineWorkflow, step } from '../../../core/workflow.ts';
import { createDatabase } from '../../support/database.ts';
import { startTestRunner } from '../../support/runner.ts';
import { finished, outcomes } from '../../support/tasks.ts';
import { base, diamond, diamondCode } from './shapes.ts';
import { childrenOf, registeredHandlersOf, stepOf, submitWorkflow } from './workflows.ts';

const { pool } = await createDatabase();

const odd = defineWorkflow({
  ...base,
  name: 'conditions.odd',
  steps: {
    first: step({}),
    only: step({ after: ['first'], conditional: true }),
    nested: step({ after: ['first'], conditional: true, run: diamond }),
    last: step({ after: ['only', 'nested'] }),
  },
});

const seen: unknown[] = [];
let asked = 0;
const code = defineSteps(odd, {
  steps: {
    first: { handler: ({ value }) => value },
    only: {
      when: ({ payload, results }) => payload.value % 2 === 1 && results.first === payload.value,
      handler: () => 'ran',
    },
    nested: {
      when: ({ payload }) => {
        asked++;
        return payload.value % 2 === 1;
      },
      payload: ({ payload }) => payload,
    },
    last: {
      handler: (_payload, { results }) => {
        seen.push({ ...results, has: 'only' in results });
        return [results.only ?? 'not run', results.nested ?? 'not run'];
      },
    },
  },
});

test('a step whose condition does not hold is skipped, and those after it go on without its result', async () => {
  await startTestRunner(pool, { registeredHandlers: new Map(registeredHandlersOf(pool, odd, code)) });
  const { id } = await submitWorkflow(pool, odd, { value: 2 });
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', result: ['not run', 'not run'] });
  expect(seen).toEqual([{ has: false }]);
  for (const name of ['only', 'nested']) {
    const skipped = await stepOf(pool, id, name);
    expect(skipped).toMatchObject({ state: 'succeeded', result: null, attempt: 1 });
    const { rows } = await pool.query('select skipped, children from errand.tasks where id = $1', [
      skipped.id,
    ]);
    expect(rows).toEqual([{ skipped: true, children: null }]);
  }
});

test('one whose condition holds is run, and its condition is asked once', async () => {
  const registeredHandlers = [
    ...registeredHandlersOf(pool, odd, code),
    ...registeredHandlersOf(pool, diamond, diamondCode),
  ];
  await startTestRunner(pool, { registeredHandlers: new Map(registeredHandlers) });
  asked = 0;
  const { id } = await submitWorkflow(pool, odd, { value: 3 });
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', result: ['ran', { value: 12 }] });
  expect(asked).toBe(1);
  expect(
    (await pool.query('select 1 from errand.tasks where parent_id = $1 and skipped', [id])).rowCount,
  ).toBe(0);
});

test('a skipped last step leaves the workflow without a result of it', async () => {
  const ending = defineWorkflow({
    ...base,
    name: 'conditions.ending',
    steps: { one: step({}), two: step({ after: ['one'], conditional: true }) },
  });
  const handlers = defineSteps(ending, {
    steps: { one: { handler: () => 1 }, two: { when: () => false, handler: () => 2 } },
  });
  await startTestRunner(pool, { registeredHandlers: new Map(registeredHandlersOf(pool, ending, handlers)) });
  const { id } = await submitWorkflow(pool, ending, { value: 1 });
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', result: null });
});

test('a condition that throws is a failed attempt of its step, which is tried again', async () => {
  const asking = defineWorkflow({
    ...base,
    name: 'conditions.asking',
    steps: {
      asked: step({
        conditional: true,
        policy: { maxAttempts: 3, backoff: { initialMs: 1, jitter: 0 } },
      }),
    },
  });
  let asks = 0;
  const handlers = defineSteps(asking, {
    steps: {
      asked: {
        when: () => {
          if (++asks < 3) throw new Error('who knows');
          return true;
        },
        handler: () => asks,
      },
    },
  });
  await startTestRunner(pool, { registeredHandlers: new Map(registeredHandlersOf(pool, asking, handlers)) });
  const { id } = await submitWorkflow(pool, asking, { value: 1 });
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', result: 3 });
  expect(await childrenOf(pool, id)).toEqual({ asked: 'succeeded 3' });
  expect(await outcomes(pool, (await stepOf(pool, id, 'asked')).id)).toEqual([
    [1, 'failed'],
    [2, 'failed'],
    [3, 'succeeded'],
  ]);
});
