import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Logger } from 'pino';
import { isNewer } from '../core/definitions/version.ts';
import type { Detail } from '../core/errors.ts';
import { judgeTaskPayload } from '../core/payload.ts';
import type { TaskDefinition } from '../core/task.ts';
import { FIRST_ID } from '../store/attempts/reconcile.ts';
import type { Database } from '../store/database/pool.ts';
import { readWaiting, readWaitingParts, type WaitingPart, type WaitingTask } from '../store/tasks/waiting.ts';
import { messageOf } from './start.ts';

/** The maximum number of checked tasks per name. */
export const MAX_LOOKED_AT = 2_000;
/** The number of tasks that are checked without a break. Between batches, other work gets a turn. */
const BATCH = 100;
/** The maximum number of ids that are reported. */
const NAMED = 5;
/** How long a result is kept, in milliseconds. */
const KEEP_MS = 30_000;

/** The tasks of a name that have not finished, checked against a definition; in the form of the API. */
export type Waiting = {
  /** The number of checked tasks. */
  looked_at: number;
  /**
   * Whether unchecked tasks may exist: at most 2,000 per name are checked, and none whose stored payload has
   * more than 64 KiB.
   */
  is_bounded: boolean;
  /** How many of them the definition does not accept. They will fail when they start. */
  misfits: number;
  /** The first ids of these. */
  misfit_ids: string[];
  /** How many are newer than the definition, and were not checked. */
  newer: number;
  /** By the clock of Postgres. */
  checked_at: string;
};

/** Called for each task that its definition does not accept, with the reasons. */
export type OnMisfit = (name: string, id: string, details: readonly Detail[]) => void;

/** The results by name, for names that have tasks. */
export type Found = { checkedAt: string; byName: ReadonlyMap<string, Waiting> };

/**
 * Checks tasks that have not finished against these definitions and their steps. Run it before a deployment
 * to see which tasks would fail. It is bounded and runs in batches, so a process may run it beside its work.
 * It stops between two batches when `stopping` is aborted. Throws errors of Postgres.
 */
export async function checkWaiting(
  database: Database,
  definitions: readonly TaskDefinition[],
  stopping?: AbortSignal,
  onMisfit?: OnMisfit,
): Promise<Found> {
  const known = new Map(definitions.flatMap(withSteps).map((definition) => [definition.name, definition]));
  const { now, parts } = await readWaitingParts(database, [...known.keys()]);
  const found = new Map<string, Waiting>();
  for (const part of parts) {
    const definition = known.get(part.name);
    if (definition === undefined || stopping?.aborted === true) continue;
    const waiting = found.get(part.name) ?? nothing(now);
    found.set(part.name, waiting);
    await checkPart(database, { part, definition, waiting, stopping, onMisfit });
  }
  return { checkedAt: now, byName: found };
}

function nothing(now: string): Waiting {
  return { looked_at: 0, is_bounded: false, misfits: 0, misfit_ids: [], newer: 0, checked_at: now };
}

function withSteps(definition: TaskDefinition): TaskDefinition[] {
  return [definition, ...(definition.graph?.steps ?? []).map((step) => step.definition)];
}

type Look = {
  part: WaitingPart;
  definition: TaskDefinition;
  waiting: Waiting;
  stopping: AbortSignal | undefined;
  onMisfit: OnMisfit | undefined;
};

async function checkPart(database: Database, look: Look): Promise<void> {
  const { part, waiting, stopping } = look;
  let after = FIRST_ID;
  while (stopping?.aborted !== true) {
    const left = MAX_LOOKED_AT - waiting.looked_at;
    // One extra task shows whether there are more.
    const tasks = await readWaiting(database, part, after, Math.min(BATCH, left + 1));
    for (const task of tasks.slice(0, left)) await checkTask(look, task);
    if (tasks.length > left) waiting.is_bounded = true;
    if (tasks.length < BATCH || tasks.length > left) return;
    after = tasks.at(-1)?.id ?? after;
    await nextTurn();
  }
}

async function checkTask({ definition, waiting, onMisfit }: Look, task: WaitingTask): Promise<void> {
  waiting.looked_at++;
  if (isNewer(task.version, definition.version)) {
    waiting.newer++;
    return;
  }
  if (task.isLarge) {
    waiting.is_bounded = true;
    return;
  }
  const verdict = await judgeTaskPayload(definition, task, '/payload');
  if (verdict.ok) return;
  onMisfit?.(definition.name, task.id, verdict.details);
  waiting.misfits++;
  if (waiting.misfit_ids.length < NAMED) waiting.misfit_ids.push(task.id);
}

/** The state of the tasks that wait for the definitions of a process. */
export type WaitingTasks = {
  /**
   * The last result for a name. Null before the first one, and for a name without a definition in this
   * process.
   */
  of(name: string): Waiting | null;
  /** Starts a new check if the last one is old. Does not wait and never throws. */
  refresh(): void;
  /** Starts a check, waits for it and logs the result. For the start of a process. */
  report(): Promise<void>;
};

/** Checks waiting tasks on demand, one check at a time, and keeps the result. */
export function watchWaiting(options: {
  database: Database;
  definitions: readonly TaskDefinition[];
  log: Logger;
  stopping: AbortSignal;
}): WaitingTasks {
  const { database, definitions, log, stopping } = options;
  const names = new Set(definitions.flatMap(withSteps).map(({ name }) => name));
  let last: (Found & { at: number }) | null = null;
  let current: Promise<void> | null = null;

  async function look(): Promise<void> {
    try {
      const found = await checkWaiting(database, definitions, stopping);
      if (!stopping.aborted) last = { ...found, at: performance.now() };
    } catch (error) {
      if (!stopping.aborted)
        log.warn({ reason: messageOf(error) }, 'could not check the waiting tasks against their definitions');
    } finally {
      current = null;
    }
  }

  return {
    of: (name) =>
      last === null || !names.has(name) ? null : (last.byName.get(name) ?? nothing(last.checkedAt)),
    refresh() {
      if (last === null || performance.now() - last.at > KEEP_MS) current ??= look();
    },
    async report() {
      current ??= look();
      await current;
      for (const [name, waiting] of last?.byName ?? []) report(log, name, waiting);
    },
  };
}

function report(log: Logger, name: string, { checked_at: _, ...waiting }: Waiting): void {
  if (waiting.misfits > 0)
    log.warn({ task_name: name, ...waiting }, 'waiting tasks do not fit their definition: they will fail');
  if (waiting.newer > 0)
    log.warn(
      { task_name: name, newer: waiting.newer },
      'tasks are waiting for a runner with a newer definition',
    );
}
