import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { workRing } from '../../runner/ring.ts';
import { createSlots } from '../../runner/slots.ts';
import type { DueAttempt } from '../../store/begin.ts';

function due(id: string): DueAttempt {
  return {
    id,
    ring: 'ring',
    name: 't.x',
    attempt: 1,
    maxAttempts: 1,
    priority: 0,
    waitedMs: 0,
    crashes: 0,
    payload: {},
    requestId: null,
    traceparent: null,
  };
}

test('an outcome that can not be recorded while the ring still waits for slots fails the ring, and not the process', async () => {
  const slots = createSlots(1);
  const given: string[][] = [];
  const ended: string[] = [];
  const unhandled: unknown[] = [];
  const hear = (reason: unknown): number => unhandled.push(reason);
  process.on('unhandledRejection', hear);
  const working = workRing(
    { key: 'ring', taskIds: ['a', 'b', 'c'] },
    {
      begin: async () => [due('a'), due('b'), due('c')],
      run: async ({ id }) => {
        await pause(id === 'a' ? 10 : 200);
        ended.push(id);
        throw new Error(`${id} is no longer ours`);
      },
      giveBack: async ({ taskIds }) => {
        given.push(taskIds);
      },
      slots,
      suspects: createSlots(1),
      stopping: AbortSignal.timeout(100),
    },
  );
  await expect(working).rejects.toThrow('a is no longer ours');
  // It waits for all that it has started, whatever became of one of them.
  expect(ended).toEqual(['a', 'b']);
  expect(given).toEqual([['c']]);
  process.off('unhandledRejection', hear);
  expect(unhandled).toEqual([]);
  expect(slots.taken()).toBe(0);
});
