import { expect, test } from 'vitest';
import { z } from 'zod';
import { defineTask } from '../../../../core/task.ts';
import { defineSteps, defineWorkflow, step } from '../../../../core/workflow.ts';
import type { Task } from '../../../../store/tasks/tasks.ts';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { registeredHandler, startTestRunner } from '../../../support/runner.ts';
import { finished } from '../../../support/tasks.ts';
import { registeredHandlersOf, stepOf, submitWorkflow } from '../../workflows/workflows.ts';
import { registryWith } from '../definitions.ts';
import { pathOf, SAID } from '../shop.ts';

// Specification D1: what an operator says that a step came to is judged by the schema of its result, like what it gives.

const { pool } = await createDatabase();

const paid = z.object({
  at: z.date(),
  cents: z.int().refine((cents) => cents % 5 === 0, 'is paid in coins of five'),
  currency: z.string().default('CHF'),
});
const base = {
  version: '1.0.0',
  description: 'For tests',
  payload: z.strictObject({ value: z.number() }),
  example: { value: 1 },
};
const pay = defineTask({ ...base, name: 'verdict.pay', result: paid });
const order = defineWorkflow({
  ...base,
  name: 'verdict.order',
  result: z.object({ year: z.number(), paid: z.array(paid) }),
  steps: {
    one: step({ result: paid }),
    each: step({ after: ['one'], map: pay }),
    last: step({ after: ['one', 'each'], result: z.object({ year: z.number() }) }),
  },
});
const registry = registryWith(order, pay);
const api = await startApi(pool, { registry });

async function freshStep(name: string): Promise<Task> {
  const { id } = await submitWorkflow(pool, order, { value: 1 });
  return stepOf(pool, id, name);
}

const resolve = (task: Task, resolution_data: unknown) =>
  api.call('PATCH', pathOf(task), { resolution_data, ...SAID });

const AT = '2026-11-29T12:00:00Z';
const FINE = { at: AT, cents: 5 };
const RECORDED = { at: '2026-11-29T12:00:00.000Z', cents: 5, currency: 'CHF' };

test.each([
  ['one', FINE, RECORDED],
  ['one', RECORDED, RECORDED],
  ['each', [FINE, { ...FINE, currency: 'EUR' }], [RECORDED, { ...RECORDED, currency: 'EUR' }]],
  ['each', [], []],
])('of %s %j is recorded as the schema makes it', async (name, data, recorded) => {
  const { status, body } = await resolve(await freshStep(name), data);
  expect([status, body.result?.result]).toEqual([200, recorded]);
});

const DATA = '/body/resolution_data';
test.each<[string, string, unknown, string[]]>([
  ['no date', 'one', { ...FINE, at: 'tomorrow' }, [`${DATA}/at`]],
  ['what a refinement refuses', 'one', { ...FINE, cents: 7 }, [`${DATA}/cents`]],
  ['an unknown property', 'one', { ...FINE, tip: 1 }, [`${DATA}/tip`]],
  ['null', 'one', null, [DATA]],
  [
    'two of a list',
    'each',
    [FINE, { ...FINE, cents: 7 }, { ...FINE, at: 1 }],
    [`${DATA}/1/cents`, `${DATA}/2/at`],
  ],
  ['one for a list', 'each', FINE, [DATA]],
  [
    'more than are told of',
    'each',
    Array.from({ length: 300 }, () => 1),
    Array.from({ length: 100 }, (_, n) => `${DATA}/${n}`),
  ],
])('%s is refused, with its paths (step %s)', async (_what, name, data, paths) => {
  const task = await freshStep(name);
  const { status, body } = await resolve(task, data);
  expect([status, body.details?.map(({ path }: { path: string }) => path)]).toEqual([400, paths]);
  expect((await stepOf(pool, task.parent_id ?? '', name)).state).toBe(task.state);
});

test('the steps after it get a date as text, whether the step gave it or an operator', async () => {
  const seen: unknown[] = [];
  const code = defineSteps(order, {
    steps: {
      one: { handler: () => ({ at: new Date(AT), cents: 5 }) },
      each: {
        payloads: ({ results }) => {
          seen.push(results.one.at);
          return [{ value: 1 }];
        },
      },
      last: { handler: (_payload, { results }) => ({ year: new Date(results.one.at).getUTCFullYear() }) },
    },
    output: ({ results }) => ({
      year: results.last.year,
      paid: results.each.map((one) => ({ ...one, at: new Date(one.at) })),
    }),
  });
  const by = await freshStep('one');
  expect((await resolve(by, FINE)).status).toBe(200);
  await startTestRunner(pool, {
    registeredHandlers: new Map([
      ...registeredHandlersOf(pool, order, code),
      registeredHandler(pay, () => ({ at: new Date(AT), cents: 10 })),
    ]),
  });
  const { id } = await submitWorkflow(pool, order, { value: 2 });
  for (const workflow of [id, by.parent_id ?? '']) {
    expect(await finished(pool, workflow)).toMatchObject({
      state: 'succeeded',
      result: { year: 2026, paid: [{ ...RECORDED, cents: 10 }] },
    });
  }
  // Steps of the tests before have run, too.
  expect(new Set(seen)).toEqual(new Set([RECORDED.at]));
});
