import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Pool } from 'pg';
import { z } from 'zod';
import { cpuSeconds, cpuSecondsOfTree } from '../cpu.ts';
import type { Build } from '../definitions/builds.ts';
import { openClient } from '../http/client.ts';
import { benchPool, NO_OP, startApi, startRunner } from '../queues/errand.ts';
import type { BenchServer } from '../server.ts';
import type { Asked } from './closed_loop.ts';
import { KINDS } from './definitions.ts';
import { fillFinished, sumUpWith } from './ledger.ts';

/** In production the example tasks do not exist; in tests each answer is checked. */
const ENVIRONMENT = { NODE_ENV: 'development' };
/** The tasks of the fill are as old as a day, and must stay. */
const KEPT = { RETENTION_HOURS: '720', FAILED_RETENTION_HOURS: '720' };
/** Where the function is in the builds that are compared. */
const ROLLUPS = ['store/stats/rollups.ts', 'store/rollups.ts'];
const SAMPLE = 1_000;
const WRITERS = 8;

/** An API and a runner of one build on their own database with many finished tasks. */
export type FullBuild = Asked & {
  name: string;
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
  await pool.query(DEFINE, [NO_OP, KINDS.map((kind) => kind.name)]);
  await fillFinished(pool, tasks, (line) => log(`${name}: ${line}`));
  await sumUpWith(await rollUpOf(folder), pool, log);
  const ids = await sampleIds(pool);
  const api = await startApi(database.url, ENVIRONMENT, folder);
  const runner = await startRunner(database.url, { ...ENVIRONMENT, ...KEPT }, folder);
  const reader = openClient(api.base, connections);
  const writer = openClient(api.base, WRITERS);
  return {
    ...{ name, reader, writer, ids },
    submit: (client) => client.post(`/v1/tasks/${NO_OP}`, { payload: {} }, 201),
    cpuSeconds: async () => (await cpuSeconds([api.process.pid])) + (await cpuSecondsOfTree(server.pid)),
    cursors: await cursorsOf(reader),
    async close() {
      await Promise.all([reader.close(), writer.close(), pool.end()]);
      await Promise.all([api.process.stop(), runner.process.stop()]);
      await server.dropDatabase(database.name);
    },
  };
}

/**
 * Figures are of the names that are registered. The rows of the filled ones are copies of another, because the
 * columns are those of the build.
 */
const DEFINE = `
  insert into errand.definitions
  select (jsonb_populate_record(d, jsonb_build_object('name', given.name, 'namespace', split_part(given.name, '.', 1)))).*
    from errand.definitions d
   cross join unnest($2::text[]) as given (name)
   where d.name = $1`;

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
async function cursorsOf(client: Asked['reader']): Promise<string[]> {
  const cursors: string[] = [];
  for (let quarter = 1; quarter < 90; quarter++) {
    const to = new Date(Date.now() - quarter * 900_000).toISOString();
    const page = pageSchema.parse(JSON.parse(await client.get(`/v1/tasks?created_to=${to}&page_size=1`)));
    if (page.next_cursor !== null) cursors.push(page.next_cursor);
  }
  return cursors;
}
