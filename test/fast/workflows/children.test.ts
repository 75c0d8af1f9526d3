import { expect, test } from 'vitest';
import { z } from 'zod';
import { PermanentError } from '../../../core/errors.ts';
import { defineTask, type Handler } from '../../../core/task.ts';
import { defineSteps, defineWorkflow, step } from '../../../core/workflow.ts';
import { createDatabase } from '../../support/database.ts';
import { retryTask } from '../../support/operator.ts';
import { registeredHandler, startTestRunner } from '../../support/runner.ts';
import { finished } from '../../support/tasks.ts';
import { base, diamond, diamondCode } from './shapes.ts';
import { childrenOf, registeredHandlersOf, stepOf, submitWorkflow } from './workflows.ts';

const { pool } = await createDatabase();

const number = z.strictObject({ value: z.number() });
const square = defineTask({ ...base, name: 'children.square', result: number });
const squares = defineWorkflow({
  ...base,
  name: 'children.squares',
  steps: {
    before: step({ result: number }),
    all: step({ after: ['before'], map: square }),
    sum: step({ after: ['all'], result: number }),
  },
});

/** Squares 1 to the value of the workflow, and adds them up. `failing` are numbers whose square fails. */
function startSquares(failing = new Set<number>(), list?: unknown): ReturnType<typeof startTestRunner> {
  const code = defineSteps(squares, {
    steps: {
      before: { handler: ({ value }) => ({ value }) },
      all: {
        payloads: ({ results }) =>
          (list as []) ?? Array.from({ length: results.before.value }, (_, index) => ({ value: index + 1 })),
      },
      sum: {
        handler: (_payload, { results }) => ({
          value: results.all.reduce((sum, { value }) => sum + value, 0),
        }),
      },
    },
  });
  const handler: Handler<typeof square> = ({ value }) => {
    if (failing.has(value)) throw new PermanentError(`no square of ${value}`);
    return { value: value * value };
  };
  return startTestRunner(pool, {
    registeredHandlers: new Map([
      ...registeredHandlersOf(pool, squares, code),
      registeredHandler(square, handler),
    ]),
  });
}

test('a list becomes a task each, whose results come in its order', async () => {
  await startSquares();
  const options = { initiator: 'me', requestId: 'r-1', priority: 3, tags: ['of the workflow'] };
  const { id } = await submitWorkflow(pool, squares, { value: 150 }, options);
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', result: { value: 1_136_275 } });
  const all = await stepOf(pool, id, 'all');
  const results = Array.from({ length: 150 }, (_, index) => ({ value: (index + 1) ** 2 }));
  expect(all).toMatchObject({ attempt: 1, result: results });
  expect(new Set(Object.values(await childrenOf(pool, all.id)))).toEqual(new Set(['succeeded 1']));
  const { rows } = await pool.query(
    'select distinct name, initiator, request_id from errand.tasks where parent_id = $1',
    [all.id],
  );
  expect(rows).toEqual([{ name: 'children.square', initiator: 'me', request_id: 'r-1' }]);
});

test('an empty list is done at once', async () => {
  await startSquares();
  const { id } = await submitWorkflow(pool, squares, { value: 0 });
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', result: { value: 0 } });
  expect(await stepOf(pool, id, 'all')).toMatchObject({ state: 'succeeded', result: [], attempt: 1 });
});

test('one that fails fails the step when the others are done, and a retry of the whole runs it alone', async () => {
  const failing = new Set([2]);
  await startSquares(failing);
  const { id } = await submitWorkflow(pool, squares, { value: 4 });
  const { error } = await finished(pool, id);
  expect(error?.message).toBe(
    '1 of 3 did not succeed: all failed: 1 of 4 did not succeed: children.square failed: no square of 2',
  );
  const { id: all } = await stepOf(pool, id, 'all');
  expect(await childrenOf(pool, id)).toEqual({ before: 'succeeded 1', all: 'failed 1', sum: 'waiting 1' });
  failing.clear();
  expect(await retryTask(pool, id)).toMatchObject({ state: 'running' });
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', result: { value: 30 } });
  expect(await childrenOf(pool, id)).toEqual({
    before: 'succeeded 1',
    all: 'succeeded 2',
    sum: 'succeeded 1',
  });
  expect(await childrenOf(pool, all)).toEqual({
    0: 'succeeded 1',
    1: 'succeeded 2',
    2: 'succeeded 1',
    3: 'succeeded 1',
  });
});

test('one that is retried alone has all that it is in go on, however deep', async () => {
  const failing = new Set([2, 3]);
  await startSquares(failing);
  const { id } = await submitWorkflow(pool, squares, { value: 3 });
  expect(await finished(pool, id)).toMatchObject({ state: 'failed' });
  const { id: all } = await stepOf(pool, id, 'all');
  const { rows } = await pool.query<{ id: string }>(
    'select id from errand.tasks where parent_id = $1 and state = $2 order by id',
    [all, 'failed'],
  );
  // Only one of the two: the step fails a second time.
  failing.clear();
  expect(await retryTask(pool, String(rows[0]?.id))).toMatchObject({ state: 'queued', attempt: 2 });
  expect(await finished(pool, id)).toMatchObject({ state: 'failed', attempt: 2 });
  expect(await childrenOf(pool, id)).toMatchObject({ all: 'failed 2' });
  expect(await retryTask(pool, String(rows[1]?.id))).toMatchObject({ state: 'queued', attempt: 2 });
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', attempt: 3, result: { value: 14 } });
});

test.each([
  ['no list', 'no list', '`payloads` of the step `all` must give an array'],
  [
    'too long a list',
    Array.from({ length: 10_001 }, () => ({ value: 1 })),
    '10001 children of the step `all` are more',
  ],
])('%s fails the step for good, and nothing of it is submitted', async (_what, list, message) => {
  await startSquares(new Set(), list);
  const { id } = await submitWorkflow(pool, squares, { value: 1 });
  expect((await finished(pool, id)).error?.message).toContain(message);
  expect(await childrenOf(pool, (await stepOf(pool, id, 'all')).id)).toEqual({});
});

const WRONG = { value: 'x' };

test.each<[string, unknown[], string, string[]]>([
  [
    'the third payload of a list',
    [{ value: 1 }, { value: 2 }, WRONG],
    'Item 2 of the step `all` does not fit children.square 1.0.0',
    ['/payloads/2/value'],
  ],
  [
    'several, one of which is a Map in part',
    [WRONG, { value: 1 }, { value: new Map() }, undefined, { value: Number.NaN }],
    'Items 0, 2, 3, 4 of the step `all` do not fit children.square 1.0.0',
    ['/payloads/0/value', '/payloads/2/value', '/payloads/3', '/payloads/4/value'],
  ],
  [
    'one far behind',
    [...Array.from({ length: 250 }, () => ({ value: 1 })), WRONG],
    'Item 250 of the step `all` does not fit children.square 1.0.0',
    ['/payloads/250/value'],
  ],
  [
    'more than are told of',
    Array.from({ length: 1_000 }, () => WRONG),
    'Items 0, 1, 2, 3, 4 and 95 more of the step `all` do not fit children.square 1.0.0',
    Array.from({ length: 100 }, (_, index) => `/payloads/${index}/value`),
  ],
])('the error names the step and the items: %s', async (_what, list, message, paths) => {
  await startSquares(new Set(), list);
  const { id } = await submitWorkflow(pool, squares, { value: 1 });
  await finished(pool, id);
  const step = await stepOf(pool, id, 'all');
  const details = step.error?.metadata?.details as { path: string }[];
  expect([step.state, step.attempt, step.error?.error_code]).toEqual(['failed', 1, 'VALIDATION_FAILED']);
  expect([step.error?.message, details.map(({ path }) => path)]).toEqual([message, paths]);
  expect(await childrenOf(pool, step.id)).toEqual({});
});

test('the error of a step that runs one task names the step', async () => {
  const single = defineWorkflow({ ...base, name: 'children.single', steps: { one: step({ run: square }) } });
  const code = defineSteps(single, {
    steps: { one: { payload: () => WRONG as unknown as { value: number } } },
  });
  await startTestRunner(pool, { registeredHandlers: new Map(registeredHandlersOf(pool, single, code)) });
  const { id } = await submitWorkflow(pool, single, { value: 1 });
  await finished(pool, id);
  expect((await stepOf(pool, id, 'one')).error).toMatchObject({
    message: 'The payload of the step `one` does not fit children.square 1.0.0',
    metadata: { details: [{ path: '/payload/value' }] },
  });
});

const inner = defineWorkflow({
  ...base,
  name: 'children.inner',
  steps: { twice: step({ run: diamond }), end: step({ after: ['twice'], result: number }) },
});
const outer = defineWorkflow({
  ...base,
  name: 'children.outer',
  steps: { every: step({ map: inner }), sum: step({ after: ['every'], result: number }) },
});

test('workflows in lists of workflows give their results upwards, and fail and are retried three deep', async () => {
  let failures = 1;
  const innerCode = defineSteps(inner, {
    steps: {
      twice: { payload: ({ payload: { value } }) => ({ value: value * 10 }) },
      end: {
        handler: (_payload, { results }) => ({ value: (results.twice as { value: number }).value + 1 }),
      },
    },
  });
  const outerCode = defineSteps(outer, {
    steps: {
      every: {
        payloads: ({ payload: { value } }) => Array.from({ length: value }, (_, index) => ({ value: index })),
      },
      sum: {
        handler: (_payload, { results }) => ({
          value: results.every.reduce((sum: number, one) => sum + (one as { value: number }).value, 0),
        }),
      },
    },
  });
  const diamonds = new Map(registeredHandlersOf(pool, diamond, diamondCode));
  const minus = diamonds.get('graph.diamond.minus');
  if (minus === undefined) throw new Error('the diamond has no such step');
  diamonds.set('graph.diamond.minus', {
    ...minus,
    handler: (payload, context) => {
      if ((payload as { value: number }).value === 20 && failures-- > 0) throw new PermanentError('deep');
      return minus.handler(payload, context);
    },
  });
  const registeredHandlers = new Map([
    ...diamonds,
    ...registeredHandlersOf(pool, inner, innerCode),
    ...registeredHandlersOf(pool, outer, outerCode),
  ]);
  await startTestRunner(pool, { registeredHandlers });
  const { id } = await submitWorkflow(pool, outer, { value: 4 });
  const { state, error } = await finished(pool, id);
  expect(state).toBe('failed');
  expect(error?.message).toContain('minus failed: deep');
  const { rows } = await pool.query<{ id: string }>(
    `select id from errand.tasks where name = 'graph.diamond.minus' and state = 'failed'`,
  );
  expect(rows).toHaveLength(1);
  expect(await retryTask(pool, String(rows[0]?.id))).toMatchObject({ state: 'queued' });
  // Each gives 4 times 10 times its value, and 1.
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', attempt: 2, result: { value: 244 } });
  const again = await pool.query(
    `select name from errand.tasks where attempt > 1 and children is null and name not like 'children.square%'`,
  );
  expect(again.rows).toEqual([{ name: 'graph.diamond.minus' }]);
});
