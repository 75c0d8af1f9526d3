import { z } from 'zod';
import { cpuSeconds, cpuSecondsOfTree } from '../cpu.ts';
import { startProcess } from '../process.ts';
import { NO_OP, startApi } from '../queues/errand.ts';
import type { BenchServer } from '../server.ts';
import { type Client, inLoops, openClient } from './client.ts';

export const CONNECTIONS = 32;
/** Connections of a measured process to Postgres: as many as the API has unless it is told otherwise. */
export const DATABASE_POOL_SIZE = '10';
/** Whoever runs the tests has another one, with which the API also checks its own answers. */
const NODE_ENV = 'development';
const PATH = `/v1/tasks/${NO_OP}`;

/** A process that takes submissions, with a database of its own, and its caller. */
export type Endpoint = { pid: number; client: Client; close(): Promise<void> };

/** Errand's API. No runner is there, so what is submitted stays. */
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

/** What so many submissions took. */
export type Submitted = {
  perSecond: number;
  /** CPU seconds per 1,000 submissions. */
  nodeCpu: number;
  postgresCpu: number;
};

/** Submits one task after the other over each connection. Throws unless every answer says that one was made. */
export async function submitSingly(
  server: BenchServer,
  { pid, client }: Endpoint,
  requests: number,
): Promise<Submitted> {
  const used = async () => ({ node: await cpuSeconds([pid]), postgres: await cpuSecondsOfTree(server.pid) });
  const before = await used();
  const began = performance.now();
  await inLoops(CONNECTIONS, requests, () => client.post(PATH, { payload: {} }, 201));
  const seconds = (performance.now() - began) / 1_000;
  const after = await used();
  const thousands = requests / 1_000;
  return {
    perSecond: requests / seconds,
    nodeCpu: (after.node - before.node) / thousands,
    postgresCpu: (after.postgres - before.postgres) / thousands,
  };
}
