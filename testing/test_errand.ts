import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { type Client, createClient } from '../client/client.ts';
import type { TaskRecord } from '../client/records.ts';
import type { AnyTasks, NameOf, TaskTypes } from '../client/tasks_of.ts';
import type { Config } from '../config/schema.ts';
import { isOwnNamespace } from '../core/registry.ts';
import { closeServer, portOf } from '../process/http.ts';
import { createServer } from '../process/node_http.ts';
import { createErrand, type Errand, type ErrandOptions } from '../server/index.ts';
import { configOf } from '../server/settings.ts';
import { openPool } from '../store/database/pool.ts';
import type { TestDatabase } from '../store/testing/databases.ts';
import { ownClock, readClock, shiftTime } from '../store/testing/time.ts';
import { type Duration, momentOf, msOf } from './duration.ts';
import { drainDue, expire, passTime } from './passing_time.ts';
import { databaseForTest } from './postgres.ts';

export type TestErrandOptions = Pick<ErrandOptions, 'tasks' | 'shipped' | 'directory' | 'config' | 'log'> & {
  /**
   * Any database of a server whose role may create databases; DATABASE_URL by default, else an embedded
   * Postgres. Nothing in it changes: the test gets a database for itself.
   */
  readonly database?: string;
  /**
   * The moment at which it starts, for schedules: a Date, or ISO 8601 text with its offset. The night of daylight
   * saving, for example. Now by default. `new Date()` in a handler keeps giving the time of the machine.
   */
  readonly at?: Date | string;
};

/** How long `drain` and `advance` wait for tasks at most. */
export type DrainOptions = { readonly timeoutMs?: number };

/** A real Errand with a database for itself, in the process of a test. */
export type TestErrand<Tasks extends TaskTypes = AnyTasks> = {
  readonly client: Client<Tasks>;
  /** The URL of its API. */
  readonly url: string;
  /** The connection string of its database. */
  readonly databaseUrl: string;
  readonly submit: Client<Tasks>['submit'];
  /**
   * Waits until no task is due or running, and no schedule has a due time: also follow-ups, children and retries
   * that are due by then. It does not wait for what is due later, or is paused. Throws an Error that names the
   * tasks if that takes longer than 60 s.
   */
  drain(options?: DrainOptions): Promise<void>;
  /**
   * Lets time pass without waiting, and executes whatever is due in it, in the order of its times: schedules,
   * scheduled tasks, retries, ends of deduplication windows and of retention.
   */
  advance(duration: Duration, options?: DrainOptions): Promise<void>;
  /** The time for schedules: that of the machine, and all that `advance` and `at` have added. */
  now(): Promise<Date>;
  /** The tasks so far, oldest first, of one name or of all; without steps and children of others. */
  submitted<Name extends NameOf<Tasks>>(name?: Name): Promise<TaskRecord<Tasks[Name]['result']>[]>;
  /** A task with its attempts. */
  task(id: string): Promise<TaskRecord<unknown>>;
  /** Stops it and drops its database. */
  stop(): Promise<void>;
};

type Parts = { config: Config; errand: Errand; server: Server; pool: Pool; database: TestDatabase };

/**
 * Starts an Errand for a test. The first one of a run starts an embedded Postgres, unless there is another one.
 * Rejects, with nothing left running, if it cannot start.
 */
export async function startTestErrand<Tasks extends TaskTypes = AnyTasks>(
  options: TestErrandOptions = {},
): Promise<TestErrand<Tasks>> {
  const { database: given, at, ...more } = options;
  const startAt = at === undefined ? null : momentOf(at);
  const database = await databaseForTest(given, randomUUID().replaceAll('-', ''));
  const pool = openPool({
    connectionString: database.url,
    applicationName: 'errand test',
    size: 2,
    statementTimeoutMs: 0,
    onError: () => {},
  });
  const server = createServer((request, response) => errand.router(request, response));
  const complete: ErrandOptions = {
    database: { connectionString: database.url, poolSize: 5, readPoolSize: 2 },
    shipped: ['example.*', 'http.request'],
    log: pino({ level: 'silent' }),
    ...more,
    config: { ...CONFIG, ...options.config },
  };
  const errand = createErrand(complete);
  errand.attach(server);
  const parts = { config: configOf(complete), errand, server, pool, database };
  try {
    await ownClock(pool, startAt);
    server.listen(0, '127.0.0.1');
    await Promise.all([errand.start(), once(server, 'listening')]);
  } catch (error) {
    await stop(parts);
    throw error;
  }
  return testErrand<Tasks>(parts);
}

/** A test makes many requests at once, and nobody else can reach the API. */
const CONFIG = {
  ...{ NODE_ENV: 'development', SERVER_HOST: '127.0.0.1', LOG_LEVEL: 'silent' },
  ...{ RATE_LIMIT_READS: 0, RATE_LIMIT_WRITES: 0, RATE_LIMIT_WEBHOOKS: 0, RATE_LIMIT_BURST: 0 },
  ...{ SHUTDOWN_TIMEOUT_SECS: 5, ABORT_GRACE_SECS: 1 },
};

function testErrand<Tasks extends TaskTypes>(parts: Parts): TestErrand<Tasks> {
  const { pool, server, database, config } = parts;
  const kept = { finished: config.RETENTION_HOURS, failed: config.FAILED_RETENTION_HOURS };
  const url = `http://127.0.0.1:${portOf(server)}`;
  const client = createClient<Tasks>({ baseUrl: url });
  let stopped: Promise<void> | undefined;
  return {
    ...{ client, url, databaseUrl: database.url, submit: client.submit },
    drain: (options) => drainDue(pool, options?.timeoutMs),
    async advance(duration, options) {
      const drain = (): Promise<void> => drainDue(pool, options?.timeoutMs);
      const shift = async (ms: number): Promise<void> => {
        await shiftTime(pool, ms);
        await expire(pool, kept);
      };
      await passTime(pool, msOf(duration), { drain, shift });
    },
    now: () => readClock(pool),
    async submitted(name) {
      const ids: string[] = [];
      for await (const task of client.list(name === undefined ? {} : { name })) {
        if (task.parentId === null && !isOwnNamespace(task.namespace)) ids.unshift(task.id);
      }
      return Promise.all(ids.map((id) => client.get(id)));
    },
    task: (id) => client.get(id),
    stop() {
      stopped ??= stop(parts);
      return stopped;
    },
  };
}

async function stop({ errand, server, pool, database }: Parts): Promise<void> {
  await errand.stop();
  if (server.listening) await closeServer(server, 1_000);
  await pool.end();
  await database.drop();
}
