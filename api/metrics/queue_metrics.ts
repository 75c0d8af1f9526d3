import { Gauge, type Registry as Metrics } from 'prom-client';
import { namespaceOf } from '../../core/task.ts';
import { type Reading, sharedReading } from '../../process/shared_reading.ts';
import { listRunners } from '../../store/attempts/runners.ts';
import type { Database } from '../../store/database/pool.ts';
import { type LimitFigures, readLimitFigures } from '../../store/limits/figures.ts';
import { readScheduleFigures, type ScheduleFigures } from '../../store/schedules/figures.ts';
import { type QueueDepth, readNameDepths, readQueueDepths } from '../../store/stats/namespaces.ts';
import { readPauses } from '../../store/tasks/pauses.ts';
import type { QueueNames } from '../registered/queue_names.ts';

/**
 * Postgres is read at most once per `keepMs`, however many callers ask. No caller waits longer than
 * `waitBudgetMs`.
 */
const LIMITS = { keepMs: 5_000, waitBudgetMs: 1_500 };

/** The due tasks of the names that the API accepts, and the runners that can execute them. */
export type Queues = {
  /** By namespace. Paused tasks count too. */
  depths: Map<string, QueueDepth>;
  /** By namespace: the number of pauses of the namespace and of names in it. */
  pauses: Map<string, number>;
  /** By name: the number of live runners that can execute it and whose lease has not run out. */
  liveRunners: Map<string, number>;
  /** By name: the number of due tasks that no live runner can execute, and that nothing else holds. */
  unattended: Map<string, number>;
  schedules: ScheduleFigures;
  /** Of the first 200 limits by name. Never by key: keys may be personal data, and there may be millions. */
  limits: LimitFigures[];
};

/** Gives a function that reads the queues. It never throws, and it answers even if Postgres does not. */
export function queueReader(database: Database, names: QueueNames): () => Promise<Reading<Queues>> {
  return sharedReading(() => readQueues(database, names), LIMITS);
}

async function readQueues(database: Database, readNames: QueueNames): Promise<Queues> {
  const names = await readNames(database);
  const runners = await listRunners(database);
  const live = runners.filter(({ overdue }) => !overdue).flatMap(({ task_names }) => task_names);
  const liveRunners = countBy(names, live);
  // Usually there are none, and then no statement is needed.
  const unserved = names.filter((name) => liveRunners.get(name) === 0);
  const waiting = unserved.length === 0 ? null : await readNameDepths(database, unserved);
  const targets = await readPauses(database);
  return {
    depths: await readQueueDepths(database, names),
    pauses: countBy(
      names.map(namespaceOf),
      targets.map((target) => (target.includes('.') ? namespaceOf(target) : target)),
    ),
    liveRunners,
    unattended: new Map(names.map((name) => [name, waiting?.get(name)?.ready ?? 0])),
    schedules: await readScheduleFigures(database),
    limits: await readLimitFigures(database),
  };
}

/** How often each key occurs among the values. Other values are not counted. */
function countBy(keys: readonly string[], values: readonly string[]): Map<string, number> {
  const counts = new Map(keys.map((key) => [key, 0]));
  for (const value of values) {
    const count = counts.get(value);
    if (count !== undefined) counts.set(value, count + 1);
  }
  return counts;
}

type Series = {
  label: 'namespace' | 'name' | 'state' | 'limit' | null;
  help: string;
  /** By the value of the label. Of a series without one: under the empty text. */
  values: (queues: Queues) => Map<string, number>;
};

const SERIES: Record<string, Series> = {
  errand_queue_depth: {
    label: 'namespace',
    help: 'Due tasks that are waiting, including steps of workflows and paused tasks, up to 10,000',
    values: ({ depths }) => mapValues(depths, ({ depth }) => depth),
  },
  errand_queue_oldest_wait_seconds: {
    label: 'namespace',
    help: 'How long the oldest due task has been waiting',
    values: ({ depths }) => mapValues(depths, ({ oldestWaitSecs }) => oldestWaitSecs),
  },
  errand_queue_oldest_ready_seconds: {
    label: 'namespace',
    help: 'How long the oldest due task has been waiting that neither a pause nor a limit holds',
    values: ({ depths }) => mapValues(depths, ({ oldestReadySecs }) => oldestReadySecs),
  },
  errand_queue_pauses: {
    label: 'namespace',
    help: 'Pauses of the namespace and of names in it',
    values: ({ pauses }) => pauses,
  },
  errand_queue_unattended: {
    label: 'name',
    help: 'Due tasks of a name that no live runner can execute, without those that a pause or a limit holds',
    values: ({ unattended }) => unattended,
  },
  errand_live_runners: {
    label: 'name',
    help: 'Live runners that can execute the name and whose lease has not run out',
    values: ({ liveRunners }) => liveRunners,
  },
  errand_limit_slots: {
    label: 'limit',
    help: 'Attempts that may run at a time, or start in a period, of a limit with keys for each key. 0 while it is paused. Missing without a limit',
    values: ({ limits }) => byLimit(limits, ({ slots }) => slots),
  },
  errand_limit_paused: {
    label: 'limit',
    help: 'Whether an operator has paused the limit: 1 or 0',
    values: ({ limits }) => byLimit(limits, ({ isPaused }) => (isPaused ? 1 : 0)),
  },
  errand_limit_holders: {
    label: 'limit',
    help: 'Attempts that hold slots of the limit, of all keys, up to 10,000',
    values: ({ limits }) => byLimit(limits, ({ holders }) => holders),
  },
  errand_limit_waiters: {
    label: 'limit',
    help: 'Tasks that wait for the limit, of all keys, up to 10,000',
    values: ({ limits }) => byLimit(limits, ({ waiters }) => waiters),
  },
  errand_limit_oldest_waiter_seconds: {
    label: 'limit',
    help: 'How long the task has been due that waits the longest for the limit, of those that were counted',
    values: ({ limits }) => byLimit(limits, ({ oldestWaiterSecs }) => oldestWaiterSecs),
  },
  errand_schedules: {
    label: 'state',
    help: 'Schedules by their state, up to 10,000 active and 10,000 others',
    values: ({ schedules }) => new Map(Object.entries(schedules.states)),
  },
  errand_schedules_overdue: {
    label: null,
    help: 'Schedules whose next time has been due for more than a minute',
    values: ({ schedules }) => new Map([['', schedules.overdue]]),
  },
  errand_schedule_oldest_overdue_seconds: {
    label: null,
    help: 'How long the longest due time of a schedule has been due',
    values: ({ schedules }) => new Map([['', schedules.oldestOverdueSecs]]),
  },
};

/**
 * Adds the gauges of the queues, the limits and the schedules. If Postgres cannot be read, the series are missing rather than stale or 0,
 * and the gauge errand_metrics_database_up is 0.
 */
export function gaugeQueues(metrics: Metrics, read: () => Promise<Reading<Queues>>): void {
  for (const [name, { label, help, values }] of Object.entries(SERIES)) {
    new Gauge({
      name,
      help,
      labelNames: label === null ? [] : [label],
      registers: [metrics],
      async collect() {
        const { value: queues } = await read();
        this.reset();
        // One without a label would be 0.
        if (label === null) this.remove({});
        if (queues === null) return;
        for (const [key, value] of values(queues)) this.set(label === null ? {} : { [label]: key }, value);
      },
    });
  }
  new Gauge({
    name: 'errand_metrics_database_up',
    help: 'Whether the last read of these metrics from Postgres succeeded: 1 or 0',
    registers: [metrics],
    async collect() {
      const { value } = await read();
      this.set(value === null ? 0 : 1);
    },
  });
}

function byLimit(
  limits: readonly LimitFigures[],
  to: (limit: LimitFigures) => number | null,
): Map<string, number> {
  const values = limits.map((limit): [string, number | null] => [limit.name, to(limit)]);
  return new Map(values.filter((entry): entry is [string, number] => entry[1] !== null));
}

function mapValues<T>(map: Map<string, T>, to: (value: T) => number): Map<string, number> {
  return new Map(Array.from(map, ([key, value]) => [key, to(value)]));
}
