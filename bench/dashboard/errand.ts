import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { defineTask } from '../../core/task.ts';
import { freePort } from '../../embedded/ports.ts';
import { migrate } from '../../store/database/migrate.ts';
import { openPool } from '../../store/database/pool.ts';
import { rollUp } from '../../store/stats/rollups.ts';
import { registerDefinitions } from '../../store/submit/definitions.ts';
import { startProcess } from '../process.ts';
import type { BenchServer } from '../server.ts';
import type { Site } from './peers.ts';

/** Errand's own dashboard, which can also let tasks change. */
export type ErrandSite = Site & {
  /** Lets so many tasks a second change their state, for so many seconds. Resolves at the end. */
  change(perSecond: number, seconds: number): Promise<void>;
};

const noop = defineTask({
  name: 'bench.noop',
  version: '1.0.0',
  description: 'A task of the benchmark.',
  payload: z.strictObject({ number: z.int().optional() }),
  result: z.strictObject({}),
  example: {},
});

/** The dashboard over so many finished tasks: an API process on a database with a ledger that was filled by SQL. */
export async function openErrand(server: BenchServer, tasks: number): Promise<ErrandSite> {
  const { name, url } = await server.freshDatabase();
  const pool = openPool({
    ...{ connectionString: url, applicationName: 'bench', size: 4, statementTimeoutMs: 0 },
    onError: () => {},
  });
  await migrate(pool);
  // Pages follow the namespaces of what is registered.
  await registerDefinitions(pool, [noop]);
  await pool.query(FILL, [tasks]);
  // Runners do that every few seconds.
  await pool.query(`update errand.rollup_watermark set rolled_up_to = now() - interval '1 day'`);
  while (await rollUp(pool, 3_600));
  await pool.query('vacuum analyze errand.tasks, errand.rollups');
  const port = String(await freePort('127.0.0.1'));
  const { process } = await startProcess('bench/dashboard/api_process.ts', {
    ...{ DATABASE_URL: url, SERVER_PORT: port, RATE_LIMIT_READS: '0', RATE_LIMIT_BURST: '0' },
  });
  const site = `http://127.0.0.1:${port}/ui`;
  return {
    name: 'Errand',
    first: { url: `${site}/`, shown: '.chart .line' },
    list: { url: `${site}/tasks`, shown: 'tbody a' },
    async change(perSecond, seconds) {
      // Half of the changes are new tasks, the other half their ends.
      const startedAt = performance.now();
      for (let tick = 0; tick < seconds * 10; tick++) {
        await pool.query(CHANGE, [perSecond / 20]);
        await pause(Math.max(0, startedAt + (tick + 1) * 100 - performance.now()));
      }
    },
    async close() {
      await process.kill();
      await pool.end();
      await server.dropDatabase(name);
    },
  };
}

const FILL = `
  insert into errand.tasks (name, version, state, priority, max_attempts, attempt, run_at, started_at, finished_at, payload, result)
  select 'bench.noop', '1.0.0', 'succeeded', 0, 25, 1, at, at + interval '5 ms', at + interval '9 ms',
         jsonb_build_object('number', n), '{}'
    from generate_series(1, $1::integer) n
   cross join lateral (select now() - make_interval(secs => ($1::integer - n) / 100.0) as at) t`;

/** Ends the tasks of the last call, and makes as many new ones. Each change is announced as a runner does. */
const CHANGE = `
  with ended as (
    update errand.tasks
       set state = 'succeeded', started_at = now(), finished_at = now(), result = '{}', attempt = 1
     where state = 'queued' and name = 'bench.noop'
    returning id, name, parent_id
  ), made as (
    insert into errand.tasks (name, version, state, priority, max_attempts, run_at, payload)
    select 'bench.noop', '1.0.0', 'queued', 0, 25, now(), '{}' from generate_series(1, $1::integer)
    returning id, name, parent_id
  )
  select count(*) from (select * from ended union all select * from made) changed`;
