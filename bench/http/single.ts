import { z } from 'zod';
import { cpuSeconds, cpuSecondsOfTree } from '../cpu.ts';
import { startProcess } from '../process.ts';
import { NO_OP, startApi } from '../queues/errand.ts';
import type { BenchServer } from '../server.ts';
import { type Client, inLoops, openClient } from './client.ts';

export const CONNECTIONS = 32;
/** Connections of a measured process to Postgres: the default of the API. */
export const DATABASE_POOL_SIZE = '10';
/** Tests set another value, with which the API also checks its own answers. */
const NODE_ENV = 'development';
const PATH = `/v1/tasks/${NO_OP}`;

/** A process that takes submissions, its own database, and its client. */
export type Endpoint = { pid: number; client: Client; close(): Promise<void> };

/** Errand's API. There is no runner, so submitted tasks stay in the queue. */
export async function openApi(server: BenchServer): Promise<Endpoint> {
  const { name, url } = await server.freshDatabase();
  const { process, base } = await startApi(url, { DATABASE_POOL_SIZE, NODE_ENV });
  return toEndpoint(server, name, process, base);
}

const listening = z.object({ listening: z.number() });

/** Express with one INSERT. */
export async function openBareExpress(server: BenchServer): Promise<Endpoint> {
  const { name, url } = await server.freshDatabase();
  const { process, first } = await startProcess('bench/peers/bare_express.ts', {
    ...{ DATABASE_URL: url, DATABASE_POOL_SIZE, NODE_ENV },
  });
  return toEndpoint(server, name, process, `http://127.0.0.1:${listening.parse(first).listening}`);
}

function toEndpoint(
  server: BenchServer,
  database: string,
  process: { pid: number; stop(): Promise<void> },
  base: string,
): Endpoint {
  const client = openClient(base, CONNECTIONS);
  return {
    pid: process.pid,
    client,
    async close() {
      await client.close();
      await process.stop();
      await server.dropDatabase(database);
    },
  };
}

/** The cost of the submissions. */
export type Submitted = {
  perSecond: number;
  /** CPU seconds per 1,000 submissions. */
  nodeCpu: number;
  postgresCpu: number;
};

/** Submits one task after the other on each connection. Throws unless every answer is 201. */
export async function submitSingly(
  server: BenchServer,
  { pid, client }: Endpoint,
  requests: number,
): Promise<Submitted> {
  const used = async () => ({ node: await cpuSeconds([pid]), postgres: await cpuSecondsOfTree(server.pid) });
  const before = await used();
  const startedAt = performance.now();
  await inLoops(CONNECTIONS, requests, () => client.post(PATH, { payload: {} }, 201));
  const seconds = (performance.now() - startedAt) / 1_000;
  const after = await used();
  const thousands = requests / 1_000;
  return {
    perSecond: requests / seconds,
    nodeCpu: (after.node - before.node) / thousands,
    postgresCpu: (after.postgres - before.postgres) / thousands,
  };
}
