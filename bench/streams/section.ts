import type { Goal } from '../goals.ts';
import { openClient } from '../http/client.ts';
import { NO_OP, startApi, startRunner } from '../queues/errand.ts';
import { goalSection, type Section } from '../report.ts';
import { inRounds } from '../rounds.ts';
import type { BenchServer } from '../server.ts';
import { openReaders, type Readers } from './readers.ts';

/** The number that was asked for from the start (issue 22). */
const EVENTS_PER_SECOND = 10_000;
const BATCH = 1_000;
/** In production the example tasks do not exist. */
const ENVIRONMENT = { NODE_ENV: 'development' };

/** `tasks` are submitted and executed in a round, while `readers` WebSockets follow all of them. */
type Options = { tasks: number; readers: number; rounds: number };

/** One round: what arrived, and in how many seconds. */
export type Delivered = { messages: number; seconds: number };

/**
 * Measures how many changes of tasks arrive at WebSockets in a second: tasks are submitted by HTTP and executed by a
 * runner, and each of them is followed from the ledger, through the API, to its readers. Every reader must get the
 * end of every task. Throws if one loses its stream or misses changes.
 */
export async function measureStreams(
  server: BenchServer,
  { tasks, readers, rounds }: Options,
  log: (line: string) => void,
): Promise<Section> {
  const { name, url } = await server.freshDatabase();
  await using opened = new AsyncDisposableStack();
  opened.defer(() => server.dropDatabase(name));
  const api = await startApi(url, ENVIRONMENT);
  opened.defer(() => api.process.stop());
  const runner = await startRunner(url, ENVIRONMENT);
  opened.defer(() => runner.process.stop());
  const client = openClient(api.base, 2);
  opened.defer(() => client.close());
  const following = await openReaders(api.base, readers, NO_OP);
  opened.defer(() => following.close());
  const submit = async (): Promise<void> => {
    for (let from = 0; from < tasks; from += BATCH) {
      const items = Array.from({ length: Math.min(BATCH, tasks - from) }, () => ({ payload: {} }));
      await client.post(`/v1/tasks/${NO_OP}/batch`, { items }, 200);
    }
  };
  const subject = { name: 'changes of tasks to streams', measure: () => deliver(following, tasks, submit) };
  // To warm up connections, plans and compiled code.
  await inRounds([subject], 1, (line) => log(`warming up: ${line}`));
  const [delivered = []] = await inRounds([subject], rounds, log);
  return goalSection({
    title: 'Changes delivered to streams',
    about:
      `${tasks.toLocaleString('en')} tasks that do nothing are submitted in batches and executed by one runner, while ` +
      `${readers} WebSockets of one API process follow all tasks of their name. Each change that a reader gets counts, until each has ` +
      'got the end of every task. The readers, the API, the runner and Postgres have the same cores.',
    goals: goalsOf(delivered, { tasks, readers }),
    data: { tasks, readers, rounds, delivered },
  });
}

async function deliver(following: Readers, tasks: number, submit: () => Promise<void>): Promise<Delivered> {
  const before = following.messages();
  const startedAt = performance.now();
  await Promise.all([submit(), following.untilEnded(tasks)]);
  return { messages: following.messages() - before, seconds: (performance.now() - startedAt) / 1_000 };
}

/** The events a second to all readers together, and of how many tasks they were. */
export function goalsOf(
  delivered: readonly Delivered[],
  { tasks, readers }: Pick<Options, 'tasks' | 'readers'>,
): Goal[] {
  return [
    {
      ...{ what: `changes delivered to ${readers} streams`, unit: 'events/s', peer: null },
      ours: delivered.map(({ messages, seconds }) => messages / seconds),
      goal: { atLeast: EVENTS_PER_SECOND },
    },
    {
      ...{ what: 'tasks submitted, executed and followed', unit: 'tasks/s', peer: null, goal: null },
      ours: delivered.map(({ seconds }) => tasks / seconds),
    },
  ];
}
