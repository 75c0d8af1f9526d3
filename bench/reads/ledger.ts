import type { Pool } from 'pg';
import { listen, portOf } from '../../process/http.ts';
import { migrate } from '../../store/database/migrate.ts';
import { openPool } from '../../store/database/pool.ts';
import { deleteOldRollups, rollUp } from '../../store/stats/rollups.ts';
import { registerDefinitions } from '../../store/submit/definitions.ts';
import { listTasks } from '../../store/tasks/list.ts';
import { type Observed, observe } from '../blocks.ts';
import type { BenchServer } from '../server.ts';
import { apiOver } from './api.ts';
import { registry } from './definitions.ts';
import { fillLedger } from './fill.ts';

/** Rows of a page; the default of the API. */
export const PAGE_SIZE = 50;
const ROLL_UP_STEP_SECS = 3_600;
const ROLLUPS_KEPT_DAYS = 30;
const FILLED_SECS = 25 * 3_600;
/** The default of the API. */
const STATEMENT_TIMEOUT_MS = 30_000;

/** A database full of finished tasks, with the API on it. */
export type Ledger = Observed & {
  tasks: number;
  database: { name: string; url: string };
  /** The URL of the API. */
  url: string;
  /** A task in the middle by order of creation, and the cursor that leads to it. */
  middleId: string;
  middleCursor: string;
  close(): Promise<void>;
};

/** Makes a database with so many tasks, and starts the API on it. */
export async function makeLedger(
  server: BenchServer,
  tasks: number,
  log: (line: string) => void,
): Promise<Ledger> {
  const name = `tasks_${tasks}`;
  const connectionString = await server.createDatabase(name);
  const setup = open(connectionString, 0);
  await migrate(setup);
  await registerDefinitions(setup, registry.definitions);
  await fillWithSums(setup, tasks, log);
  await setup.end();
  const pool = open(connectionString, STATEMENT_TIMEOUT_MS);
  const observed = observe(pool);
  const api = await listen(apiOver(observed.pool), {
    host: '127.0.0.1',
    port: 0,
    variable: 'SERVER_PORT',
  });
  const url = `http://127.0.0.1:${portOf(api)}`;
  const close = async (): Promise<void> => {
    api.close();
    api.closeAllConnections();
    await pool.end();
  };
  const database = { name, url: connectionString };
  return { ...observed, tasks, database, url, ...(await middleOf(observed.pool, url)), close };
}

function open(connectionString: string, statementTimeoutMs: number): Pool {
  return openPool({
    connectionString,
    applicationName: 'errand bench',
    size: 5,
    statementTimeoutMs,
    onError: () => {},
  });
}

/** Fills an empty, migrated ledger with so many finished tasks and their rollups. See fillLedger. */
export async function fillWithSums(pool: Pool, tasks: number, log: (line: string) => void): Promise<void> {
  await fillFinished(pool, tasks, log);
  await sumUpWith(rollUp, pool, log);
  await deleteOldRollups(pool, ROLLUPS_KEPT_DAYS);
}

/** Fills an empty, migrated ledger with so many finished tasks. See fillLedger. */
export async function fillFinished(pool: Pool, tasks: number, log: (line: string) => void): Promise<void> {
  const client = await pool.connect();
  try {
    await fillLedger(client, tasks, log);
    log('vacuum and analyze');
    await client.query('vacuum (analyze)');
  } finally {
    client.release(true);
  }
}

/** Does what runners do every few seconds, with the function of this build or of another. */
export async function sumUpWith(
  sumUp: (pool: Pool, stepSecs: number) => Promise<boolean>,
  pool: Pool,
  log: (line: string) => void,
): Promise<void> {
  log('rollups');
  await pool.query(
    `update errand.rollup_watermark
        set rolled_up_to = date_trunc('hour', now(), 'UTC') - make_interval(secs => $1)`,
    [FILLED_SECS],
  );
  while (await sumUp(pool, ROLL_UP_STEP_SECS));
  await pool.query('vacuum (analyze) errand.rollups');
}

/**
 * Cursors are opaque: the API gives the cursor of the middle with the first page of tasks created
 * before it.
 */
async function middleOf(pool: Pool, url: string): Promise<Pick<Ledger, 'middleId' | 'middleCursor'>> {
  const createdTo = new Date(Date.now() - 12 * 3_600_000).toISOString();
  const page = { size: PAGE_SIZE, offset: 0, before: undefined };
  const { tasks } = await listTasks(pool, { createdTo }, page);
  const answer = await fetch(`${url}/v1/tasks?created_to=${createdTo}&page_size=${PAGE_SIZE}`);
  const { next_cursor: cursor } = (await answer.json()) as { next_cursor: string | null };
  const middle = tasks.at(-1);
  if (middle === undefined || cursor === null)
    throw new Error('There is no page in the middle of the tasks.');
  return { middleId: middle.id, middleCursor: cursor };
}
