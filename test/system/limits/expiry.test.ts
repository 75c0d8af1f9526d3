import { expect, test } from 'vitest';
import { createDatabase } from '../../support/database.ts';
import { allFinished, recordHistory } from '../../support/history.ts';
import { startProcess, type TestProcess } from '../../support/processes.ts';
import { LEASE } from '../../support/runners.ts';
import { finished, submit } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';
import { watchPresence } from './presence.ts';

const start = (url: string): Promise<TestProcess> =>
  startProcess('test/system/limits/fixtures/runner.ts', url, LEASE);

test('Q4: runners are killed while tasks expire: what has expired was never run, and all else ends as ever', async () => {
  const { url, pool } = await createDatabase();
  const witness = await watchPresence();
  const runners = await Promise.all([start(url), start(url), start(url)]);
  const tasks = await submit(
    pool,
    ...Array.from({ length: 120 }, (_none, index) => ({
      name: 'limits.work',
      payload: { key: `task${index}`, ms: 100, port: witness.port },
      expiresInMs: 300 + ((index * 397) % 6_000),
    })),
  );
  for (let kills = 0; kills < 3; kills++) {
    const goal = 20 * (kills + 1);
    await until('some have ended', async () => {
      const { rows } = await pool.query(
        'select count(*) as n from errand.tasks where finished_at is not null',
      );
      return rows[0].n >= goal;
    });
    runners.shift()?.child.kill('SIGKILL');
    runners.push(await start(url));
  }
  await until('all have finished', () => allFinished(pool));
  const ended = await Promise.all(tasks.map(({ id }) => finished(pool, id)));
  for (const [index, { state }] of ended.entries()) {
    expect(state).toBeOneOf(['succeeded', 'expired']);
    const ran = witness.most(`task${index}`);
    expect([index, state, state === 'expired' ? ran : Math.min(ran, 1)]).toEqual([
      ...[index, state],
      state === 'expired' ? 0 : 1,
    ]);
  }
  expect(new Set(ended.map(({ state }) => state))).toEqual(new Set(['succeeded', 'expired']));
  const history = recordHistory();
  for (const { id } of tasks) history.ok(id);
  await history.check(pool);
});
