import { expect, test } from 'vitest';
import { call } from '../../../support/api.ts';
import { recordHistory } from '../../../support/history.ts';
import { startOwnPostgres } from '../../../support/postgres.ts';
import { startProcess } from '../../../support/processes.ts';
import { UNDER_WAY_MS } from '../../../support/runners.ts';
import { finished, inState, outcomes, submit, submitOne } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';

test('F5: Postgres crashes while tasks run and comes back: their outcomes are written, once, and work goes on', async () => {
  const postgres = await startOwnPostgres();
  const history = recordHistory();
  const runner = await startProcess('runner/main.ts', postgres.url);
  const api = await startProcess('api/main.ts', postgres.url);
  const running = await submit(
    postgres.pool,
    ...Array.from({ length: 5 }, () => ({ name: 'example.sleep', payload: { ms: UNDER_WAY_MS } })),
  );
  for (const { id } of running) {
    history.ok(id);
    await inState(postgres.pool, id, 'running');
  }
  await postgres.crash();
  expect(await call(api.url, 'GET', `/v1/tasks/${running[0]?.id}`)).toMatchObject({
    status: 503,
    body: { code: 'SERVICE_UNAVAILABLE' },
  });
  expect((await call(runner.url, 'GET', '/ready')).status).toBe(503);
  await until('the outcomes could not be recorded', () => runner.output().includes('recording'));
  await postgres.start();
  for (const { id } of running) {
    expect(await finished(postgres.pool, id)).toMatchObject({ state: 'succeeded', attempt: 1 });
    expect(await outcomes(postgres.pool, id)).toEqual([[1, 'succeeded']]);
  }
  const next = await submitOne(postgres.pool, { name: 'example.echo', payload: { message: 'still here' } });
  history.ok(next.id);
  await finished(postgres.pool, next.id);
  expect((await call(api.url, 'GET', '/ready')).status).toBe(200);
  runner.child.kill('SIGTERM');
  expect(await runner.exited).toBe(0);
  await history.check(postgres.pool);
});
