import type { State } from '../states.ts';
import { isFailureStep, ON_FAILURE } from '../workflows/graph.ts';
import { type Facts, type Finding, type Member, shown, type TaskName } from './explain_facts.ts';

/** The maximum number of names in one sentence, and of remedies. */
const NAMED = 10;
const ADVISED = 3;

/**
 * Whether the task continues when its children have ended. Until then, no runner has it and none is needed.
 */
export function waitsForChildren({ task }: Facts): boolean {
  return task.pending > 0 && task.state !== 'waiting';
}

/** The progress of a task that waits for its children, and the children that ended without success. */
export function findChildren(facts: Facts): { failed: Finding[]; waiting: Finding } {
  const { task } = facts;
  const since = task.started_at === null ? {} : { since: task.started_at };
  const members = membersOf(facts);
  const open = members.filter(
    ({ step, state }) => isOpen(state) && (step !== ON_FAILURE || state !== 'waiting'),
  );
  const tasks = open.length === 0 ? {} : { tasks: open.map(nameOfTask) };
  const message = members.some(isStep) ? stepsInWords(task, members) : childrenInWords(facts);
  return {
    failed: findStepsFailed(facts),
    waiting: { code: 'waiting_for_children', message, ...since, ...tasks },
  };
}

/** `2 of 5 steps done; due or running: charge (running); waiting: ship (for charge)`. */
function stepsInWords({ state: own }: Facts['task'], members: readonly Member[]): string {
  const steps = members.filter(isOrdinary);
  const done = new Set(steps.filter(({ state }) => isDone(state)).map(({ step }) => step));
  const skipped = steps.filter((step) => step.skipped).length;
  const active = members.filter(({ state }) => isOpen(state) && state !== 'waiting');
  const waiting = steps.filter(({ state }) => state === 'waiting');
  const parts = [
    `${done.size} of ${counted(steps.length, 'step')} done${skipped === 0 ? '' : `, ${skipped} of them skipped`}`,
    active.length === 0
      ? ''
      : `${own === 'scheduled' ? 'due' : 'due or running'}: ${list(active.map(withState))}`,
    waiting.length === 0
      ? ''
      : `waiting: ${list(waiting.map((one) => `${titleOf(one)} (for ${list(one.after.filter((name) => !done.has(name)))})`))}`,
  ];
  return parts.filter((part) => part !== '').join('; ');
}

function childrenInWords(facts: Facts): string {
  const { task, family } = facts;
  const [only, ...others] = membersOf(facts);
  if (task.children === 1 && only !== undefined && others.length === 0)
    return `The task waits for its child ${only.name} (${only.id}), which is ${only.state}`;
  const { done, failed } = family ?? { done: 0, failed: 0 };
  const all = task.children ?? task.pending;
  const rest = all - done - failed;
  const ended = failed === 0 ? '' : `, ${failed} did not succeed`;
  return `${done} of ${counted(all, 'child')} done${ended}, ${rest} due or running`;
}

/** The steps or children that ended without success, if any, and how to continue. */
export function findStepsFailed(facts: Facts): Finding[] {
  const { task, family } = facts;
  const failed = membersOf(facts).filter(({ state }) => isFailed(state));
  if (family === null || failed.length === 0) return [];
  const steps = family.members.filter(isStep);
  const [all, what, count] =
    steps.length > 0
      ? [steps.filter((step) => isOrdinary(step) || isFailed(step.state)).length, 'step', failed.length]
      : [task.children ?? failed.length, 'child', family.failed];
  const rest = count > failed.length ? ` and ${count - failed.length} more` : '';
  const then = task.state === 'failed' ? '' : '; the steps after that wait';
  return [
    {
      code: 'step_failed',
      message: `${count} of ${counted(all, what)} did not succeed: ${list(failed.map(withError))}${rest}${steps.length > 0 ? then : ''}`,
      tasks: failed.map(nameOfTask),
      next: [
        ...(task.state === 'failed'
          ? [
              `Correct the cause. Then PATCH /v1/tasks/${task.id}/retry runs the failed parts again, and the task continues`,
            ]
          : []),
        ...advice(failed, task.id),
      ],
    },
  ];
}

/**
 * Why a step has not started: the steps that it waits for, and failed steps before these, which block it
 * until an operator acts.
 */
export function findBefore(facts: Facts): Finding {
  const { task, parent } = facts;
  const members = membersOf(facts);
  const byStep = new Map(members.map((member) => [member.step, member]));
  if (task.step === ON_FAILURE) return waitingForFailure(members);
  const before = task.after.flatMap((name) => byStep.get(name) ?? []).filter(({ state }) => !isDone(state));
  const blocking = blockedBy(before, byStep);
  const what =
    before.length === 0
      ? 'until other steps of its workflow have succeeded'
      : `for ${list(before.map(withState))}`;
  const blocked =
    blocking.length === 0
      ? ''
      : `; it cannot continue until ${list(blocking.map(titleOf))} ${blocking.length === 1 ? 'is' : 'are'} retried or resolved`;
  const tasks = [...new Set([...before, ...blocking])].map(nameOfTask);
  const next = advice(blocking, parent?.id ?? null);
  return {
    code: 'waiting_for_steps',
    message: `The step waits ${what}${blocked}`,
    ...(tasks.length === 0 ? {} : { tasks }),
    ...(next.length === 0 ? {} : { next }),
  };
}

function waitingForFailure(members: readonly Member[]): Finding {
  const failed = members.filter(({ state }) => isFailed(state));
  const so = failed.length === 0 ? '' : `; so far ${list(failed.map(withState))}`;
  const message = `This step runs only if another step has failed and no other step can continue${so}`;
  const tasks = failed.length === 0 ? {} : { tasks: failed.map(nameOfTask) };
  return { code: 'waiting_for_failure', message, ...tasks };
}

/** The failed ones among these steps and all steps before them. */
function blockedBy(before: readonly Member[], byStep: ReadonlyMap<string | null, Member>): Member[] {
  const seen = new Set(before);
  for (const { after } of seen) {
    // The set grows during the loop.
    for (const one of after.flatMap((name) => byStep.get(name) ?? [])) seen.add(one);
  }
  return [...seen].filter(({ state }) => isFailed(state));
}

/** How to run these again or resolve them. A task that a map step created cannot be resolved here. */
function advice(failed: readonly Member[], parentId: string | null): string[] {
  return failed.slice(0, ADVISED).map((one) => {
    const resolve =
      one.step === null || !isOrdinary(one) || parentId === null
        ? ''
        : `; PATCH /v1/tasks/${parentId}/workflow_steps/${one.id} resolves it by hand with a result`;
    return `PATCH /v1/tasks/${one.id}/retry runs ${titleOf(one)} again${resolve}`;
  });
}

/** The end of its children if all of them succeeded: `All its 4 steps are done, 1 of them skipped`. */
export function childrenDone({ task, family }: Facts): string | null {
  if (family === null || task.children === null) return null;
  const steps = family.members.filter((member) => isStep(member) && isOrdinary(member));
  if (steps.length === 0)
    return `${task.children === 1 ? 'Its child is' : `All its ${task.children} children are`} done`;
  const skipped = steps.filter((step) => step.skipped).length;
  const all = steps.length === 1 ? 'Its one step is' : `All its ${steps.length} steps are`;
  return `${all} done${skipped === 0 ? '' : `, ${skipped} of them skipped`}`;
}

function membersOf({ family }: Facts): readonly Member[] {
  return family?.members ?? [];
}

function isStep({ step }: Member): boolean {
  return step !== null;
}

/** Whether it is neither the step for failures nor an earlier run of it. */
function isOrdinary({ step }: Member): boolean {
  return step === null || !isFailureStep(step);
}

function isDone(state: State): boolean {
  return state === 'succeeded' || state === 'resolved';
}

function isFailed(state: State): boolean {
  return state === 'failed' || state === 'cancelled' || state === 'expired';
}

function isOpen(state: State): boolean {
  return !isDone(state) && !isFailed(state);
}

function titleOf({ step, name }: Member): string {
  return step ?? name;
}

function withState(member: Member): string {
  return `${titleOf(member)} (${member.state})`;
}

function withError(member: Member): string {
  const { state, message } = member;
  return `${titleOf(member)} (${message === null ? state : `${state}: ${shown(message)}`})`;
}

function nameOfTask({ id, name, step, state }: Member): TaskName {
  return { id, name, step, state };
}

function counted(count: number, what: string): string {
  return `${count} ${count === 1 ? what : what === 'child' ? 'children' : `${what}s`}`;
}

/** `a, b and c`; of many names the first ones, and the number of the others. */
function list(names: readonly string[]): string {
  const shown = names.length > NAMED ? [...names.slice(0, NAMED), `${names.length - NAMED} more`] : names;
  return shown.length < 2 ? shown.join('') : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`;
}
