import { setTimeout as pause } from 'node:timers/promises';
import { cpuSeconds, cpuSecondsOfTree } from '../cpu.ts';
import type { Queue, QueueKind } from '../queues/queue.ts';
import type { BenchServer } from '../server.ts';

const POLL_MS = 25;
const WARM_UP_TASKS = 2_000;

/** What executing so many tasks took. */
export type Executed = {
  perSecond: number;
  /** CPU seconds per 1,000 tasks. */
  nodeCpu: number;
  postgresCpu: number;
  /** Of clients, per task; null without a database. */
  statements: number | null;
};

/** Fills a fresh queue, lets so many processes loose on it, and gives what that took until the last task was done. */
export async function measureExecution(
  server: BenchServer,
  kind: QueueKind,
  { tasks, processes }: { tasks: number; processes: number },
): Promise<Executed> {
  const queue = await kind.open(server, processes);
  try {
    await warmUp(queue);
    await queue.fill(tasks);
    return await executed(server, queue, tasks);
  } finally {
    await queue.close();
    if (queue.database !== null) await server.dropDatabase(queue.database);
  }
}

/** Compiled code, connections and plans are there then. */
async function warmUp(queue: Queue): Promise<void> {
  await queue.fill(WARM_UP_TASKS);
  await queue.go();
  await drained(queue);
  await queue.hold();
}

async function executed(server: BenchServer, queue: Queue, tasks: number): Promise<Executed> {
  const before = await used(server, queue);
  const began = performance.now();
  await queue.go();
  await drained(queue);
  const seconds = (performance.now() - began) / 1_000;
  const after = await used(server, queue);
  const thousands = tasks / 1_000;
  return {
    perSecond: tasks / seconds,
    nodeCpu: (after.node - before.node) / thousands,
    postgresCpu: (after.postgres - before.postgres) / thousands,
    statements: queue.database === null ? null : (after.statements - before.statements) / tasks,
  };
}

async function used(
  server: BenchServer,
  queue: Queue,
): Promise<{ node: number; postgres: number; statements: number }> {
  return {
    statements: queue.database === null ? 0 : await server.statements(queue.database),
    node: await cpuSeconds(queue.pids),
    postgres: await cpuSecondsOfTree(server.pid),
  };
}

/** Resolves when everything in the queue is done. */
export async function drained(queue: Queue): Promise<void> {
  while (!(await queue.isDrained())) await pause(POLL_MS);
}
