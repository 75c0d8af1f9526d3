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

/** How many tasks of how many processes. */
export type Load = { tasks: number; processes: number };

/** Fills a fresh queue, lets so many processes loose on it, and gives what that took until the last task was done. */
export function measureExecution(server: BenchServer, kind: QueueKind, load: Load): Promise<Executed> {
  return withQueue(server, kind, load, async (queue) => {
    await queue.fill(load.tasks);
    return executed(server, queue, load.tasks);
  });
}

/** Opens a queue, has it warm and held, does something with it, and removes it with its database. */
export async function withQueue<Result>(
  server: BenchServer,
  kind: QueueKind,
  { tasks, processes }: Load,
  use: (queue: Queue) => Promise<Result>,
): Promise<Result> {
  const queue = await kind.open(server, processes);
  try {
    await warmUp(queue, tasks);
    return await use(queue);
  } finally {
    await queue.close();
    if (queue.database !== null) await server.dropDatabase(queue.database);
  }
}

/** Executes some, half as many as will be measured at most. Compiled code, connections and plans are there then. */
export async function warmUp(queue: Queue, tasks: number): Promise<void> {
  await queue.fill(Math.min(WARM_UP_TASKS, Math.ceil(tasks / 2)));
  await queue.go();
  await drained(queue);
  await queue.hold();
}

/**
 * Lets the processes of a filled queue loose, and gives what it took until its tasks, so many, were done. The time is
 * from when they began: how soon each hears that it may go on is another matter.
 */
export async function executed(server: BenchServer, queue: Queue, tasks: number): Promise<Executed> {
  const before = await used(server, queue);
  const began = await queue.go();
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
async function drained(queue: Queue): Promise<void> {
  while (!(await queue.isDrained())) await pause(POLL_MS);
}
