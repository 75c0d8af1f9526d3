import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { rolesSql } from '../../../store/database/roles.ts';
import { DEFAULT_SCHEMAS } from '../../../store/database/schemas.ts';
import { secretOf, startReceiver } from '../../fast/callbacks/receiver.ts';
import { call } from '../../support/api.ts';
import { createDatabase } from '../../support/database.ts';
import { launch, startProcess, type TestProcess } from '../../support/processes.ts';
import { finished, inState } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';

const { url, pool } = await createDatabase('template0');
const suffix = randomBytes(6).toString('hex');
const named = (role: string): string => `${role}_${suffix}`;
const as = (role: string): string =>
  Object.assign(new URL(url), { username: named(role), password: 'secret' }).href;

/** `npm run roles` with these arguments. */
async function roles(...options: string[]): Promise<string> {
  const script = join(import.meta.dirname, '..', '..', '..', 'process', 'roles.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [script, ...options], {
    env: { ...process.env, DATABASE_URL: url, NODE_ENV: 'test' },
  });
  return stdout;
}

async function setPasswords(...names: string[]): Promise<void> {
  for (const name of names) await pool.query(`alter role ${named(name)} password 'secret'`);
}

// Once for all: the owner migrates an empty database, and the others get what they need of it.
await pool.query(await roles('--owner', named('owner')));
await setPasswords('owner');
await execFileOf('process/migrate.ts', as('owner'));
const LEAST = ['--api', named('api'), '--runner', named('runner')];
const SUBMITTERS = ['--submitter', `${named('bound')}=text,other`, '--submitter', named('free')];
await roles(...LEAST, ...SUBMITTERS, '--apply');
await pool.query(`create role ${named('stranger')} login`);
await setPasswords('api', 'runner', 'bound', 'free', 'stranger');

function execFileOf(script: string, databaseUrl: string): Promise<unknown> {
  return promisify(execFile)(process.execPath, [join(import.meta.dirname, '..', '..', '..', script)], {
    env: { ...process.env, DATABASE_URL: databaseUrl, NODE_ENV: 'test' },
  });
}

const SETTINGS = {
  ALLOW_PRIVATE_TARGETS: 'true',
  WEBHOOK_SECRETS: secretOf('a'),
  RUNNER_LEASE_SECS: '2',
};

function refusals(...processes: Pick<TestProcess, 'output'>[]): string[] {
  return processes.flatMap(({ output }) =>
    output()
      .split('\n')
      .filter((line) => /permission denied|row-level security|must be owner/.test(line)),
  );
}

test('API and runner do all their work as roles that own nothing', async () => {
  const receiver = await startReceiver();
  const api = await startProcess('api/main.ts', as('api'), SETTINGS);
  const runner = await startProcess('runner/main.ts', as('runner'), SETTINGS);
  const ask = async (method: string, path: string, body?: unknown) => {
    const answer = await call(api.url, method, path, body);
    expect(answer.status, `${method} ${path}: ${JSON.stringify(answer.body)}`).toBeLessThan(300);
    return answer.body;
  };
  const submit = async (name: string, payload: unknown, more = {}): Promise<string> =>
    (await ask('POST', `/v1/tasks/${name}`, { payload, ...more })).task.id;
  const message = (): string => `${Math.random()}`;

  const echo = await submit('example.echo', { message: message() }, { callback_url: receiver.url });
  const retried = await submit('example.fail', { times: 1, message: message() });
  const failed = await submit('example.fail', { times: 1, permanent: true, message: message() });
  const later = await submit('example.echo', { message: message() }, { delay_seconds: 3_600 });
  const workflow = await submit('example.diamond', { number: 3 });
  await ask('POST', '/v1/tasks/example.echo/batch', { items: [{ payload: { message: message() } }] });
  for (const id of [echo, retried, workflow])
    expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
  expect(await finished(pool, failed)).toMatchObject({ state: 'failed' });
  await until('the callback has come', () => receiver.received().length > 0);
  expect((await ask('GET', `/v1/tasks/${echo}/logs`)).items).not.toEqual([]);

  await ask('PATCH', `/v1/tasks/${failed}/retry`, { max_attempts: 3 });
  expect(await finished(pool, failed)).toMatchObject({ state: 'succeeded' });
  await ask('DELETE', `/v1/tasks/${later}`);
  await ask('PUT', '/v1/queues/example.sleep/pause', {});
  const paused = await submit('example.sleep', { ms: 60_000 });
  await ask('PUT', '/v1/queues/example.sleep/resume', {});
  await inState(pool, paused, 'running');
  await ask('DELETE', `/v1/tasks/${paused}`);
  expect(await finished(pool, paused)).toMatchObject({ state: 'cancelled' });
  await ask('POST', '/v1/tasks/cancel', { filter: { name: 'example.echo', state: ['scheduled'] } }).catch(
    () => {},
  );

  for (const path of [
    '/v1/tasks',
    '/v1/tasks/stats',
    `/v1/tasks/${echo}/explain`,
    `/v1/tasks/${echo}/deliveries`,
    '/v1/errors',
    '/v1/queues',
    '/v1/callbacks/disabled',
    '/v1/audit',
    '/v1/runners',
    '/v1/handlers',
    '/v1/analytics/performance',
    '/v1/analytics/bottlenecks',
    '/health/detailed',
    '/metrics',
  ])
    await ask('GET', path);
  expect((await fetch(`${runner.url}/health`)).status).toBe(200);

  // One that is killed is recovered by the next, and what is over is deleted by it.
  const lost = await submit('example.sleep', { ms: 5_000 });
  await inState(pool, lost, 'running');
  runner.child.kill('SIGKILL');
  const next = await startProcess('runner/main.ts', as('runner'), { ...SETTINGS, RETENTION_HOURS: '0.0001' });
  await until(
    'what the killed one had has run again, and retention has deleted all that is over',
    async () => {
      const { rows } = await pool.query(
        `select from errand.tasks where finished_at is not null or name = 'example.sleep' limit 1`,
      );
      return rows.length === 0;
    },
  );
  next.child.kill('SIGTERM');
  expect(await next.exited).toBe(0);
  expect(refusals(api, runner, next)).toEqual([]);
}, 600_000);

test.each(['api', 'runner'])(
  'a process of the role for the %s does not start on a schema that is behind, and says who is to migrate it',
  async (role) => {
    const { rows } = await pool.query<{ file: string; hash: string }>(
      'delete from errand.migrations where file = (select max(file) from errand.migrations) returning file, hash',
    );
    const file = String(rows[0]?.file);
    onTestFinished(async () => {
      await pool.query('insert into errand.migrations (file, hash) values ($1, $2)', [file, rows[0]?.hash]);
    });
    const refused = launch(`${role}/main.ts`, { DATABASE_URL: as(role) });
    expect(await refused.exited).toBe(1);
    expect(refused.output()).toContain(
      `the schema must be migrated (${file}), but this role may not do that`,
    );
    expect(refused.output()).toContain('Run `npm run migrate` as the owner of the schema');
  },
);

test('a process whose role may read nothing says what gives it its rights', async () => {
  const refused = launch('api/main.ts', { DATABASE_URL: as('stranger') });
  expect(await refused.exited).toBe(1);
  expect(refused.output()).toContain('Let an administrator run `npm run roles`');
});

test('an application submits to its namespaces, and can do nothing else', async () => {
  const client = new Client({ connectionString: as('bound') });
  await client.connect();
  onTestFinished(() => client.end());
  const submit = (name: string, payload: unknown) =>
    client.query('select id from errand.submit($1, $2)', [name, JSON.stringify(payload)]);
  await expect(submit('text.count_words', { text: `${Math.random()}` })).resolves.toMatchObject({
    rowCount: 1,
  });
  await expect(submit('example.echo', { message: 'x' })).rejects.toMatchObject({ code: '42501' });
  for (const forbidden of [
    'select from errand.tasks',
    'select from errand.submitters',
    'delete from errand.submitters',
    `select errand.submit_tasks('[]')`,
    `select errand_worker.add_job('x')`,
    'create table errand.mine ()',
    'create table public.mine ()',
  ])
    await expect(client.query(forbidden), forbidden).rejects.toMatchObject({ code: '42501' });
  const free = new Client({ connectionString: as('free') });
  await free.connect();
  onTestFinished(() => free.end());
  await expect(
    free.query(`select id from errand.submit('example.echo', '{"message": "from SQL"}')`),
  ).resolves.toMatchObject({ rowCount: 1 });
});

test('the script may be run again, and takes back what a role should no longer have', async () => {
  await pool.query(`grant delete on errand.tasks to ${named('api')}`);
  await roles(...LEAST, '--submitter', named('bound'), '--apply');
  const { rows } = await pool.query(
    `select has_table_privilege($1, 'errand.tasks', 'delete') as api,
            exists (select from errand.submitters where role = $2) as bound`,
    [named('api'), named('bound')],
  );
  expect(rows).toEqual([{ api: false, bound: false }]);
  await roles(...LEAST, ...SUBMITTERS, '--apply');
});

test('the role of the runner may not read what the API signs with', async () => {
  const { rows } = await pool.query(
    `select has_table_privilege($1, 'errand.ticket_key', 'select') as api,
            has_table_privilege($2, 'errand.ticket_key', 'select') as runner`,
    [named('api'), named('runner')],
  );
  expect(rows).toEqual([{ api: true, runner: false }]);
});

test('each table of the ledger has its line in the script', async () => {
  const sql = rolesSql({ owner: null, api: 'api', runner: 'runner', submitters: [] }, DEFAULT_SCHEMAS);
  const { rows } = await pool.query<{ table: string }>(
    `select relname as table from pg_class where relnamespace = 'errand'::regnamespace and relkind in ('r', 'p')`,
  );
  const silent = rows
    .map(({ table }) => table)
    .filter((table) => !new RegExp(` on errand.${table} (to|from) `).test(sql));
  expect(silent.sort()).toEqual(['migrations', 'submitters', 'task_tags']);
});

test.each(['Errand', 'a b', 'x;drop', "o'brien", ''])('a role called %j is refused', (name) => {
  const named = { owner: name, api: null, runner: null, submitters: [] };
  expect(() => rolesSql(named, DEFAULT_SCHEMAS)).toThrow('is not a valid role name');
});
