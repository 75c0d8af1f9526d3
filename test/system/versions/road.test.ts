import { expect, inject, test } from 'vitest';
import { call } from '../../support/api.ts';
import { createDatabase } from '../../support/database.ts';
import { startProcess } from '../../support/processes.ts';
import { finished } from '../../support/tasks.ts';

const { url, pool } = await createDatabase();

test('the real processes submit, run, retry, cancel and tell, by HTTP and by SQL', async () => {
  const { rows } = await pool.query<{ version: string }>(
    `select current_setting('server_version') as version`,
  );
  expect(Number.parseInt(String(rows[0]?.version), 10)).toBe(inject('postgresVersion'));
  const [api, runner] = await Promise.all([
    startProcess('api/main.ts', url),
    startProcess('runner/main.ts', url, { RUNNER_LEASE_SECS: '2' }),
  ]);
  const ask = async (method: string, path: string, body?: unknown) => {
    const answer = await call(api.url, method, path, body);
    expect(answer.status, `${method} ${path}: ${JSON.stringify(answer.body)}`).toBeLessThan(300);
    return answer.body;
  };
  const submit = async (name: string, payload: unknown, more = {}) =>
    (await ask('POST', `/v1/tasks/${name}`, { payload, ...more })).task.id as string;

  const echo = await submit('example.echo', { message: 'once' });
  expect(await submit('example.echo', { message: 'once' })).toBe(echo);
  const failed = await submit('example.fail', { times: 1, permanent: true });
  const workflow = await submit('example.diamond', { number: 3 });
  const later = await submit('example.echo', { message: 'later' }, { delay_seconds: 3_600 });
  const bySql = await pool.query<{ id: string }>(
    `select id from errand.submit('example.echo', '{"message": "by SQL"}')`,
  );
  const batch = await ask('POST', '/v1/tasks/example.echo/batch', {
    items: ['once', 'twice', 'twice'].map((message) => ({ payload: { message } })),
  });
  expect(batch.items.map(({ created }: { created: boolean }) => created)).toEqual([false, true, false]);
  for (const id of [echo, workflow, String(bySql.rows[0]?.id)])
    expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });

  expect(await finished(pool, failed)).toMatchObject({ state: 'failed' });
  await ask('PATCH', `/v1/tasks/${failed}/retry`);
  expect(await ask('DELETE', `/v1/tasks/${later}`)).toMatchObject({ task: { state: 'cancelled' } });
  for (const path of [
    '',
    '?error=luck&state=failed',
    '/stats',
    `/${workflow}`,
    `/${echo}/explain`,
    `/${echo}/logs`,
  ])
    await ask('GET', `/v1/tasks${path}`);
  for (const path of [
    'errors',
    'audit',
    'queues',
    'runners',
    'analytics/performance',
    'analytics/bottlenecks',
  ])
    await ask('GET', `/v1/${path}`);
  runner.child.kill('SIGTERM');
  expect(await runner.exited).toBe(0);
  const complaints = [api, runner].flatMap(({ output }) =>
    output()
      .split('\n')
      .filter((line) => /"level":[56]0/.test(line)),
  );
  expect(complaints).toEqual([]);
});
