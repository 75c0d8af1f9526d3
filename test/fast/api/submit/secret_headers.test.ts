import { expect, test } from 'vitest';
import { createSender } from '../../../../tasks/http/send.ts';
import { httpRequest } from '../../../../tasks/http.request.task.ts';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { registeredHandler, startTestRunner } from '../../../support/runner.ts';
import { finished } from '../../../support/tasks.ts';
import { startTarget } from '../../tasks/http-harness.ts';

const { pool } = await createDatabase();
const api = await startApi(pool);

const headers = {
  authorization: 'Bearer sesame-open-up',
  'X-Api-Key': 'sesame-too',
  Cookie: 'session=sesame',
  'Ocp-Subscription-Key': 'sesame',
  'x-sign-token': 'sesame',
  'Idempotency-Key': 'told',
  Accept: 'text/plain',
};
const shown = {
  authorization: '***',
  'X-Api-Key': '***',
  Cookie: '***',
  'Ocp-Subscription-Key': '***',
  'x-sign-token': '***',
  'Idempotency-Key': 'told',
  Accept: 'text/plain',
};

test('secrets in the headers of http.request are executed and never shown, on whatever road', async () => {
  const target = await startTarget((_request, response) => response.end('fine'));
  const path = '/v1/tasks/http.request';
  const payload = { url: target.url, headers };
  const submission = { payload, dedup: 'payload', delay_seconds: 3_600 };
  const seen: string[] = [];
  const see = async (method: string, where: string, body?: unknown) => {
    const answer = await api.call(method, where, body);
    expect([method, where, answer.status < 300]).toEqual([method, where, true]);
    seen.push(answer.text);
    return answer.body;
  };
  const first = await see('POST', path, submission);
  expect(first.task.payload).toEqual({ ...payload, headers: shown });
  const { id } = first.task;
  // A duplicate is told by what it is, not by what is shown.
  expect(await see('POST', path, submission)).toMatchObject({ created: false, task: { id } });
  const other = {
    ...submission,
    payload: { ...payload, headers: { ...headers, authorization: 'Bearer other' } },
  };
  expect(await see('POST', path, other)).toMatchObject({ created: true });
  await see('POST', '/v1/tasks', { name: 'http.request', ...submission });
  await see('POST', `${path}/batch`, { items: [submission] });
  await see('DELETE', `/v1/tasks/${id}`);
  await see('PATCH', `/v1/tasks/${id}/retry`);
  const sender = registeredHandler(httpRequest, createSender({ allowPrivate: true }));
  await startTestRunner(pool, { registeredHandlers: new Map([sender]) });
  await finished(pool, id);
  expect(target.requests[0]?.headers).toMatchObject({
    authorization: headers.authorization,
    cookie: headers.Cookie,
  });
  for (const where of ['', '/explain', '/logs', '/events', '/deliveries'])
    await see('GET', `/v1/tasks/${id}${where}`);
  await see('GET', '/v1/tasks?name=http.request');
  expect((await see('GET', `/v1/tasks/${id}`)).payload.headers).toEqual(shown);
  await see('GET', '/v1/audit');
  expect(seen.join('\n')).not.toContain('sesame');
  const { rows } = await pool.query('select payload from errand.tasks where id = $1', [id]);
  expect(rows).toEqual([{ payload }]);
});

test('payloads of other tasks, and odd ones in the ledger, are shown as they are', async () => {
  const { rows } = await pool.query<{ shown: unknown }>(
    `select errand.shown_payload(name, payload::jsonb) as shown
       from (values ('example.echo', '{"headers":{"cookie":"a"}}'), ('http.request', '{"headers":["cookie"]}'),
                    ('http.request', '{"url":"a"}'), ('http.request', '[]'), ('http.request', '{"headers":{}}')) t (name, payload)`,
  );
  expect(rows.map(({ shown: one }) => one)).toEqual([
    { headers: { cookie: 'a' } },
    { headers: ['cookie'] },
    { url: 'a' },
    [],
    { headers: {} },
  ]);
});
