import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { gather } from '../core/gather.ts';
import { isNewer } from '../core/version.ts';
import { beginRings, type Ring } from '../store/begin.ts';
import { recordOutcomes } from '../store/outcomes.ts';
import { giveBack } from '../store/rings.ts';
import { isPlainSuccess, recordSuccesses } from '../store/successes.ts';
import type { RunnerEvents } from './events.ts';
import type { Executable } from './execute.ts';
import { createPace } from './pace.ts';
import type { Pauses } from './pauses.ts';
import { createRecorder, type Recorder } from './recorder.ts';
import { workRing } from './ring.ts';
import { attemptRunner } from './run_attempt.ts';
import type { Running } from './running.ts';
import { createSlots } from './slots.ts';
import type { TaskLog } from './task_log.ts';
import { untilBack } from './until_back.ts';
import { LeaseLost } from './write_outcomes.ts';

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
  const { runnerId: id, pgPool, log, pauses, stopping } = options;
  const slots = createSlots(options.concurrency);
  const suspects = createSlots(1);
  const pace = createPace();
  const recorder = tellingRecorder(options);
  const run = attemptRunner(options, pace, slots.release);
  const beginTogether = gather((rings: Ring[]) => beginRings(pgPool, rings), { maxItems: 100, parallel: 2 });

  function work(ring: Ring): Promise<void> {
    let begun = 0;
    return workRing(ring, {
      async begin(one) {
        const due = await untilBack(log, 'beginning a ring', () => beginTogether(one));
        begun = performance.now();
        return due;
      },
      run: (due) => run(due, begun),
      openRecord: recorder.open,
      async giveBack(unstarted) {
        const { live } = await untilBack(log, 'giving attempts back', () => giveBack(pgPool, id, unstarted));
        if (!live) throw new LeaseLost('attempts were not given back: this runner is no longer live');
      },
      isTooNew({ name, version }) {
        const own = options.executables.get(name)?.definition.version;
        return own !== undefined && isNewer(version, own);
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

/** Records outcomes, and tells what was recorded. */
function tellingRecorder({ pgPool, runnerId, events, log }: RingWorkerOptions): Recorder {
  return createRecorder(async (outcomes) => {
    const recorded = outcomes.every(isPlainSuccess)
      ? await recordSuccesses(pgPool, runnerId, outcomes)
      : await recordOutcomes(pgPool, runnerId, outcomes);
    events.emit('recorded', outcomes, recorded.ids);
    return recorded;
  }, log);
}
