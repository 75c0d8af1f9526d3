import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { batchKey } from '../../core/batch_handler.ts';
import { parseTaskPayload } from '../../core/payload.ts';
import type { TaskDefinition } from '../../core/task.ts';
import { type DueAttempt, readPayload } from '../../store/attempts/load.ts';
import { untilBack } from '../record/retry_until_available.ts';
import type { Seat } from './attempt.ts';
import { type Batch, openBatch } from './batch.ts';
import type { RegisteredHandler } from './execute.ts';
import type { Slots, WaitBudget } from './slots.ts';

/** The attempts of one name, version and key: those that may share a batch. */
export type Group = {
  /** Takes a seat in the open batch, or opens one in a slot that is free now. */
  tryJoin(): Seat | null;
  /**
   * Waits for a seat: until another attempt opens a batch, or a slot is free. Gives null if the wait budget
   * is over first.
   */
  join(waitBudget: WaitBudget): Promise<Seat | null>;
};

/** The batches of a runner. Each holds one slot, from its first seat until each of its attempts has left. */
export type Batches = {
  /** Whether the handler of a name gets several tasks at a time. */
  isBatched(name: string): boolean;
  /** Whether a batch waits for more attempts. */
  isOpen(): boolean;
  /**
   * The group of an attempt; null if it must be a batch of one: it may have killed its runner before, it
   * fails before its handler is called, or its time limit is shorter than the wait for others.
   */
  groupOf(attempt: DueAttempt): Promise<Group | null>;
};

export type BatchesOptions = {
  pgPool: Pool;
  log: Logger;
  registeredHandlers: ReadonlyMap<string, RegisteredHandler>;
  slots: Slots;
  /** Aborted when the runner stops: batches that wait for more start at once. */
  stopping: AbortSignal;
};

/** Brings the attempts of names with batch handlers together. */
export function createBatches(options: BatchesOptions): Batches {
  const { pgPool, log, registeredHandlers, stopping } = options;
  const groups = new Map<string, Group>();
  const open = new Set<Batch>();
  const closeAll = (): void => {
    for (const batch of open) batch.close();
  };
  // Not at once: a runner that has lost its lease aborts its attempts in this turn, and they must not start.
  stopping.addEventListener('abort', () => queueMicrotask(closeAll));

  async function keyOf({ definition }: RegisteredHandler, attempt: DueAttempt): Promise<string | null> {
    if (definition.batch?.key === undefined) return '';
    const payload =
      attempt.payload ?? (await untilBack(log, 'reading a payload', () => readPayload(pgPool, attempt.id)));
    try {
      const parsed = await parseTaskPayload(definition, { ...attempt, payload }, '/payload');
      return parsed.ok ? batchKey(definition, parsed.value) : null;
    } catch {
      // Its attempt fails with the same error.
      return null;
    }
  }

  return {
    isBatched: (name) => registeredHandlers.get(name)?.callMany !== undefined,
    isOpen: () => open.size > 0,
    async groupOf(attempt) {
      const registered = registeredHandlers.get(attempt.name);
      if (registered === undefined || attempt.isSuspect || isTooShort(registered, attempt)) return null;
      const key = await keyOf(registered, attempt);
      if (key === null) return null;
      const id = `${attempt.name} ${attempt.version} ${key}`;
      const group = groups.get(id) ?? createGroup(registered, options, open, () => groups.delete(id));
      groups.set(id, group);
      return group;
    },
  };
}

/** Whether the time limit of its submission would be over while it waits for others. */
function isTooShort({ definition }: RegisteredHandler, { timeoutMs }: DueAttempt): boolean {
  return typeof timeoutMs === 'number' && timeoutMs <= (definition.batch?.waitMs ?? 0);
}

function createGroup(
  { definition, callMany }: RegisteredHandler,
  { slots }: BatchesOptions,
  open: Set<Batch>,
  onUnused: () => void,
): Group {
  const { waitMs = 0 } = definition.batch ?? {};
  const size = seatsOf(definition);
  let current: Batch | null = null;
  /** Ends the wait of an attempt for a slot. */
  const waiting = new Set<() => void>();

  /** Opens a batch in a slot that was taken for it, and gives its first seat. */
  function openInSlot(): Seat | null {
    const opened = openBatch({
      ...{ size, waitMs, call: (members) => callMany?.(members) },
      onClosed() {
        open.delete(opened);
        if (current === opened) current = null;
        if (waiting.size === 0) onUnused();
      },
      onEmpty: slots.release,
    });
    open.add(opened);
    current = opened;
    const seat = opened.tryJoin();
    for (const end of [...waiting].slice(0, size - 1)) end();
    slots.letContinue(size - 1);
    return seat;
  }

  return {
    tryJoin: () => current?.tryJoin() ?? (slots.tryTake() ? openInSlot() : null),
    async join(waitBudget) {
      while (!waitBudget.isOver()) {
        const seat = current?.tryJoin();
        if (seat) return seat;
        const wait = endable(waitBudget);
        waiting.add(wait.end);
        const hasSlot = await slots.take(wait);
        waiting.delete(wait.end);
        if (!hasSlot) continue;
        const other = current?.tryJoin();
        if (!other) return openInSlot();
        slots.release();
        return other;
      }
      if (current === null && waiting.size === 0) onUnused();
      return null;
    },
  };
}

/**
 * How many attempts one batch has at most. A limit without a key that is below the size bounds it, because a
 * batch would wait in vain for attempts that wait for this batch.
 */
function seatsOf({ batch, policy }: TaskDefinition): number {
  const limits = (policy.concurrency ?? []).filter(({ isKeyed }) => !isKeyed).map(({ limit }) => limit);
  return Math.min(batch?.size ?? 1, ...limits);
}

/** A wait within this budget that can end before it. */
function endable(waitBudget: WaitBudget): WaitBudget & { end(): void } {
  let isEnded = false;
  let giveUp: (() => void) | null = null;
  return {
    isOver: () => isEnded || waitBudget.isOver(),
    onOver(next) {
      giveUp = next;
      waitBudget.onOver(next);
    },
    close() {},
    end() {
      isEnded = true;
      giveUp?.();
    },
  };
}
