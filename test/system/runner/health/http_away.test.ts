import { expect, onTestFinished, test } from 'vitest';
import { call } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { type OwnPostgres, startOwnPostgres } from '../../../support/postgres.ts';
import { startProcess, type TestProcess } from '../../../support/processes.ts';
import { until } from '../../../support/until.ts';
import { byNamespace } from './by_namespace.ts';

/** Far below what any statement or connection may take, and far above what an answer needs. */
const SOON_MS = 8_000;
const LEASE = { RUNNER_LEASE_SECS: '2' };
const UNKNOWN = { queue_depth: null, oldest_wait_seconds: null, health_status: 'degraded' };

/** Asks for the health until the database is said to be away, and holds every answer to its time. */
function saidAway(runner: TestProcess) {
  return until('the database is said to be away', async () => {
    const answer = await call(runner.url, 'GET', '/health', undefined, {}).finally(within(SOON_MS));
    expect(answer.status).toBe(200);
    const body = byNamespace(answer.body);
    return body.checks[0].status === 'failed' && body;
  });
}

function within(ms: number): () => void {
  const begun = performance.now();
  return () => expect(performance.now() - begun).toBeLessThan(ms);
}

async function expectAway(runner: TestProcess, message: string | RegExp): Promise<void> {
  const health = await saidAway(runner);
  expect(health).toMatchObject({
    status: 'degraded',
    namespaces: { example: UNKNOWN, text: UNKNOWN, http: UNKNOWN },
    worker_type: 'errand-runner',
  });
  expect(health.checks[0]).toMatchObject({ name: 'database', message: expect.stringMatching(message) });
  expect(health.system_metrics.memory.rss_bytes).toBeGreaterThan(0);
  expect((await call(runner.url, 'GET', '/live')).status).toBe(200);
  await until('the age of the heartbeat grows beyond the lease', async () => {
    const { text } = await call(runner.url, 'GET', '/metrics').finally(within(SOON_MS));
    return Number(/^errand_lease_heartbeat_age_seconds (\S+)$/m.exec(text)?.[1]) > 2;
  });
}

async function expectWell(runner: TestProcess): Promise<void> {
  await until('it is well', async () => {
    const body = byNamespace((await call(runner.url, 'GET', '/health')).body);
    return body.status === 'ok' && body.namespaces.example.queue_depth === 0;
  });
}

test('while Postgres is away /health answers, says so, and has no figures of it', async () => {
  const postgres = await startOwnPostgres();
  const runner = await startProcess('runner/main.ts', postgres.url, LEASE);
  await expectWell(runner);
  await postgres.crash();
  await expectAway(runner, /./);
  await postgres.start();
  await expectWell(runner);
});

test('while Postgres hangs /health answers all the same', async () => {
  const postgres = await startOwnPostgres();
  const runner = await startProcess('runner/main.ts', postgres.url, LEASE);
  await expectWell(runner);
  const goOn = await hang(postgres);
  await expectAway(runner, /no answer within/);
  goOn();
  await expectWell(runner);
});

test('however many ask, one reading of a slow database is under way', async () => {
  const { url, pool } = await createDatabase();
  const runner = await startProcess('runner/main.ts', url);
  await expectWell(runner);
  const holder = await pool.connect();
  await holder.query('begin; lock table errand.tasks');
  await saidAway(runner);
  await Promise.all(Array.from({ length: 20 }, () => call(runner.url, 'GET', '/health')));
  const { rows } = await holder.query(
    `select 1 from pg_stat_activity where datname = current_database() and query like '%known.key%' and state = 'active' and pid <> pg_backend_pid()`,
  );
  expect(rows).toHaveLength(1);
  await holder.query('commit');
  holder.release();
  await expectWell(runner);
});

/** Stops every process of a Postgres, so that connections stay open and nothing answers. */
async function hang({ pool, pid }: OwnPostgres): Promise<() => void> {
  const client = await pool.connect();
  // First, as it would start another one after the others are known.
  process.kill(pid(), 'SIGSTOP');
  const { rows } = await client.query<{ pid: number }>('select pid from pg_stat_activity');
  client.release();
  const pids = [pid(), ...rows.map((row) => row.pid)];
  const signal = (name: NodeJS.Signals): void => {
    for (const one of pids) {
      try {
        process.kill(one, name);
      } catch {
        // A backend that has ended since.
      }
    }
  };
  onTestFinished(() => signal('SIGCONT'));
  signal('SIGSTOP');
  return () => signal('SIGCONT');
}
