import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import type { Running } from '../before/running.ts';
import { inShort } from '../profile/statements.ts';
import { median } from '../rounds.ts';
import type { BenchServer, StatementTimes } from '../server.ts';
import { WORKFLOW } from './chains.ts';

const POLL_MS = 20;
/** After this time without a statement, all that belong to a workflow have been sent. */
const QUIET_MS = 100;

/** How often each statement was sent, by its id. */
export type Sent = ReadonlyMap<string, { query: string; calls: number }>;

/** The statements of a workflow: their number, and which they are. */
export type Typical = { calls: number; statements: { statement: string; calls: number }[] };

const submitted = z.object({ task: z.object({ id: z.uuid() }) });

/**
 * Runs one workflow alone, and counts what the API and the runner sent to Postgres for it: from the
 * submission until nothing more came after its end. Nobody reads or waits for the workflow over HTTP.
 */
export async function statementsOfOne(server: BenchServer, running: Running, number: number): Promise<Sent> {
  const before = new Map((await server.statementTimes(running.database)).map(({ id, calls }) => [id, calls]));
  const answer = await running.client.post(`/v1/tasks/${WORKFLOW}`, { payload: { number } }, 201);
  const { task } = submitted.parse(JSON.parse(answer));
  while (!(await hasSucceeded(running, task.id))) await pause(POLL_MS);
  const after = await untilQuiet(server, running.database);
  return new Map(
    after.map(({ id, query, calls }) => [id, { query, calls: calls - (before.get(id) ?? 0) }] as const),
  );
}

/**
 * The usual statements of several workflows. A heartbeat, a poll or a round of maintenance falls into the time
 * of few of them, so the median of each statement is without those.
 */
export function typical(all: readonly Sent[]): Typical {
  const queries = new Map(all.flatMap((sent) => [...sent].map(([id, { query }]) => [id, query] as const)));
  const statements = [...queries]
    .map(([id, query]) => ({
      statement: inShort(query),
      calls: median(all.map((sent) => sent.get(id)?.calls ?? 0)),
    }))
    .filter(({ calls }) => calls > 0);
  return { calls: statements.reduce((sum, { calls }) => sum + calls, 0), statements };
}

/** Throws if the task has ended otherwise. */
async function hasSucceeded({ pool }: Running, id: string): Promise<boolean> {
  const { rows } = await pool.query<{ state: string; finished: boolean }>(
    'select /* bench */ state, finished_at is not null as finished from errand.tasks where id = $1',
    [id],
  );
  const { state, finished } = rows[0] ?? {};
  if (finished === true && state !== 'succeeded') throw new Error(`the workflow has ${state}`);
  return finished === true;
}

async function untilQuiet(server: BenchServer, database: string): Promise<StatementTimes> {
  for (let before = await server.statements(database); ; ) {
    await pause(QUIET_MS);
    const times = await server.statementTimes(database);
    const now = times.reduce((sum, { calls }) => sum + calls, 0);
    if (now === before) return times;
    before = now;
  }
}
