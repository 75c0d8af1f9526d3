import type { Pool } from 'pg';
import { expect, test } from 'vitest';
import { call } from '../../support/api.ts';
import { allFinished, recordHistory } from '../../support/history.ts';
import { startOwnPostgres } from '../../support/postgres.ts';
import { startProcess } from '../../support/processes.ts';
import { OUTLASTING, running, startRunners, steady, UNDER_WAY_MS } from '../../support/runners.ts';
import { outcomes } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';
import { fakedClock } from './faked_clock.ts';

/** Far more than any wait of this test: what would stand still until the clock has caught up fails it. */
const BACK_SECS = 3_600;

/** How far Postgres's clock is ahead of this machine's, in whole minutes. */
async function minutesAhead(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ now: number }>(
    'select extract(epoch from clock_timestamp())::float8 as now',
  );
  return Math.round((Number(rows[0]?.now) - Date.now() / 1_000) / 60);
}

test('F14: the clock of a real Postgres goes back while a runner dies: its work is taken over, and what waited and what comes is done', async () => {
  const clock = await fakedClock();
  const { url, pool } = await startOwnPostgres({ environment: clock.environment });
  const history = recordHistory();
  const api = await startProcess('api/main.ts', url);
  const [[victim], [survivor]] = await Promise.all([
    startRunners(url, 1, { RUNNER_CONCURRENCY: '1' }),
    startRunners(url, 1, { RUNNER_CONCURRENCY: '1', ...OUTLASTING }),
  ]);
  const submitSleep = async (ms: number): Promise<string> => {
    const { status, body } = await call(api.url, 'POST', '/v1/tasks/example.sleep', { payload: { ms } });
    expect(status).toBe(201);
    history.ok(body.task.id);
    return body.task.id;
  };
  await steady(pool, 2);
  survivor?.child.kill('SIGSTOP');
  const long = await submitSleep(UNDER_WAY_MS);
  await running(pool, 1);
  const waiting = [];
  for (let at = 0; at < 10; at++) waiting.push(await submitSleep(1));

  victim?.child.kill('SIGKILL');
  await victim?.exited;
  await clock.shift(-BACK_SECS);
  expect(await minutesAhead(pool)).toBe(-BACK_SECS / 60);
  survivor?.child.kill('SIGCONT');
  const coming = await submitSleep(1);

  // The library that moves the clock can crash a backend, rarely. Then Postgres recovers within seconds, and refuses connections
  // meanwhile.
  await until('all has finished', () => allFinished(pool).catch(() => false));
  expect(await outcomes(pool, long)).toEqual([
    [1, 'crashed'],
    [2, 'succeeded'],
  ]);
  for (const id of [...waiting, coming]) expect(await outcomes(pool, id)).toEqual([[1, 'succeeded']]);
  await history.check(pool);
  expect(await minutesAhead(pool)).toBe(-BACK_SECS / 60);
});
