import { expect, test } from 'vitest';
import { call } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { startProcess } from '../../../support/processes.ts';
import { submit } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';

// The HTTP server of a runner answers as the API does.

const { url, pool } = await createDatabase();
const PATHS = ['/health', '/status', '/metrics', '/ready', '/live', '/health/ready', '/health/live'];

test('errors, request ids and headers are those of the API', async () => {
  const runner = await startProcess('runner/main.ts', url, {
    RUNNER_NAMESPACES: 'text',
    CORS_ORIGINS: 'https://ops.example.com',
  });
  const headers = { 'x-request-id': 'mine-1', origin: 'https://ops.example.com' };
  for (const path of PATHS) {
    const answer = await call(runner.url, 'GET', path, undefined, headers);
    expect([path, answer.status]).toEqual([path, 200]);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'x-request-id': 'mine-1',
      'access-control-allow-origin': 'https://ops.example.com',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    });
    const refused = await call(runner.url, 'POST', path, {}, headers);
    expect(refused).toMatchObject({
      status: 405,
      body: { code: 'METHOD_NOT_ALLOWED', request_id: 'mine-1' },
    });
    expect(refused.headers.get('allow')).toBe('GET, HEAD');
  }
  const unknown = await call(runner.url, 'GET', '/nope');
  expect(unknown).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
  expect(unknown.body.error).toBe(
    'The runner has no operation GET /nope: it has /health, /status, /metrics, /ready, /health/ready, /live, /health/live',
  );
  expect(unknown.body.request_id).toBe(unknown.headers.get('x-request-id'));
});

test('the namespaces are a list with names, the id is a text, and metrics have the namespace and its depth', async () => {
  const runner = await startProcess('runner/main.ts', url, { RUNNER_NAMESPACES: 'text' });
  const { body } = await call(runner.url, 'GET', '/health');
  expect(body.worker_id).toMatch(/^\d+$/);
  expect(body.namespaces).toContainEqual(expect.objectContaining({ namespace: 'text', queue_depth: 0 }));
  await pool.query(
    `insert into errand.pauses (target, actor, paused_at) values ('text', 'test', now()) on conflict do nothing`,
  );
  await submit(pool, { name: 'text.count_words', payload: { text: 'a' } });
  await until('the metrics have the depth', async () => {
    const { text } = await call(runner.url, 'GET', '/metrics');
    expect(text).toContain(
      'errand_attempts_total{namespace="text",name="text.count_words",outcome="succeeded"} 0',
    );
    expect(text).not.toContain('errand_namespace_depth{namespace="example"}');
    return /^errand_namespace_depth\{namespace="text"\} 1$/m.test(text);
  });
});
