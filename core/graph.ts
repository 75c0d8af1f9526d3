import type { Graph, GraphStep, Refuse } from './task.ts';

/** The step that is run when others failed and nothing else can go on. */
export const ON_FAILURE = 'on_failure';

/** Whether a step is that one, or was for an earlier failure: `on_failure-1` and so on. */
export function isFailureStep(step: string): boolean {
  return step === ON_FAILURE || step.startsWith(`${ON_FAILURE}-`);
}

/** As in task names; a workflow is read on a screen. */
const STEP_PATTERN = /^[a-z][a-z0-9_-]*$/;
const MAX_STEPS = 100;
/** Results are asked for by their names, and this one any object has. */
const TAKEN = 'constructor';

/** What a step waits for, as it is written down. */
type Edges = Record<string, { after?: readonly string[] | undefined }>;

/**
 * Refuses what is no graph of steps that all can be reached (W1): unknown names, a step after itself, one named twice,
 * and circles, with their path.
 */
export function checkGraph(steps: Edges, refuse: Refuse): void {
  const names = Object.keys(steps);
  if (names.length === 0) refuse('a workflow needs a step');
  if (names.length > MAX_STEPS) refuse(`${names.length} steps are more than ${MAX_STEPS}: nest workflows`);
  for (const [name, { after = [] }] of Object.entries(steps)) {
    if (!STEP_PATTERN.test(name) || isFailureStep(name) || name === TAKEN)
      refuse(
        `the step ${JSON.stringify(name)} must match ${STEP_PATTERN} and not be ${ON_FAILURE} or ${TAKEN}`,
      );
    for (const before of after) {
      if (before === name) refuse(`the step ${name} comes after itself`);
      if (!Object.hasOwn(steps, before))
        refuse(
          `the step ${name} comes after ${JSON.stringify(before)}, which is no step: ${names.join(', ')}`,
        );
    }
    const twice = after.find((before, index) => after.indexOf(before) !== index);
    if (twice !== undefined) refuse(`the step ${name} comes after ${twice} twice`);
  }
  const circle = findCircle(steps);
  if (circle === null) return;
  const outside = names.filter((name) => !circle.includes(name) && leadsTo(steps, name, circle));
  const unreachable = outside.length > 0 ? `; so ${outside.join(', ')} would never be reached` : '';
  refuse(`the steps ${[...circle, circle[0]].join(' → ')} wait for each other${unreachable}`);
}

/** A circle in the order in which its steps would run, or null. */
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

/** Whether a step waits, however far, for one of these. */
function leadsTo(steps: Edges, name: string, targets: readonly string[], seen = new Set<string>()): boolean {
  if (seen.has(name)) return false;
  seen.add(name);
  const after = steps[name]?.after ?? [];
  return after.some((before) => targets.includes(before) || leadsTo(steps, before, targets, seen));
}

/** The steps that no other waits for, in the order of their definition. */
export function finalSteps(graph: Graph): string[] {
  const before = new Set(graph.steps.flatMap(({ after }) => after));
  return graph.steps.map(({ step }) => step).filter((step) => step !== ON_FAILURE && !before.has(step));
}

/** A step as its row is made: `priority` is that of its workflow when it is null. */
export type StepRow = {
  step: string;
  name: string;
  after: readonly string[];
  priority: number | null;
  max_attempts: number;
  callback_url?: string | undefined;
  /** These say only what the graph looks like: no row has them. `child` is a name. */
  conditional: boolean;
  kind: GraphStep['kind'];
  child: string | null;
};

/** What the rows of a workflow's steps are made from, in the order of their definition. */
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
