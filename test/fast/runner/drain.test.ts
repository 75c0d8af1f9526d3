import { expect, test } from 'vitest';
import { getTask } from '../../../store/tasks/tasks.ts';
import { sleep } from '../../../tasks/example/example.sleep.task.ts';
import { createDatabase } from '../../support/database.ts';
import { registeredHandler, startTestRunner } from '../../support/runner.ts';
import { countFetchedDispatches, finished, outcomes, submit } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';

const { pool } = await createDatabase();
const payload = { ms: 1 };

/** Submits `count` sleeps and starts a runner of one slot whose handler waits for `gate`, or for its signal. */
async function busyRunner(count: number, options: { heeds: boolean; shutdownTimeoutSecs: number }) {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  let started = 0;
  const handler = async (
    _payload: unknown,
    { signal }: { signal: AbortSignal },
  ): Promise<{ slept_ms: number }> => {
    started++;
    const aborted = new Promise<void>((_resolve, reject) => {
      if (options.heeds) signal.addEventListener('abort', () => reject(signal.reason));
    });
    await Promise.race([gate, aborted]);
    return { slept_ms: 1 };
  };
  const tasks = await submit(pool, ...Array.from({ length: count }, () => ({ name: sleep.name, payload })));
  const runner = await startTestRunner(pool, {
    concurrency: 1,
    shutdownTimeoutSecs: options.shutdownTimeoutSecs,
    abortGraceSecs: 0.2,
    registeredHandlers: new Map([registeredHandler(sleep, handler)]),
  });
  await until('the first attempt has started', () => started > 0);
  return { runner, tasks, open, started: () => started };
}

async function stateOf(id: string | undefined): Promise<unknown> {
  return getTask(pool, String(id));
}

test('a drain lets what runs finish, gives the unstarted back unburned, and ends the registration', async () => {
  const { runner, tasks, open, started } = await busyRunner(3, { heeds: true, shutdownTimeoutSecs: 20 });
  const stopped = runner.stop();
  open();
  await stopped;
  expect(started()).toBe(1);
  const states = await Promise.all(tasks.map(({ id }) => stateOf(id)));
  expect(states).toMatchObject([
    { state: 'succeeded', attempt: 1 },
    { state: 'queued', attempt: 1, started_at: null },
    { state: 'queued', attempt: 1, started_at: null },
  ]);
  expect(await countFetchedDispatches(pool)).toBe(0);
  const { rows } = await pool.query('select end_reason from errand.runners where id = $1', [runner.id]);
  expect(rows).toEqual([{ end_reason: 'stopped' }]);
  await startTestRunner(pool);
  for (const { id } of tasks)
    expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', attempt: 1 });
});

test.each([
  ['heeds its signal', true],
  ['ignores its signal', false],
])(
  'after the timeout an attempt that %s is cut off, and runs again elsewhere at no cost',
  async (_how, heeds) => {
    const { runner, tasks, open } = await busyRunner(1, { heeds, shutdownTimeoutSecs: 0.1 });
    const id = String(tasks[0]?.id);
    await runner.stop();
    expect(await stateOf(id)).toMatchObject({ state: 'queued', attempt: 2, max_attempts: 26 });
    expect(await countFetchedDispatches(pool)).toBe(0);
    await startTestRunner(pool);
    expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', attempt: 2 });
    open();
    expect(await outcomes(pool, id)).toEqual([
      [1, 'interrupted'],
      [2, 'succeeded'],
    ]);
  },
);
