import { makeWorkerUtils } from 'graphile-worker';
import { z } from 'zod';
import type { Build } from '../definitions/builds.ts';
import { openClient } from '../http/client.ts';
import { startProcess } from '../process.ts';
import { startApi, startRunner } from '../queues/errand.ts';
import { WITHOUT_LINES } from '../queues/graphile_worker.ts';
import type { BenchServer } from '../server.ts';

/** The default of runners; the peer has the same. */
const CONCURRENCY = '10';
/** A workflow of four steps in a row, which all builds have. */
export const WORKFLOW = 'example.linear';
export const STEPS = 4;
/**
 * The numbers that the workflow takes. A workflow with the same number as an earlier one of its
 * database is the same task, so each number is used once.
 */
export const NUMBERS = { from: -10_000, to: 10_000 };

/**
 * Runs four steps once, and gives the duration in ms, from before the submission to the recorded
 * end.
 */
export type Chain = { name: string; run(): Promise<number>; close(): Promise<void> };

const submitted = z.object({ task: z.object({ id: z.string() }) });
const ended = z.object({ state: z.literal('succeeded'), finished_at: z.iso.datetime() });

/** Four steps as a workflow over HTTP, by the API and the runner of a build. */
export async function workflowChain(server: BenchServer, { name, folder }: Build): Promise<Chain> {
  const database = await server.freshDatabase();
  const api = await startApi(database.url, {}, folder);
  const runner = await startRunner(database.url, { RUNNER_CONCURRENCY: CONCURRENCY }, folder);
  const client = openClient(api.base, 1);
  let sent = 0;
  return {
    name,
    async run() {
      const startedAt = performance.timeOrigin + performance.now();
      const answer = await client.post(`/v1/tasks/${WORKFLOW}`, { payload: { number: ++sent } }, 201);
      const { task } = submitted.parse(JSON.parse(answer));
      const end = await client.get(`/v1/tasks/${task.id}?wait=30`);
      return Date.parse(ended.parse(JSON.parse(end)).finished_at) - startedAt;
    },
    async close() {
      await client.close();
      await Promise.all([api.process.stop(), runner.process.stop()]);
      await server.dropDatabase(database.name);
    },
  };
}

/** Four steps as jobs of graphile-worker that add each other. */
export async function jobChain(server: BenchServer): Promise<Chain> {
  const database = await server.freshDatabase();
  const utils = await makeWorkerUtils({ connectionString: database.url });
  await utils.migrate();
  const { process: worker } = await startProcess('bench/workflows/chain_runner.ts', {
    ...{ DATABASE_URL: database.url, ...WITHOUT_LINES },
  });
  const done = z.object({ doneAt: z.number() });
  return {
    name: 'graphile-worker',
    async run() {
      const message = worker.message();
      const startedAt = performance.timeOrigin + performance.now();
      await utils.addJob('one', {});
      return done.parse(await message).doneAt - startedAt;
    },
    async close() {
      await worker.stop();
      await utils.release();
      await server.dropDatabase(database.name);
    },
  };
}
