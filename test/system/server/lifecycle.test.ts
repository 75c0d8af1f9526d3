import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, describe, expect, test } from 'vitest';
import { createErrand } from '../../../server/index.ts';
import { call } from '../../support/api.ts';
import { createDatabase } from '../../support/database.ts';
import { openSocket } from '../../support/network/web_socket.ts';
import { until } from '../../support/until.ts';
import { errandOn } from './host.ts';
import { tasks } from './tasks.ts';

const database = await createDatabase();

async function listen(errand: ReturnType<typeof createErrand>): Promise<string> {
  const server = createServer((request, response) => errand.router(request, response));
  errand.attach(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  afterAll(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** What a library in a stranger's process must leave alone. */
function globals(): unknown {
  const events = ['SIGTERM', 'SIGINT', 'SIGUSR2', 'exit', 'disconnect', 'unhandledRejection', 'uncaughtException'];
  return [events.map((name) => process.listenerCount(name)), process.cwd(), { ...process.env }];
}

describe('stop', () => {
  test('under load: whatever was accepted is executed, by this process or the next', async () => {
    const errand = errandOn(database, { config: { SHUTDOWN_TIMEOUT_SECS: 20, RUNNER_CONCURRENCY: 4 } });
    await errand.start();
    const url = await listen(errand);
    const socket = await openSocket(url);
    const accepted = new Set<string>();
    let refused = 0;
    let isOver = false;
    const load = Array.from({ length: 4 }, async (_, caller) => {
      for (let n = 0; !isOver; n++) {
        const answer = await call(url, 'POST', '/v1/tasks/shop.slow', { payload: { ms: 30, n: caller * 1e6 + n } });
        if (answer.status === 201) accepted.add(answer.body.task.id);
        else refused++;
        if (answer.status !== 201) expect(answer).toMatchObject({ status: 503, body: { code: 'SERVICE_UNAVAILABLE' } });
      }
    });
    await until('tasks were accepted', () => accepted.size > 40);
    await errand.stop();
    await until('requests are refused', () => refused > 4);
    isOver = true;
    await Promise.all(load);
    expect((await socket.closed)[0]).toBe(1001);
    const { rows } = await database.pool.query(
      "select count(*)::int as running from errand.tasks where state = 'running'",
    );
    expect(rows).toEqual([{ running: 0 }]);
    expect((await database.pool.query('select from errand.runners where ended_at is null')).rowCount).toBe(0);

    const next = errandOn(database, { api: false });
    await next.start();
    await until('all are executed', async () => {
      const left = await database.pool.query("select from errand.tasks where state <> 'succeeded'");
      return left.rowCount === 0;
    });
    const ids = await database.pool.query<{ id: string }>('select id from errand.tasks');
    expect(new Set(ids.rows.map(({ id }) => id))).toEqual(accepted);
    await next.stop();
  });

  test('is the same twice, also without a start, and nothing starts after it', async () => {
    const errand = errandOn(database);
    await Promise.all([errand.stop(), errand.stop()]);
    await expect(errand.start()).rejects.toThrow('create another one');
  });

  test('during the start: both end, and no runner stays', async () => {
    const errand = errandOn(database);
    const starting = errand.start();
    await errand.stop();
    await starting;
    expect((await database.pool.query('select from errand.runners where ended_at is null')).rowCount).toBe(0);
  });
});

test('nothing of the process changes: no handlers, variables or folder', async () => {
  const before = globals();
  const errand = errandOn(database, { shipped: ['http.request'] });
  await errand.start();
  expect(globals()).toEqual(before);
  await errand.stop();
  expect(globals()).toEqual(before);
});

test('two in one process have a schema each', async () => {
  const both = ['one', 'two'].map((schema) =>
    errandOn(database, { database: { connectionString: database.url, schema, poolSize: 3 } }),
  );
  await Promise.all(both.map((errand) => errand.start()));
  const [first = '', second = ''] = await Promise.all(both.map(listen));
  const { body } = await call(first, 'POST', '/v1/tasks/shop.add', { payload: { a: 1 } });
  await until('the first has executed it', async () => {
    const task = await call(first, 'GET', `/v1/tasks/${body.task.id}`);
    return task.body.state === 'succeeded';
  });
  expect((await call(second, 'GET', `/v1/tasks/${body.task.id}`)).status).toBe(404);
});

describe('a start that fails', () => {
  test('names the step, and leaves no connection behind', async () => {
    const url = new URL(database.url);
    url.pathname = '/no_such_database';
    const errand = errandOn(database, { database: url.href });
    await expect(errand.start()).rejects.toThrow(/step database: cannot use Postgres.*create database/s);
    const { rows } = await database.pool.query(
      "select pid from pg_stat_activity where application_name like 'errand%' and datname = 'no_such_database'",
    );
    expect(rows).toEqual([]);
  });

  test('names a folder that does not exist', async () => {
    const errand = errandOn(database, { tasks: ['./no_tasks'], directory: import.meta.dirname });
    await expect(errand.start()).rejects.toThrow('the folder ./no_tasks does not exist in');
  });

  test('says that authentication is on unless it is switched off', async () => {
    const errand = createErrand({ database: database.url, tasks, config: { LOG_LEVEL: 'silent' } });
    await expect(errand.start()).rejects.toThrow('To accept every caller, set AUTH_ENABLED=false');
  });
});

test.each([
  [{ databse: 'x' }, 'createErrand has no option databse: did you mean database?'],
  [{ config: { RUNNER_CONCURENCY: 1 } }, 'config: Errand has no variable RUNNER_CONCURENCY: did you mean RUNNER_CONCURRENCY?'],
  [{ config: { RUNNER_CONCURRENCY: 0 } }, 'RUNNER_CONCURRENCY=0 is not accepted'],
  [{ database: 'localhost/shop' }, 'database: localhost/shop is not a connection string'],
  [{ database: { host: 'localhost' } }, 'database: give its name'],
])('a wrong option is refused at once: %j', (wrong, message) => {
  expect(() => createErrand({ database: database.url, tasks, ...wrong })).toThrow(message);
});

test('a database in parts is the same as its connection string', async () => {
  const { hostname, port, username, password, pathname } = new URL(database.url);
  const parts = { host: hostname, port: Number(port), user: username, password, database: pathname.slice(1) };
  const errand = errandOn(database, { database: parts, runner: false });
  await errand.start();
  expect((await call(await listen(errand), 'GET', '/ready')).body.status).toBe('ready');
});

test('a variable of the environment counts only if it is given', () => {
  process.env.RUNNER_CONCURRENCY = 'many';
  expect(() => createErrand({ database: database.url, tasks })).not.toThrow();
  expect(() => createErrand({ database: database.url, tasks, env: process.env })).toThrow('RUNNER_CONCURRENCY=many');
  delete process.env.RUNNER_CONCURRENCY;
});
