import type { State } from '../../../../core/states.ts';
import { ON_FAILURE } from '../../../../core/workflows/graph.ts';

/** A task of a workflow as the model has it. It counts nothing: what the ledger counts follows here from the states. */
export type ModelTask = {
  /** Its place: the steps, or places in lists, from the workflow down to it. */
  path: string;
  readonly parent: ModelTask | null;
  step: string | null;
  readonly after: readonly string[];
  children: ModelTask[];
  state: State;
  attempt: number;
  maxAttempts: number;
  /** By duplicates. */
  addedAttempts: number;
  crashes: number;
  /** It has begun since it was last queued for the first time. */
  started: boolean;
  cancelAsked: boolean;
  skipped: boolean;
  /** It names a dispatch. */
  dispatched: boolean;
  /** How often it was ever announced by one. */
  dispatches: number;
  /** The runner that was handed off to, and so holds it without a dispatch in graphile-worker. */
  holder: number | null;
  /** Where it is shown as running. */
  runner: number | null;
  /** The attempts in its history. */
  ended: number[];
};

export type ShapeStep = { step: string; after: readonly string[]; maxAttempts: number };

export const ACTIVE: readonly State[] = ['scheduled', 'queued', 'running', 'retrying'];
/** What every task here gets that is no step. */
export const MAX_ATTEMPTS = 3;
const QUARANTINED_AFTER = 5;

/** A workflow or task that has just been submitted as a child of another, or as the root. */
export function submitted(
  place: { path: string; parent: ModelTask | null },
  steps: readonly ShapeStep[],
  isLater = false,
): ModelTask {
  const first: State = isLater ? 'scheduled' : 'queued';
  const blank = { children: [], attempt: 1, crashes: 0, started: false, cancelAsked: false, skipped: false };
  const none = { runner: null, holder: null, dispatched: false, dispatches: 0 };
  const task: ModelTask = {
    ...place,
    step: null,
    after: [],
    ...blank,
    ...none,
    maxAttempts: MAX_ATTEMPTS,
    addedAttempts: 0,
    state: first,
    ended: [],
  };
  task.children = steps.map((made): ModelTask => {
    const path = `${place.path}/${made.step}`;
    const step: ModelTask = {
      ...blank,
      ...none,
      ...made,
      addedAttempts: 0,
      path,
      parent: task,
      children: [],
      state: 'waiting',
      ended: [],
    };
    if (unmet(step) === 0) dispatch(step, first);
    return step;
  });
  if (steps.length === 0) dispatch(task, first);
  else if (!isLater) Object.assign(task, { state: 'running', started: true });
  return task;
}

/** A task and all below it. */
export function everyTask(task: ModelTask): ModelTask[] {
  return [task, ...task.children.flatMap(everyTask)];
}

/** What the ledger must have counted. */
export function pendingOf(task: ModelTask): number {
  if (task.state === 'waiting') return unmet(task);
  return waitsForChildren(task) ? active(task) : 0;
}

/** Of a parent: which of its steps make it fail. */
export function failedOf(task: ModelTask): ModelTask[] {
  return task.children.filter(
    ({ step, state }) => step !== ON_FAILURE && (state === 'failed' || state === 'cancelled'),
  );
}

/** The step of a workflow that is run when others have failed. */
export function onFailureOf(task: ModelTask): ModelTask | undefined {
  return task.children.find(({ step }) => step === ON_FAILURE);
}

export function isDone({ state }: ModelTask): boolean {
  return state === 'succeeded' || state === 'resolved';
}

export function unmet({ step, after, parent }: ModelTask): number {
  if (step === ON_FAILURE) return 1;
  return after.filter((name) => !parent?.children.some((task) => task.step === name && isDone(task))).length;
}

export function active(task: ModelTask): number {
  return task.children.filter(({ state }) => ACTIVE.includes(state)).length;
}

function waitsForChildren({ children, dispatched, state }: ModelTask): boolean {
  return children.length > 0 && !dispatched && (state === 'running' || state === 'scheduled');
}

export function dispatch(task: ModelTask, state: State = 'queued'): void {
  task.state = state;
  task.dispatched = true;
  task.holder = null;
  task.dispatches++;
}

export function rest(task: ModelTask, state: State): void {
  task.state = state;
  task.dispatched = false;
  task.holder = null;
  task.runner = null;
}

/** Steps that wait for nothing any more are queued, and so is their workflow when none of its steps is active. */
export function goOn(ended: ModelTask): void {
  const { parent } = ended;
  if (parent === null) return;
  const next = parent.children.filter((step) => step.state === 'waiting' && unmet(step) === 0);
  for (const step of next) dispatch(step);
  if (!waitsForChildren(parent)) return;
  // One that is due later has not begun because a step of it was cancelled.
  if (parent.state === 'running' || next.length > 0)
    Object.assign(parent, { state: 'running', started: true });
  if (active(parent) > 0) return;
  parent.started = true;
  dispatch(parent);
}

function finish(task: ModelTask, state: State): void {
  if (state !== 'succeeded') task.ended.push(task.attempt);
  rest(task, state);
  task.started = true;
  const onFailure = onFailureOf(task);
  if (state === 'succeeded' && onFailure?.state === 'waiting')
    Object.assign(onFailure, { state, skipped: true });
  goOn(task);
}

export type Ending =
  | { kind: 'succeeded'; skipped: boolean }
  | { kind: 'continued'; children: (readonly ShapeStep[])[] }
  | { kind: 'continued'; release: true }
  | { kind: 'failed' | 'timed_out'; retry: boolean }
  | { kind: 'interrupted' }
  | { kind: 'cancelled' };

/** An attempt that counts has ended. */
export function ended(task: ModelTask, ending: Ending): void {
  const isFree = ending.kind === 'interrupted';
  if (ending.kind === 'succeeded') {
    task.skipped ||= ending.skipped;
    finish(task, 'succeeded');
  } else if (task.cancelAsked || ending.kind === 'cancelled') {
    finish(task, 'cancelled');
  } else if (ending.kind === 'continued') {
    if ('release' in ending) release(task);
    else fanOut(task, ending.children);
  } else if (ending.kind === 'interrupted' || (ending.retry && task.attempt < task.maxAttempts)) {
    again(task, isFree);
    dispatch(task, isFree ? 'queued' : 'retrying');
  } else {
    finish(task, 'failed');
  }
}

function again(task: ModelTask, isFree: boolean): void {
  task.ended.push(task.attempt);
  task.attempt++;
  if (isFree) task.maxAttempts++;
  task.started = task.children.length > 0 && task.started;
  task.runner = null;
}

function fanOut(task: ModelTask, lists: (readonly ShapeStep[])[]): void {
  rest(task, 'running');
  task.started = true;
  task.children = lists.map((steps, index) =>
    submitted({ path: `${task.path}/${index}`, parent: task }, steps),
  );
}

function release(task: ModelTask): void {
  const onFailure = onFailureOf(task);
  rest(task, 'running');
  if (onFailure !== undefined) dispatch(onFailure);
}

/** An attempt is shown as running. */
export function shown(task: ModelTask, runner: number): void {
  Object.assign(task, { state: 'running', started: true, runner });
}

/** A statement that records has handed off a task to its runner, instead of a dispatch. */
export function handedOff(task: ModelTask, holder: number): void {
  task.holder = holder;
  task.dispatches--;
}

/** Whether a workflow may end with the result of its last step, in the statement that records it. */
export function mayEnd({ parent, cancelAsked, dispatched, children }: ModelTask): boolean {
  const isWell = !children.some(({ state }) => ['failed', 'cancelled'].includes(state));
  return parent === null && !cancelAsked && dispatched && isWell;
}

/** It has, so it was never announced. */
export function endedByStep(task: ModelTask): void {
  task.dispatches--;
  finish(task, 'succeeded');
}

/** A runner is lost, and what it held and was executing recovered. */
export function lost(root: ModelTask, runner: number, holder: number): void {
  for (const task of everyTask(root)) {
    if (task.holder === holder && task.state !== 'running') dispatch(task, task.state);
  }
  for (const task of everyTask(root)) {
    if (task.state !== 'running' || task.runner !== runner) continue;
    task.crashes++;
    if (task.cancelAsked) finish(task, 'cancelled');
    else if (task.crashes >= QUARANTINED_AFTER) finish(task, 'failed');
    else {
      again(task, true);
      dispatch(task);
    }
  }
}
