import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createSharedReads } from '../../../../core/concurrency/shared_reads.ts';
import { until } from '../../../support/until.ts';

type Read = { version: number; answer: () => void; fail: (error: unknown) => void };

/** Reads of a number that grows. The test answers each with the number at its start. */
function reading() {
  const reads: Read[] = [];
  let version = 0;
  const read = (): Promise<number> =>
    new Promise((resolve, reject) => {
      const started = version;
      reads.push({ version: started, answer: () => resolve(started), fail: reject });
    });
  return { reads, read, write: () => ++version };
}

test('those that ask in one turn of the event loop share a read', async () => {
  const share = createSharedReads();
  const { reads, read } = reading();
  const callers = [1, 2, 3].map(() => share('a', read));
  await setImmediate();
  expect(reads).toHaveLength(1);
  reads[0]?.answer();
  expect(await Promise.all(callers)).toEqual([0, 0, 0]);
});

test('whoever asks while a read runs gets the next one, which is as new as its question', async () => {
  const share = createSharedReads();
  const { reads, read, write } = reading();
  const first = share('a', read);
  await setImmediate();
  write();
  const later = [share('a', read), share('a', read)];
  await setImmediate();
  expect(reads).toHaveLength(1);
  reads[0]?.answer();
  expect(await first).toBe(0);
  await until('the next read', () => reads.length === 2);
  reads[1]?.answer();
  expect(await Promise.all(later)).toEqual([1, 1]);
  expect(reads).toHaveLength(2);
});

test('other keys do not wait for it', async () => {
  const share = createSharedReads();
  const { reads, read } = reading();
  void share('a', read);
  const other = share('b', read);
  await setImmediate();
  expect(reads).toHaveLength(2);
  reads[1]?.answer();
  expect(await other).toBe(0);
});

test('an error is given to all that share the read, and the next read succeeds', async () => {
  const share = createSharedReads();
  const { reads, read } = reading();
  const callers = [share('a', read), share('a', read)];
  await setImmediate();
  reads[0]?.fail(new Error('away'));
  for (const caller of callers) await expect(caller).rejects.toThrow('away');
  const next = share('a', read);
  await setImmediate();
  reads[1]?.answer();
  expect(await next).toBe(0);
});

test('a read that never ends holds up nobody for long', async () => {
  const share = createSharedReads();
  const { reads, read } = reading();
  void share('a', read);
  await setImmediate();
  const next = share('a', read);
  await until('another read', () => reads.length === 2);
  reads[1]?.answer();
  expect(await next).toBe(0);
});

test('a read is cancelled when all of its callers have left, not before', async () => {
  const share = createSharedReads();
  const lefts: AbortSignal[] = [];
  const read = (left: AbortSignal): Promise<never> => {
    lefts.push(left);
    return new Promise((_resolve, reject) => left.addEventListener('abort', () => reject(left.reason)));
  };
  const leaving = [new AbortController(), new AbortController()];
  const callers = leaving.map(({ signal }) => share('a', read, signal));
  const failed = Promise.allSettled(callers);
  await setImmediate();
  leaving[0]?.abort();
  expect(lefts.map(({ aborted }) => aborted)).toEqual([false]);
  leaving[1]?.abort();
  expect(lefts.map(({ aborted }) => aborted)).toEqual([true]);
  for (const { status } of await failed) expect(status).toBe('rejected');
});
