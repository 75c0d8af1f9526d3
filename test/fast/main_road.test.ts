import { expect, test } from 'vitest';
import { startApi } from '../support/api.ts';
import { createDatabase } from '../support/database.ts';
import { startTestRunner } from '../support/runner.ts';

const database = await createDatabase();
const api = await startApi(database.pool);

test('a task travels from HTTP to its recorded result and is read back', async () => {
  await startTestRunner(database.pool);
  const submitted = await api.call('POST', '/v1/tasks/example.echo?wait=20', {
    payload: { message: 'hello', count: 2 },
  });
  expect(submitted.status).toBe(201);
  expect(submitted.body).toMatchObject({
    created: true,
    task: { name: 'example.echo', state: 'succeeded', result: { messages: ['hello', 'hello'] } },
  });
  const { id } = submitted.body.task;
  expect(submitted.headers.get('location')).toBe(`/v1/tasks/${id}`);
  const read = await api.call('GET', `/v1/tasks/${id}`);
  expect(read.body).toMatchObject({
    id,
    state: 'succeeded',
    attempts: [{ attempt: 1, outcome: 'succeeded', error: null, runner: { pid: process.pid } }],
  });
});
