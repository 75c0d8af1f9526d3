import { expect, test } from 'vitest';
import { type Answer, call } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { startProxy } from '../../../support/network/proxy.ts';
import { startProcess, type TestProcess } from '../../../support/processes.ts';
import { until } from '../../../support/until.ts';

const database = await createDatabase();

function submit(api: TestProcess, message: string): Promise<Answer> {
  return call(api.url, 'POST', '/v1/tasks/example.echo', { payload: { message } });
}

test('F6: without Postgres the breaker opens, says when to come back, and closes by itself when it is there', async () => {
  const proxy = await startProxy(database.url);
  const api = await startProcess('api/main.ts', proxy.url, { BREAKER_OPEN_SECS: '2' });
  expect((await submit(api, 'before')).status).toBe(201);
  await proxy.down();
  const failures: string[] = [];
  const open = await until('the breaker is open', async () => {
    const answer = await submit(api, 'away');
    expect(answer.status).toBe(503);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    failures.push(answer.body.code);
    return answer.body.code === 'CIRCUIT_OPEN' && answer;
  });
  // A pool may try a connection of its own before it gives up: five failures, and not one answer more.
  expect(failures.slice(0, -1)).toEqual(Array.from({ length: 5 }, () => 'SERVICE_UNAVAILABLE'));
  expect(Number(open.headers.get('retry-after'))).toBeLessThanOrEqual(2);
  // Reads have a breaker of their own, and probes none.
  expect((await call(api.url, 'GET', '/v1/tasks')).body.code).toBe('SERVICE_UNAVAILABLE');
  expect((await call(api.url, 'GET', '/health')).status).toBe(200);
  const ready = await call(api.url, 'GET', '/ready');
  expect([ready.status, ready.text]).toEqual([503, expect.stringContaining('gets no requests for a while')]);
  // What the caller did wrong is told as before, and counts for nothing.
  expect((await call(api.url, 'POST', '/v1/tasks/example.echo', { payload: {} })).status).toBe(400);

  await proxy.up();
  await until('it is closed again', async () => (await submit(api, 'after')).status === 201);
  expect((await call(api.url, 'GET', '/v1/tasks?page_size=5')).body.tasks).toHaveLength(2);
  expect((await call(api.url, 'GET', '/ready')).status).toBe(200);
});

test('refusals and conflicts never open it', async () => {
  const api = await startProcess('api/main.ts', database.url);
  const send = (message: string): Promise<Answer> =>
    call(api.url, 'POST', '/v1/tasks/example.echo', { payload: { message } }, { 'idempotency-key': 'one' });
  await send('first');
  for (let round = 0; round < 8; round++) expect((await send(`other ${round}`)).status).toBe(409);
  const id = '019c0000-0000-7000-8000-000000000000';
  for (let round = 0; round < 8; round++)
    expect((await call(api.url, 'DELETE', `/v1/tasks/${id}`)).status).toBe(404);
  expect((await submit(api, 'last')).status).toBe(201);
});
