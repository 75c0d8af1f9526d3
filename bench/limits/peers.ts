import { setTimeout as pause } from 'node:timers/promises';
import { executed, withQueue } from '../execute/measure.ts';
import { bullOnRedis, bullWithLimit } from '../queues/bullmq.ts';
import { pgBoss, pgBossWithGroups } from '../queues/pg_boss.ts';
import type { Queue, QueueKind } from '../queues/queue.ts';
import { hasRedis } from '../queues/redis.ts';
import { inRounds, median } from '../rounds.ts';
import type { BenchServer } from '../server.ts';

/** The limit of a name, as of `bench.hundred`. */
const LIMIT = 100;
const POLL_MS = 20;

/**
 * How fast a queue executes with limits and without, round by round, and the ms between the ends of attempts
 * and the starts of the next ones under a limit of 1: the median of each round.
 */
export type PeerLimits = {
  name: string;
  free: number[];
  limited: number[];
  /** With a limit of 1 for each of many keys. Null if the queue has no such limits. */
  keyed: number[] | null;
  handOver: number[];
};

/** A queue that has limits too, in its own way. */
type Peer = { free: QueueKind; limited: QueueKind; keyed: QueueKind | null; one: QueueKind };
type Options = { tasks: number; rounds: number; keys: number; handOvers: number };

/**
 * Measures limits of other queues: the global concurrency of BullMQ on Redis, which has no keys, and the
 * groups of pg-boss. One group of all jobs is its limit of a name. Without `redis-server`, BullMQ is left out.
 */
export async function measurePeers(
  server: BenchServer,
  options: Options,
  log: (line: string) => void,
): Promise<PeerLimits[]> {
  const isRedisThere = await hasRedis();
  if (!isRedisThere) log('redis-server is not installed: leaving out BullMQ on Redis');
  const peers = [pgBossPeer(options.keys), ...(isRedisThere ? [BULL] : [])];
  const measured: PeerLimits[] = [];
  for (const peer of peers) measured.push(await measurePeer(server, peer, options, log));
  return measured;
}

const BULL: Peer = {
  free: bullOnRedis,
  limited: bullWithLimit(LIMIT),
  keyed: null,
  one: bullWithLimit(1),
};

function pgBossPeer(keys: number): Peer {
  return {
    free: pgBoss,
    limited: pgBossWithGroups({ count: 1, limit: LIMIT }),
    keyed: pgBossWithGroups({ count: keys, limit: 1 }),
    one: pgBossWithGroups({ count: 1, limit: 1 }),
  };
}

async function measurePeer(
  server: BenchServer,
  { free, limited, keyed, one }: Peer,
  { tasks, rounds, handOvers }: Options,
  log: (line: string) => void,
): Promise<PeerLimits> {
  const rate = (kind: QueueKind, what: string) => ({
    name: `${kind.name} executes ${what}`,
    measure: () =>
      withQueue(server, kind, { tasks, processes: 1 }, async (queue) => {
        await queue.fill(tasks);
        return (await executed(server, queue, tasks)).perSecond;
      }),
  });
  const handOver = {
    name: `${one.name} hands the slot of a limit of 1 over`,
    measure: () =>
      withQueue(server, one, { tasks: handOvers, processes: 1 }, (queue) => gap(queue, handOvers)),
  };
  const subjects = [
    rate(free, 'without a limit'),
    rate(limited, `with a limit of ${LIMIT}`),
    handOver,
    ...(keyed === null ? [] : [rate(keyed, 'with keys of a limit of 1')]),
  ];
  const [ofFree = [], ofLimited = [], gaps = [], ofKeyed = null] = await inRounds(subjects, rounds, log);
  return { name: free.name, free: ofFree, limited: ofLimited, keyed: ofKeyed, handOver: gaps };
}

/** The median time between two jobs, which do nothing themselves. */
async function gap(queue: Queue, count: number): Promise<number> {
  await queue.fill(count);
  await queue.go();
  while (!(await queue.isDrained())) await pause(POLL_MS);
  const starts = (await queue.readStarts?.())?.slice(-count) ?? [];
  return median(starts.slice(1).map((at, index) => at - (starts[index] ?? at)));
}
