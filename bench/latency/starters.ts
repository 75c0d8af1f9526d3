import { setTimeout as pause } from 'node:timers/promises';
import { makeWorkerUtils } from 'graphile-worker';
import { z } from 'zod';
import type { Build } from '../definitions/builds.ts';
import { type Client, openClient } from '../http/client.ts';
import { startProcess } from '../process.ts';
import { NO_OP, startApi, startRunner } from '../queues/errand.ts';
import { WITHOUT_LINES } from '../queues/graphile_worker.ts';
import type { BenchServer } from '../server.ts';
import type { WallClock } from './clock.ts';

/** The delay before the benchmark asks for the result: the request must not slow the start. */
const UNDISTURBED_MS = 30;
const CONCURRENCY = '10';

/**
 * How long it took until a handler started, in ms. Below 0 if it started before the answer was
 * read.
 */
export type Start = { sinceSent: number; sinceAnswer: number };

/** An idle queue that gets one task at a time. */
export type Starter = { start(): Promise<Start>; close(): Promise<void> };

const submitted = z.object({ task: z.object({ id: z.uuid() }) });
const record = z.object({ result: z.object({ at: z.number() }) });

/** A build of Errand: its API, its runner, and a client over HTTP. */
export async function openErrand(server: BenchServer, clock: WallClock, { folder }: Build): Promise<Starter> {
  const { name, url } = await server.freshDatabase();
  const environment = { NODE_ENV: 'development' };
  const api = await startApi(url, environment, folder);
  const runner = await startRunner(url, { ...environment, RUNNER_CONCURRENCY: CONCURRENCY }, folder);
  const client = openClient(api.base, 1);
  return {
    start: () => startOne(client, clock),
    async close() {
      await client.close();
      await Promise.all([api.process.stop(), runner.process.stop()]);
      await server.dropDatabase(name);
    },
  };
}

/** Submits one task over HTTP, and gives how long it took until its handler started. */
export async function startOne(client: Client, clock: WallClock): Promise<Start> {
  const sent = clock.now();
  const answer = await client.post(`/v1/tasks/${NO_OP}`, { payload: {} }, 201);
  const answered = clock.now();
  const { task } = submitted.parse(JSON.parse(answer));
  await pause(UNDISTURBED_MS);
  const { result } = record.parse(JSON.parse(await client.get(`/v1/tasks/${task.id}?wait=10`)));
  return { sinceSent: result.at - sent, sinceAnswer: result.at - answered };
}

const started = z.object({ at: z.number() });

/** graphile-worker: a worker, and its client in this process. */
export async function openGraphileWorker(server: BenchServer, clock: WallClock): Promise<Starter> {
  const { name, url } = await server.freshDatabase();
  const utils = await makeWorkerUtils({ connectionString: url });
  await utils.migrate();
  const environment = { DATABASE_URL: url, ...WITHOUT_LINES };
  const { process: worker } = await startProcess('bench/peers/latency_worker.ts', environment);
  return {
    async start() {
      const message = worker.message();
      const sent = clock.now();
      await utils.addJob('noop', {});
      const answered = clock.now();
      const { at } = started.parse(await message);
      await pause(UNDISTURBED_MS);
      return { sinceSent: at - sent, sinceAnswer: at - answered };
    },
    async close() {
      await worker.stop();
      await utils.release();
      await server.dropDatabase(name);
    },
  };
}
