import { once } from 'node:events';
import { hostname } from 'node:os';
import type { Pool } from 'pg';
import { connectionConfig } from '../../process/database.ts';
import type { Prepared } from '../../process/prepare.ts';
import { VERSION } from '../../process/version.ts';
import { recordOutcomes } from '../../store/attempts/outcomes.ts';
import { endRunner, registerRunner } from '../../store/attempts/runners.ts';
import { reportRunning } from '../../store/attempts/running.ts';
import { moveSlots } from '../../store/limits/slots.ts';
import { holdLimitKey } from '../../store/limits/timed_calls.ts';
import { AttemptAborted } from '../execute/attempt.ts';
import { containFaults } from '../execute/containment.ts';
import type { RegisteredHandler } from '../execute/execute.ts';
import { createPace } from '../execute/pace.ts';
import { attemptRunner, type HeldSlots } from '../execute/run_attempt.ts';
import { type Running, trackRunning } from '../execute/running.ts';
import { createTaskLog } from '../execute/task_log.ts';
import { launchThread, startLease } from '../lease/threaded_lease.ts';
import { createEvents } from '../record/events.ts';
import { createRecorder } from '../record/recorder.ts';
import { untilBack } from '../record/retry_until_available.ts';
import type { AloneOrder } from './alone_parent.ts';

/** The process runs one statement after the other. */
export const ALONE_POOL = { applicationName: 'errand runner', size: 2, statementTimeoutMs: 5_000 };
/** Time after the drain to write the last outcome, even if Postgres is away at first. */
const FLUSH_TIMEOUT_MS = 15_000;

/**
 * Executes the one attempt that the parent sends, as a runner with its own row and lease, then ends
 * the process.
 *
 * If it crashes before its row exists, or before the start is written, the task still names the
 * dispatch that the parent has. After that, the task is `running` under this row, which the parent
 * ends, or any runner once the lease has expired. After the record there is nothing to recover.
 */
export async function executeAlone(
  { config, log: processLog, destination, onSignal, stopBroken }: Prepared,
  {
    pgPool,
    registeredHandlers,
  }: { pgPool: Pool; registeredHandlers: ReadonlyMap<string, RegisteredHandler> },
): Promise<void> {
  containFaults({ pgPool, log: processLog, onUnknown: stopBroken });
  const thread = await launchThread();
  const { due, parentId } = await order();
  const id = await registerRunner(pgPool, {
    ...{ host: hostname(), pid: process.pid, version: VERSION, concurrency: 1 },
    ...{ leaseSecs: config.RUNNER_LEASE_SECS, parentId },
    // It fetches no dispatches.
    taskNames: [],
  });
  if (due.hasSlots === true && !(await moveSlots(pgPool, due, parentId, id))) {
    // The parent is no longer live, so its slots are somebody else's.
    await endRunner(pgPool, id);
    process.exit(1);
  }
  const log = processLog.child({ runner_id: id, parent_id: parentId });
  const graceMs = config.ABORT_GRACE_SECS * 1_000;
  const running = trackRunning({
    report: (reports) => reportRunning(pgPool, id, reports),
    ...{ graceMs, concurrency: 1, log },
  });
  const done = Promise.withResolvers<void>();
  drainOnSignal(onSignal, {
    running,
    done: done.promise,
    shutdownMs: config.SHUTDOWN_TIMEOUT_SECS * 1_000,
    graceMs,
  });
  const lease = startLease({
    thread,
    ...{ runnerId: id, leaseMs: config.RUNNER_LEASE_SECS * 1_000, graceMs, log, running, registeredHandlers },
    connection: { ...connectionConfig(config), application_name: 'errand lease' },
    ...{ onPauses: () => {}, onHandedOn: () => {}, onSchedules: () => {}, onBeat: () => {} },
    onLost: () => process.exit(1),
  });
  const events = createEvents(log);
  const taskLog = createTaskLog(processLog, destination);
  // This process ends after its attempt, and with it the handler and its slots.
  const slots: HeldSlots = {
    ...{ free: () => {}, handOn: () => false, keep: () => {} },
    hold: async ({ holdKey }, ms) => {
      if (holdKey !== undefined)
        await untilBack(log, 'holding a limit', () => holdLimitKey(pgPool, holdKey, ms));
    },
  };
  const run = attemptRunner(
    { pgPool, registeredHandlers, taskLog, events, log, running, slots },
    createPace(),
    () => {},
  );
  const record = createRecorder((outcomes) => recordOutcomes(pgPool, id, outcomes), log).open();
  const outcome = await run(due, performance.now());
  if (outcome !== null) await record.add(outcome);
  await endRunner(pgPool, id);
  running.close();
  await lease.close();
  done.resolve();
  process.exit(0);
}

async function order(): Promise<AloneOrder> {
  process.send?.({ ready: true });
  const [message] = await once(process, 'message');
  return message as AloneOrder;
}

/** Drains as a runner does: the attempt may finish within `shutdownMs`, then it is interrupted. */
function drainOnSignal(
  onSignal: Prepared['onSignal'],
  {
    running,
    done,
    shutdownMs,
    graceMs,
  }: { running: Running; done: Promise<void>; shutdownMs: number; graceMs: number },
): void {
  onSignal({
    timeoutMs: shutdownMs + graceMs + FLUSH_TIMEOUT_MS,
    async stop() {
      setTimeout(() => {
        running.abortAll(new AttemptAborted('interrupted', 'The runner was shutting down'));
      }, shutdownMs);
      await done;
    },
  });
}
