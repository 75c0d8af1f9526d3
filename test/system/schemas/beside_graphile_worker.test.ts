import * as current from 'graphile-worker';
import * as older from 'graphile-worker-0.16';
import { afterEach, expect, onTestFinished, test } from 'vitest';
import { createDatabase, openTestPool } from '../../support/database.ts';
import { launch } from '../../support/processes.ts';
import { startTestRunner } from '../../support/runner.ts';
import { finished, submitOne } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';

type Application = {
  /** Adds a job and waits until it has run. */
  work(): Promise<void>;
  hasEnded(): boolean;
  stop(): Promise<void>;
};

// A graphile-worker that ends because of a migration says so here.
afterEach(() => {
  process.exitCode = undefined;
});

type Options = {
  connectionString: string;
  noHandleSignals: true;
  taskList: Record<string, (payload: unknown) => void>;
};

const VERSIONS = [
  ['0.16', (options: Options) => older.run({ ...options, logger: new older.Logger(() => () => {}) })],
  [
    'our own version',
    (options: Options) => current.run({ ...options, logger: new current.Logger(() => () => {}) }),
  ],
] as const;

/** An application that uses graphile-worker itself, as its documentation has it. */
async function startApplication(run: (typeof VERSIONS)[number][1], url: string): Promise<Application> {
  const done = new Set<unknown>();
  const runner = await run({
    connectionString: url,
    noHandleSignals: true,
    taskList: { send_mail: (payload) => void done.add((payload as { to: string }).to) },
  });
  let ended = false;
  void runner.promise.finally(() => {
    ended = true;
  });
  const stop = async (): Promise<void> => {
    if (!ended) await runner.stop();
  };
  onTestFinished(stop);
  return {
    async work() {
      const to = crypto.randomUUID();
      await runner.addJob('send_mail', { to });
      await until('its job has run', () => done.has(to));
    },
    hasEnded: () => ended,
    stop,
  };
}

async function migrateIn(url: string, environment: Record<string, string> = {}): Promise<void> {
  const { exited, output } = launch('process/migrate.ts', { DATABASE_URL: url, ...environment });
  expect([await exited, output()]).toEqual([0, expect.stringContaining('migrations applied')]);
}

test.each(VERSIONS)(
  'an application with graphile-worker %s works before, while and after Errand comes, and Errand beside it',
  async (_version, run) => {
    const { pool, url } = await createDatabase('template0');
    const application = await startApplication(run, url);
    await application.work();
    const { rows: before } = await pool.query('select * from graphile_worker.migrations order by id');

    await migrateIn(url);
    await application.work();
    await startTestRunner(pool);
    const { id } = await submitOne(pool, { name: 'example.echo', payload: { message: 'hello', count: 1 } });
    expect((await finished(pool, id)).state).toBe('succeeded');
    await application.work();

    // A second Errand, and the application is started again.
    await migrateIn(url, { ERRAND_SCHEMA: 'billing' });
    await application.work();
    expect([application.hasEnded(), process.exitCode]).toEqual([false, undefined]);
    await application.stop();
    await (await startApplication(run, url)).work();
    const second = openTestPool(url, { errand: 'billing', worker: 'billing_worker' });
    await startTestRunner(second);
    const { id: other } = await submitOne(second, {
      name: 'example.echo',
      payload: { message: 'hello', count: 1 },
    });
    expect((await finished(second, other)).state).toBe('succeeded');

    const { rows: after } = await pool.query('select * from graphile_worker.migrations order by id');
    expect(after).toEqual(before);
    expect((await pool.query('select from graphile_worker._private_jobs')).rowCount).toBe(0);
  },
);
