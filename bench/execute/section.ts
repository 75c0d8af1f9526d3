import type { Goal } from '../goals.ts';
import { bullOnPostgres, bullOnRedis } from '../queues/bullmq.ts';
import { errand } from '../queues/errand.ts';
import { graphileWorker } from '../queues/graphile_worker.ts';
import { pgBoss, pgBossEach } from '../queues/pg_boss.ts';
import type { QueueKind } from '../queues/queue.ts';
import { hasRedis } from '../queues/redis.ts';
import { goalSection, type Section } from '../report.ts';
import { inRounds, type Rounds } from '../rounds.ts';
import type { BenchServer } from '../server.ts';
import { type Executed, measureExecution } from './measure.ts';

/** BullMQ on Postgres is so much slower that it gets this part of the tasks. */
const SLOW_SHARE = 0.1;

/** The title of the section, and the name of the rates of execution in it. */
export const EXECUTION = { title: 'Executing tasks that do nothing', what: 'execution' };

type Peer = { kind: QueueKind; share: number; rate: Goal['goal']; cpu: Goal['goal'] };

/** The goals beside graphile-worker and pg-boss are those of issue 21. */
const PEERS: readonly Peer[] = [
  { kind: graphileWorker, share: 1, rate: { atLeast: 2 }, cpu: { atMost: 0.9 } },
  { kind: pgBoss, share: 1, rate: { atLeast: 1.5 }, cpu: null },
  { kind: pgBossEach, share: 1, rate: { atLeast: 1.5 }, cpu: null },
  { kind: bullOnPostgres, share: SLOW_SHARE, rate: { atLeast: 2 }, cpu: null },
];
const ON_REDIS: Peer = { kind: bullOnRedis, share: 1, rate: { atLeast: 1 }, cpu: null };

/** The figures of each queue in each round: the data of the section. */
export type Executions = readonly { name: string; rounds: readonly Executed[] }[];

/**
 * Measures how fast each queue executes tasks that do nothing, with one process, and the cost.
 * Throws if a queue fails. Without `redis-server`, BullMQ on Redis is left out.
 */
export async function measureExecute(
  server: BenchServer,
  { tasks, rounds }: { tasks: number; rounds: number },
  log: (line: string) => void,
): Promise<Section> {
  const isRedisThere = await hasRedis();
  if (!isRedisThere) log('redis-server is not installed: leaving out BullMQ on Redis');
  const peers = [...PEERS, ...(isRedisThere ? [ON_REDIS] : [])];
  const subjects = [{ kind: errand, share: 1 }, ...peers].map(({ kind, share }) => ({
    name: `${kind.name} executes`,
    measure: () => measureExecution(server, kind, { tasks: Math.ceil(tasks * share), processes: 1 }),
  }));
  const [ours = [], ...theirs] = await inRounds(subjects, rounds, log);
  const executions = peers.map((peer, index) => ({ ...peer, rounds: theirs[index] ?? [] }));
  const data: Executions = [
    { name: errand.name, rounds: ours },
    ...executions.map(({ kind, rounds: measured }) => ({ name: kind.name, rounds: measured })),
  ];
  return goalSection({
    title: EXECUTION.title,
    about:
      `One process executes ${tasks.toLocaleString('en')} waiting tasks, to the last one, each time in a new database, ` +
      'in turns. Errand records the result and the attempt of each; graphile-worker deletes finished jobs; ' +
      'the others keep results: pg-boss one output for a batch or, in its slower way, an output for each job. Each is set up for high throughput. CPU is that of the process and of all of ' +
      `Postgres (or Redis). BullMQ on Postgres gets ${Math.ceil(tasks * SLOW_SHARE).toLocaleString('en')} tasks, because it is slow` +
      `${isRedisThere ? '.' : '; BullMQ on Redis is missing, because redis-server was not installed.'}`,
    goals: goalsOf(ours, executions),
    data,
  });
}

function goalsOf(
  ours: readonly Executed[],
  peers: readonly (Peer & { rounds: readonly Executed[] })[],
): Goal[] {
  const compare = (
    what: string,
    unit: string,
    figure: (executed: Executed) => number,
    goalOf: (peer: Peer) => Goal['goal'],
  ): Goal[] =>
    peers.map((peer) => ({
      ...{ what, unit, ours: ours.map(figure), goal: goalOf(peer) },
      peer: { name: peer.kind.name, rounds: peer.rounds.map(figure) satisfies Rounds },
    }));
  return [
    ...compare(
      'execution',
      'tasks/s',
      ({ perSecond }) => perSecond,
      ({ rate }) => rate,
    ),
    ...compare(
      'CPU',
      's per 1,000 tasks',
      ({ nodeCpu, postgresCpu }) => nodeCpu + postgresCpu,
      ({ cpu }) => cpu,
    ),
    ...compare(
      'statements',
      'per task',
      ({ statements }) => statements ?? Number.NaN,
      () => null,
    ).filter(({ peer }) => peer?.name !== bullOnRedis.name),
  ];
}
