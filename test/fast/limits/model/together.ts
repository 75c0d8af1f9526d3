import type { Pool } from 'pg';
import { expect } from 'vitest';
import type { Outcome } from '../../../../store/attempts/outcomes.ts';
import { recoverLostRunners } from '../../../../store/attempts/recovery.ts';
import { takeSlots } from '../../../../store/limits/slots.ts';
import { cancelTask } from '../../../support/operator.ts';
import { until } from '../../../support/until.ts';
import { type Key, limitOf, type Model, type ModelTask } from './model.ts';
import type { Together } from './schedule.ts';

/** What the ledger says about a task: the dispatch that it names, its slots, and its wait. */
export type Row = {
  id: string;
  state: string;
  attempt: number;
  dispatch_id: string | null;
  has_job: boolean;
  slots: { key: Key; runner_id: number; task_id: string; dispatch_id: string }[];
  waits_for: Key | null;
  is_called: boolean;
};

/** The parts of the driver that this needs. */
export type Parts = {
  pool: Pool;
  model: Model;
  runners: [number, number];
  watcher: number;
  rowOf: (task: ModelTask) => Row;
  readRows: () => Promise<Map<string, Row>>;
  outcomeOf: (task: ModelTask, how: 'succeeded' | 'failed' | 'interrupted') => Outcome;
  record: (runner: number, outcomes: Outcome[]) => Promise<unknown>;
  /** An attempt of a runner that was lost while it ran. */
  isLate: (outcome: Outcome, runner: number) => void;
  register: () => Promise<number>;
};

/**
 * Runners take and end attempts, operators cancel tasks, and a runner is lost, all at once. Which statement is
 * first is open. So the ledger says what came out, and this judges whether it can: each attempt has all its
 * slots or none, for one dispatch in one live runner; a task that was cancelled starts nowhere else.
 */
export async function doTogether(action: Together, parts: Parts): Promise<void> {
  const { pool, model, runners, rowOf } = parts;
  const taking = pickFrom(model.tasks.filter(({ state }) => state.is === 'announced'));
  const ending = pickFrom(model.tasks.filter(({ state }) => state.is === 'running'));
  const open = pickFrom(
    model.tasks.filter((task) => task.state.is !== 'ended' && rowOf(task).state !== 'cancelled'),
  );
  const batches = action.takes.map(taking);
  const ends = ending(action.ends);
  const cancels = open(action.cancels);
  const running = model.tasks.filter(({ state }) => state.is === 'running');
  const lost = action.loses === null ? null : runners[action.loses];
  for (const task of running)
    if (runnerOf(task) === lost && lost !== null) parts.isLate(parts.outcomeOf(task, 'succeeded'), lost);

  const works: Promise<unknown>[] = [
    ...batches.map(async (batch, index) => {
      if (batch.length === 0) return;
      const runner = runners[index % 2] ?? 0;
      const { live } = await takeSlots(
        pool,
        runner,
        batch.map((task) => startingOf(task, rowOf(task))),
      );
      if (!live) expect(runner).toBe(lost);
    }),
    ...runners.map(async (runner) => {
      const own = ends.filter((task) => runnerOf(task) === runner);
      if (own.length > 0)
        await parts.record(
          runner,
          own.map((task) => parts.outcomeOf(task, action.how)),
        );
    }),
    ...cancels.map(({ id }) => cancelTask(pool, id)),
  ];
  if (lost !== null) works.push(recover(pool, lost, parts.watcher));
  const before = new Map(running.map((task) => [task.id, task]));
  await Promise.all(works);
  if (action.loses !== null) runners[action.loses] = await parts.register();

  const rows = await parts.readRows();
  for (const task of model.tasks) {
    const row = rows.get(task.id);
    if (row === undefined || task.state.is === 'ended') continue;
    const holders = new Set(row.slots.map(({ runner_id, dispatch_id }) => `${runner_id} ${dispatch_id}`));
    expect(holders.size).toBeLessThanOrEqual(1);
    const [slot] = row.slots;
    if (slot !== undefined) {
      expect(runners).toContain(slot.runner_id);
      expect(slot.runner_id).not.toBe(lost);
      const slots = task.keys.filter((key) => model.limits.has(limitOf(key)));
      const had = before.get(task.id)?.state;
      task.state =
        had?.is === 'running' && had.runner === slot.runner_id
          ? had
          : { is: 'running', runner: slot.runner_id, slots };
      task.called = null;
      continue;
    }
    const isOver = ['succeeded', 'failed', 'cancelled'].includes(row.state);
    // An attempt without limits that are registered has no slots, and only its end tells that it ran.
    const isFree = task.state.is === 'running' && task.state.slots.length === 0 && !ends.includes(task);
    if (isFree && runnerOf(task) !== lost) continue;
    task.state = isOver ? { is: 'ended' } : { is: 'announced' };
    task.called = null;
  }
  for (const { id } of cancels) expect(['cancelled', 'succeeded']).toContain(rows.get(id)?.state);
}

async function recover(pool: Pool, runner: number, watcher: number): Promise<void> {
  await pool.query(`update errand.runners set heartbeat_at = now() - interval '1 day' where id = $1`, [
    runner,
  ]);
  // It passes over a runner that takes or records at this moment.
  const { lost } = await until(`runner ${runner} is recovered`, () => recoverLostRunners(pool, watcher));
  expect(lost.map(({ id }) => id)).toEqual([runner]);
}

function runnerOf({ state }: ModelTask): number | null {
  return state.is === 'running' ? state.runner : null;
}

function startingOf(task: ModelTask, row: Row): Parameters<typeof takeSlots>[2][number] {
  const keys = task.keys.map((key): [string, string] => [limitOf(key), key.slice(limitOf(key).length + 1)]);
  return { id: task.id, dispatchId: row.dispatch_id ?? '', keys };
}

/** Gives some of these tasks, and none of them twice. */
function pickFrom(tasks: readonly ModelTask[]): (picks: readonly number[]) => ModelTask[] {
  const left = [...tasks];
  return (picks) => picks.flatMap((pick) => left.splice(pick % Math.max(left.length, 1), 1));
}
