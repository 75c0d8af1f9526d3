import { hostname } from 'node:os';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { Config } from '../config/schema.ts';
import { gather } from '../core/gather.ts';
import { beginRings, type DueAttempt } from '../store/begin.ts';
import { markRunning, recordOutcomes } from '../store/outcomes.ts';
import { giveBack, unlockPools } from '../store/rings.ts';
import { endRunner, registerRunner } from '../store/runners.ts';
import { type Executable, execute } from './execute.ts';
import { type RingPool, startRingPool } from './pool.ts';
import { createRecorder } from './recorder.ts';
import { workRing } from './ring.ts';
import { type Running, trackRunning } from './running.ts';
import { createSlots } from './slots.ts';
import { untilBack } from './until_back.ts';

/** Rings in hand per slot: those whose outcomes are being written take no slot. */
const RINGS_PER_SLOT = 4;

export type RunnerOptions = {
  config: Pick<Config, 'RUNNER_CONCURRENCY' | 'SHUTDOWN_TIMEOUT_SECS' | 'ABORT_GRACE_SECS'>;
  pgPool: Pool;
  log: Logger;
  version: string;
  /** What this runner can execute, by name. */
  executables: Map<string, Executable>;
  /** Called when the ledger says that this runner is no longer live: somebody took its work over. */
  onFenced: () => void;
};

export type Runner = {
  readonly id: number;
  isFetching(): boolean;
  /** Drains: see `drain` below. */
  stop(): Promise<void>;
};

/** Registers a runner and starts fetching and executing. */
export async function startRunner(options: RunnerOptions): Promise<Runner> {
  const { config, pgPool, executables } = options;
  const id = await registerRunner(pgPool, {
    host: hostname(),
    pid: process.pid,
    version: options.version,
    taskNames: [...executables.keys()],
  });
  const log = options.log.child({ runner_id: id });
  const stopping = new AbortController();
  const slots = createSlots(config.RUNNER_CONCURRENCY);
  const running = trackRunning((attempts) => markRunning(pgPool, id, attempts), log);
  const record = createRecorder((outcomes) => recordOutcomes(pgPool, id, outcomes), log, options.onFenced);
  const beginTogether = gather((rings: Parameters<typeof beginRings>[1]) => beginRings(pgPool, rings), {
    maxItems: 100,
    parallel: 2,
  });

  async function run(attempt: DueAttempt, onEnd: () => void): Promise<void> {
    const executable = executables.get(attempt.name);
    if (executable === undefined)
      throw new Error(`fetched a ring of ${attempt.name}, which this runner can't execute`);
    const underWay = running.add(attempt);
    const attemptLog = log.child({
      task_id: attempt.id,
      task_name: attempt.name,
      attempt: attempt.attempt,
      ...(attempt.requestId === null ? {} : { request_id: attempt.requestId }),
    });
    const outcome = await execute(executable, attempt, underWay, attemptLog);
    underWay.end();
    onEnd();
    if (!(await record(outcome)))
      attemptLog.warn('the outcome came too late: the attempt was no longer ours');
  }

  const pool = startRingPool({
    pgPool,
    log,
    taskNames: [...executables.keys()],
    concurrency: config.RUNNER_CONCURRENCY * RINGS_PER_SLOT,
    unlock: (poolId) => untilBack(log, 'unlocking rings', () => unlockPools(pgPool, [poolId])),
    work: (ring) =>
      workRing(ring, {
        begin: (one) => untilBack(log, 'beginning a ring', () => beginTogether(one)),
        run,
        giveBack: (rest) => untilBack(log, 'giving attempts back', () => giveBack(pgPool, rest)),
        slots,
        stopping: stopping.signal,
      }),
  });
  return {
    id,
    isFetching: pool.isFetching,
    stop: () => drain({ config, log, pool, running, stopping, end: () => endRunner(pgPool, id) }),
  };
}

/**
 * Drains a runner (specification X6): stop fetching and starting, give back what has not started, let what runs
 * finish within SHUTDOWN_TIMEOUT_SECS, abort the rest and abandon what ignores that for ABORT_GRACE_SECS,
 * record everything, and end the registration. Attempts that were cut off are queued again at no cost.
 */
async function drain(runner: {
  config: RunnerOptions['config'];
  log: Logger;
  pool: RingPool;
  running: Running;
  stopping: AbortController;
  end: () => Promise<void>;
}): Promise<void> {
  const { config, log, running } = runner;
  runner.stopping.abort();
  const poolStopped = runner.pool.stop();
  const timer = setTimeout(() => {
    log.warn({ attempts: running.count() }, 'aborting the attempts that still run');
    running.abortAll(new Error('the runner is shutting down'), config.ABORT_GRACE_SECS * 1_000);
  }, config.SHUTDOWN_TIMEOUT_SECS * 1_000);
  await poolStopped;
  clearTimeout(timer);
  running.close();
  await runner.end();
}
