import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { traceIdOf } from '../process/tracing.ts';
import { type DueAttempt, readPayload } from '../store/begin.ts';
import type { Outcome } from '../store/outcomes.ts';
import { readResults } from '../store/steps.ts';
import type { AttemptUnderWay } from './attempt.ts';
import type { RunnerEvents } from './events.ts';
import { type Executable, execute } from './execute.ts';
import type { Pace } from './pace.ts';
import type { Running } from './running.ts';
import type { TaskLog } from './task_log.ts';
import { untilBack } from './until_back.ts';

export type AttemptRunnerOptions = {
  pgPool: Pool;
  executables: ReadonlyMap<string, Executable>;
  taskLog: TaskLog;
  events: RunnerEvents;
  log: Logger;
  running: Running;
};

/** Runs an attempt of a ring that was begun at that time, by performance.now(), and gives its outcome; see RingWork. */
export type RunAttempt = (announced: DueAttempt, ringBegun: number) => Promise<Outcome | null>;

/** An attempt whose handler has ended. Something may be being written of it still. */
type Ended = { attempt: AttemptUnderWay; outcome: Outcome };

/** How one attempt runs, in a slot that is freed by `release`: what it lacks is read, its handler executed, its lines collected. */
export function attemptRunner(options: AttemptRunnerOptions, pace: Pace, release: () => void): RunAttempt {
  const { pgPool, executables, taskLog, events, log, running } = options;

  async function executed(announced: DueAttempt, ringBegun: number): Promise<Ended | null> {
    const isWhole = announced.payload !== null && announced.results !== null;
    const due = isWhole ? announced : await withLargeParts(pgPool, log, announced);
    const executable = executables.get(due.name);
    if (executable === undefined)
      throw new Error(`fetched a ring of ${due.name}, which this runner can't execute`);
    const attempt = running.add(due, executable.definition.policy.timeoutMs);
    try {
      // What may kill this runner is known by name before it can.
      if (due.crashes > 0 && !(await untilBack(log, 'announcing a start', () => running.announce(attempt))))
        return null;
      events.emit('started', due.name, due.waitedMs + attempt.begun - ringBegun);
      let opened: Logger | null = null;
      const outcome = await execute(executable, attempt, {
        // Many handlers log nothing.
        task() {
          opened ??= taskLog.open(bindingsOf(due), () => (attempt.isOver ? null : attempt.unwritten));
          return opened;
        },
        runner: () => log.child(bindingsOf(due)),
      });
      pace.note(due.name, outcome.durationMs);
      return { attempt, outcome };
    } finally {
      running.end(attempt);
    }
  }

  return async (announced, ringBegun) => {
    let ended: Ended | null;
    try {
      ended = await executed(announced, ringBegun);
    } finally {
      release();
    }
    if (ended === null) return null;
    const { attempt, outcome } = ended;
    if (attempt.reporting !== null) await attempt.reporting;
    attempt.isOver = true;
    // What was not written while it ran.
    outcome.lines = attempt.unwritten.lines;
    outcome.progress = attempt.unwritten.progress;
    return outcome;
  };
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
