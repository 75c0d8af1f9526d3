import { batcher } from '../../core/concurrency/batcher.ts';
import type { DueAttempt } from '../../store/attempts/load.ts';
import type { OfSlots } from '../../store/limits/slots.ts';

/** How long slots are handed on after the ledger has said that no task waits for them. */
const HAND_ON_MS = 250;
/** From then on the ledger is asked again. */
const LOOK_AFTER_MS = 20;
/** How long slots that were just taken are handed on before the ledger has answered. */
const FIRST_MS = 50;
const LOOKS_TOGETHER = 200;

/** Slots that an attempt was given, or `ask` the ledger for them, or its time is `over`. */
export type Handed = OfSlots | 'ask' | 'over';

/**
 * Hands slots of limits from one attempt of this runner to the next, without a word to the ledger: two
 * statements for each attempt take longer than a short attempt. So no more attempts of a runner ask the
 * ledger than there can be slots for, and the others wait here.
 */
export type HandOn = {
  /**
   * Gives slots of `keys`, or `ask` if the ledger may have a free one, of `limit` in all. Waits at most
   * `ms` for that. Whoever asks the ledger must say what it has `answered`.
   */
  request(keys: string, limit: number, ms: number): 'ask' | Promise<Handed>;
  /**
   * The answer of the ledger: the attempt has slots, its task waits for them there, or it needs none
   * any more.
   */
  answered(keys: string, answer: 'taken' | 'waits' | 'gone'): void;
  /**
   * An attempt with slots has ended, and its handler has returned. Gives whether another one has its
   * slots now; if not, they must be freed.
   */
  handOn(attempt: DueAttempt): boolean;
  /** An attempt keeps its slots for itself until they are freed. */
  keep(attempt: DueAttempt): void;
  /** The key of an attempt is held: its slots are not handed on before the ledger is asked again. */
  stop(attempt: DueAttempt): void;
};

type Waiter = (handed: Handed) => void;
type Held = {
  /** Attempts that have slots, or ask the ledger for them. */
  holders: number;
  asking: number;
  waiters: Set<Waiter>;
  /** Until then slots are handed on. */
  until: number;
  lookAt: number;
  isLooking: boolean;
};

/**
 * `areWaitedFor` asks the ledger, for each of these keys, whether tasks wait for a slot of them: those come
 * first, so slots of these keys are not handed on. Slots are handed on among attempts with the same keys in
 * all rules, in the order in which they came.
 */
export function createHandOn(
  areWaitedFor: (keys: string[]) => Promise<boolean[]>,
  stopping: AbortSignal,
): HandOn {
  const held = new Map<string, Held>();
  const lookTogether = batcher(areWaitedFor, { maxItems: LOOKS_TOGETHER });

  async function look(keys: string, one: Held): Promise<void> {
    one.isLooking = true;
    // Without an answer slots are soon freed as usual.
    const isWaitedFor = await lookTogether(keys).catch(() => true);
    const now = performance.now();
    one.until = isWaitedFor ? 0 : now + HAND_ON_MS;
    one.lookAt = now + LOOK_AFTER_MS;
    one.isLooking = false;
  }

  function heldOf(keys: string): Held {
    let one = held.get(keys);
    if (one === undefined) {
      one = { holders: 0, asking: 0, waiters: new Set(), until: 0, lookAt: 0, isLooking: false };
      held.set(keys, one);
    }
    return one;
  }

  function dropUnused(keys: string, one: Held): void {
    if (one.holders + one.asking + one.waiters.size === 0) held.delete(keys);
  }

  /** A slot will be free in the ledger: the first that waits may ask for it. */
  function letAsk(keys: string, one: Held): void {
    const [first] = one.waiters;
    if (first !== undefined) {
      one.asking++;
      first('ask');
    } else dropUnused(keys, one);
  }

  stopping.addEventListener('abort', () => {
    for (const { waiters } of held.values()) for (const waiter of waiters) waiter('over');
  });

  return {
    request(keys, limit, ms) {
      const one = heldOf(keys);
      if (ms <= 0 || one.holders + one.asking < limit) {
        one.asking++;
        return 'ask';
      }
      if (stopping.aborted) return Promise.resolve('over');
      return new Promise((resolve) => {
        const waiter: Waiter = (handed) => {
          clearTimeout(timer);
          one.waiters.delete(waiter);
          if (handed === 'over') dropUnused(keys, one);
          resolve(handed);
        };
        const timer = setTimeout(waiter, ms, 'over');
        one.waiters.add(waiter);
      });
    },
    answered(keys, answer) {
      const one = heldOf(keys);
      one.asking--;
      if (answer === 'taken') {
        if (one.holders === 0) {
          const now = performance.now();
          one.until = now + FIRST_MS;
          one.lookAt = now;
        }
        one.holders++;
      } else if (answer === 'gone') letAsk(keys, one);
      else dropUnused(keys, one);
    },
    handOn({ slots }) {
      const one = slots && held.get(slots.keys);
      if (one === undefined || slots === undefined) return false;
      const now = performance.now();
      const [next] = one.waiters;
      if (next !== undefined && now >= one.lookAt && !one.isLooking) void look(slots.keys, one);
      if (next !== undefined && now < one.until) {
        next({ id: slots.id, dispatchId: slots.dispatchId });
        return true;
      }
      one.holders--;
      letAsk(slots.keys, one);
      return false;
    },
    stop({ slots }) {
      const one = slots && held.get(slots.keys);
      if (one === undefined) return;
      one.until = 0;
      one.lookAt = performance.now() + LOOK_AFTER_MS;
    },
    keep({ slots }) {
      const one = slots && held.get(slots.keys);
      if (one === undefined || slots === undefined) return;
      one.holders--;
      dropUnused(slots.keys, one);
    },
  };
}
