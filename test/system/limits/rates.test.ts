import { expect, test } from 'vitest';
import { createDatabase } from '../../support/database.ts';
import { allFinished } from '../../support/history.ts';
import { startProcess, type TestProcess } from '../../support/processes.ts';
import { LEASE } from '../../support/runners.ts';
import { finished, submit } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';
import { clockAhead } from '../clock/faked_clock.ts';
import { RATE } from './fixtures/tasks.ts';
import { watchPresence } from './presence.ts';

const KEYS = ['a', 'b'];
const WINDOW_MS = (RATE.periodSeconds * 1_000 * RATE.burst) / RATE.limit;

const start = (url: string, environment: Record<string, string> = {}): Promise<TestProcess> =>
  startProcess('test/system/limits/fixtures/runner.ts', url, { ...LEASE, ...environment });

/**
 * Those that started earlier than a rate allows. A start is counted before its handler runs, so at any time no
 * more handlers can have begun than starts could be counted since `from`. On a busy machine it is only fewer.
 */
function tooEarly(arrivals: readonly number[], from: number): number[] {
  return arrivals.filter((at, index) => index >= RATE.burst * (Math.floor((at - from) / WINDOW_MS) + 1));
}

test('Q2: runners are killed, and the clock of one is an hour ahead: a witness sees no start before its time, and all tasks end', async () => {
  const { url, pool } = await createDatabase();
  const witness = await watchPresence();
  const runners = await Promise.all([start(url), start(url, clockAhead(3_600)), start(url)]);
  const from = performance.now();
  const tasks = await submit(
    pool,
    ...Array.from({ length: 24 }, (_none, index) => ({
      name: 'limits.rated',
      payload: { key: KEYS[index % KEYS.length] ?? '', ms: 20, port: witness.port },
    })),
  );
  for (let kills = 0; kills < 3; kills++) {
    await until('some have started', () => witness.arrivals('all').length >= 5 * (kills + 1));
    runners.shift()?.child.kill('SIGKILL');
    runners.push(await start(url, kills === 1 ? clockAhead(-3_600) : {}));
  }
  await until('all have finished', () => allFinished(pool));
  for (const { id } of tasks) expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
  for (const key of KEYS) {
    expect(witness.arrivals(key).length).toBeGreaterThanOrEqual(12);
    expect(tooEarly(witness.arrivals(key), from)).toEqual([]);
  }
});

test('Q2: the only runner dies while tasks wait for their time: the next one calls them', async () => {
  const { url, pool } = await createDatabase();
  const witness = await watchPresence();
  const first = await start(url);
  const from = performance.now();
  const payload = { key: 'a', ms: 1, port: witness.port };
  const tasks = await submit(pool, ...Array.from({ length: 5 }, () => ({ name: 'limits.rated', payload })));
  await until('the others wait', async () => {
    const { rows } = await pool.query('select from errand.limit_waits where called_at is null');
    return rows.length >= 2;
  });
  first.child.kill('SIGKILL');
  await first.exited;
  await start(url);
  for (const { id } of tasks) expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
  expect(tooEarly(witness.arrivals('a'), from)).toEqual([]);
});
