import type { Graph, GraphStep, Refuse } from '../task.ts';

/** The step that runs if others failed and no other step can continue. */
export const ON_FAILURE = 'on_failure';

/** Whether this is the step for failures, or an earlier run of it (`on_failure-1` and so on). */
export function isFailureStep(step: string): boolean {
  return step === ON_FAILURE || step.startsWith(`${ON_FAILURE}-`);
}

/** As in task names. The number is limited because people read workflows on a screen. */
const STEP_PATTERN = /^[a-z][a-z0-9_-]*$/;
const MAX_STEPS = 100;
/** Results are read by step name, and every object has this property. */
const RESERVED = 'constructor';

/** The dependencies of steps, as their author writes them. */
type Edges = Record<string, { after?: readonly string[] | undefined }>;

/**
 * Refuses an invalid graph (W1): no steps or too many, invalid or unknown names, a step after itself, a step
 * that is named twice, and cycles, with their path.
 */
export function checkGraph(steps: Edges, refuse: Refuse): void {
  const names = Object.keys(steps);
  if (names.length === 0) refuse('the workflow has no steps: define at least one');
  if (names.length > MAX_STEPS)
    refuse(
      `the workflow has ${names.length} steps, but at most ${MAX_STEPS} are allowed: split it into nested workflows`,
    );
  for (const [name, { after = [] }] of Object.entries(steps)) {
    if (!STEP_PATTERN.test(name) || isFailureStep(name) || name === RESERVED)
      refuse(
        `the step ${JSON.stringify(name)} must match ${STEP_PATTERN} and not be ${ON_FAILURE} or ${RESERVED}`,
      );
    for (const before of after) {
      if (before === name) refuse(`the step ${name} must not come after itself`);
      if (!Object.hasOwn(steps, before))
        refuse(
          `the step ${name} comes after ${JSON.stringify(before)}, which is not a step. The steps are ${names.join(', ')}`,
        );
    }
    const twice = after.find((before, index) => after.indexOf(before) !== index);
    if (twice !== undefined) refuse(`the step ${name} names ${twice} twice in after`);
  }
  const circle = findCircle(steps);
  if (circle === null) return;
  const outside = names.filter((name) => !circle.includes(name) && leadsTo(steps, name, circle));
  const unreachable = outside.length > 0 ? `; ${outside.join(', ')} could never run either` : '';
  refuse(
    `the steps ${[...circle, circle[0]].join(' → ')} form a cycle, so none of them could run${unreachable}`,
  );
}

/** A cycle in the order in which its steps would run, or null. */
function findCircle(steps: Edges): string[] | null {
  const done = new Set<string>();
  const visit = (name: string, path: string[]): string[] | null => {
    if (path.includes(name)) return [name, ...path.slice(path.indexOf(name) + 1).reverse()];
    if (done.has(name)) return null;
    for (const before of steps[name]?.after ?? []) {
      const circle = visit(before, [...path, name]);
      if (circle !== null) return circle;
    }
    done.add(name);
    return null;
  };
  for (const name of Object.keys(steps)) {
    const circle = visit(name, []);
    if (circle !== null) return circle;
  }
  return null;
}

/** Whether a step depends, directly or indirectly, on one of these. */
function leadsTo(steps: Edges, name: string, targets: readonly string[], seen = new Set<string>()): boolean {
  if (seen.has(name)) return false;
  seen.add(name);
  const after = steps[name]?.after ?? [];
  return after.some((before) => targets.includes(before) || leadsTo(steps, before, targets, seen));
}

/** The steps that no other step waits for, in the order of their definition. */
export function finalSteps(graph: Graph): string[] {
  const before = new Set(graph.steps.flatMap(({ after }) => after));
  return graph.steps.map(({ step }) => step).filter((step) => step !== ON_FAILURE && !before.has(step));
}

/** The values for the row of a step. If `priority` is null, the priority of its workflow applies. */
export type StepRow = {
  step: string;
  name: string;
  after: readonly string[];
  priority: number | null;
  max_attempts: number;
  callback_url?: string | undefined;
  /** These only describe the graph; they are not stored in the row. `child` is a name. */
  conditional: boolean;
  kind: GraphStep['kind'];
  child: string | null;
};

/** The values for the rows of a workflow's steps, in the order of their definition. */
export function stepRows(graph: Graph): StepRow[] {
  return graph.steps.map(({ step, after, priority, definition, conditional, kind, child }) => ({
    step,
    name: definition.name,
    after,
    priority,
    max_attempts: definition.policy.maxAttempts,
    callback_url: definition.policy.callbackUrl,
    conditional,
    kind,
    child: child?.name ?? null,
  }));
}
