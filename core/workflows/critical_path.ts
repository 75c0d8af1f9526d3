import type { State } from '../states.ts';
import { isFailureStep, ON_FAILURE } from './graph.ts';

/** The part of a step that shows whether it delayed others. Times are ISO 8601 in UTC. */
export type PathStep = {
  step: string;
  /** The steps that it waits for. */
  after: readonly string[];
  state: State;
  started_at: string | null;
  finished_at: string | null;
};

/**
 * The chain of steps that decided when a workflow ended, first to last, or those so far. It starts at the
 * step that finished last, and goes back to the last finished step before it, and so on. To make the workflow
 * faster, make one of these steps faster. Empty as long as no step has finished.
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
 * Whether a step can have delayed others. A step that never started cannot, unless it was resolved by hand. A
 * step for an earlier failure cannot.
 */
function hasDecided({ step, state, started_at, finished_at }: PathStep): boolean {
  if (isFailureStep(step) && step !== ON_FAILURE) return false;
  return finished_at !== null && (started_at !== null || state === 'resolved');
}

/** If several finished in the same millisecond, the later one in the graph. */
function lastFinished(steps: readonly PathStep[]): PathStep | undefined {
  return steps.reduce<PathStep | undefined>(
    (last, one) => (last === undefined || finishedMs(one) >= finishedMs(last) ? one : last),
    undefined,
  );
}

function finishedMs({ finished_at }: PathStep): number {
  return Date.parse(String(finished_at));
}

/** The step for failures comes after all other steps. */
function before({ step, after }: PathStep, ended: readonly PathStep[]): PathStep[] {
  return ended.filter((one) => (step === ON_FAILURE ? one.step !== ON_FAILURE : after.includes(one.step)));
}
