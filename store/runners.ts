import type { Database } from './pool.ts';

/** What a runner tells of itself when it registers. */
export type RunnerDescription = {
  host: string;
  pid: number;
  version: string;
  taskNames: string[];
  concurrency: number;
  leaseSecs: number;
};

/** Registers a runner and gives its id. The id is good for this start only, and fences everything it writes. */
export async function registerRunner(database: Database, runner: RunnerDescription): Promise<number> {
  const { rows } = await database.query<{ id: number }>(
    `insert into errand.runners (host, pid, version, task_names, concurrency, lease_secs)
     values ($1, $2, $3, $4, $5, $6)
     returning id`,
    [runner.host, runner.pid, runner.version, runner.taskNames, runner.concurrency, runner.leaseSecs],
  );
  if (rows[0] === undefined) throw new Error('Registering the runner gave no id');
  return rows[0].id;
}

/** Ends a runner that leaves by itself. From here on nothing it says is recorded. */
export async function endRunner(database: Database, runnerId: number): Promise<void> {
  await database.query(
    `update errand.runners
        set ended_at = now(),
            end_reason = 'stopped'
      where id = $1 and ended_at is null`,
    [runnerId],
  );
}
