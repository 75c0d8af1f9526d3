import { hostname } from 'node:os';
import type { Worker } from 'node:worker_threads';
import type { ClientConfig, Pool } from 'pg';
import type { Logger } from 'pino';
import type { Config } from '../config/schema.ts';
import type { Ownership } from '../core/registration/owner.ts';
import type { ScheduleDefinition } from '../core/schedules/schedule.ts';
import {
  lockedDispatches,
  readHandedOn,
  returnDispatches,
  unlockPools,
} from '../store/attempts/dispatches.ts';
import { addPool } from '../store/attempts/lease.ts';
import { endRunner, registerRunner } from '../store/attempts/runners.ts';
import { reportRunning } from '../store/attempts/running.ts';
import { readPauses } from '../store/tasks/pauses.ts';
import { processAlone } from './alone/alone_parent.ts';
import { AttemptAborted } from './execute/attempt.ts';
import type { RegisteredHandler } from './execute/execute.ts';
import { type Running, trackRunning } from './execute/running.ts';
import type { TaskLog } from './execute/task_log.ts';
import { type DispatchWorker, dispatchWorker } from './fetch/dispatch_worker.ts';
import { type HandedOn, watchHandedOn } from './fetch/handed_on.ts';
import { type Pauses, watchPauses } from './fetch/pauses.ts';
import { type DispatchPool, startDispatchPool } from './fetch/pool.ts';
import { startTimedCalls, type TimedCalls } from './fetch/timed_calls.ts';
import { launchThread } from './lease/threaded_lease.ts';
import { startUpkeep, type Upkeep } from './maintenance/upkeep.ts';
import type { RunnerEvents } from './record/events.ts';
import { untilBack } from './record/retry_until_available.ts';
import { type ScheduleRegistration, scheduleRegistration } from './schedules/registration.ts';

/** Dispatches in hand per slot: a dispatch whose outcomes are being written takes no slot. */
const DISPATCHES_PER_SLOT = 4;
/** The maximum number of further dispatches in hand for batches: tasks that came one by one have one each. */
const MAX_BATCHED_DISPATCHES = 2_000;

export type RunnerConfig = Pick<
  Config,
  | 'RUNNER_CONCURRENCY'
  | 'RUNNER_LEASE_SECS'
  | 'SHUTDOWN_TIMEOUT_SECS'
  | 'ABORT_GRACE_SECS'
  | 'RETENTION_HOURS'
  | 'FAILED_RETENTION_HOURS'
  | 'AUDIT_RETENTION_DAYS'
  | 'SCHEDULE_HISTORY_DAYS'
>;

export type RunnerOptions = {
  config: RunnerConfig;
  pgPool: Pool;
  /** For the lease, which has its own connection. */
  connection: ClientConfig;
  log: Logger;
  taskLog: TaskLog;
  /** Where the parts of the runner report what happens. */
  events: RunnerEvents;
  version: string;
  /** The registered handlers by task name. */
  registeredHandlers: Map<string, RegisteredHandler>;
  /** The namespaces and tasks that a dedicated runner serves, as its configuration says. Undefined: everything. */
  serves?: readonly string[] | undefined;
  /** The owners of these names. Without it, they belong to no repository. */
  ownership?: Ownership;
  /** The schedules in the code of its project. */
  schedules?: readonly ScheduleDefinition[];
  /** The script of a process that runs one attempt; without it the attempt runs here. */
  aloneScript?: string;
  /**
   * False: other code lives in this process, so it is not ended if a task blocks its event loop. True by
   * default.
   */
  mayEndProcess?: boolean;
};

/** The current load of a runner. */
export type RunnerLoad = {
  /** The task name of each running attempt. */
  names: string[];
  dispatchesInHand: number;
  /** How many outcomes wait to be recorded. */
  outcomesBuffered: number;
};

/** A registered runner that fetches and executes. */
export type Runner = {
  readonly id: number;
  isFetching(): boolean;
  load(): RunnerLoad;
  readonly pauses: Pauses;
  /** Resolves when another process has taken this runner's work over. */
  readonly lost: Promise<void>;
  /** Drains and ends the registration (specification X6). */
  stop(): Promise<void>;
  /** Aborts and drops all work: the ledger no longer accepts its outcomes. */
  leave(): Promise<void>;
};

/** Registers a runner and starts its lease, its pool of dispatches and its maintenance. */
export async function startRunner(options: RunnerOptions): Promise<Runner> {
  const { config, pgPool, events, registeredHandlers, taskLog } = options;
  // Everything is read before the registration, because a registered runner is expected to know it.
  // A change before the runner listens is read after its first heartbeat.
  const launching = launchThread();
  const schedules = schedulesOf(options);
  const { pauses, handedOn, thread, id } = await prepare(options, launching, schedules).catch(
    async (error: unknown) => {
      await launching.then((launched) => launched.terminate());
      throw error;
    },
  );
  const log = options.log.child({ runner_id: id });
  const stopping = new AbortController();
  const { promise: lost, resolve: onLost } = Promise.withResolvers<void>();
  const running = trackRunning({
    report: (reports) => reportRunning(pgPool, id, reports),
    graceMs: config.ABORT_GRACE_SECS * 1_000,
    concurrency: config.RUNNER_CONCURRENCY + inBatches(options),
    log,
  });
  const timedCalls = startTimedCalls({ pgPool, registeredHandlers, log });
  const worker = dispatchWorker({
    runnerId: id,
    pgPool,
    concurrency: config.RUNNER_CONCURRENCY,
    registeredHandlers,
    taskLog,
    events,
    log,
    running,
    graceMs: config.ABORT_GRACE_SECS * 1_000,
    ...{ pauses, timedCalls },
    processAlone: processAlone(options, { id, log, stopping: stopping.signal }),
    stopping: stopping.signal,
  });
  const pool = startDispatches(options, { id, log, worker, pauses, handedOn, onLost });
  const upkeep = startUpkeep(options, { id, thread, log, running, pauses, handedOn, schedules, onLost });
  const end = async (): Promise<void> => {
    await endRunner(pgPool, id);
    // It may have been the last one that had them in its code.
    if (schedules.ids.length > 0) await schedules.removeOld();
  };
  const parts: Parts = {
    ...{ config, log, pool, running, stopping, timedCalls, ...upkeep, end },
    ...{ keepsSlots: worker.keepsSlots, stopWork: worker.stop },
  };
  return {
    id,
    isFetching: pool.isFetching,
    load: () => ({
      names: running.names(),
      dispatchesInHand: pool.inHand() + worker.handedOff(),
      outcomesBuffered: worker.outcomesBuffered(),
    }),
    pauses,
    lost,
    stop: () => drain(parts),
    leave: () => leave(parts),
  };
}

function schedulesOf({
  pgPool,
  log,
  schedules = [],
  registeredHandlers,
  ownership,
}: RunnerOptions): ScheduleRegistration {
  return scheduleRegistration({ pool: pgPool, log, schedules, definitions: registeredHandlers, ownership });
}

/** Prepares everything that a live runner needs, then registers it, and after it the schedules in its code. */
async function prepare(options: RunnerOptions, launching: Promise<Worker>, schedules: ScheduleRegistration) {
  const { pgPool, registeredHandlers } = options;
  const [pauses, handedOn, thread] = await Promise.all([
    watchPauses(() => readPauses(pgPool)),
    watchHandedOn(() => readHandedOn(pgPool), versionsOf(registeredHandlers)),
    launching,
  ]);
  const id = await register(options, schedules.ids);
  try {
    await schedules.register(id);
  } catch (error) {
    await endRunner(pgPool, id);
    throw error;
  }
  return { pauses, handedOn, thread, id };
}

async function register(
  { pgPool, config, version, events, registeredHandlers, ownership, serves }: RunnerOptions,
  schedules: readonly string[],
): Promise<number> {
  const id = await registerRunner(pgPool, {
    host: hostname(),
    pid: process.pid,
    version,
    taskNames: [...registeredHandlers.keys()],
    taskVersions: Object.fromEntries(versionsOf(registeredHandlers)),
    concurrency: config.RUNNER_CONCURRENCY,
    leaseSecs: config.RUNNER_LEASE_SECS,
    project: ownership?.project ?? null,
    schedules,
    serves: serves ?? null,
  });
  events.emit('registered');
  return id;
}

function versionsOf(registeredHandlers: ReadonlyMap<string, RegisteredHandler>): Map<string, string> {
  return new Map(Array.from(registeredHandlers, ([name, { definition }]) => [name, definition.version]));
}

/** How many attempts the batches of a runner have at most at a time; 0 without batch handlers. */
function inBatches({
  config,
  registeredHandlers,
}: Pick<RunnerOptions, 'config' | 'registeredHandlers'>): number {
  const sizes = Array.from(registeredHandlers.values(), ({ definition }) => definition.batch?.size ?? 0);
  return config.RUNNER_CONCURRENCY * Math.max(0, ...sizes);
}

/**
 * Starts the pool that fetches dispatches, except those of paused names and those that need a newer
 * runner.
 */
function startDispatches(
  { config, pgPool, registeredHandlers }: RunnerOptions,
  runner: {
    id: number;
    log: Logger;
    worker: DispatchWorker;
    pauses: Pauses;
    handedOn: HandedOn;
    onLost: () => void;
  },
): DispatchPool {
  const { id, log, worker, pauses, handedOn, onLost } = runner;
  const pool = startDispatchPool({
    pgPool,
    log,
    taskNames: [...registeredHandlers.keys()],
    handedOn: handedOn.identifiers,
    isPaused: (name) => pauses.isPaused(name) || worker.fullNames.isFull(name),
    concurrency:
      config.RUNNER_CONCURRENCY * DISPATCHES_PER_SLOT +
      Math.min(inBatches({ config, registeredHandlers }), MAX_BATCHED_DISPATCHES),
    register: async (poolId) => {
      const live = await untilBack(log, 'registering a pool', () => addPool(pgPool, id, poolId));
      if (!live) onLost();
    },
    returnDispatches: (poolIds, dispatches) =>
      untilBack(log, 'returning dispatches', () => returnDispatches(pgPool, poolIds, dispatches)),
    unlock: (poolId) => untilBack(log, 'unlocking dispatches', () => unlockPools(pgPool, [poolId])),
    locked: (poolIds) => lockedDispatches(pgPool, poolIds),
    work: worker.work,
  });
  pauses.onChange(pool.namesChanged);
  worker.fullNames.onChange(pool.namesChanged);
  handedOn.onChange(pool.namesChanged);
  return pool;
}

type Parts = Upkeep & {
  config: RunnerConfig;
  log: Logger;
  pool: DispatchPool;
  running: Running;
  stopping: AbortController;
  timedCalls: TimedCalls;
  end: () => Promise<void>;
  keepsSlots: () => boolean;
  stopWork: () => Promise<void>;
};

/**
 * Drains a runner (specification X6). It stops fetching and starting, and requeues what has not
 * started. Running attempts may finish within SHUTDOWN_TIMEOUT_SECS; then the rest is aborted, and
 * attempts that ignore the abort for ABORT_GRACE_SECS are abandoned. It records everything and ends
 * the registration. Aborted attempts are queued again and cost no attempt.
 */
async function drain(parts: Parts): Promise<void> {
  const { config, log, running } = parts;
  parts.stopping.abort();
  const timer = setTimeout(() => {
    log.warn({ attempts: running.count() }, 'shutdown timeout is over: aborting the attempts that still run');
    running.abortAll(new AttemptAborted('interrupted', 'The runner was shutting down'));
  }, config.SHUTDOWN_TIMEOUT_SECS * 1_000);
  // The times of schedules are left to other runners.
  await Promise.all([parts.scheduler.close(), parts.pool.stop().then(parts.stopWork)]);
  clearTimeout(timer);
  await close(parts);
  // A handler that did not return has its slots until its process has ended. Nobody sees that, so its lease
  // runs out.
  if (!parts.keepsSlots()) await parts.end();
}

/**
 * Ends a runner whose work was taken over: everything is aborted, and the ledger refuses its
 * outcomes.
 */
async function leave(parts: Parts): Promise<void> {
  parts.stopping.abort();
  parts.running.abortAll(
    new AttemptAborted('interrupted', 'The runner was presumed dead and its work taken over'),
  );
  await Promise.all([parts.scheduler.close(), parts.pool.stop().then(parts.stopWork)]);
  await close(parts);
}

async function close(parts: Parts): Promise<void> {
  parts.running.close();
  await parts.timedCalls.close();
  await parts.maintenance.close();
  await parts.lease.close();
}
