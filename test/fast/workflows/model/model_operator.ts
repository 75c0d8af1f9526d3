import { isTerminal } from '../../../../core/states.ts';
import { ON_FAILURE } from '../../../../core/workflows/graph.ts';
import {
  ACTIVE,
  active,
  dispatch,
  goOn,
  isDone,
  type ModelTask,
  onFailureOf,
  rest,
  submitted,
  unmet,
} from './model.ts';

// What operators do to the tasks of the model.

/** An operator retries a task: whether it could be. */
export function retried(task: ModelTask): boolean {
  const { parent } = task;
  if (task.state !== 'failed' && task.state !== 'cancelled') return false;
  if (ancestors(task).some(isOver)) return false;
  // What is done about a failure, and has begun before, is done at once.
  const before = task.step === ON_FAILURE && task.started ? 0 : unmet(task);
  rearmChildren(task);
  rearm(task, before);
  if (parent !== null && ACTIVE.includes(task.state)) revive(parent);
  return true;
}

/** A workflow is submitted again under the same key. */
export function resubmitted(root: ModelTask): void {
  if (root.state === 'failed' || root.state === 'cancelled') {
    root.maxAttempts = Math.max(root.maxAttempts, root.attempt + 1);
    retried(root);
    root.started &&= !root.dispatched;
  } else if (!isDone(root) && root.addedAttempts < 10) {
    root.maxAttempts++;
    root.addedAttempts++;
  }
}

function rearmChildren(task: ModelTask): void {
  const again = task.children.filter(({ state }) => state === 'failed' || state === 'cancelled');
  for (const child of again) rearmChildren(child);
  for (const child of again) rearm(child, unmet(child));
  const onFailure = onFailureOf(task);
  if (onFailure !== undefined && isDone(onFailure)) renew(task, onFailure);
}

/** What was done about a failure stays, by another name; the next failure gets its own. */
function renew(task: ModelTask, done: ModelTask): void {
  const { children, parent, path } = task;
  done.step = `${ON_FAILURE}-${1 + children.filter(({ step }) => step?.startsWith(`${ON_FAILURE}-`)).length}`;
  done.path = `${path}/${done.step}`;
  const steps = [{ step: ON_FAILURE, after: [], maxAttempts: done.maxAttempts }];
  const next = submitted({ path, parent }, steps).children.map((step) => ({ ...step, parent: task }));
  children.push(...next);
}

function rearm(task: ModelTask, before: number): void {
  if (task.started) task.attempt++;
  task.maxAttempts = Math.max(task.maxAttempts, task.attempt);
  task.crashes = Math.min(task.crashes, 1);
  task.cancelAsked = false;
  rest(task, before > 0 ? 'waiting' : 'running');
  if (before === 0 && active(task) === 0) dispatch(task);
  task.started = before === 0 && task.children.length > 0 && (task.started || !task.dispatched);
}

function revive(task: ModelTask): void {
  if (!ACTIVE.includes(task.state) && task.state !== 'failed') return;
  const { parent, state } = task;
  if (state === 'failed') {
    task.attempt++;
    task.maxAttempts = Math.max(task.maxAttempts, task.attempt);
  }
  rest(task, 'running');
  task.started = true;
  if (state !== 'failed') return;
  const onFailure = onFailureOf(task);
  if (onFailure?.state === 'failed') rearm(onFailure, 1);
  if (onFailure?.state === 'succeeded') renew(task, onFailure);
  if (parent !== null) revive(parent);
}

function ancestors({ parent }: ModelTask): ModelTask[] {
  return parent === null ? [] : [parent, ...ancestors(parent)];
}

/** Nothing of it can be done again, but with all of it. */
function isOver(task: ModelTask): boolean {
  return task.state === 'cancelled' || isDone(task);
}

/** An operator cancels a task with all below it: whether it could be. */
export function cancelled(task: ModelTask): boolean {
  const { state, parent } = task;
  if (isTerminal(state)) return false;
  cancelTree(task);
  // A workflow that looks at its steps at this moment has to look again.
  const isLooking = state === 'waiting' && parent?.dispatched;
  if (isLooking) revive(parent);
  if (isTerminal(task.state) && (state !== 'waiting' || isLooking)) goOn(task);
  return true;
}

function cancelTree(task: ModelTask): void {
  if (isTerminal(task.state)) return;
  task.cancelAsked = true;
  if (task.state !== 'running' || !task.dispatched) {
    if (task.started) task.ended.push(task.attempt);
    rest(task, 'cancelled');
  }
  task.children.forEach(cancelTree);
}

/** An operator says what a step came to, or one of the tasks that a step has made: whether it could be. */
export function resolved(task: ModelTask): boolean {
  const { parent, state } = task;
  if (parent === null || ancestors(task).some(isOver)) return false;
  if (!['failed', 'waiting', 'scheduled', 'queued'].includes(state)) return false;
  rest(task, 'resolved');
  if (!ACTIVE.includes(state)) revive(parent);
  goOn(task);
  return true;
}
