import type { Pool } from 'pg';
import { PermanentError } from '../../../core/errors.ts';
import type { TaskContext } from '../../../core/task.ts';
import { defineSteps, defineWorkflow, type FailedStep, step } from '../../../core/workflow.ts';
import { startTestRunner } from '../../support/runner.ts';
import { until } from '../../support/until.ts';
import { base } from './shapes.ts';
import { registeredHandlersOf } from './workflows.ts';

/** Two roads: broken → after, and side → beside; and a step for failures. */
export const forked = defineWorkflow({
  ...base,
  name: 'graph.forked',
  steps: {
    broken: step({}),
    after: step({ after: ['broken'] }),
    side: step({}),
    beside: step({ after: ['side'] }),
  },
  onFailure: step({}),
});

/** What a test says of the steps, by their names, and what it is told of them. */
export type Play = {
  /** These fail for good. */
  failing: Set<string>;
  /** These do not end before they are told to. */
  holding: Set<string>;
  /** Those that began, in order. */
  ran: string[];
  /** What each run of the step for failures was told. */
  told: (readonly FailedStep[])[];
  /** What each step got of those before it. */
  results: Record<string, unknown>;
};

/** A play in which nothing is said yet. */
export function newPlay(...failing: string[]): Play {
  return { failing: new Set(failing), holding: new Set(), ran: [], told: [], results: {} };
}

/** The handler of a step of a play: its result tells the name and the value of the workflow. */
export function played(play: Play, name: string) {
  return async (
    { value }: { value: number },
    context: TaskContext & { results?: unknown },
  ): Promise<{ step: string; value: number }> => {
    play.ran.push(name);
    play.results[name] = context.results;
    await until(`${name} may end`, () => !play.holding.has(name) || context.signal.aborted);
    context.signal.throwIfAborted();
    if (play.failing.has(name)) throw new PermanentError(`${name} is broken`);
    return { step: name, value };
  };
}

/** Starts a runner for the forked workflow of a play. */
export function startForked(pool: Pool, play: Play): ReturnType<typeof startTestRunner> {
  const code = defineSteps(forked, {
    steps: {
      broken: { handler: played(play, 'broken') },
      after: { handler: played(play, 'after') },
      side: { handler: played(play, 'side') },
      beside: { handler: played(play, 'beside') },
    },
    onFailure: async (payload, context) => {
      play.told.push(context.failed);
      return played(play, 'on_failure')(payload, context);
    },
  });
  return startTestRunner(pool, { registeredHandlers: new Map(registeredHandlersOf(pool, forked, code)) });
}
