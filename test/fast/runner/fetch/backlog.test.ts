import { expect, test } from 'vitest';
import { createBacklog } from '../../../../runner/fetch/backlog.ts';

test('a name is full while too many of its attempts wait, and has room again only when few are left', async () => {
  const backlog = createBacklog();
  const changes: boolean[] = [];
  backlog.onChange(() => changes.push(backlog.isFull('a.one')));
  const ends: ((how: Error | null) => void)[] = [];
  const waits = Array.from({ length: 400 }, () =>
    backlog
      .within(
        'a.one',
        new Promise((resolve, reject) => ends.push((how) => (how === null ? resolve(how) : reject(how)))),
      )
      .catch(() => {}),
  );
  expect([backlog.isFull('a.one'), backlog.isFull('a.two')]).toEqual([true, false]);
  for (const end of ends.slice(0, 299)) end(null);
  await Promise.all(waits.slice(0, 299));
  expect(backlog.isFull('a.one')).toBe(true);
  // One whose wait fails has left, too.
  ends[299]?.(new Error('the runner stops'));
  await waits[299];
  expect(backlog.isFull('a.one')).toBe(false);
  for (const end of ends.slice(300)) end(null);
  await Promise.all(waits);
  expect(changes).toEqual([true, false]);
});
