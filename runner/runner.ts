import { hostname } from 'node:os';
import type { ClientConfig, Pool } from 'pg';
import type { Logger } from 'pino';
import type { Config } from '../config/schema.ts';
import { addPool } from '../store/lease.ts';
import { readPauses } from '../store/pauses.ts';
import { lockedRings, readLeft, returnRings, unlockPools } from '../store/rings.ts';
import { endRunner, registerRunner } from '../store/runners.ts';
import { reportRunning } from '../store/running.ts';
import { AttemptAborted } from './attempt.ts';
import type { RunnerEvents } from './events.ts';
import type { Executable } from './execute.ts';
import { type Left, watchLeft } from './left.ts';
import { type Pauses, watchPauses } from './pauses.ts';
import { type RingPool, startRingPool } from './pool.ts';
import { type RingWorker, ringWorker } from './ring_worker.ts';
import { type Running, trackRunning } from './running.ts';
import type { TaskLog } from './task_log.ts';
import { untilBack } from './until_back.ts';
import { startUpkeep, type Upkeep } from './upkeep.ts';

/** Rings in hand per slot: those whose outcomes are being written take no slot. */
const RINGS_PER_SLOT = 4;

export type RunnerConfig = Pick<
  Config,
  | 'RUNNER_CONCURRENCY'
  | 'RUNNER_LEASE_SECS'
  | 'SHUTDOWN_TIMEOUT_SECS'
  | 'ABORT_GRACE_SECS'
  | 'RETENTION_HOURS'
  | 'AUDIT_RETENTION_DAYS'
>;

export type RunnerOptions = {
  config: RunnerConfig;
  pgPool: Pool;
  /** For the connection of the lease, which is no one else's. */
  connection: ClientConfig;
  log: Logger;
  taskLog: TaskLog;
  /** Where what happens is told to who keeps figures. */
  events: RunnerEvents;
  version: string;
  /** What this runner can execute, by name. */
  executables: Map<string, Executable>;
};

/** What a runner has in its hands right now. */
export type RunnerLoad = {
  /** The task name of each attempt under way. */
  names: string[];
  ringsInHand: number;
  /** Outcomes that wait to be recorded. */
  outcomesBuffered: number;
};

/** A registered runner that fetches and executes. */
export type Runner = {
  readonly id: number;
  isFetching(): boolean;
  load(): RunnerLoad;
  readonly pauses: Pauses;
  /** Resolves when somebody has taken this runner's work over. */
  readonly lost: Promise<void>;
  /** Drains and ends the registration (specification X6). */
  stop(): Promise<void>;
  /** Gives everything up: nothing of it counts any more. */
  leave(): Promise<void>;
};

/** Registers a runner and starts its work: the lease, the pool of rings, and its share of the maintenance. */
export async function startRunner(options: RunnerOptions): Promise<Runner> {
  const { config, pgPool, events, executables, taskLog } = options;
  // Before it is in the pool: whoever sees a runner there may expect it to know. What changes until it listens is read
  // after its first heartbeat.
  const [pauses, left] = await Promise.all([
    watchPauses(() => readPauses(pgPool)),
    watchLeft(() => readLeft(pgPool), versionsOf(executables)),
  ]);
  const id = await register(options);
  const log = options.log.child({ runner_id: id });
  const stopping = new AbortController();
  const { promise: lost, resolve: onLost } = Promise.withResolvers<void>();
  const running = trackRunning({
    report: (reports) => reportRunning(pgPool, id, reports),
    graceMs: config.ABORT_GRACE_SECS * 1_000,
    log,
  });
  const worker = ringWorker({
    runnerId: id,
    pgPool,
    concurrency: config.RUNNER_CONCURRENCY,
    executables,
    taskLog,
    events,
    log,
    running,
    pauses,
    stopping: stopping.signal,
  });
  const pool = startRings(options, { id, log, worker, pauses, left, onLost });
  const upkeep = startUpkeep(options, { id, log, running, pauses, left, onLost });
  const end = (): Promise<void> => endRunner(pgPool, id);
  const parts: Parts = { config, log, pool, running, stopping, ...upkeep, end };
  return {
    id,
    isFetching: pool.isFetching,
    load: () => ({
      names: running.names(),
      ringsInHand: pool.inHand(),
      outcomesBuffered: worker.outcomesBuffered(),
    }),
    pauses,
    lost,
    stop: () => drain(parts),
    leave: () => leave(parts),
  };
}

async function register({ pgPool, config, version, events, executables }: RunnerOptions): Promise<number> {
  const id = await registerRunner(pgPool, {
    host: hostname(),
    pid: process.pid,
    version,
    taskNames: [...executables.keys()],
    taskVersions: Object.fromEntries(versionsOf(executables)),
    concurrency: config.RUNNER_CONCURRENCY,
    leaseSecs: config.RUNNER_LEASE_SECS,
  });
  events.emit('registered');
  return id;
}

function versionsOf(executables: ReadonlyMap<string, Executable>): Map<string, string> {
  return new Map(Array.from(executables, ([name, { definition }]) => [name, definition.version]));
}

/** The pool that brings the rings, but those of what is paused, and those that need a newer runner. */
function startRings(
  { config, pgPool, executables }: RunnerOptions,
  runner: { id: number; log: Logger; worker: RingWorker; pauses: Pauses; left: Left; onLost: () => void },
): RingPool {
  const { id, log, worker, pauses, left, onLost } = runner;
  const pool = startRingPool({
    pgPool,
    log,
    taskNames: [...executables.keys()],
    left: left.identifiers,
    isPaused: pauses.isPaused,
    concurrency: config.RUNNER_CONCURRENCY * RINGS_PER_SLOT,
    register: async (poolId) => {
      const live = await untilBack(log, 'registering a pool', () => addPool(pgPool, id, poolId));
      if (!live) onLost();
    },
    returnRings: (poolIds, rings) =>
      untilBack(log, 'returning rings', () => returnRings(pgPool, poolIds, rings)),
    unlock: (poolId) => untilBack(log, 'unlocking rings', () => unlockPools(pgPool, [poolId])),
    locked: (poolIds) => lockedRings(pgPool, poolIds),
    work: worker.work,
  });
  pauses.onChange(pool.namesChanged);
  left.onChange(pool.namesChanged);
  return pool;
}

type Parts = Upkeep & {
  config: RunnerConfig;
  log: Logger;
  pool: RingPool;
  running: Running;
  stopping: AbortController;
  end: () => Promise<void>;
};

/**
 * Drains a runner (specification X6): stop fetching and starting, give back what has not started, let what runs
 * finish within SHUTDOWN_TIMEOUT_SECS, abort the rest and abandon what ignores that for ABORT_GRACE_SECS,
 * record everything, and end the registration. Attempts that were cut off are queued again at no cost.
 */
async function drain(parts: Parts): Promise<void> {
  const { config, log, running } = parts;
  parts.stopping.abort();
  const timer = setTimeout(() => {
    log.warn({ attempts: running.count() }, 'aborting the attempts that still run');
    running.abortAll(new AttemptAborted('interrupted', 'The runner was shutting down'));
  }, config.SHUTDOWN_TIMEOUT_SECS * 1_000);
  await parts.pool.stop();
  clearTimeout(timer);
  await close(parts);
  await parts.end();
}

/** Ends a runner whose work was taken over: everything is aborted, and the ledger refuses what is still said. */
async function leave(parts: Parts): Promise<void> {
  parts.stopping.abort();
  parts.running.abortAll(
    new AttemptAborted('interrupted', 'The runner was presumed dead and its work taken over'),
  );
  await parts.pool.stop();
  await close(parts);
}

async function close(parts: Parts): Promise<void> {
  parts.running.close();
  await parts.maintenance.close();
  await parts.lease.close();
}
