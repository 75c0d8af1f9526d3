import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { expect } from 'vitest';
import type { Offer } from '../../../../store/attempts/hand_off.ts';
import type { DueAttempt } from '../../../../store/attempts/load.ts';
import { type Outcome, type Recorded, recordOutcomes } from '../../../../store/attempts/outcomes.ts';
import { recoverLostRunners } from '../../../../store/attempts/recovery.ts';
import { registerRunner } from '../../../../store/attempts/runners.ts';
import { reportRunning } from '../../../../store/attempts/running.ts';
import { isPlainSuccess, recordSuccesses } from '../../../../store/attempts/successes.ts';
import { resolveStep } from '../../../../store/operators/resolve.ts';
import { submitTasks } from '../../../../store/submit/submit.ts';
import { cancelTask, retryTask } from '../../../support/operator.ts';
import {
  type Ending,
  ended,
  endedByStep,
  everyTask,
  failedOf,
  handedOff,
  lost,
  type ModelTask,
  mayEnd,
  onFailureOf,
  type ShapeStep,
  shown,
  submitted,
} from './model.ts';
import { expected, type Ledger, readLedger, seen } from './model_ledger.ts';
import { cancelled, resolved, resubmitted, retried } from './model_operator.ts';
import { outcomeOf, submission } from './model_outcomes.ts';
import type { Action, End, Room, Shape } from './model_schedule.ts';

const NESTED: readonly ShapeStep[] = [
  { step: 'x', after: [], maxAttempts: 1 },
  { step: 'y', after: ['x'], maxAttempts: 2 },
];

/** Two runners, and one that looks whether they are lost. */
type Fleet = { runners: [number, number]; watcher: number };

export async function startFleet(pool: Pool): Promise<Fleet> {
  const runners: [number, number] = [await register(pool), await register(pool)];
  const watcher = await register(pool);
  await pool.query(`update errand.runners set steady_since = now() - interval '1 day' where id = $1`, [
    watcher,
  ]);
  return { runners, watcher };
}

function register(pool: Pool): Promise<number> {
  return registerRunner(pool, {
    host: 'test',
    pid: 1,
    version: 'test',
    taskNames: [],
    concurrency: 1,
    leaseSecs: 3_600,
    // Only what runs with nothing beside it is ever quarantined.
    parentId: 0,
  });
}

/** A workflow in the ledger and in the model, and what is done to both. */
type Drive = {
  act(action: Action): Promise<void>;
  /** Holds the ledger against the model. */
  check(): Promise<void>;
  /** Whether an attempt is under way or due. */
  isOpen(): boolean;
  root: ModelTask;
};

/** Submits a workflow of this shape. */
export async function startDrive(pool: Pool, fleet: Fleet, shape: Shape): Promise<Drive> {
  await pool.query('delete from errand_worker._private_jobs');
  const key = randomUUID();
  const runAt = shape.isLater ? new Date(Date.now() + 3_600_000).toISOString() : null;
  const submit = (due: string | null) =>
    submitTasks(pool, [
      { ...submission('model.w', shape.steps), dedup: { dedup: 'key', key }, runAt: due, mayOperate: true },
    ]);
  const [first] = await submit(runAt);
  const rootId = first?.task?.id ?? '';
  const root = submitted({ path: 'w', parent: null }, shape.steps, shape.isLater);
  const attempts = new Map<string, DueAttempt>();
  const all: DueAttempt[] = [];
  let ledger: Ledger;
  const idOf = (task: ModelTask): string => ledger.tasks.get(task.path)?.id ?? rootId;
  const underWay = (): ModelTask[] => everyTask(root).filter(({ dispatched }) => dispatched);
  const attemptOf = (task: ModelTask): DueAttempt => {
    const attempt = attempts.get(idOf(task));
    if (attempt === undefined) throw new Error(`${task.path} was never due`);
    return attempt;
  };

  const check = async (): Promise<void> => {
    ledger = await readLedger(pool, rootId);
    expect(seen(ledger)).toEqual(expected(root));
    for (const due of ledger.due) {
      if (attempts.get(due.id)?.dispatchId !== due.dispatchId) all.push(due);
      attempts.set(due.id, due);
    }
  };

  /** Records the ends of some attempts, in one statement or in several at once, some twice, and one that counts no more. */
  const end = async (ends: End[], stale: number | null, rooms: Room[]): Promise<void> => {
    const left = underWay();
    const statements: Outcome[][] = [[], [], [], []];
    const done: { task: ModelTask; ending: Ending; id: string }[] = [];
    for (const one of ends) {
      const [task] = left.splice(one.pick % Math.max(left.length, 1), 1);
      if (task === undefined) break;
      const ending = endingOf(task, one);
      const endsParent = one.endsParent === true && task.step !== null;
      const outcome = outcomeOf(attemptOf(task), ending, endsParent);
      statements[one.statement]?.push(outcome);
      if (one.twice) statements[(one.statement + one.children) % 4]?.push(outcome);
      done.push({ task, ending, id: outcome.id });
    }
    const current = new Set(underWay().map((task) => attemptOf(task)));
    const old = all.filter((attempt) => !current.has(attempt) && !isCurrent(attempt, current));
    const gone = stale === null ? undefined : old[stale % old.length];
    if (gone !== undefined) statements[0]?.push(outcomeOf(gone, { kind: 'succeeded', skipped: false }));
    const recorded = await Promise.all(
      statements.map((outcomes, index) => {
        return outcomes.length > 0 && record(fleet.runners[index % 2] ?? 0, outcomes, offerOf(rooms[index]));
      }),
    );
    const counted = recorded.flatMap((record) => (record ? [...record.ids] : []));
    expect(counted.sort()).toEqual(done.map(({ id }) => id).sort());
    for (const { task, ending } of done) ended(task, ending);
    ledger = await readLedger(pool, rootId);
    recorded.forEach((record, index) => {
      if (!record) return;
      checkEnds(record, statements);
      checkHeld(record, offerOf(rooms[index]), fleet.runners[index % 2] ?? 0);
    });
  };

  /** The lean statement, where it is for these. */
  const record = (runner: number, outcomes: Outcome[], offer: Offer): Promise<Recorded> =>
    outcomes.every(isPlainSuccess)
      ? recordSuccesses(pool, runner, outcomes, offer)
      : recordOutcomes(pool, runner, outcomes, offer);

  /** Only a workflow that may end has ended with a step; and it must, if its only statement had its result. */
  const checkEnds = (recorded: Recorded, statements: Outcome[][]): void => {
    const isAlone = statements.filter((outcomes) => outcomes.length > 0).length === 1;
    const giveEnd = statements.flat().some((one) => {
      return (
        one.kind === 'succeeded' &&
        one.endsParent !== undefined &&
        one.parentId === rootId &&
        recorded.ids.has(one.id)
      );
    });
    const didEnd = recorded.ended?.has(rootId) === true;
    expect([...(recorded.ended ?? [])]).toEqual(didEnd ? [rootId] : []);
    const mayNow = root.state === 'queued' && mayEnd(root);
    if (didEnd) expect(giveEnd && mayNow).toBe(true);
    if (didEnd) endedByStep(root);
    else if (isAlone) expect(giveEnd && mayNow && statements.flat().some(isLast)).toBe(false);
  };

  /** A step of the workflow, whose end was recorded just now. */
  const isLast = ({ parentId, kind }: Outcome): boolean => parentId === rootId && kind === 'succeeded';

  /** As many as there was room for at most, of the names that were offered, and each was due. */
  const checkHeld = ({ held = [] }: Recorded, { names, room }: Offer, runner: number): void => {
    expect(held.length).toBeLessThanOrEqual(room);
    const byId = new Map(everyTask(root).map((task) => [idOf(task), task]));
    for (const { id, name } of held) {
      const task = byId.get(id);
      if (task === undefined) throw new Error(`${name} was handed off, and is not part of the workflow`);
      expect([name, names.includes(name), task.dispatched, task.holder]).toEqual([name, true, true, null]);
      handedOff(task, runner);
    }
  };

  const show = async (pick: number, runner: number): Promise<void> => {
    const startable = underWay().filter(({ state }) => state !== 'running');
    const task = startable[pick % startable.length];
    if (task === undefined) return;
    const { id, dispatchId, attempt } = attemptOf(task);
    const report = { id, dispatchId, attempt, elapsedMs: 0, lines: [], progress: null };
    // Nobody else has what a runner holds.
    const by = task.holder === null ? runner : fleet.runners.indexOf(task.holder);
    expect(await reportRunning(pool, fleet.runners[by] ?? 0, [report])).toEqual(new Set([id]));
    shown(task, by);
  };

  const lose = async (runner: 0 | 1): Promise<void> => {
    await pool.query(`update errand.runners set heartbeat_at = now() - interval '1 day' where id = $1`, [
      fleet.runners[runner],
    ]);
    const recovery = await recoverLostRunners(pool, fleet.watcher);
    expect(recovery?.lost.map(({ id }) => id)).toEqual([fleet.runners[runner]]);
    lost(root, runner, fleet.runners[runner]);
    fleet.runners[runner] = await register(pool);
  };

  const operate = async (what: 'retry' | 'cancel' | 'resolve', pick: number): Promise<void> => {
    const tasks = everyTask(root);
    const task = tasks[pick % tasks.length] ?? root;
    const id = idOf(task);
    const step = { workflowId: idOf(task.parent ?? root), stepId: id };
    const resolution = { data: { by: 'hand' }, resolvedBy: 'test', reason: 'test' };
    const act = { actor: 'test', reason: null, requestId: null };
    if (what === 'retry') expect((await retryTask(pool, id)) !== null).toBe(retried(task));
    else if (what === 'cancel') expect((await cancelTask(pool, id)) !== null).toBe(cancelled(task));
    else expect((await resolveStep(pool, step, resolution, act, null)) !== null).toBe(resolved(task));
  };

  const act = async (action: Action): Promise<void> => {
    if (action.do === 'end') await end(action.ends, action.stale, action.rooms ?? []);
    else if (action.do === 'show') await show(action.pick, action.runner);
    else if (action.do === 'lose') await lose(action.runner === 0 ? 0 : 1);
    else if (action.do === 'resubmit') {
      await submit(null);
      resubmitted(root);
    } else await operate(action.do, action.pick);
  };
  await check();
  return { act, check, root, isOpen: () => underWay().length > 0 };
}

function isCurrent(attempt: DueAttempt, current: Set<DueAttempt>): boolean {
  return [...current].some(({ id, dispatchId }) => id === attempt.id && dispatchId === attempt.dispatchId);
}

const NAMES = [
  ...['model.w', 'model.w.on_failure', 'model.child', 'model.child.x', 'model.child.y'],
  ...Array.from({ length: 8 }, (_none, index) => `model.w.s${index}`),
];

function offerOf({ names, room }: Room = { names: 0, room: 0 }): Offer {
  return { names: NAMES.filter((_name, index) => (names >> (index % 8)) & 1), room };
}

/** How an attempt ends of which `end` is asked: that of a task with children as these came out. */
function endingOf(task: ModelTask, { kind, children }: End): Ending {
  if (kind === 'failed' || kind === 'timed_out') return { kind, retry: true };
  if (kind === 'for good') return { kind: 'failed', retry: false };
  if (kind === 'interrupted' || kind === 'cancelled') return { kind };
  if (task.children.length > 0) return joined(task);
  if (kind !== 'continued' || task.step === null || onFailureOf(task.parent ?? task) === task)
    return { kind: 'succeeded', skipped: kind === 'skipped' && task.step !== null };
  return { kind, children: children === 0 ? [NESTED] : Array.from({ length: children }, () => []) };
}

function joined(task: ModelTask): Ending {
  if (failedOf(task).length === 0) return { kind: 'succeeded', skipped: false };
  if (onFailureOf(task)?.state === 'waiting') return { kind: 'continued', release: true };
  return { kind: 'failed', retry: false };
}
