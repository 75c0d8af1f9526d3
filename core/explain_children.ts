import { type Facts, type Finding, type Member, shown, type TaskName } from './explain_facts.ts';
import { isFailureStep, ON_FAILURE } from './graph.ts';
import type { State } from './states.ts';

/** As many as a sentence, or a list of what can be done, can bear. */
const NAMED = 10;
const ADVISED = 3;

/** Whether it goes on when its children have ended: until then no runner has it, and none looks for it. */
export function waitsForChildren({ task }: Facts): boolean {
  return task.pending > 0 && task.state !== 'waiting';
}

/** What a task that waits for its children is at: how far they are, and which of them ended without success. */
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

/** `2 of 5 steps done; due or under way: charge (running); waiting: ship (for charge)`. */
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
      : `${own === 'scheduled' ? 'due' : 'due or under way'}: ${list(active.map(withState))}`,
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
    return `It waits for its child ${only.name} (${only.id}), which is ${only.state}`;
  const { done, failed } = family ?? { done: 0, failed: 0 };
  const all = task.children ?? task.pending;
  const rest = all - done - failed;
  const ended = failed === 0 ? '' : `, ${failed} did not succeed`;
  return `${done} of ${counted(all, 'child')} done${ended}, ${rest} due or under way`;
}

/** Which steps or children ended without success, if any, and how to go on from there. */
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
  const then = task.state === 'failed' ? '' : '; what comes after that waits';
  return [
    {
      code: 'step_failed',
      message: `${count} of ${counted(all, what)} did not succeed: ${list(failed.map(withError))}${rest}${steps.length > 0 ? then : ''}`,
      tasks: failed.map(nameOfTask),
      next: [
        ...(task.state === 'failed'
          ? [
              `Mend the cause: PATCH /v1/tasks/${task.id}/retry has what failed done again, and goes on from there`,
            ]
          : []),
        ...advice(failed, task.id),
      ],
    },
  ];
}

/** Why a step has not begun: which steps it waits for, and what they wait for that will not end by itself. */
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
      : `; it will not go on until ${list(blocking.map(titleOf))} ${blocking.length === 1 ? 'is' : 'are'} retried or resolved`;
  const tasks = [...new Set([...before, ...blocking])].map(nameOfTask);
  const next = advice(blocking, parent?.id ?? null);
  return {
    code: 'waiting_for_steps',
    message: `It waits ${what}${blocked}`,
    ...(tasks.length === 0 ? {} : { tasks }),
    ...(next.length === 0 ? {} : { next }),
  };
}

function waitingForFailure(members: readonly Member[]): Finding {
  const failed = members.filter(({ state }) => isFailed(state));
  const so = failed.length === 0 ? '' : `; so far ${list(failed.map(withState))}`;
  const message = `It is run only when another step has failed and nothing else can go on${so}`;
  const tasks = failed.length === 0 ? {} : { tasks: failed.map(nameOfTask) };
  return { code: 'waiting_for_failure', message, ...tasks };
}

/** Of all that these wait for, however far, what has ended without success. */
function blockedBy(before: readonly Member[], byStep: ReadonlyMap<string | null, Member>): Member[] {
  const seen = new Set(before);
  for (const { after } of seen) {
    // The set grows while it is gone through.
    for (const one of after.flatMap((name) => byStep.get(name) ?? [])) seen.add(one);
  }
  return [...seen].filter(({ state }) => isFailed(state));
}

/** How to have those done again, or done with; of one of a list there is nothing to resolve. */
function advice(failed: readonly Member[], parentId: string | null): string[] {
  return failed.slice(0, ADVISED).map((one) => {
    const resolve =
      one.step === null || !isOrdinary(one) || parentId === null
        ? ''
        : `, PATCH /v1/tasks/${parentId}/workflow_steps/${one.id} says by hand what it came to`;
    return `PATCH /v1/tasks/${one.id}/retry has ${titleOf(one)} done again${resolve}`;
  });
}

/** How its children have ended, when all of them did as they should: `All its 4 steps are done, 1 of them skipped`. */
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

/** Not the one for failures, nor what that did about earlier ones. */
function isOrdinary({ step }: Member): boolean {
  return step === null || !isFailureStep(step);
}

function isDone(state: State): boolean {
  return state === 'succeeded' || state === 'resolved';
}

function isFailed(state: State): boolean {
  return state === 'failed' || state === 'cancelled';
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

/** `a, b and c`; of many the first ones, and how many more there are. */
function list(names: readonly string[]): string {
  const told = names.length > NAMED ? [...names.slice(0, NAMED), `${names.length - NAMED} more`] : names;
  return told.length < 2 ? told.join('') : `${told.slice(0, -1).join(', ')} and ${told.at(-1)}`;
}
