import { expect, test } from 'vitest';
import { createDatabase } from '../../support/database.ts';
import { allFinished } from '../../support/history.ts';
import { openProxy } from '../../support/network/tcp_proxy.ts';
import { registered, startFixtureRunner } from '../../support/runners.ts';
import { until } from '../../support/until.ts';
import { whenDone } from '../../support/when_done.ts';
import { endAll, makeSchedules, several } from './made_schedules.ts';
import { deleteRecords, rememberTimes, seenTimes } from './seen.ts';

const MIN_TIMES = 8;
const EVERY_SECOND = { every_seconds: 1, overlap: 'allow', catch_up: 'all' } as const;
/** Less than what a runner waits for a statement. */
const LATE_MS = 1_600;

/** The times of each second from the first to the last of these. */
function everySecond(times: readonly string[]): string[] {
  const [first, last] = [Date.parse(String(times[0])), Date.parse(String(times.at(-1)))];
  return Array.from({ length: (last - first) / 1_000 + 1 }, (_, second) =>
    new Date(first + second * 1_000).toISOString(),
  );
}

test('a time is not handled again after the records of it were deleted', async () => {
  const { url, pool } = await createDatabase();
  await rememberTimes(pool);
  await Promise.all([1, 2].map(() => startFixtureRunner(url)));
  await registered(pool, 2);
  const all = several(5, { id: 'fixture.all', everySecs: 1, runsAll: true, settings: EVERY_SECOND });
  const last = several(5, {
    ...{ id: 'fixture.last', everySecs: 1, runsAll: false },
    settings: { every_seconds: 1 },
  });
  await makeSchedules(pool, [...all, ...last]);
  await until('many times have passed, whose records are gone', async () => {
    await deleteRecords(pool);
    const counts = await Promise.all(
      [...all, ...last].map(async ({ id }) => (await seenTimes(pool, id)).length),
    );
    return Math.min(...counts) >= MIN_TIMES;
  });
  await endAll(pool);
  for (const { id } of all) {
    const times = await seenTimes(pool, id);
    expect(times, id).toEqual(everySecond(times));
  }
  for (const { id } of last) {
    const times = await seenTimes(pool, id);
    expect(times, id).toEqual([...new Set(times)]);
  }
});

test('a statement that arrives late, after another runner has handled its time and the records are gone, does nothing', async () => {
  const { url, pool } = await createDatabase();
  await rememberTimes(pool);
  const proxy = await openProxy(url);
  whenDone(() => proxy.down());
  await startFixtureRunner(proxy.url);
  await registered(pool, 1);
  await makeSchedules(pool, [{ id: 'fixture.late', everySecs: 1, runsAll: true, settings: EVERY_SECOND }]);
  const handled = async (times: number): Promise<boolean> =>
    (await seenTimes(pool, 'fixture.late')).length >= times;
  await until('the first runner handles its times', () => handled(2));
  const second = await startFixtureRunner(url, { RUNNER_LEASE_SECS: '12' });
  await registered(pool, 2);

  let isLate = false;
  proxy.onSend = (connection) => {
    if (isLate || !connection.lastSent().includes('fire_schedules')) return;
    isLate = true;
    proxy.delayMs = LATE_MS;
    // Only of this statement.
    setImmediate(() => {
      proxy.delayMs = 0;
    });
  };
  await until('a statement is late', () => isLate);
  const before = (await seenTimes(pool, 'fixture.late')).length;
  await until('the second runner has handled its time', () => handled(before + 1));
  await until('the task of it has finished', () => allFinished(pool));
  second.child.kill('SIGSTOP');
  await deleteRecords(pool);
  await until('the first runner goes on', () => handled(before + 3));
  second.child.kill('SIGCONT');
  await endAll(pool);
  const times = await seenTimes(pool, 'fixture.late');
  expect(times).toEqual(everySecond(times));
});
