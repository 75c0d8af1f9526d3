import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { TaskDefinition } from '../core/task.ts';
import { judgeTaskPayload } from '../core/task_payload.ts';
import { isNewer } from '../core/version.ts';
import type { Database } from '../store/pool.ts';
import { FIRST_ID } from '../store/reconcile.ts';
import { readWaiting, readWaitingParts, type WaitingPart, type WaitingTask } from '../store/waiting.ts';
import { messageOf } from './start.ts';

/** As many tasks of a name are looked at, … */
export const MAX_LOOKED_AT = 2_000;
/** … so many at a time: between them others have their turn. */
const BATCH = 100;
/** Tasks that are told by their ids. */
const NAMED = 5;
/** A look is good for so long. */
const KEEP_MS = 30_000;

/** Tasks of a name that have not ended, held against a definition; as the wire has it. */
export type Waiting = {
  /** How many were looked at. */
  looked_at: number;
  /** Whether there may be more: 2,000 of a name are looked at, and none whose payload is stored in more than 64 KiB. */
  is_bounded: boolean;
  /** How many of them the definition does not accept: they will fail when they start. */
  misfits: number;
  /** The ids of the first of these. */
  misfit_ids: string[];
  /** How many are newer than the definition, and were not held against it. */
  newer: number;
  /** By Postgres's clock. */
  checked_at: string;
};

/** What was found, by name, of the names of which there are tasks. */
export type Found = { checkedAt: string; byName: ReadonlyMap<string, Waiting> };

/**
 * Holds tasks that have not ended against these definitions, steps included, and gives what it found. It is what to ask before a deployment: which tasks would not parse. Bounded, and in turns, so that a process may
 * do it beside its work. Stops between two batches when `stopping` is aborted. Throws what Postgres does.
 */
export async function checkWaiting(
  database: Database,
  definitions: readonly TaskDefinition[],
  stopping?: AbortSignal,
): Promise<Found> {
  const known = new Map(definitions.flatMap(withSteps).map((definition) => [definition.name, definition]));
  const { now, parts } = await readWaitingParts(database, [...known.keys()]);
  const found = new Map<string, Waiting>();
  for (const part of parts) {
    const definition = known.get(part.name);
    if (definition === undefined || stopping?.aborted === true) continue;
    const waiting = found.get(part.name) ?? nothing(now);
    found.set(part.name, waiting);
    await checkPart(database, { part, definition, waiting, stopping });
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
};

async function checkPart(database: Database, { part, definition, waiting, stopping }: Look): Promise<void> {
  let after = FIRST_ID;
  while (stopping?.aborted !== true) {
    const left = MAX_LOOKED_AT - waiting.looked_at;
    // One more than is looked at tells whether there are more.
    const tasks = await readWaiting(database, part, after, Math.min(BATCH, left + 1));
    for (const task of tasks.slice(0, left)) await checkTask(definition, task, waiting);
    if (tasks.length > left) waiting.is_bounded = true;
    if (tasks.length < BATCH || tasks.length > left) return;
    after = tasks.at(-1)?.id ?? after;
    await nextTurn();
  }
}

async function checkTask(definition: TaskDefinition, task: WaitingTask, waiting: Waiting): Promise<void> {
  waiting.looked_at++;
  if (isNewer(task.version, definition.version)) {
    waiting.newer++;
    return;
  }
  if (task.isLarge) {
    waiting.is_bounded = true;
    return;
  }
  if ((await judgeTaskPayload(definition, task, '/payload')).ok) return;
  waiting.misfits++;
  if (waiting.misfit_ids.length < NAMED) waiting.misfit_ids.push(task.id);
}

/** What a process knows of the tasks that wait for its definitions. */
export type WaitingTasks = {
  /** What the last look found of a name; null before the first one, and of a name without a definition here. */
  of(name: string): Waiting | null;
  /** Looks again, if the last look was a while ago. Waits for nothing and never throws. */
  refresh(): void;
  /** The same, and logs what was found. For the start. */
  report(): Promise<void>;
};

/** Looks at what waits when it is asked to, one look at a time, and keeps what it found. */
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
        log.warn({ reason: messageOf(error) }, 'could not look whether what waits fits its definitions');
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
      for (const [name, waiting] of last?.byName ?? []) tell(log, name, waiting);
    },
  };
}

function tell(log: Logger, name: string, { checked_at: _, ...waiting }: Waiting): void {
  if (waiting.misfits > 0)
    log.warn({ task_name: name, ...waiting }, 'tasks wait that do not fit their definition: they will fail');
  if (waiting.newer > 0)
    log.warn({ task_name: name, newer: waiting.newer }, 'tasks wait for a runner with a newer definition');
}
