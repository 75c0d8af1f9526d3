import { Gauge, type Registry as Metrics } from 'prom-client';
import { type Registry, taskNames } from '../core/registry.ts';
import { namespaceOf } from '../core/task.ts';
import { type Reading, sharedReading } from '../process/shared_reading.ts';
import { type QueueDepth, readNameDepths, readQueueDepths } from '../store/namespaces.ts';
import { readPauses } from '../store/pauses.ts';
import type { Database } from '../store/pool.ts';
import { listRunners } from '../store/runners.ts';

/** However many ask, Postgres is read once in this time, and nobody waits longer for it. */
const LIMITS = { keepMs: 5_000, patienceMs: 1_500 };

/** What waits and who is there to execute it, of the tasks that this process knows. */
export type Queues = {
  /** By namespace, what is paused included. */
  depths: Map<string, QueueDepth>;
  /** By namespace: how many pauses there are of it and of names in it. */
  pauses: Map<string, number>;
  /** By name: runners that can execute it, are live and not overdue. */
  liveRunners: Map<string, number>;
  /** By name: due tasks that no live runner can execute. */
  unattended: Map<string, number>;
};

/** Reads the queues for whoever asks. It never throws, and answers also when Postgres does not. */
export function queueReader(database: Database, registry: Registry): () => Promise<Reading<Queues>> {
  const names = taskNames(registry.definitions);
  return sharedReading(() => readQueues(database, names), LIMITS);
}

async function readQueues(database: Database, names: readonly string[]): Promise<Queues> {
  const runners = await listRunners(database);
  const live = runners.filter(({ overdue }) => !overdue).flatMap(({ task_names }) => task_names);
  const liveRunners = countBy(names, live);
  // Nearly always none, and then it costs nothing.
  const unknown = names.filter((name) => liveRunners.get(name) === 0);
  const waiting = unknown.length === 0 ? null : await readNameDepths(database, unknown);
  const targets = await readPauses(database);
  return {
    depths: await readQueueDepths(database, names),
    pauses: countBy(
      names.map(namespaceOf),
      targets.map((target) => (target.includes('.') ? namespaceOf(target) : target)),
    ),
    liveRunners,
    unattended: new Map(names.map((name) => [name, waiting?.get(name)?.depth ?? 0])),
  };
}

/** How often each of the keys is among the values; other values are not counted. */
function countBy(keys: readonly string[], values: readonly string[]): Map<string, number> {
  const counts = new Map(keys.map((key) => [key, 0]));
  for (const value of values) {
    const count = counts.get(value);
    if (count !== undefined) counts.set(value, count + 1);
  }
  return counts;
}

type Series = { label: 'namespace' | 'name'; help: string; values: (queues: Queues) => Map<string, number> };

const SERIES: Record<string, Series> = {
  errand_queue_depth: {
    label: 'namespace',
    help: 'Due tasks that wait to be executed, those of workflows too, paused ones included, up to 10,000',
    values: ({ depths }) => mapValues(depths, ({ depth }) => depth),
  },
  errand_queue_oldest_wait_seconds: {
    label: 'namespace',
    help: 'How long the oldest due task has been waiting',
    values: ({ depths }) => mapValues(depths, ({ oldestWaitSecs }) => oldestWaitSecs),
  },
  errand_queue_pauses: {
    label: 'namespace',
    help: 'Pauses of the namespace and of names in it',
    values: ({ pauses }) => pauses,
  },
  errand_queue_unattended: {
    label: 'name',
    help: 'Due tasks of a name that no live runner can execute',
    values: ({ unattended }) => unattended,
  },
  errand_live_runners: {
    label: 'name',
    help: 'Runners that can execute the name, are live and not overdue',
    values: ({ liveRunners }) => liveRunners,
  },
};

/**
 * Adds what is known of the queues. What can't be read is not there, rather than old or 0; the gauge
 * errand_metrics_database_up tells so.
 */
export function gaugeQueues(metrics: Metrics, read: () => Promise<Reading<Queues>>): void {
  for (const [name, { label, help, values }] of Object.entries(SERIES)) {
    new Gauge({
      name,
      help,
      labelNames: [label],
      registers: [metrics],
      async collect() {
        const { value: queues } = await read();
        this.reset();
        if (queues === null) return;
        for (const [key, value] of values(queues)) this.set({ [label]: key }, value);
      },
    });
  }
  new Gauge({
    name: 'errand_metrics_database_up',
    help: 'Whether what these metrics need from Postgres could be read: 1, else 0',
    registers: [metrics],
    async collect() {
      const { value } = await read();
      this.set(value === null ? 0 : 1);
    },
  });
}

function mapValues<T>(map: Map<string, T>, to: (value: T) => number): Map<string, number> {
  return new Map(Array.from(map, ([key, value]) => [key, to(value)]));
}
