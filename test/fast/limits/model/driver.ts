import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { expect } from 'vitest';
import type { ErrorRecord } from '../../../../core/errors.ts';
import { requeue } from '../../../../store/attempts/dispatches.ts';
import { type Offer, readHeld } from '../../../../store/attempts/hand_off.ts';
import { type Outcome, type Recorded, recordOutcomes } from '../../../../store/attempts/outcomes.ts';
import { recoverLostRunners } from '../../../../store/attempts/recovery.ts';
import { registerRunner } from '../../../../store/attempts/runners.ts';
import { isPlainSuccess, recordSuccesses } from '../../../../store/attempts/successes.ts';
import { FIRST_KEY, freeSlotsOfEnded, repairLimits } from '../../../../store/limits/repair.ts';
import { type Starting, takeSlots } from '../../../../store/limits/slots.ts';
import { cancelTask } from '../../../support/operator.ts';
import { submit } from '../../../support/tasks.ts';
import {
  called,
  type Key,
  keysOf,
  limitOf,
  lostWakeUps,
  type Model,
  type ModelTask,
  mayStart,
  mustStart,
  room,
} from './model.ts';
import { readRows } from './rows.ts';
import type { Action } from './schedule.ts';
import { doTogether, type Row } from './together.ts';

const NAMES = ['limit.a', 'limit.b', 'limit.c'];
/** Its tasks need one slot of a limit with keys, so they may be handed off. */
const HANDED_OFF = 'limit.c';
const LIMITS = ['limit.pool', 'limit.key', 'limit.other'];
/** The kinds of tasks: a name and the keys of its rules, in the order of rules. */
const KINDS: { name: string; keys: Key[] }[] = [
  { name: 'limit.a', keys: ['limit.pool/'] },
  { name: 'limit.a', keys: ['limit.key/x'] },
  { name: 'limit.b', keys: ['limit.pool/', 'limit.key/x'] },
  { name: 'limit.b', keys: ['limit.pool/', 'limit.key/y'] },
  { name: 'limit.a', keys: ['limit.other/', 'limit.pool/', 'limit.key/y'] },
  { name: 'limit.b', keys: ['limit.other/'] },
  { name: HANDED_OFF, keys: ['limit.key/x'] },
  { name: HANDED_OFF, keys: ['limit.key/y'] },
];
const FAILURE: ErrorRecord = {
  error_type: 'E',
  message: '',
  error_code: null,
  retryable: true,
  metadata: null,
  stack: null,
};

export type Drive = { act(action: Action): Promise<void>; open(): ModelTask[]; calm(): Promise<void> };

/** A ledger without tasks, two runners, one that watches them, and the model of it. */
export async function startDrive(pool: Pool): Promise<Drive> {
  await pool.query(
    `delete from errand_worker._private_jobs; delete from errand.tasks; delete from errand.limit_slots;
     delete from errand.limit_waits; delete from errand.limit_turns; delete from errand.limits; delete from errand.pauses`,
  );
  const model: Model = {
    limits: new Map(LIMITS.map((name, index) => [name, index === 0 ? 2 : 1])),
    paused: new Set(),
    tasks: [],
  };
  for (const [name, slots] of model.limits) await setLimit(pool, name, slots);
  const runners: [number, number] = [await register(pool), await register(pool)];
  const watcher = await register(pool);
  await pool.query(`update errand.runners set steady_since = now() - interval '1 day' where id = $1`, [
    watcher,
  ]);
  let rows = new Map<string, Row>();
  /** Who has the slot that an attempt, by its task and dispatch, took and handed off. */
  const passed = new Map<string, string>();
  /** Attempts of runners that were lost while they ran. */
  const late: { outcome: Outcome; runner: number }[] = [];
  const inState = (is: ModelTask['state']['is']) => model.tasks.filter(({ state }) => state.is === is);
  const rowOf = (task: ModelTask): Row => rows.get(task.id) as Row;

  /** Reads the ledger into the model, and holds what it shows against what was true before. */
  async function check(before?: (task: ModelTask, row: Row) => void): Promise<void> {
    rows = await readRows(pool, passed);
    for (const task of model.tasks) {
      const row = rowOf(task);
      before?.(task, row);
      if (task.state.is === 'running') {
        const { runner, slots } = task.state;
        expect(
          row.slots
            .filter(({ runner_id }) => runner_id === runner)
            .map(({ key }) => key)
            .sort(),
        ).toEqual([...slots].sort());
        expect(row.slots).toHaveLength(slots.length);
        continue;
      }
      expect(row.slots).toEqual([]);
      if (task.state.is === 'ended') {
        expect(row.waits_for).toBeNull();
        continue;
      }
      task.called = row.is_called ? row.waits_for : null;
      task.state =
        row.waits_for === null || row.is_called ? { is: 'announced' } : { is: 'waiting', for: row.waits_for };
      // A task that waits has no dispatch, and every other one has.
      expect(row.has_job).toBe(task.state.is === 'announced');
      if (row.waits_for !== null) expect(task.keys).toContain(row.waits_for);
    }
  }

  async function take(picks: number[][], rollsBack: boolean): Promise<void> {
    const left = inState('announced');
    const batches = picks.map((batch) =>
      batch.flatMap((pick) => left.splice(pick % Math.max(left.length, 1), 1)),
    );
    const single = batches.flat().length === 1 ? batches.flat()[0] : undefined;
    const must = single !== undefined && mustStart(model, single);
    const roomBefore = new Map(model.tasks.flatMap(({ keys }) => keys).map((key) => [key, room(model, key)]));
    const may = new Set(batches.flat().filter((task) => mayStart(model, task)));
    const results = await Promise.all(
      batches.map(async (batch, index) => {
        const runner = runners[index % 2] ?? 0;
        const starting = batch.map((task): Starting => {
          const keys = task.keys.map((key): [string, string] => [
            limitOf(key),
            key.slice(limitOf(key).length + 1),
          ]);
          return { id: task.id, dispatchId: rowOf(task).dispatch_id ?? '', keys };
        });
        if (batch.length === 0) return [];
        if (rollsBack) await rolledBack(pool, runner, starting);
        const first = await takeSlots(pool, runner, starting);
        expect(first.live).toBe(true);
        // An answer that was lost: the same again gives the same, and whoever waits is not asked any more.
        const again = await takeSlots(pool, runner, starting);
        expect(again.took.map((one) => one === 'taken')).toEqual(first.took.map((one) => one === 'taken'));
        return batch.map((task, at) => ({ task, runner, took: first.took[at] }));
      }),
    );
    for (const { task, runner, took } of results.flat()) {
      if (took !== 'taken') {
        expect(took).toBe('waits');
        continue;
      }
      expect(may.has(task)).toBe(true);
      for (const key of task.keys) {
        const now = (roomBefore.get(key) ?? 0) - 1;
        expect(now).toBeGreaterThanOrEqual(0);
        roomBefore.set(key, now);
      }
      task.state = {
        is: 'running',
        runner,
        slots: task.keys.filter((key) => model.limits.has(limitOf(key))),
      };
      task.called = null;
    }
    if (single !== undefined && must) expect(single.state.is).toBe('running');
    await check();
  }

  async function end({ picks, how, twice, room: most }: Extract<Action, { do: 'end' }>): Promise<void> {
    const offer: Offer = { names: [], room: 0, limited: { names: [HANDED_OFF], room: most } };
    const handedOff: { runner: number; recorded: Recorded }[] = [];
    const left = inState('running');
    const ending = picks.flatMap((pick) => left.splice(pick % Math.max(left.length, 1), 1));
    await Promise.all(
      runners.map(async (runner) => {
        const own = ending.filter(({ state }) => state.is === 'running' && state.runner === runner);
        const outcomes = own.map((task) => outcomeOf(task, rowOf(task), how));
        if (outcomes.length === 0) return;
        let recorded = await record(pool, runner, outcomes, offer);
        // The first answer was lost: the runner does not know what it holds, and finds it.
        if (twice) {
          recorded = await record(pool, runner, outcomes, offer);
          await dispatchUnknown(runner, recorded);
        }
        handedOff.push({ runner, recorded });
      }),
    );
    for (const task of ending)
      task.state =
        how === 'succeeded' || rowOf(task).state === 'cancelled' ? { is: 'ended' } : { is: 'announced' };
    for (const { runner, recorded } of handedOff)
      for (const { id, slots } of recorded.held ?? []) startHeld(id, runner, slots);
    await check();
  }

  /** A task that waited has the slot of an attempt that has ended. */
  function startHeld(
    id: string,
    runner: number,
    slots: { id: string; dispatchId: string } | undefined,
  ): void {
    const task = model.tasks.find((one) => one.id === id);
    if (task === undefined || slots === undefined) throw new Error(`${id} was handed off without a slot`);
    const [key] = task.keys;
    expect(task).toMatchObject({ name: HANDED_OFF, state: { is: 'waiting', for: key } });
    expect(model.paused.has(task.name)).toBe(false);
    expect(mayStart(model, task)).toBe(true);
    passed.set(`${slots.id} ${slots.dispatchId}`, id);
    task.state = { is: 'running', runner, slots: [...task.keys] };
    task.called = null;
  }

  async function dispatchUnknown(runner: number, { held = [] }: Recorded): Promise<void> {
    const known = new Set([...held.map(({ id }) => id), ...inState('running').map(({ id }) => id)]);
    for (const { id, dispatchId } of await readHeld(pool, runner))
      if (!known.has(id))
        await requeue(pool, runner, { key: dispatchId, tasks: [{ id, dispatchId: randomUUID() }] });
  }

  async function lose(which: 0 | 1): Promise<void> {
    const runner = runners[which];
    const lost = inState('running').filter(({ state }) => state.is === 'running' && state.runner === runner);
    for (const task of lost) late.push({ outcome: outcomeOf(task, rowOf(task), 'succeeded'), runner });
    await pool.query(`update errand.runners set heartbeat_at = now() - interval '1 day' where id = $1`, [
      runner,
    ]);
    const recovery = await recoverLostRunners(pool, watcher);
    expect(recovery?.lost.map(({ id }) => id)).toEqual([runner]);
    runners[which] = await register(pool);
    // Short attempts are not shown as running, and their dispatches are fetched again.
    for (const task of lost)
      task.state = rowOf(task).state === 'cancelled' ? { is: 'ended' } : { is: 'announced' };
    await check();
  }

  async function act(action: Action): Promise<void> {
    switch (action.do) {
      case 'submit': {
        const kinds = action.kinds.map((kind) => KINDS[kind % KINDS.length] as (typeof KINDS)[number]);
        const tasks = await submit(pool, ...kinds.map(({ name }) => ({ name, payload: {} })));
        for (const [at, { id }] of tasks.entries()) {
          model.tasks.push({
            id,
            ...(kinds[at] as (typeof KINDS)[number]),
            state: { is: 'announced' },
            called: null,
          });
        }
        return check();
      }
      case 'take':
        return take(action.picks, action.rollsBack);
      case 'end':
        return end(action);
      case 'late': {
        const one = late[action.pick % Math.max(late.length, 1)];
        if (one !== undefined) expect((await record(pool, one.runner, [one.outcome])).fenced).toBe(true);
        return check();
      }
      case 'cancel': {
        const tasks = model.tasks.filter(
          ({ state, id }) => state.is !== 'ended' && rows.get(id)?.state !== 'cancelled',
        );
        const task = tasks[action.pick % Math.max(tasks.length, 1)];
        if (task === undefined) return;
        expect((await cancelTask(pool, task.id))?.state).toBe('cancelled');
        // One that runs keeps its slots until its runner says that it has ended.
        if (task.state.is !== 'running') task.state = { is: 'ended' };
        task.called = null;
        return check();
      }
      case 'lose':
        return lose(action.runner);
      case 'limit': {
        const name = LIMITS[action.which % LIMITS.length] as string;
        if (action.slots === null) model.limits.delete(name);
        else model.limits.set(name, action.slots);
        await setLimit(pool, name, action.slots);
        return repair();
      }
      case 'pause': {
        const name = NAMES[action.name] as string;
        if (model.paused.delete(name))
          await pool.query('delete from errand.pauses where target = $1', [name]);
        else {
          model.paused.add(name);
          await pool.query(`insert into errand.pauses (target, actor) values ($1, 'test')`, [name]);
        }
        return repair();
      }
      case 'clock':
        await pool.query(`update errand.limit_waits set called_at = called_at + make_interval(secs => $1)`, [
          action.seconds,
        ]);
        return check();
      case 'repair':
        return repair();
      case 'together':
        await doTogether(action, {
          ...{ pool, model, runners, watcher, rowOf },
          readRows: () => readRows(pool, passed),
          outcomeOf: (task, how) => outcomeOf(task, rowOf(task), how),
          record: (runner, outcomes) => record(pool, runner, outcomes),
          isLate: (outcome, runner) => late.push({ outcome, runner }),
          register: () => register(pool),
        });
        return check();
    }
  }

  async function repair(): Promise<void> {
    await freeSlotsOfEnded(pool);
    await repairLimits(pool, FIRST_KEY);
    await check();
  }

  return {
    async act(action) {
      const before = new Map(keysOf(model).map((key) => [key, called(model, key)]));
      await act(action);
      // A call that is over keeps nothing, and its name is left out: only then a wake-up may wait.
      const { rows: over } = await pool.query(
        `select from errand.limit_waits where called_at < clock_timestamp() - errand.limit_call_time() limit 1`,
      );
      if (over.length > 0) return;
      expect(lostWakeUps(model)).toEqual([]);
      // One task is called for a slot that another takes at once, which was called before it for another key.
      if (action.do === 'together') return;
      // Nobody is called who would find no room, unless the limit is smaller now.
      for (const key of keysOf(model))
        expect(called(model, key)).toBeLessThanOrEqual(Math.max(room(model, key), before.get(key) ?? 0));
    },
    open: () => model.tasks.filter(({ state }) => state.is !== 'ended'),
    async calm() {
      model.paused.clear();
      await pool.query('delete from errand.pauses');
      await repair();
    },
  };
}

function register(pool: Pool): Promise<number> {
  return registerRunner(pool, {
    ...{ host: 'test', pid: 1, version: 'test', taskNames: [], concurrency: 1, leaseSecs: 3_600 },
  });
}

function setLimit(pool: Pool, name: string, slots: number | null): Promise<unknown> {
  if (slots === null) return pool.query('delete from errand.limits where name = $1', [name]);
  return pool.query(
    'insert into errand.limits (name, declared_slots) values ($1, $2) on conflict (name) do update set declared_slots = excluded.declared_slots',
    [name, slots],
  );
}

async function rolledBack(pool: Pool, runner: number, starting: Starting[]): Promise<void> {
  const client = await pool.connect();
  await client.query('begin');
  await takeSlots(client, runner, starting);
  await client.query('rollback');
  client.release();
}

function record(pool: Pool, runner: number, outcomes: Outcome[], offer?: Offer): Promise<Recorded> {
  return outcomes.every(isPlainSuccess)
    ? recordSuccesses(pool, runner, outcomes, offer)
    : recordOutcomes(pool, runner, outcomes, offer);
}

function outcomeOf({ id, name }: ModelTask, row: Row, how: 'succeeded' | 'failed' | 'interrupted'): Outcome {
  // A task that was cancelled names no dispatch any more; its slots do.
  const [slot] = row.slots;
  const isPassed = slot !== undefined && slot.task_id !== id;
  const dispatchId = (isPassed ? row.dispatch_id : slot?.dispatch_id) ?? row.dispatch_id ?? randomUUID();
  const of = {
    ...(isPassed ? { slots: { id: slot.task_id, dispatchId: slot.dispatch_id, keys: '' } } : {}),
    ...{ id, name, dispatchId, priority: 0, attempt: row.attempt, durationMs: 1, parentId: null },
    ...{ hasChildren: false, lines: [], progress: null, hasSlots: true },
  };
  if (how === 'succeeded') return { ...of, kind: 'succeeded', result: null };
  return how === 'failed'
    ? { ...of, kind: 'failed', error: FAILURE, retryInMs: 0 }
    : { ...of, kind: 'interrupted', error: FAILURE };
}
