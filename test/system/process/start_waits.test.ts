import { randomBytes } from 'node:crypto';
import { type AddressInfo, createServer } from 'node:net';
import { Client } from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { freePort } from '../../../embedded/ports.ts';
import { call } from '../../support/api.ts';
import { createDatabase } from '../../support/database.ts';
import { launch, startProcess } from '../../support/processes.ts';
import { until } from '../../support/until.ts';

const { url: empty } = await createDatabase('template0');
const { url, pool } = await createDatabase();

type Line = { msg: string; [field: string]: unknown };

/** The lines of a process's log with this message. */
function lines(output: string, message: RegExp): Line[] {
  return output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Line)
    .filter(({ msg }) => message.test(msg));
}

/** Connects until the test is done, or until it is ended. */
async function connect(to: string, applicationName: string): Promise<Client> {
  const client = new Client({ connectionString: to, application_name: applicationName });
  client.on('error', () => {});
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}

test.each(['api/main.ts', 'runner/main.ts'])(
  'F15: %s that waits for the lock for migrations says who has it, lives, is not ready, and starts when it is free',
  async (script) => {
    const { url: own } = await createDatabase('template0');
    const holder = await connect(own, 'a pooler');
    await holder.query("select pg_advisory_lock(4772001, hashtext('errand'))");
    const port = await freePort('127.0.0.1');
    const waiting = launch(script, {
      DATABASE_URL: own,
      SERVER_PORT: String(port),
      RUNNER_PORT: String(port),
      START_TIMEOUT_SECS: '600',
    });
    const told = await until('it says who is in the way', () => {
      const [line] = lines(waiting.output(), /lock for migrations/);
      return line;
    });
    const { rows } = await holder.query('select pg_backend_pid() as pid, session_user as role');
    expect(told.holders).toEqual([
      {
        ...rows[0],
        application: 'a pooler',
        address: '127.0.0.1/32',
        state: 'idle',
        since: expect.stringMatching(/^\d{4}-/),
      },
    ]);
    const base = `http://127.0.0.1:${port}`;
    expect((await call(base, 'GET', '/live')).status).toBe(200);
    expect((await call(base, 'GET', '/ready')).status).toBe(503);
    await holder.query('select pg_advisory_unlock_all()');
    await until('it is ready', async () => (await call(base, 'GET', '/ready')).status === 200);
  },
);

test('F15: a lock for migrations that is never given back ends a start in words', async () => {
  const holder = await connect(empty, 'a pooler');
  await holder.query("select pg_advisory_lock(4772001, hashtext('errand'))");
  const waiting = launch('process/migrate.ts', { DATABASE_URL: empty, START_TIMEOUT_SECS: '2' });
  expect(await waiting.exited).toBe(1);
  expect(waiting.output()).toMatch(
    /another session has held the lock for migrations for 2 s: pid \d+, application "a pooler"/,
  );
});

test('F15: nobody waits for the lock for migrations when there is nothing to migrate', async () => {
  const holder = await connect(url, 'a pooler');
  await holder.query("select pg_advisory_lock(4772001, hashtext('errand'))");
  const migration = launch('process/migrate.ts', { DATABASE_URL: url });
  expect(await migration.exited).toBe(0);
  expect(migration.output()).toContain('the schema is up to date');
});

test('F15: a migration leaves no lock behind, and one that was killed neither', async () => {
  const { url: own, pool: owned } = await createDatabase('template0');
  const migration = launch('process/migrate.ts', { DATABASE_URL: own });
  await until('it migrates', async () => {
    const { rows } = await owned.query(`select to_regclass('errand.migrations') is not null as is_there`);
    return rows[0]?.is_there === true;
  });
  migration.child.kill('SIGKILL');
  const again = launch('process/migrate.ts', { DATABASE_URL: own });
  expect(await again.exited).toBe(0);
  const { rows } = await owned.query(
    `select from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())`,
  );
  expect(rows).toEqual([]);
});

test('F15: a schema that is newer is told of, by its files, and worked with', async () => {
  const { url: own, pool: owned } = await createDatabase();
  await owned.query(`insert into errand.migrations (file, hash) values ('9999_of_the_future.sql', 'x')`);
  const migration = launch('process/migrate.ts', { DATABASE_URL: own });
  expect(await migration.exited).toBe(0);
  expect(migration.output()).not.toContain('the schema is up to date');
  const processes = await Promise.all([
    startProcess('api/main.ts', own),
    startProcess('runner/main.ts', own),
  ]);
  for (const { output } of [migration, ...processes]) {
    expect(lines(output(), /the schema is newer than this version of Errand/)).toMatchObject([
      { files: ['9999_of_the_future.sql'] },
    ]);
  }
});

test.each(['process/migrate.ts', 'api/main.ts', 'runner/main.ts'])(
  '%s waits for a server that can only be read, and goes on when it is the primary again',
  async (script) => {
    const { url: own, pool: owned } = await createDatabase();
    const { rows } = await owned.query<{ name: string }>('select current_database() as name');
    const name = rows[0]?.name;
    await owned.query(`alter database ${name} set default_transaction_read_only = on`);
    const waiting = launch(script, {
      DATABASE_URL: own,
      SERVER_PORT: String(await freePort('127.0.0.1')),
      START_TIMEOUT_SECS: '600',
    });
    await until('it says why it waits', () =>
      waiting.output().includes('this role may only read on this server'),
    );
    await owned.query(`alter database ${name} reset default_transaction_read_only`);
    await until('it has gone on', () => waiting.output().includes('start: migrations'));
  },
);

test('a server that stays one that can only be read ends a start in words', async () => {
  const { url: own, pool: owned } = await createDatabase();
  const { rows } = await owned.query<{ name: string }>('select current_database() as name');
  await owned.query(`alter database ${rows[0]?.name} set default_transaction_read_only = on`);
  const waiting = launch('process/migrate.ts', { DATABASE_URL: own, START_TIMEOUT_SECS: '0.5' });
  expect(await waiting.exited).toBe(1);
  expect(waiting.output()).toContain('Set DATABASE_URL to the primary');
});

test('a database that is not UTF-8 is refused in words', async () => {
  const name = `latin_${randomBytes(6).toString('hex')}`;
  await pool.query(
    `create database ${name} encoding 'LATIN1' locale_provider libc locale 'C' template template0`,
  );
  onTestFinished(() => pool.query(`drop database ${name}`).then(() => {}));
  const latin = Object.assign(new URL(url), { pathname: `/${name}` }).href;
  const refused = launch('process/migrate.ts', { DATABASE_URL: latin });
  expect(await refused.exited).toBe(1);
  expect(refused.output()).toContain(`the database ${name} has the encoding LATIN1`);
});

test('each try to reach Postgres has its line at once', async () => {
  const port = await freePort('127.0.0.1');
  const waiting = launch('process/migrate.ts', {
    DATABASE_URL: `postgres://user:very-secret@127.0.0.1:${port}/none`,
    START_TIMEOUT_SECS: '600',
  });
  await until(
    'it has tried three times',
    () => lines(waiting.output(), /Postgres is not usable yet/).length >= 3,
  );
  expect(lines(waiting.output(), /Postgres is not usable yet/)[0]).toMatchObject({
    attempt: 1,
    where: `postgres://user:***@127.0.0.1:${port}/none`,
    reason: expect.stringContaining('ECONNREFUSED'),
  });
});

test.each([
  [
    'a wrong password',
    (to: URL) => Object.assign(to, { password: 'wrong' }),
    'the user and the password in DATABASE_URL',
  ],
  [
    'a database that is missing',
    (to: URL) => Object.assign(to, { pathname: '/missing' }),
    'Create that database',
  ],
  ['a role that is missing', (to: URL) => Object.assign(to, { username: 'nobody' }), 'in DATABASE_URL'],
])('%s is no matter of waiting, and the advice fits it', async (_what, change, advice) => {
  const failing = launch('process/migrate.ts', {
    DATABASE_URL: change(new URL(url)).href,
    START_TIMEOUT_SECS: '600',
  });
  expect(await failing.exited).toBe(1);
  expect(failing.output()).toContain(advice);
  expect(failing.output()).not.toContain('npm start');
});

test('a server that refuses all connections for now is named with what to change', async () => {
  // What Postgres says before it knows who asks: too many connections.
  const full = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => {
      const fields = 'SFATAL\0VFATAL\0C53300\0Msorry, too many clients already\0\0';
      const head = Buffer.alloc(5);
      head.write('E');
      head.writeInt32BE(4 + fields.length, 1);
      socket.end(Buffer.concat([head, Buffer.from(fields)]));
    });
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void full.close());
  await until('it listens', () => full.listening);
  const { port } = full.address() as AddressInfo;
  const failing = launch('process/migrate.ts', {
    DATABASE_URL: `postgres://user@127.0.0.1:${port}/none`,
    START_TIMEOUT_SECS: '0.5',
  });
  expect(await failing.exited).toBe(1);
  expect(failing.output()).toContain('lower DATABASE_POOL_SIZE');
});
