import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runHandler, runStep } from 'errand/testing';
import steps from './orders.place.steps.ts';
import { place } from './orders.place.workflow.ts';
import reserve from './orders.reserve.handler.ts';

test('a reservation costs the price of its pieces', async () => {
  const { result, log } = await runHandler(reserve, { order: 'A-1', article: 'cup', pieces: 3 });
  assert.deepEqual(result, { cents: 2_670 });
  assert.equal(log[0]?.message, 'reserved');
});

test('an article that the shop does not have fails for good', async () => {
  await assert.rejects(runHandler(reserve, { order: 'A-1', article: 'car', pieces: 1 }), {
    name: 'PermanentError',
    code: 'UNKNOWN_ARTICLE',
  });
});

test('an order reserves each of its articles', async () => {
  const { children } = await runStep(steps, 'reserve', place.example);
  assert.deepEqual(
    children.map(({ name, payload }) => [name, payload]),
    [
      ['orders.reserve', { order: 'A-1', article: 'tea-pot', pieces: 1 }],
      ['orders.reserve', { order: 'A-1', article: 'cup', pieces: 4 }],
    ],
  );
});
