import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { gather } from '../core/gather.ts';
import { once } from '../core/once.ts';
import { traceIdOf } from '../process/tracing.ts';
import { beginRings, type DueAttempt, type Ring, readPayload } from '../store/begin.ts';
import { type Outcome, recordOutcomes } from '../store/outcomes.ts';
import { giveBack } from '../store/rings.ts';
import { readResults } from '../store/steps.ts';
import { isPlainSuccess, recordSuccesses } from '../store/successes.ts';
import type { RunnerEvents } from './events.ts';
import { type Executable, execute } from './execute.ts';
import { createPace } from './pace.ts';
import type { Pauses } from './pauses.ts';
import { createRecorder, LeaseLost } from './recorder.ts';
import { workRing } from './ring.ts';
import type { Running } from './running.ts';
import { createSlots } from './slots.ts';
import type { TaskLog } from './task_log.ts';
import { untilBack } from './until_back.ts';

export type RingWorkerOptions = {
  runnerId: number;
  pgPool: Pool;
  /** Attempts at a time. */
  concurrency: number;
  executables: ReadonlyMap<string, Executable>;
  taskLog: TaskLog;
  events: RunnerEvents;
  log: Logger;
  running: Running;
  pauses: Pauses;
  /** Aborted when the runner is leaving. */
  stopping: AbortSignal;
};

export type RingWorker = {
  work(ring: Ring): Promise<void>;
  /** Outcomes that wait to be recorded. */
  outcomesBuffered(): number;
};

/** How a ring is worked through by this runner: begin, execute in slots, record, give back. */
export function ringWorker(options: RingWorkerOptions): RingWorker {
  const { runnerId: id, pgPool, executables, taskLog, events, log, running, pauses, stopping } = options;
  const slots = createSlots(options.concurrency);
  const suspects = createSlots(1);
  const pace = createPace();
  const recorder = countingRecorder(options);
  const beginTogether = gather((rings: Ring[]) => beginRings(pgPool, rings), { maxItems: 100, parallel: 2 });

  async function run(announced: DueAttempt, begun: number, onEnd: () => void): Promise<void> {
    const due =
      announced.payload === null || announced.results === null
        ? await withLargeParts(pgPool, log, announced)
        : announced;
    const executable = executables.get(due.name);
    if (executable === undefined)
      throw new Error(`fetched a ring of ${due.name}, which this runner can't execute`);
    const attemptLog = once(() => log.child(bindingsOf(due)));
    const attempt = running.add(due, executable.definition.policy.timeoutMs);
    // What may kill this runner is known by name before it can.
    if (due.crashes > 0 && !(await untilBack(log, 'announcing a start', () => running.announce(attempt)))) {
      await running.end(attempt);
      return onEnd();
    }
    events.emit('started', due.name, due.waitedMs + attempt.begun - begun);
    const lines = taskLog.open(
      () => bindingsOf(due),
      () => attempt.unwritten,
    );
    const outcome = await execute(executable, attempt, { task: lines.log, runner: attemptLog });
    pace.note(due.name, outcome.durationMs);
    onEnd();
    await running.end(attempt);
    lines.close();
    Object.assign(outcome, attempt.unwritten);
    if (!(await recorder.record(outcome))) {
      attemptLog().warn('the outcome did not count: the attempt was decided about before');
    }
  }

  function work(ring: Ring): Promise<void> {
    let begun = 0;
    return workRing(ring, {
      async begin(one) {
        const due = await untilBack(log, 'beginning a ring', () => beginTogether(one));
        begun = performance.now();
        return due;
      },
      run: (due, onEnd) => run(due, begun, onEnd),
      async giveBack(unstarted) {
        const { live } = await untilBack(log, 'giving attempts back', () => giveBack(pgPool, id, unstarted));
        if (!live) throw new LeaseLost('attempts were not given back: this runner is no longer live');
      },
      slots,
      suspects,
      pace,
      isPaused: pauses.isPaused,
      heedPauses: () => untilBack(log, 'reading what is paused', pauses.refresh),
      stopping,
    });
  }

  return { work, outcomesBuffered: recorder.buffered };
}

/** What each line about an attempt carries. */
function bindingsOf(due: DueAttempt): Record<string, unknown> {
  return {
    task_id: due.id,
    task_name: due.name,
    attempt: due.attempt,
    request_id: due.requestId,
    ...(due.traceparent === null ? {} : { trace_id: traceIdOf(due.traceparent) }),
  };
}

/** What a ring leaves out of what it announces. */
async function withLargeParts(pool: Pool, log: Logger, due: DueAttempt): Promise<DueAttempt> {
  const payload = due.payload ?? (await untilBack(log, 'reading a payload', () => readPayload(pool, due.id)));
  const results = due.results ?? (await untilBack(log, 'reading results', () => readResults(pool, due.id)));
  return { ...due, payload, results };
}

/** Records outcomes, tells what was recorded, and counts what is still to be. */
function countingRecorder({ pgPool, runnerId, events, log }: RingWorkerOptions): {
  record: (outcome: Outcome) => Promise<boolean>;
  buffered: () => number;
} {
  let buffered = 0;
  const record = createRecorder(async (outcomes) => {
    const recorded = outcomes.every(isPlainSuccess)
      ? await recordSuccesses(pgPool, runnerId, outcomes)
      : await recordOutcomes(pgPool, runnerId, outcomes);
    events.emit('recorded', outcomes, recorded.ids);
    return recorded;
  }, log);
  return {
    async record(outcome) {
      buffered++;
      try {
        return await record(outcome);
      } finally {
        buffered--;
      }
    },
    buffered: () => buffered,
  };
}
