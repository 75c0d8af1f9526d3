import { Client } from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { changesIn, keepWatched } from '../../../store/tasks/changes.ts';
import { call } from '../../support/api.ts';
import { createDatabase, openTestPool } from '../../support/database.ts';
import { startProcess, type TestProcess } from '../../support/processes.ts';
import { countDispatches, finished, inState, submitOne } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';

const { pool: first, url } = await createDatabase('template0');
const second = openTestPool(url, { errand: 'billing', worker: 'billing_worker' });
const BILLING = { ERRAND_SCHEMA: 'billing', RUNNER_LEASE_SECS: '3' };

type Errand = { api: TestProcess; runner: TestProcess };

async function startErrand(environment: Record<string, string> = {}): Promise<Errand> {
  const api = await startProcess('api/main.ts', url, environment);
  const runner = await startProcess('runner/main.ts', url, environment);
  for (const { url: at } of [api, runner])
    await until('it is ready', async () => (await call(at, 'GET', '/ready')).status === 200);
  return { api, runner };
}

async function submitTo({ api }: Errand, name: string, payload: unknown): Promise<string> {
  const { body } = await call(api.url, 'POST', `/v1/tasks/${name}`, { payload });
  return body.task.id;
}

/** What is heard on these channels, by channel. */
async function listen(...channels: string[]): Promise<Map<string, string[]>> {
  const client = new Client({ connectionString: url });
  onTestFinished(() => client.end());
  await client.connect();
  const heard = new Map<string, string[]>();
  client.on('notification', ({ channel, payload = '' }) => {
    heard.set(channel, [...(heard.get(channel) ?? []), payload]);
  });
  await client.query(channels.map((channel) => `listen ${channel}`).join('; '));
  return heard;
}

test('two Errands in one database do not disturb one another', async () => {
  // Both migrate at once.
  const [one, two] = await Promise.all([startErrand(), startErrand(BILLING)]);

  // Each executes its own tasks, and knows no others.
  const payload = { message: 'hello', count: 1 };
  const mine = await submitTo(one, 'example.echo', payload);
  const theirs = await submitTo(two, 'example.echo', payload);
  expect((await finished(first, mine)).state).toBe('succeeded');
  expect((await finished(second, theirs)).state).toBe('succeeded');
  expect((await call(one.api.url, 'GET', `/v1/tasks/${theirs}`)).status).toBe(404);
  expect((await call(two.api.url, 'GET', `/v1/tasks/${mine}`)).status).toBe(404);
  for (const { api } of [one, two]) {
    const runners = async (): Promise<unknown[]> => (await call(api.url, 'GET', '/v1/runners')).body.runners;
    await until('it has its runner alone', async () => (await runners()).length === 1);
  }

  // What one notifies of the other does not hear, and its pause holds nothing else.
  await Promise.all([keepWatched(first, 600), keepWatched(second, 600)]);
  const heard = await listen('errand_tasks', 'billing_tasks', 'errand_pause', 'billing_pause');
  expect((await call(one.api.url, 'PUT', '/v1/queues/example/pause')).status).toBe(200);
  const held = await submitTo(one, 'example.echo', { message: 'held', count: 1 });
  const free = await submitTo(two, 'example.echo', { message: 'free', count: 1 });
  expect((await finished(second, free)).state).toBe('succeeded');
  await inState(first, held, 'queued');
  const idsOn = (channel: string): string[] =>
    (heard.get(channel) ?? []).flatMap((text) => changesIn(text).map(({ id }) => id));
  await until(
    'both are announced',
    () => idsOn('errand_tasks').length > 0 && idsOn('billing_tasks').length > 0,
  );
  expect(new Set(idsOn('errand_tasks'))).toEqual(new Set([held]));
  expect(new Set(idsOn('billing_tasks'))).toEqual(new Set([free]));
  expect([heard.get('errand_pause'), heard.get('billing_pause')]).toEqual([['example'], undefined]);
  await call(one.api.url, 'PUT', '/v1/queues/example/resume');
  await finished(first, held);

  // A task that has killed runners is executed by a process of its own, which finds it.
  const { id: alone } = await submitOne(second, {
    name: 'example.echo',
    payload,
    runAt: '2100-01-01T00:00:00Z',
  });
  await second.query(
    `update errand.tasks set crashes = 2, suspect = true, run_at = now(), state = 'queued' where id = $1`,
    [alone],
  );
  await second.query('update errand_worker._private_jobs set run_at = now()');
  expect((await finished(second, alone)).state).toBe('succeeded');
  const { rowCount } = await second.query('select from errand.runners where parent_id is not null');
  expect(rowCount).toBeGreaterThan(0);

  // An application submits to the one that it names.
  const application = new Client({ connectionString: url });
  await application.connect();
  onTestFinished(() => application.end());
  const { rows } = await application.query<{ id: string }>(
    `select id from billing.submit('example.echo', '{"message": "by SQL", "count": 1}')`,
  );
  expect((await finished(second, rows[0]?.id ?? '')).state).toBe('succeeded');

  // Of running tasks the one is cancelled that is meant.
  const [stopped, goes] = await Promise.all([
    submitOne(first, { name: 'example.sleep', payload: { ms: 60_000 } }),
    submitOne(second, { name: 'example.sleep', payload: { ms: 60_000 } }),
  ]);
  await Promise.all([inState(first, stopped.id, 'running'), inState(second, goes.id, 'running')]);
  await call(one.api.url, 'DELETE', `/v1/tasks/${stopped.id}`);
  expect((await finished(first, stopped.id)).state).toBe('cancelled');
  await inState(second, goes.id, 'running');

  // A runner that dies is missed by its own Errand.
  two.runner.child.kill('SIGKILL');
  await startProcess('runner/main.ts', url, BILLING);
  await until('its task runs again', async () => {
    const { rows: again } = await second.query('select from errand.tasks where id = $1 and attempt > 1', [
      goes.id,
    ]);
    return again.length > 0;
  });
  await call(two.api.url, 'DELETE', `/v1/tasks/${goes.id}`);
  expect((await finished(second, goes.id)).state).toBe('cancelled');

  // Nothing is left, and nothing is anywhere else.
  for (const pool of [first, second])
    await until('no dispatch is left', async () => (await countDispatches(pool)) === 0);
  const { rows: schemas } = await first.query(
    `select nspname as schema from pg_namespace where nspname !~ '^pg_|^information_schema$' order by 1`,
  );
  expect(schemas.map(({ schema }) => schema)).toEqual([
    'billing',
    'billing_worker',
    'errand',
    'errand_worker',
    'public',
  ]);
  const { rows: known } = await first.query('select id from errand.tasks where id = any ($1)', [
    [theirs, free, alone, goes.id],
  ]);
  expect(known).toEqual([]);
});
