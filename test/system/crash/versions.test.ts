import { Client } from 'pg';
import { expect, test } from 'vitest';
import { migrate } from '../../../store/database/migrate.ts';
import { NATIVE_SINCE, readMigrationFiles } from '../../../store/database/migration_files.ts';
import { openPool } from '../../../store/database/pool.ts';
import { call } from '../../support/api.ts';
import { createDatabase } from '../../support/database.ts';
import { allFinished, recordHistory } from '../../support/history.ts';
import { launch, startProcess } from '../../support/processes.ts';
import { lostRunners } from '../../support/runners.ts';
import { outcomes, submit } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';

test('F15: two processes migrate an empty database at once: both are fine, and each file is applied once', async () => {
  const { url, pool } = await createDatabase('template0');
  const processes = [1, 2].map(() => launch('process/migrate.ts', { DATABASE_URL: url }));
  expect(await Promise.all(processes.map(({ exited }) => exited))).toEqual([0, 0]);
  const { tables, functions } = await readMigrationFiles(NATIVE_SINCE);
  const files = [...tables, ...functions.values()].map(({ name }) => name).sort();
  const { rows } = await pool.query<{ file: string }>(
    'select file from errand.migrations order by file collate "C"',
  );
  expect(rows.map(({ file }) => file)).toEqual(files);
  const applied = processes.flatMap(({ output }) =>
    output()
      .split('\n')
      .filter((line) => line.includes('migrations applied'))
      .flatMap((line) => (JSON.parse(line) as { files: string[] }).files),
  );
  expect(applied.sort()).toEqual(files);
});

test('F15: waiting for a long migration of another process ends neither in a timeout nor for a watchdog', async () => {
  const { url } = await createDatabase('template0');
  const impatient = openPool({
    connectionString: url,
    applicationName: 'impatient',
    size: 2,
    statementTimeoutMs: 100,
    onError: () => {},
  });
  const other = new Client({ connectionString: url });
  await other.connect();
  await other.query("select pg_advisory_lock(4772001, hashtext('errand'))");
  const migrating = migrate(impatient);
  let settled = false;
  migrating.then(
    () => {
      settled = true;
    },
    () => {
      settled = true;
    },
  );
  const end = performance.now() + 2_500;
  await until('it has waited for longer than a statement may take', () => performance.now() > end);
  expect(settled).toBe(false);
  await other.end();
  expect(await migrating).toMatchObject({ applied: expect.arrayContaining(['0001_tasks.sql']) });
  await impatient.end();
});

test('F15: a runner and an API of the old version go on beside the schema of the next', async () => {
  const { url, pool } = await createDatabase();
  const history = recordHistory();
  const [api] = await Promise.all([
    startProcess('api/main.ts', url),
    startProcess('runner/main.ts', url, { RUNNER_CONCURRENCY: '4' }),
  ]);
  const post = async (name: string, payload: unknown): Promise<void> => {
    const answer = await call(api.url, 'POST', `/v1/tasks/${name}`, { payload });
    expect(answer.status).toBe(201);
    history.ok(answer.body.task.id);
  };
  const wave = (): Promise<unknown> =>
    Promise.all([
      ...Array.from({ length: 10 }, (_, index) =>
        post('example.echo', { message: `${Math.random()} ${index}` }),
      ),
      ...Array.from({ length: 4 }, () => post('example.sleep', { ms: 700 })),
      ...Array.from({ length: 2 }, () => post('example.fail', { times: 1 })),
    ]);
  // Every statement has been prepared in every session before the schema changes.
  await wave();
  await until('work is done', async () => {
    const { rows } = await pool.query(`select 1 from errand.tasks where state = 'succeeded'`);
    return rows.length > 0;
  });
  for (const table of ['tasks', 'attempts', 'logs', 'runners', 'definitions']) {
    await pool.query(`alter table errand.${table} add column next_version text`);
    await wave();
  }
  await pool.query('create index concurrently on errand.tasks (next_version) where next_version is not null');
  await wave();
  await until('all have finished', () => allFinished(pool));
  const [id] = history.acknowledged();
  expect(await call(api.url, 'GET', `/v1/tasks/${id}`)).toMatchObject({
    status: 200,
    body: { state: 'succeeded' },
  });
  expect(await call(api.url, 'GET', '/v1/tasks?state=succeeded')).toMatchObject({ status: 200 });
  const { rows } = await pool.query(`select distinct state from errand.tasks`);
  expect(rows).toEqual([{ state: 'succeeded' }]);
  expect(await lostRunners(pool)).toBe(0);
  await history.check(pool);
});

test('F16: a task waits for a runner that has its definition', async () => {
  const { url, pool } = await createDatabase();
  const history = recordHistory();
  const production = await startProcess('runner/main.ts', url, { NODE_ENV: 'production' });
  const [lacking, known] = await submit(
    pool,
    { name: 'example.echo', payload: { message: 'x' } },
    { name: 'text.count_words', payload: { text: 'one two' } },
  );
  for (const task of [lacking, known]) history.ok(String(task?.id));
  await until('the other task has run', async () => {
    const { rows } = await pool.query(`select 1 from errand.tasks where state = 'succeeded'`);
    return rows.length === 1;
  });
  // A later task of a name that it knows has overtaken it, so it was not merely late.
  expect(await outcomes(pool, String(known?.id))).toEqual([[1, 'succeeded']]);
  const { rows } = await pool.query('select state, attempt, started_at from errand.tasks where id = $1', [
    lacking?.id,
  ]);
  expect(rows).toEqual([{ state: 'queued', attempt: 1, started_at: null }]);
  const fetched = await pool.query(
    `select 1 from errand_worker.jobs where task_identifier = 'example.echo' and attempts > 0`,
  );
  expect(fetched.rows).toEqual([]);
  await startProcess('runner/main.ts', url);
  await until('all have finished', () => allFinished(pool));
  expect(await outcomes(pool, String(lacking?.id))).toEqual([[1, 'succeeded']]);
  expect(production.child.exitCode).toBeNull();
  await history.check(pool);
});
