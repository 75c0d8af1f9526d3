import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Finding } from '../../../doctor/finding.ts';
import { addSchedules } from '../../fast/store/schedules/schedule_rows.ts';
import { blocksOf } from '../../support/checkout/documents.ts';
import { createDatabase } from '../../support/database.ts';
import { startPgBouncer } from '../../support/network/pgbouncer.ts';
import { startOwnPostgres } from '../../support/postgres.ts';
import { startProcess } from '../../support/processes.ts';
import { until } from '../../support/until.ts';

const MAIN = join(import.meta.dirname, '..', '..', '..', 'cli', 'main.ts');
const { url } = await createDatabase();

type Result = { code: number; stdout: string; stderr: string };

/** Runs the command line with this environment, in a folder without .env. */
function errand(arguments_: string[], environment: Record<string, string>): Promise<Result> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [MAIN, ...arguments_],
      { cwd: import.meta.dirname, env: { ...process.env, NODE_ENV: 'test', ...environment } },
      (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
}

async function findings(
  environment: Record<string, string>,
  ...more: string[]
): Promise<[Finding[], number]> {
  const { code, stdout, stderr } = await errand(['doctor', '--json', ...more], environment);
  expect(stderr).toBe('');
  return [JSON.parse(stdout).findings, code];
}

/** What is not in order. */
const codes = (found: Finding[]): string[] =>
  found
    .filter(({ severity }) => severity !== 'ok')
    .map(({ code, severity, subject }) => `${code} ${severity} ${subject}`);

/** As on a server that is set up well; the servers of the tests give up safety for speed. */
const SAFE = {
  fsync: 'on',
  full_page_writes: 'on',
  synchronous_commit: 'on',
  autovacuum: 'on',
  max_prepared_transactions: '2',
};

test('a healthy Errand has no finding and ends with 0; a damaged one has each damage', async () => {
  const { url, pool } = await startOwnPostgres({ settings: SAFE });
  const runner = await startProcess('runner/main.ts', url, { RUNNER_LEASE_SECS: '600' });
  await startProcess('api/main.ts', url);
  await until('the runner is ready', () => runner.output().includes('runner is ready'));
  const [healthy, none] = await findings({ DATABASE_URL: url }, '--strict');
  expect(codes(healthy)).toEqual([]);
  expect(none).toBe(0);
  const ok = healthy.map(({ code }) => code);
  for (const code of ['pooler', 'clock', 'rights', 'schema_current', 'drift', 'runners', 'old_process'])
    expect(ok).toContain(code);
  expect(healthy.find(({ code }) => code === 'api_processes')?.message).toContain(
    'API processes are connected',
  );

  await addSchedules(pool, [{ id: 'example.broken', broken: 'the payload does not fit' }]);
  await pool.query(`drop index errand.tasks_due_idx; alter table errand.tasks disable trigger queue_callback;
                    update errand.runners set version = '0.0.1'`);
  await pool.query(`begin; lock table errand.pauses in exclusive mode; prepare transaction 'forgotten'`);
  // It counts as a trouble after three seconds.
  const damaged = await until('the lock is old enough', async () => {
    const [found] = await findings({ DATABASE_URL: url });
    return found.some(({ code, severity }) => code === 'locked' && severity === 'error') && found;
  });
  expect(codes(damaged).map((one) => one.replace(/\d+$/, 'N'))).toEqual([
    'locked error errand.pauses',
    'object_missing warning errand.tasks_due_idx',
    'object_changed error errand.tasks.queue_callback',
    'old_process warning N',
    'schedule_broken error example.broken',
  ]);
  expect(damaged.find(({ code }) => code === 'locked')?.message).toContain('prepared transaction forgotten');
  await pool.query(`rollback prepared 'forgotten'`);
  // For people, with what to do.
  const { stdout } = await errand(['doctor'], { DATABASE_URL: url });
  expect(stdout).toContain('-> Run: alter table errand.tasks enable trigger queue_callback');
  expect(stdout).not.toContain('\u001b');
});

test('a warning of the configuration comes first, and --strict fails for it', async () => {
  // What production would refuse is a warning.
  const environment = { DATABASE_URL: url, JWKS_URL: 'http://id.example.com/keys' };
  const [found, code] = await findings(environment, '--strict');
  expect(codes(found)[0]).toBe('configuration_unsafe warning JWKS_URL');
  expect(code).toBe(1);
});

test('an unreachable server, a wrong password and a wrong configuration are said, without the password', async () => {
  const [unreachable, code] = await findings({ DATABASE_URL: 'postgres://ada:hunter2@127.0.0.1:1/errand' });
  expect(codes(unreachable)).toEqual(['server_unreachable error null']);
  expect(unreachable.at(-1)?.remedy).toContain('Check that Postgres is running');
  expect(code).toBe(1);
  const wrong = Object.assign(new URL(url), { password: 'hunter2' }).href;
  const [refused] = await findings({ DATABASE_URL: wrong });
  expect(refused.at(-1)).toMatchObject({
    code: 'server_unreachable',
    remedy: expect.stringContaining('the password'),
  });
  const [invalid] = await findings({ DATABASE_URL: 'mysql://ada:hunter2@host/errand' });
  expect(codes(invalid)).toEqual(['configuration error DATABASE_URL']);
  expect(JSON.stringify([unreachable, refused, invalid])).not.toContain('hunter2');
});

test('a real PgBouncer is seen: in transaction mode as an error, in session mode as one that works', async () => {
  const [transaction] = await findings({ DATABASE_URL: await startPgBouncer(url, 'transaction') });
  expect(transaction.find(({ code }) => code === 'pooler')).toMatchObject({ severity: 'error' });
  const [session] = await findings({ DATABASE_URL: await startPgBouncer(url, 'session') });
  expect(session.find(({ code }) => code === 'pooler')).toMatchObject({
    severity: 'ok',
    message: expect.stringContaining('keeps one connection for each client'),
  });
  expect(session.filter(({ code }) => code === 'notifications')).toEqual([]);
  // What it reads does not depend on the session that the pooler gives it.
  for (const found of [transaction, session])
    expect(found.find(({ code }) => code === 'drift')).toMatchObject({ severity: 'ok' });
});

test('a dry run changes nothing, shows what the migration does, and then has nothing to show', async () => {
  const { url: emptyUrl, pool: empty } = await createDatabase('template0');
  const environment = { DATABASE_URL: emptyUrl, ERRAND_SCHEMA: 'billing', LOG_LEVEL: 'error' };
  const catalogue = async (): Promise<unknown> => {
    const { rows } = await empty.query(`select oid, nspname, xmin::text from pg_namespace order by oid`);
    const { rows: counted } = await empty.query(
      `select (select count(*) from pg_class) as relations, (select count(*) from pg_proc) as functions,
              (select count(*) from pg_extension) as extensions`,
    );
    return [rows, counted];
  };
  const before = await catalogue();
  const { code, stdout } = await errand(['migrate', '--dry-run', '--sql'], environment);
  expect(code).toBe(0);
  expect(stdout).toContain('0001_tasks.sql');
  expect(stdout).toContain('create table "billing".tasks');
  expect(stdout).toMatch(/steps would be applied. Nothing was changed\n$/);
  expect(await catalogue()).toEqual(before);

  expect(await errand(['migrate'], environment)).toMatchObject({ code: 0, stderr: '' });
  const done = await errand(['migrate', '--dry-run'], environment);
  expect(done.stdout).toBe('The schema is up to date: there is nothing to apply\n');
});

test('a dry run names the tables in use that a step locks', async () => {
  const { url: ownUrl, pool: own } = await createDatabase();
  await own.query(`delete from errand.migrations where file in ('0002_signals.sql', 'functions/got.sql')`);
  const { stdout } = await errand(['migrate', '--dry-run', '--json'], { DATABASE_URL: ownUrl });
  const { steps } = JSON.parse(stdout);
  expect(steps.map(({ name }: { name: string }) => name)).toEqual(['0002_signals.sql', 'functions/got.sql']);
  expect(steps[0].effects).toContainEqual({
    table: 'errand.tasks',
    effect: 'locks it for a moment against writes',
  });
});

test('a dry run refuses what the migration refuses', async () => {
  const { url: ownUrl, pool: own } = await createDatabase();
  await own.query(`update errand.migrations set hash = 'x' where file = '0001_tasks.sql'`);
  const refused = await errand(['migrate', '--dry-run'], { DATABASE_URL: ownUrl });
  expect(refused).toMatchObject({ code: 1, stdout: '' });
  expect(refused.stderr).toContain('0001_tasks.sql had another text when it was applied');
  expect((await errand(['migrate', '--sql'], { DATABASE_URL: ownUrl })).stderr).toContain('add --dry-run');
});

test('the commands of the guide work', async () => {
  const commands = blocksOf(
    'docs/guides/troubleshooting.md',
    'What is wrong with this installation?',
    'sh',
    1,
  );
  for (const line of commands.join('\n').trim().split('\n')) {
    const [program, ...arguments_] = line.replace(/ *#.*/, '').split(' ');
    expect(program).toBe('errand');
    const { stdout, stderr } = await errand(arguments_, { DATABASE_URL: url });
    expect(stderr).toBe('');
    expect(stdout).not.toBe('');
  }
});
