import { randomUUID } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import { registerDefinitions } from '../../../../store/submit/definitions.ts';
import { definitions } from '../../../../tasks/index.ts';
import { startApi } from '../../../support/api.ts';
import { blocksOf } from '../../../support/checkout/documents.ts';
import { createDatabase } from '../../../support/database.ts';
import { pause } from '../../../support/pauses.ts';
import { submit, submitOne } from '../../../support/tasks.ts';
import { insertFinished } from '../../store/stats/finished.ts';
import { codesOf, explanationOf, fakeRunner, noRunners } from '../explaining.ts';

const { pool } = await createDatabase();
await registerDefinitions(pool, definitions);
const api = await startApi(pool);
const NAME = 'example.echo';
const task = { name: NAME, payload: { message: 'a' } };

beforeEach(async () => {
  await noRunners(pool);
  await pool.query('truncate errand.tasks, errand.pauses cascade');
});

test('without a runner: none is live, and after one came that has other tasks, none has the name', async () => {
  const { id } = await submitOne(pool, task);
  expect(await explanationOf(api, id)).toMatchObject({
    name: NAME,
    state: 'queued',
    summary: `${NAME} is queued: no runner is live.`,
    reasons: [{ code: 'no_live_runner' }],
    queue: { position: 1, position_is_capped: false, estimated_start_at: null },
    runners: { live: 0, able: 0, slots: 0, busy: 0 },
    attempt: 1,
    max_attempts: 25,
    last_error: null,
  });
  await fakeRunner(pool, { names: ['text.count_words'] });
  const other = await explanationOf(api, id);
  expect(other.reasons).toMatchObject([{ code: 'no_runner_for_name' }]);
  expect(other.runners).toEqual({ live: 1, able: 0, slots: 0, busy: 0, elsewhere: 0 });
  expect(other.next_steps).toEqual([`Start a runner that can execute ${NAME}`]);
});

test('of a version that no live runner knows: it needs a newer one, and is queued when that is there', async () => {
  const { id } = await submitOne(pool, { ...task, version: '2.10.0' });
  const runners: number[] = [];
  for (let count = 0; count < 7; count++)
    runners.push(await fakeRunner(pool, { names: [NAME], versions: { [NAME]: '2.9.0' } }));
  await fakeRunner(pool, { names: [NAME], versions: { [NAME]: '2.10.0' }, ago: 700 });
  const told = await explanationOf(api, id);
  expect(told.reasons).toMatchObject([{ code: 'needs_newer_runner' }]);
  expect(told.reasons[0].message.match(/runner \d+/g)).toEqual(
    runners
      .toReversed()
      .slice(0, 5)
      .map((runner) => `runner ${runner}`),
  );
  expect(told).toMatchObject({ version: '2.10.0', runners: { live: 7, able: 0, slots: 0 } });
  await fakeRunner(pool, { names: [NAME], versions: { [NAME]: '2.10.1' }, concurrency: 3 });
  expect(await explanationOf(api, id)).toMatchObject({
    reasons: [{ code: 'queued' }],
    runners: { live: 8, able: 1, slots: 3 },
  });
  // One that does not tell its versions may know it.
  await noRunners(pool);
  await fakeRunner(pool, { names: [NAME] });
  expect(await codesOf(api, id)).toEqual(['queued']);
});

test('a runner whose lease ran out, or that has left, is not live', async () => {
  const { id } = await submitOne(pool, task);
  await fakeRunner(pool, { names: [NAME], ago: 700 });
  expect(await codesOf(api, id)).toEqual(['no_live_runner']);
  await fakeRunner(pool, { names: [NAME], ago: 500 });
  expect(await codesOf(api, id)).toEqual(['queued']);
  await noRunners(pool);
  expect(await codesOf(api, id)).toEqual(['no_live_runner']);
});

test('paused, by namespace, by name, or both: the guide has the answer', async () => {
  const { id } = await submitOne(pool, task);
  const other = await submitOne(pool, { name: 'text.count_words', payload: { text: 'a' } });
  const { body } = await api.call('PUT', '/v1/queues/example/pause?reason=stock-taking');
  const [example = ''] = blocksOf('docs/guides/troubleshooting.md', 'Why does a task not run?', 'json', 1);
  const told = JSON.parse(example);
  const ago = / [\d.]+ \w+ ago/;
  const answer = await explanationOf(api, id);
  expect({ ...answer, summary: answer.summary.replace(ago, '') }).toMatchObject({
    ...told,
    summary: told.summary.replace(ago, ''),
  });
  await pause(pool, NAME);
  const { summary, reasons, next_steps } = await explanationOf(api, id);
  expect(reasons).toMatchObject([
    {
      code: 'paused',
      target: 'example',
      actor: 'anonymous',
      reason: 'stock-taking',
      since: body.pause.paused_at,
    },
    { code: 'paused', target: NAME, actor: 'a test', reason: null },
    { code: 'no_live_runner' },
  ]);
  expect(summary).toMatch(
    /^example\.echo is queued: example is paused, so none of its tasks start: anonymous paused it .* ago, because: stock-taking\.$/,
  );
  expect(next_steps[0]).toBe('Resume it: PUT /v1/queues/example/resume');
  expect(await codesOf(api, other.id)).toEqual(['no_live_runner']);
});

test('scheduled: until it is due', async () => {
  await fakeRunner(pool, { names: [NAME] });
  const { id, run_at } = await submitOne(pool, { ...task, delayMs: 3_600_000 });
  const { reasons, queue, next_attempt_at } = await explanationOf(api, id);
  expect(reasons).toEqual([{ code: 'scheduled', message: expect.stringContaining(run_at), until: run_at }]);
  expect([queue, next_attempt_at]).toEqual([null, run_at]);
  // Due, it is still called scheduled until it starts.
  await pool.query(`update errand.tasks set run_at = now() - interval '1 second' where id = $1`, [id]);
  expect(await codesOf(api, id)).toEqual(['queued']);
});

test('a step that waits, of which nothing more is known', async () => {
  const { id } = await submitOne(pool, task);
  await pool.query(`update errand.tasks set state = 'waiting', dispatch_id = null where id = $1`, [id]);
  await fakeRunner(pool, { names: [NAME] });
  expect(await codesOf(api, id)).toEqual(['waiting_for_steps']);
});

test('its dispatch is gone', async () => {
  await fakeRunner(pool, { names: [NAME] });
  const { id } = await submitOne(pool, task);
  await pool.query('delete from errand_worker._private_jobs');
  expect(await codesOf(api, id)).toEqual(['queued']);
  await pool.query(`update errand.tasks set run_at = now() - interval '1 minute' where id = $1`, [id]);
  const { reasons } = await explanationOf(api, id);
  expect(reasons).toMatchObject([
    { code: 'dispatch_lost', message: expect.stringMatching(/^It has been due for 1 min/) },
  ]);
});

test('its dispatch is fetched: by which runner, and whether that is still heard of', async () => {
  const poolId = `pool-${randomUUID()}`;
  const runner = await fakeRunner(pool, { names: [NAME], poolId });
  await fakeRunner(pool, { names: [NAME] });
  const { id } = await submitOne(pool, task);
  const lock = async (by: string): Promise<void> => {
    await pool.query('update errand_worker._private_jobs set locked_at = now(), locked_by = $1', [by]);
  };
  await lock(poolId);
  const named = { id: runner, host: 'elsewhere', pid: 7 };
  expect((await explanationOf(api, id)).reasons).toMatchObject([{ code: 'claimed', runner: named }]);
  await pool.query(`update errand.runners set heartbeat_at = now() - interval '1 hour' where id = $1`, [
    runner,
  ]);
  const { reasons } = await explanationOf(api, id);
  expect(reasons).toMatchObject([
    {
      code: 'runner_overdue',
      runner: named,
      message: expect.stringMatching(/lease, which ran out 50 min ago; another runner takes it over/),
    },
  ]);
  await lock('nobody that is known');
  const unknown = (await explanationOf(api, id)).reasons;
  expect(unknown).toEqual([{ code: 'claimed', message: expect.stringMatching(/no longer registered/) }]);
});

test('all slots are taken at the last heartbeat; the rate of its name tells when it starts', async () => {
  await fakeRunner(pool, { names: [NAME], concurrency: 3, inFlight: 3 });
  await fakeRunner(pool, { names: [NAME], concurrency: 2, inFlight: 2 });
  await fakeRunner(pool, { names: ['text.count_words'], concurrency: 100 });
  const tasks = await submit(pool, ...[0, 1, 2].map((n) => ({ ...task, payload: { message: String(n) } })));
  const id = tasks[2]?.id ?? '';
  const unknown = await explanationOf(api, id);
  expect(unknown.reasons).toMatchObject([{ code: 'no_free_slot' }, { code: 'queued' }]);
  expect(unknown.runners).toEqual({ live: 3, able: 2, slots: 5, busy: 5, elsewhere: 0 });
  await pool.query(
    `insert into errand.tasks (name, version, state, priority, max_attempts, run_at, payload, runner_id)
     select name, '1.0.0', 'running', 0, 25, now(), '{}', (select min(id) from errand.runners)
       from unnest(array['busy.one', 'busy.two', 'busy.two']) name`,
  );
  expect((await explanationOf(api, id)).reasons[0]?.message).toMatch(
    /; the pool runs 2 of busy\.two, 1 of busy\.one$/,
  );
  expect(unknown.queue).toEqual({ position: 3, position_is_capped: false, estimated_start_at: null });
  // Others do not count, nor what finished long ago.
  await insertFinished(pool, [
    { name: 'text.count_words', ago: 1 },
    { name: NAME, ago: 301 },
  ]);
  expect((await explanationOf(api, id)).queue.estimated_start_at).toBeNull();
  await insertFinished(
    pool,
    [100, 60, 30, 1].map((ago) => ({ name: NAME, ago })),
  );
  const { queue, explained_at } = await explanationOf(api, id);
  const inSeconds = (Date.parse(queue.estimated_start_at) - Date.parse(explained_at)) / 1_000;
  // Four in 100 s, or a little more by now: three more take 75 s.
  expect(inSeconds).toBeGreaterThanOrEqual(75);
  expect(inSeconds).toBeLessThan(90);
});

test('its place in the queue is by priority, then by when it was due, then by id', async () => {
  await fakeRunner(pool, { names: [NAME], concurrency: 3 });
  const make = async (message: string, more: object = {}): Promise<string> =>
    (await submitOne(pool, { ...task, payload: { message }, ...more })).id;
  const first = await make('first');
  const second = await make('second');
  await make('worse', { priority: 1 });
  const better = await make('better', { priority: -1 });
  await make('other', { name: 'text.count_words' });
  await make('later', { delayMs: 60_000 });
  const retried = await make('retried', { delayMs: 60_000 });
  await pool.query(
    `update errand.tasks set state = 'retrying', run_at = now() - interval '1 hour' where id = $1`,
    [retried],
  );
  const places = await Promise.all(
    [better, retried, first, second].map(async (id) => {
      const { queue, explained_at } = await explanationOf(api, id);
      return [queue.position, queue.estimated_start_at === explained_at];
    }),
  );
  expect(places).toEqual([
    [1, true],
    [2, true],
    [3, true],
    [4, false],
  ]);
});
