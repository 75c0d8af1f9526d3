import { makeWorkerUtils } from 'graphile-worker';
import { z } from 'zod';
import { startProcess } from '../process.ts';
import { startApi, startRunner } from '../queues/errand.ts';
import { WITHOUT_LINES } from '../queues/graphile_worker.ts';
import type { Section } from '../report.ts';
import type { BenchServer } from '../server.ts';
import { timeByTurns } from '../timing.ts';

/** The default of runners; the peer has the same. */
const CONCURRENCY = '10';
const LIMIT_MS = 60_000;
const WORKFLOW = 'example.linear';

/**
 * Runs four steps once, and gives the duration in ms, from before the submission to the recorded
 * end.
 */
type Chain = { run(): Promise<number>; stop(): Promise<void> };

/**
 * Measures four steps in a row on an idle machine: as a workflow over HTTP, and as graphile-worker
 * jobs that add each other, in turns. Throws if either fails.
 */
export async function measureWorkflows(
  server: BenchServer,
  repetitions: number,
  log: (line: string) => void,
): Promise<Section> {
  log('four steps, as a workflow and as jobs that add each other');
  const chains = [await workflowChain(server), await jobChain(server)] as const;
  const [workflow, jobs] = await timeByTurns(
    chains.map(({ run }) => run),
    repetitions,
    LIMIT_MS,
  ).finally(() => Promise.all(chains.map(({ stop }) => stop())));
  if (workflow === undefined || jobs === undefined) throw new Error('nothing was measured');
  const row = (what: string, by: string, { times, median, p99 }: typeof workflow): string[] => [
    ...[what, by, String(times), median.toFixed(1), p99.toFixed(1), (median / jobs.median).toFixed(2)],
  ];
  return {
    title: 'Four steps, one after the other',
    about:
      'From before the submission to the recorded end, one at a time on an idle machine, in turns. API, runner and ' +
      'worker are separate processes. The workflow is submitted over HTTP, and its steps, results and attempts are ' +
      'recorded; the jobs only add each other. Times in ms; the ratio is that of the medians.',
    head: ['what', 'by', 'times', 'p50', 'p99', 'ratio'],
    rows: [
      row(`${WORKFLOW}, results recorded`, 'Errand', workflow),
      row('four jobs, each adds the next', 'graphile-worker', jobs),
    ],
    data: { workflow, jobs },
  };
}

const submitted = z.object({ task: z.object({ id: z.string() }) });
const ended = z.object({ state: z.literal('succeeded'), finished_at: z.iso.datetime() });

async function workflowChain(server: BenchServer): Promise<Chain> {
  const url = await server.createDatabase('workflows');
  const api = await startApi(url);
  const runner = await startRunner(url, { RUNNER_CONCURRENCY: CONCURRENCY });
  const base = `${api.base}/v1/tasks`;
  let sent = 0;
  return {
    async run() {
      const startedAt = performance.timeOrigin + performance.now();
      const answer = await fetch(`${base}/${WORKFLOW}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ payload: { number: ++sent } }),
      });
      const { task } = submitted.parse(await answer.json());
      const end = await fetch(`${base}/${task.id}?wait=30`);
      const { finished_at } = ended.parse(await end.json());
      return Date.parse(finished_at) - startedAt;
    },
    async stop() {
      await Promise.all([api.process.stop(), runner.process.stop()]);
    },
  };
}

async function jobChain(server: BenchServer): Promise<Chain> {
  const connectionString = await server.createDatabase('jobs');
  const utils = await makeWorkerUtils({ connectionString });
  await utils.migrate();
  const { process: worker } = await startProcess('bench/workflows/chain_runner.ts', {
    ...{ DATABASE_URL: connectionString, ...WITHOUT_LINES },
  });
  const done = z.object({ doneAt: z.number() });
  return {
    async run() {
      const message = worker.message();
      const startedAt = performance.timeOrigin + performance.now();
      await utils.addJob('one', {});
      return done.parse(await message).doneAt - startedAt;
    },
    async stop() {
      await worker.stop();
      await utils.release();
    },
  };
}
