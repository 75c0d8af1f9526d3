import { isFailureStep, ON_FAILURE } from './graph.ts';
import type { State } from './states.ts';

/** What of a step tells whether it held others up; times are ISO 8601 in UTC. */
export type PathStep = {
  step: string;
  /** The steps that it waits for. */
  after: readonly string[];
  state: State;
  started_at: string | null;
  finished_at: string | null;
};

/**
 * The chain of steps that decided when a workflow ended, first to last, or as far as it has come: from the step that
 * finished last back to the one of those before it that finished last, and so on. To make the workflow faster is to make
 * one of these faster. Empty as long as no step has finished.
 */
export function criticalPath(steps: readonly PathStep[]): string[] {
  const ended = steps.filter(hasDecided);
  const path: string[] = [];
  for (let last = lastFinished(ended); last !== undefined; last = lastFinished(before(last, ended))) {
    path.unshift(last.step);
  }
  return path;
}

/**
 * One that never began has held nobody up, unless somebody said by hand what it came to; nor has what was done about an
 * earlier failure.
 */
function hasDecided({ step, state, started_at, finished_at }: PathStep): boolean {
  if (isFailureStep(step) && step !== ON_FAILURE) return false;
  return finished_at !== null && (started_at !== null || state === 'resolved');
}

/** Of several that finished in one millisecond the later one in the graph. */
function lastFinished(steps: readonly PathStep[]): PathStep | undefined {
  return steps.reduce<PathStep | undefined>(
    (last, one) => (last === undefined || finishedMs(one) >= finishedMs(last) ? one : last),
    undefined,
  );
}

function finishedMs({ finished_at }: PathStep): number {
  return Date.parse(String(finished_at));
}

/** The step for failures comes after whatever else there was. */
function before({ step, after }: PathStep, ended: readonly PathStep[]): PathStep[] {
  return ended.filter((one) => (step === ON_FAILURE ? one.step !== ON_FAILURE : after.includes(one.step)));
}
