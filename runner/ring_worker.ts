import type { Logger } from 'pino';
import { gather } from '../core/gather.ts';
import { beginRings, type DueAttempt, type Ring, readPayload } from '../store/begin.ts';
import { recordOutcomes } from '../store/outcomes.ts';
import { giveBack } from '../store/rings.ts';
import { execute } from './execute.ts';
import { createRecorder } from './recorder.ts';
import { workRing } from './ring.ts';
import type { RunnerOptions } from './runner.ts';
import type { Running } from './running.ts';
import { createSlots } from './slots.ts';
import { untilBack } from './until_back.ts';

/** How a ring is worked through by this runner: begin, execute in slots, record, give back. */
export function ringWorker(
  options: RunnerOptions,
  runner: { id: number; log: Logger; running: Running; stopping: AbortSignal },
): (ring: Ring) => Promise<void> {
  const { pgPool, executables, taskLog } = options;
  const { id, log, running } = runner;
  const slots = createSlots(options.config.RUNNER_CONCURRENCY);
  const suspects = createSlots(1);
  const record = createRecorder((outcomes) => recordOutcomes(pgPool, id, outcomes), log);
  const beginTogether = gather((rings: Ring[]) => beginRings(pgPool, rings), { maxItems: 100, parallel: 2 });

  async function run(announced: DueAttempt, onEnd: () => void): Promise<void> {
    const due = announced.payload === null ? await withPayload(announced) : announced;
    const executable = executables.get(due.name);
    if (executable === undefined)
      throw new Error(`fetched a ring of ${due.name}, which this runner can't execute`);
    const bindings = {
      task_id: due.id,
      task_name: due.name,
      attempt: due.attempt,
      request_id: due.requestId,
    };
    const attemptLog = log.child(bindings);
    const attempt = running.add(due, executable.definition.policy.timeoutMs);
    // What may kill this runner is known by name before it can.
    if (due.crashes > 0 && !(await untilBack(log, 'announcing a start', () => running.announce(attempt)))) {
      await running.end(attempt);
      return onEnd();
    }
    const outcome = await execute(
      executable,
      attempt,
      taskLog.open(bindings, () => attempt.unwritten),
      attemptLog,
    );
    onEnd();
    await running.end(attempt);
    taskLog.close(due.id);
    if (!(await record({ ...outcome, ...attempt.unwritten }))) {
      attemptLog.warn('the outcome did not count: the attempt was decided about before');
    }
  }

  async function withPayload(due: DueAttempt): Promise<DueAttempt> {
    return { ...due, payload: await untilBack(log, 'reading a payload', () => readPayload(pgPool, due.id)) };
  }

  return (ring) =>
    workRing(ring, {
      begin: (one) => untilBack(log, 'beginning a ring', () => beginTogether(one)),
      run,
      giveBack: (rest) => untilBack(log, 'giving attempts back', () => giveBack(pgPool, id, rest)),
      slots,
      suspects,
      stopping: runner.stopping,
    });
}
