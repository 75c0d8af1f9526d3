import { setTimeout as pause } from 'node:timers/promises';
import { cpuSeconds, cpuSecondsOfTree } from '../cpu.ts';
import type { Queue, QueueKind } from '../queues/queue.ts';
import type { BenchServer } from '../server.ts';

const POLL_MS = 25;
const WARM_UP_TASKS = 2_000;

/** The cost of executing the tasks. */
export type Executed = {
  perSecond: number;
  /** CPU seconds per 1,000 tasks. */
  nodeCpu: number;
  postgresCpu: number;
  /** Statements of clients per task; null without a database. */
  statements: number | null;
};

/** How many tasks, and by how many processes. */
export type Load = { tasks: number; processes: number };

/**
 * Fills a new queue, starts so many processes on it, and gives the cost until the last task was
 * done.
 */
export function measureExecution(server: BenchServer, kind: QueueKind, load: Load): Promise<Executed> {
  return withQueue(server, kind, load, async (queue) => {
    await queue.fill(load.tasks);
    return executed(server, queue, load.tasks);
  });
}

/** Opens a queue, warms it up and holds it, uses it, and removes it with its database. */
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

/**
 * Executes some tasks, at most half as many as will be measured, to warm up compiled code,
 * connections and plans.
 */
export async function warmUp(queue: Queue, tasks: number): Promise<void> {
  await queue.fill(Math.min(WARM_UP_TASKS, Math.ceil(tasks / 2)));
  await queue.go();
  await drained(queue);
  await queue.hold();
}

/**
 * Lets the processes of a filled queue run, and gives the cost until all its tasks were done. The
 * time counts from the first start: how soon each process notices that it may run is not measured.
 */
export async function executed(server: BenchServer, queue: Queue, tasks: number): Promise<Executed> {
  const before = await used(server, queue);
  const startedAt = await queue.go();
  await drained(queue);
  const seconds = (performance.now() - startedAt) / 1_000;
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

/** Resolves when all tasks of the queue are done. */
async function drained(queue: Queue): Promise<void> {
  while (!(await queue.isDrained())) await pause(POLL_MS);
}
