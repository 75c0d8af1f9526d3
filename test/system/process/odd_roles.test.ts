import { randomBytes } from 'node:crypto';
import { expect, inject, test } from 'vitest';
import { openPool } from '../../../store/database/pool.ts';
import { call } from '../../support/api.ts';
import { createDatabase } from '../../support/database.ts';
import { launch, startProcess } from '../../support/processes.ts';
import { finished } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';

const { url, pool } = await createDatabase('template0');

const READING = {
  DateStyle: 'SQL, DMY',
  TimeZone: 'Asia/Kathmandu',
  IntervalStyle: 'sql_standard',
  bytea_output: 'escape',
  extra_float_digits: '-15',
  standard_conforming_strings: 'off',
  array_nulls: 'off',
  search_path: '',
};
const WAITING = {
  default_transaction_isolation: 'serializable',
  statement_timeout: '100',
  lock_timeout: '50',
  ...(inject('postgresVersion') >= 17 && { transaction_timeout: '150' }),
  idle_in_transaction_session_timeout: '50',
  // A session has it until its first statement, and an API that compiles its validators may be late for that.
  idle_session_timeout: '2000',
};

/** The URL of a new role whose sessions begin with these settings. */
async function roleWith(settings: Record<string, string>): Promise<string> {
  const name = `odd_${randomBytes(6).toString('hex')}`;
  await pool.query(`create role ${name} superuser login password 'odd'`);
  for (const [setting, value] of Object.entries(settings))
    await pool.query(`alter role ${name} set ${setting} = '${value}'`);
  return Object.assign(new URL(url), { username: name, password: 'odd' }).href;
}

test.each(Object.entries({ ...READING, ...WAITING }))(
  'a role with %s = %s reads and writes as any other',
  async (setting, value) => {
    const odd = openPool({
      connectionString: await roleWith({ [setting]: value }),
      applicationName: 'odd',
      size: 1,
      statementTimeoutMs: 20_000,
      onError: () => {},
    });
    const ask = (database: typeof pool) =>
      database.query({
        text: `select timestamptz '2027-02-03 04:05:06.789+00' as time, interval '1 day 2 hours' as interval,
                      '\\x00ff'::bytea as bytes, 0.1::float8 + 0.2::float8 as number, $1::text[] as texts, '\\\\' as text,
                      current_setting('search_path') as path, current_setting('transaction_isolation') as isolation,
                      current_setting('lock_timeout') || coalesce(current_setting('transaction_timeout', true), '')
                        || current_setting('idle_in_transaction_session_timeout')
                        || current_setting('idle_session_timeout') as limits`,
        values: [[null, 'a']],
      });
    expect((await ask(odd)).rows).toEqual((await ask(pool)).rows);
    expect((await odd.query(`select current_setting('statement_timeout') as limit`)).rows).toEqual([
      { limit: '20s' },
    ]);
    await odd.end();
  },
);

test('migration, API and runner do their work as a role whose sessions read and wait in odd ways', async () => {
  const odd = await roleWith({ ...READING, ...WAITING });
  const migration = launch('process/migrate.ts', { DATABASE_URL: odd });
  expect(await migration.exited).toBe(0);
  const environment = { RUNNER_LEASE_SECS: '2' };
  const [api, runner] = await Promise.all([
    startProcess('api/main.ts', odd),
    startProcess('runner/main.ts', odd, environment),
  ]);
  const ids: string[] = [];
  for (const [name, payload] of [
    ['example.echo', { message: `${Math.random()}` }],
    ['example.fail', { times: 1, message: `${Math.random()}` }],
    ['example.sleep', { ms: 1_500 }],
  ] as const) {
    const answer = await call(api.url, 'POST', `/v1/tasks/${name}`, { payload });
    expect(answer).toMatchObject({ status: 201 });
    ids.push(answer.body.task.id);
  }
  for (const id of ids) {
    await finished(pool, id);
    const { body } = await call(api.url, 'GET', `/v1/tasks/${id}`);
    expect(body).toMatchObject({ state: 'succeeded' });
    const { rows } = await pool.query('select finished_at from errand.tasks where id = $1', [id]);
    expect(body.finished_at).toBe(rows[0]?.finished_at);
  }
  await until('its lease has been renewed after some idle seconds', async () => {
    const { rows } = await pool.query(
      `select from errand.runners where ended_at is null and heartbeat_at > started_at + interval '3 seconds'`,
    );
    return rows.length > 0;
  });
  for (const { output } of [api, runner])
    expect(output()).not.toMatch(/connection broke|heartbeat failed|timeout/);
});
