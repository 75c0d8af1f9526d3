import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Pool } from 'pg';
import { z } from 'zod';
import type { Build } from '../definitions/builds.ts';
import { type Client, openClient } from '../http/client.ts';
import { benchPool, NO_OP, startApi, startRunner } from '../queues/errand.ts';
import type { BenchServer } from '../server.ts';
import { fillFinished, sumUpWith } from './ledger.ts';

/** In production the example tasks do not exist; in tests each answer is checked. */
const ENVIRONMENT = { NODE_ENV: 'development' };
/** Where the function is in the builds that are compared. */
const ROLLUPS = ['store/stats/rollups.ts', 'store/rollups.ts'];
const SAMPLE = 1_000;
const WRITERS = 8;

/** An API and a runner of one build on their own database with many finished tasks. */
export type FullBuild = {
  name: string;
  reader: Client;
  writer: Client;
  /** Submits a task that does nothing. */
  submit(client: Client): Promise<unknown>;
  /** The ids of tasks from everywhere in the ledger. */
  ids: readonly string[];
  /** The cursors of pages from everywhere in the ledger. */
  cursors: readonly string[];
  close(): Promise<void>;
};

/**
 * Starts the processes of a build on a database with so many finished tasks, the same for each build but for ids
 * and times. Throws if one does not start.
 */
export async function startFullBuild(
  server: BenchServer,
  { name, folder }: Build,
  { tasks, connections }: { tasks: number; connections: number },
  log: (line: string) => void,
): Promise<FullBuild> {
  const database = await server.freshDatabase();
  // The start of an API makes the schema of its build.
  const first = await startApi(database.url, ENVIRONMENT, folder);
  await first.process.stop();
  const pool = benchPool(database.url);
  await fillFinished(pool, tasks, (line) => log(`${name}: ${line}`));
  await sumUpWith(await rollUpOf(folder), pool, log);
  const ids = await sampleIds(pool);
  const api = await startApi(database.url, ENVIRONMENT, folder);
  const runner = await startRunner(database.url, ENVIRONMENT, folder);
  const reader = openClient(api.base, connections);
  const writer = openClient(api.base, WRITERS);
  return {
    ...{ name, reader, writer, ids },
    submit: (client) => client.post(`/v1/tasks/${NO_OP}`, { payload: {} }, 201),
    cursors: await cursorsOf(reader),
    async close() {
      await Promise.all([reader.close(), writer.close(), pool.end()]);
      await Promise.all([api.process.stop(), runner.process.stop()]);
      await server.dropDatabase(database.name);
    },
  };
}

type RollUp = (pool: Pool, stepSecs: number) => Promise<boolean>;

const rollUpSchema = z.object({ rollUp: z.custom<RollUp>((value) => typeof value === 'function') });

/** The function of a build that adds up finished tasks, which the tables of that build need. */
async function rollUpOf(folder: string): Promise<RollUp> {
  const file = ROLLUPS.map((path) => join(folder, path)).find(existsSync);
  if (file === undefined) throw new Error(`${folder} has none of ${ROLLUPS.join(', ')}`);
  return rollUpSchema.parse(await import(pathToFileURL(file).href)).rollUp;
}

async function sampleIds(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    'select id from errand.tasks order by md5(id::text) limit $1',
    [SAMPLE],
  );
  return rows.map(({ id }) => id);
}

const pageSchema = z.object({ next_cursor: z.string().nullable() });

/** The cursors at each quarter of an hour of the last day. */
async function cursorsOf(client: Client): Promise<string[]> {
  const cursors: string[] = [];
  for (let quarter = 1; quarter < 90; quarter++) {
    const to = new Date(Date.now() - quarter * 900_000).toISOString();
    const page = pageSchema.parse(JSON.parse(await client.get(`/v1/tasks?created_to=${to}&page_size=1`)));
    if (page.next_cursor !== null) cursors.push(page.next_cursor);
  }
  return cursors;
}
