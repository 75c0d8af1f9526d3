import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { repeat } from '../../core/concurrency/repeat.ts';
import { DISPATCH_MS } from '../../core/dispatches.ts';
import { messageOf } from '../../process/start.ts';
import type { Unstarted } from '../../store/attempts/dispatches.ts';
import type { Held, Offer } from '../../store/attempts/hand_off.ts';
import type { DueAttempt } from '../../store/attempts/load.ts';
import type { Outcome, Recorded } from '../../store/attempts/outcomes.ts';
import type { RegisteredHandler } from '../execute/execute.ts';
import type { Pace } from '../execute/pace.ts';
import type { Slots } from '../execute/slots.ts';
import { LeaseLost } from '../record/write_outcomes.ts';

/**
 * How often the runner looks whether it holds a task that it does not know of. It also looks after an outcome
 * that did not count, because an earlier statement, whose answer was lost, may have recorded it.
 */
const LOOK_EVERY_MS = 5_000;

export type HandOffOptions = {
  registeredHandlers: ReadonlyMap<string, RegisteredHandler>;
  slots: Pick<Slots, 'free'>;
  /** The names that need one slot of a limit with keys, and no other. */
  limited: readonly string[];
  /** How long attempts of a name take, if that is known. */
  pace: Pick<Pace, 'of'>;
  /** Whether no attempt of a name may start now. */
  isHeldBack: (name: string) => boolean;
  /** Works through a task that was handed off, as through a dispatch. */
  work: (due: DueAttempt) => Promise<void>;
  /** Reads the tasks that this runner holds by the ledger. */
  readHeld: () => Promise<Held[]>;
  requeue: (unstarted: Unstarted) => Promise<void>;
  /** Aborted when the runner stops. */
  stopping: AbortSignal;
  log: Logger;
};

/**
 * The hand-off: what becomes due by an outcome starts in the runner that records it, without a dispatch, a
 * fetch and a load. The ledger says that this runner holds it, so a recovery finds it.
 *
 * It is only for free slots: while attempts wait here, nothing overtakes them, and what this runner has no slot
 * for is dispatched, so that others can fetch it.
 */
export type HandOff = {
  /** Calls `write` with what may be handed off, and starts what it gives. */
  record(outcomes: readonly Outcome[], write: (offer: Offer) => Promise<Recorded>): Promise<Recorded>;
  /** How many tasks that were handed off are in hand. */
  inHand(): number;
  /** Resolves when nothing is in hand any more. Call it when nothing is recorded any more. */
  stop(): Promise<void>;
};

export function createHandOff(options: HandOffOptions): HandOff {
  const { slots, log } = options;
  /** Free slots that running statements may use. */
  let promised = 0;
  /** By dispatch id. */
  const inHand = new Map<string, Promise<void>>();
  /** The running statements, each with its offer. They resolve when what was handed off is in hand. */
  const writes = new Set<Promise<unknown>>();

  function start(due: DueAttempt): void {
    const work = options.work(due).catch((error: unknown) => {
      if (!(error instanceof LeaseLost))
        log.error({ err: error, task_id: due.id }, 'a task that was handed off is dispatched again');
    });
    inHand.set(
      due.dispatchId,
      work.finally(() => inHand.delete(due.dispatchId)),
    );
  }

  /**
   * Dispatches tasks that this runner holds and does not know of: a statement had no answer, or a task could
   * not be worked through. Answers that are on their way now are awaited, so that no task that they bring is
   * dispatched, too. After a crash at any point the task is held as before, or dispatched.
   */
  async function look(): Promise<void> {
    try {
      const held = await options.readHeld();
      if (held.every(({ dispatchId }) => inHand.has(dispatchId))) return;
      await Promise.all(writes);
      for (const { id, dispatchId } of held) {
        if (inHand.has(dispatchId)) continue;
        log.warn({ task_id: id }, 'dispatching a task that was handed off and is not in hand');
        await options.requeue({ key: dispatchId, tasks: [{ id, dispatchId: randomUUID() }] });
      }
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'could not look for held tasks: trying again');
    }
  }

  const looking = repeat(look, LOOK_EVERY_MS);

  async function written(offer: Offer, write: (offer: Offer) => Promise<Recorded>): Promise<Recorded> {
    promised += offer.room;
    try {
      const recorded = await write(offer);
      for (const due of recorded.held ?? []) start(due);
      return recorded;
    } finally {
      promised -= offer.room;
    }
  }

  return {
    async record(outcomes, write) {
      const writing = written(offerOf(outcomes, options, slots.free() - promised), write);
      // The look does not mind a failure.
      const settled = writing.catch(() => {});
      writes.add(settled);
      try {
        const recorded = await writing;
        if (recorded.ids.size < outcomes.length && !recorded.fenced) looking.now();
        return recorded;
      } finally {
        writes.delete(settled);
      }
    },
    inHand: () => inHand.size,
    async stop() {
      await looking.stop();
      while (inHand.size > 0) await Promise.all(inHand.values());
    },
  };
}

/** The names that come after these outcomes and may start here, if there are `free` slots. */
function offerOf(outcomes: readonly Outcome[], options: HandOffOptions, free: number): Offer {
  const { registeredHandlers, isHeldBack, stopping } = options;
  const names = new Set<string>();
  // A dedicated runner may execute a step and not the next one.
  for (const { name } of outcomes)
    for (const next of registeredHandlers.get(name)?.successors ?? [])
      if (registeredHandlers.has(next) && !isHeldBack(next)) names.add(next);
  const room = stopping.aborted ? 0 : Math.max(0, free);
  return {
    names: [...names],
    room: names.size === 0 ? 0 : room,
    limited: limitedOffer(outcomes, options, room),
  };
}

/**
 * A short attempt that gets the slot of a limit from another one is not dispatched, even if it has to wait for
 * a slot of the runner: nobody else could start it meanwhile.
 */
function limitedOffer(
  outcomes: readonly Outcome[],
  { limited, isHeldBack, stopping, pace }: HandOffOptions,
  free: number,
): NonNullable<Offer['limited']> {
  if (limited.length === 0 || stopping.aborted) return { names: [], room: 0 };
  const short = outcomes.filter(
    ({ hasSlots, name }) => hasSlots === true && (pace.of(name) ?? DISPATCH_MS) < DISPATCH_MS,
  );
  return { names: limited.filter((name) => !isHeldBack(name)), room: Math.max(free, short.length) };
}
