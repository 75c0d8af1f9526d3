import { describe, expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { defineBatchHandler } from '../../../core/batch_handler.ts';
import { PermanentError } from '../../../core/errors.ts';
import { defineHandler, defineTask } from '../../../core/task.ts';
import { runBatchHandler, runHandler } from '../../../testing/index.ts';

const basics = { version: '1.0.0', description: 'Indexes a text', example: { text: 'a' } };
const payload = z.object({ text: z.string().trim() });
const index = defineTask({
  ...{ ...basics, payload, name: 'shop.index', result: z.object({ length: z.number(), at: z.date() }) },
  batch: { size: 3, key: ({ text }) => text.slice(0, 1) },
});

let calls = 0;
const handler = defineBatchHandler(index, async (items, { key }) => {
  calls++;
  return items.map(({ payload: { text }, attempt, log, progress }) => {
    log.info({ key }, 'indexing');
    progress(1);
    if (text === 'abad') return { error: new PermanentError('bad text') };
    return { result: { length: text.length * attempt, at: new Date(0) } };
  });
});

describe('runBatchHandler (Q11)', () => {
  test('one batch gives the result, or the error, of each payload', async () => {
    calls = 0;
    const [good, bad, misfit] = await runBatchHandler(
      handler,
      [{ text: ' abc ' }, { text: 'abad' }, { text: 7 as unknown as string }],
      { attempt: 2 },
    );
    expect(calls).toBe(1);
    if (good?.status !== 'fulfilled') throw new Error('it failed');
    expectTypeOf(good.value.result).toEqualTypeOf<{ length: number; at: string }>();
    expect(good.value).toMatchObject({
      result: { length: 6, at: '1970-01-01T00:00:00.000Z' },
      log: [{ level: 'info', message: 'indexing', fields: { key: 'a' } }],
      progress: [{ fraction: 1, note: null }],
    });
    expect(bad).toMatchObject({ status: 'rejected', reason: new PermanentError('bad text') });
    expect(misfit).toMatchObject({ status: 'rejected', reason: { code: 'VALIDATION_FAILED' } });
  });

  test('payloads of different keys never share a batch', async () => {
    const run = await runBatchHandler(handler, [{ text: 'abc' }, { text: 'bcd' }]);
    for (const one of run)
      expect(one).toMatchObject({ reason: { message: expect.stringContaining('their keys differ: a, b') } });
    expect(await runBatchHandler(handler, [])).toEqual([]);
  });

  test('runHandler runs a batch of one', async () => {
    const { result } = await runHandler(handler, { text: 'four' });
    expectTypeOf(result).toEqualTypeOf<{ length: number; at: string }>();
    expect(result.length).toBe(4);
    await expect(runHandler(handler, { text: 'abad' })).rejects.toThrow('bad text');
  });

  test('more payloads than a batch may have, and another handler, are refused', async () => {
    const many = Array.from({ length: 4 }, () => ({ text: 'a' }));
    await expect(runBatchHandler(handler, many)).rejects.toThrow(
      '4 payloads are more than a batch of shop.index has: 3',
    );
    const plain = defineTask({ ...basics, payload, name: 'shop.plain' });
    const one = defineHandler(plain, () => null);
    await expect(runBatchHandler(one, [{ text: 'a' }])).rejects.toThrow(
      'runBatchHandler takes the result of defineBatchHandler(…)',
    );
  });
});
