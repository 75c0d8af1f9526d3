import { expect, test } from 'vitest';
import { createRegistry } from '../../../../core/registry.ts';
import { buildReport } from '../../../../tasks/report.build.workflow.ts';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { submitOne } from '../../../support/tasks.ts';
import { stepOf, submitWorkflow } from '../../workflows/workflows.ts';
import { expectError, expectRefused } from '../ledger.ts';
import { freshStep, pathOf, registerShop, SAID, shopRegistry } from '../shop.ts';

// Specification W5: what an operator may say that a step came to.

const { pool } = await createDatabase();
await registerShop(pool);
const api = await startApi(pool, { registry: shopRegistry });
/** Has none of the definitions: only runners do. */
const unknowing = await startApi(pool, { registry: createRegistry([]) });

const resolve = (task: Parameters<typeof pathOf>[0], resolution_data: unknown) =>
  api.call('PATCH', pathOf(task), { resolution_data, ...SAID });

test.each([null, false, 0, '', 'text 🚚', [], [1, [null]], {}, { a: { b: 1 } }])(
  'without a schema of its result anything is one: %j',
  async (data) => {
    const { status, body } = await resolve(await freshStep(pool, 'gift'), data);
    expect([status, body.result.result]).toEqual([200, data]);
  },
);

test.each([
  ['pay', { paid: 'a lot' }, ['/body/resolution_data/paid']],
  ['pay', { paid: -1 }, ['/body/resolution_data/paid']],
  ['pay', { paid: -1, note: 'a' }, ['/body/resolution_data/note', '/body/resolution_data/paid']],
  ['pay', null, ['/body/resolution_data']],
  ['reserve', {}, ['/body/resolution_data/value']],
])('of %s %j is no result', async (name, data, paths) => {
  const step = await freshStep(pool, name);
  for (const one of [api, unknowing]) {
    const send = () => one.call('PATCH', pathOf(step), { resolution_data: data, ...SAID });
    const answer = await expectRefused(api, pool, send, {
      status: 400,
      code: 'VALIDATION_FAILED',
      details: 'some',
    });
    expect(answer.body.details.map(({ path }: { path: string }) => path).toSorted()).toEqual(paths);
    expect(answer.body.error).toBe(`The resolution does not fit the result of shop.order.${name}`);
  }
  expect((await stepOf(pool, step.parent_id ?? '', name)).state).toBe(step.state);
});

test('an API without the definition takes what fits, and of a step that nobody has registered anything', async () => {
  const step = await freshStep(pool, 'pay');
  const send = (data: unknown) => unknowing.call('PATCH', pathOf(step), { resolution_data: data, ...SAID });
  expect((await send({ paid: 2 })).body).toMatchObject({ state: 'resolved' });
  const alien = await submitOne(pool, {
    name: 'alien.work',
    payload: {},
    steps: [
      {
        step: 'a',
        name: 'alien.work.a',
        after: [],
        priority: null,
        max_attempts: 1,
        conditional: false,
        kind: 'handler',
        child: null,
      },
    ],
  });
  const { status } = await resolve(await stepOf(pool, alien.id, 'a'), 'anything');
  expect(status).toBe(200);
});

test.each([
  [{}, ['/body/reason', '/body/resolution_data', '/body/resolved_by']],
  [{ ...SAID }, ['/body/resolution_data']],
  [{ ...SAID, resolution_data: 1, resolved_by: '' }, ['/body/resolved_by']],
  [{ ...SAID, resolution_data: 1, resolved_by: 'a'.repeat(201) }, ['/body/resolved_by']],
  [{ ...SAID, resolution_data: 1, reason: '' }, ['/body/reason']],
  [{ ...SAID, resolution_data: 1, reason: 'a'.repeat(1_001) }, ['/body/reason']],
  [{ ...SAID, resolution_data: 1, reason: 7 }, ['/body/reason']],
  [{ ...SAID, resolution_data: 1, state: 'resolved' }, ['/body/state']],
  [[], ['/body']],
  ['{"resolution_data":"\\u0000","resolved_by":"ann","reason":"a"}', ['/body/resolution_data']],
  ['{"resolution_data":1,"resolved_by":"\\ud800","reason":"a"}', ['/body/resolved_by']],
  [
    '{"resolution_data":{"__proto__":1},"resolved_by":"ann","reason":"a"}',
    ['/body/resolution_data/__proto__'],
  ],
  ['{"resolution_data":12345678901234567891,"resolved_by":"ann","reason":"a"}', ['/body/resolution_data']],
  [`{"resolution_data":${'['.repeat(64)}${']'.repeat(64)},"resolved_by":"ann","reason":"a"}`, 'deep'],
])('the body %j is refused', async (body, paths) => {
  const step = await freshStep(pool, 'gift');
  const answer = await expectRefused(api, pool, () => api.call('PATCH', pathOf(step), body), {
    status: 400,
    code: 'VALIDATION_FAILED',
    details: 'some',
  });
  const told: string[] = answer.body.details.map(({ path }: { path: string }) => path).toSorted();
  if (paths === 'deep') expect(told).toEqual([expect.stringMatching(/^\/body\/resolution_data(\/0)+$/)]);
  else expect(told).toEqual(paths);
  expect((await stepOf(pool, step.parent_id ?? '', 'gift')).state).toBe('waiting');
});

test('no body at all is refused', async () => {
  const answer = await api.call('PATCH', pathOf(await freshStep(pool, 'gift')));
  expectError(answer, { status: 400, code: 'VALIDATION_FAILED', details: 'some' });
});

test.each([
  ['count', { words: 1 }, ['/body/resolution_data']],
  ['count', [{ words: 1, characters: 1 }], ['/body/resolution_data/0/longest_word']],
  ['count', [{ words: 1, characters: 1, longest_word: 'a' }], []],
  ['count', [], []],
  ['deliver', { status: 'no' }, 'some'],
])('of %s, which is done by other tasks, %j is held against their results', async (name, data, paths) => {
  for (const one of [api, unknowing]) {
    const { id } = await submitWorkflow(pool, buildReport, buildReport.example);
    const step = await stepOf(pool, id, name);
    const { status, body } = await one.call('PATCH', pathOf(step), { resolution_data: data, ...SAID });
    const told: string[] = (body.details ?? []).map(({ path }: { path: string }) => path);
    if (paths === 'some') expect(told).not.toEqual([]);
    else expect(told).toEqual(paths);
    expect(status).toBe(paths.length === 0 ? 200 : 400);
  }
});
