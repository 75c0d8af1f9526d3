import { expect, test } from 'vitest';
import { call } from '../../support/api.ts';
import { createDatabase } from '../../support/database.ts';
import { launch, startProcess } from '../../support/processes.ts';
import { until } from '../../support/until.ts';

// Runners that are dedicated to namespaces.

const LEASE = { RUNNER_LEASE_SECS: '2' };

test('two pools of different namespaces work apart: while one is away, its tasks wait and say why', async () => {
  const { url } = await createDatabase();
  const api = await startProcess('api/main.ts', url);
  const words = await startProcess('runner/main.ts', url, { ...LEASE, RUNNER_NAMESPACES: 'text' });
  await startProcess('runner/main.ts', url, { ...LEASE, RUNNER_NAMESPACES: 'example.echo, example.fail' });
  const submit = async (name: string, payload: object, query = '') =>
    (await call(api.url, 'POST', `/v1/tasks/${name}${query}`, { payload, dedup: 'none' })).body.task;
  const echoed = () => submit('example.echo', { message: 'hello' }, '?wait=30');

  expect(await submit('text.count_words', { text: 'two words' }, '?wait=30')).toMatchObject({
    state: 'succeeded',
  });
  expect(await echoed()).toMatchObject({ state: 'succeeded' });
  const { runners } = (await call(api.url, 'GET', '/v1/runners')).body;
  const serves = runners.map((one: { serves: string[] }) => one.serves);
  expect(serves).toEqual([['example.echo', 'example.fail'], ['text']]);
  expect(runners[1].task_names).toEqual(['text.count_words', 'errand.bulk', 'webhook.deliver']);

  words.child.kill('SIGKILL');
  await words.exited;
  const waiting = await submit('text.count_words', { text: 'nobody counts' });
  const explained = await until('its reason is known', async () => {
    const { body } = await call(api.url, 'GET', `/v1/tasks/${waiting.id}/explain`);
    return body.reasons[0].code === 'no_runner_for_namespace' && body;
  });
  expect(explained.reasons[0].message).toBe(
    'No live runner serves text.count_words: the one live runner is dedicated to other namespaces or tasks',
  );
  expect(explained.next_steps).toContain(
    'Start a runner that serves text: add it to RUNNER_NAMESPACES, or unset that variable',
  );
  await until('the alert sees it', async () => {
    const { text } = await call(api.url, 'GET', '/metrics');
    return /^errand_queue_unattended\{.*text\.count_words.*\} 1$/m.test(text);
  });
  expect(await echoed()).toMatchObject({ state: 'succeeded' });

  await startProcess('runner/main.ts', url, { ...LEASE, RUNNER_NAMESPACES: 'text' });
  await until('it is done', async () => {
    const { body } = await call(api.url, 'GET', `/v1/tasks/${waiting.id}`);
    return body.state === 'succeeded';
  });
});

test('an unknown namespace stops the start, and the message names close ones', async () => {
  const { url } = await createDatabase();
  const runner = launch('runner/main.ts', {
    DATABASE_URL: url,
    RUNNER_NAMESPACES: 'exampl',
  });
  expect(await runner.exited).toBe(1);
  expect(runner.output()).toContain('neither a namespace nor a task "exampl": did you mean example');
});
