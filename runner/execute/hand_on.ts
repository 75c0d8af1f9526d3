import { batcher } from '../../core/concurrency/batcher.ts';
import type { DueAttempt } from '../../store/attempts/load.ts';
import type { OfSlots } from '../../store/limits/slots.ts';

/** How long slots are handed on after they were taken, or the ledger has said that they need not be freed. */
const HAND_ON_MS = 250;
/** From then on the ledger is asked again. */
const LOOK_AFTER_MS = 20;
const LOOKS_TOGETHER = 200;

/**
 * Slots that an attempt was given, or `ask` the ledger for them. Or its time is `over`, though others were
 * given slots in that time.
 */
export type Handed = OfSlots | 'ask' | 'over';

/**
 * Hands slots of limits from one attempt of this runner to the next, without a word to the ledger: two
 * statements for each attempt take longer than a short attempt. So no more attempts of a runner ask the
 * ledger than there can be slots for, and the others wait here. It is only for limits whose slots come
 * back at the end of an attempt.
 */
export type HandOn = {
  /**
   * Gives slots of `keys`, or `ask` if the ledger may have a free one, of `limit` in all. Waits at most
   * `ms` for that. A caller that asks the ledger must report its answer with `answered`.
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
  /** Slots that were not handed on are free in the ledger. */
  freed(keys: string): void;
  /** The key of an attempt is held: its slots are not handed on before the ledger is asked again. */
  stop(attempt: DueAttempt): void;
};

/**
 * `mustBeFreed` asks the ledger, for each of these keys, whether their slots must be freed: because tasks
 * wait there, which come first, or because a limit is smaller now, or held. Then they are not handed on. Slots are
 * handed on among attempts with the same keys in all rules, in the order in which they came.
 */
export function createHandOn(
  mustBeFreed: (keys: string[]) => Promise<boolean[]>,
  stopping: AbortSignal,
): HandOn {
  const held = new Map<string, Held>();
  const look = batcher(mustBeFreed, { maxItems: LOOKS_TOGETHER });

  function change<Result>(keys: string, work: (one: Held) => Result): Result {
    const one = held.get(keys) ?? new Held(() => look(keys));
    held.set(keys, one);
    const result = work(one);
    if (one.isUnused) held.delete(keys);
    return result;
  }

  stopping.addEventListener('abort', () => {
    for (const one of [...held.values()]) one.giveUp();
  });

  return {
    request: (keys, limit, ms) =>
      change(keys, (one) => {
        if (ms <= 0 || one.mayAsk(limit)) return one.ask();
        return stopping.aborted ? Promise.resolve('over') : one.wait(ms, () => change(keys, () => {}));
      }),
    answered: (keys, answer) => change(keys, (one) => one.answered(answer)),
    handOn: ({ slots }) => slots !== undefined && change(slots.keys, (one) => one.handOn(slots)),
    freed: (keys) => change(keys, (one) => one.freed()),
    stop({ slots }) {
      if (slots !== undefined) change(slots.keys, (one) => one.stop());
    },
  };
}

type Waiter = (handed: Handed) => void;

/** The slots of the same keys that attempts of this runner have. */
class Held {
  /** Attempts that have slots, or had them until they are freed. */
  #holders = 0;
  /** Attempts that ask the ledger. */
  #asking = 0;
  readonly #waiters = new Set<Waiter>();
  /** The last answer of the ledger was that it has no slot, and none of these has been freed since. */
  #isFull = false;
  /** When slots were last handed on. */
  #handedAt = Number.NEGATIVE_INFINITY;
  /** Until then slots are handed on. */
  #until = 0;
  #lookAt = 0;
  #isLooking = false;
  readonly #mustBeFreed: () => Promise<boolean>;

  constructor(mustBeFreed: () => Promise<boolean>) {
    this.#mustBeFreed = mustBeFreed;
  }

  get isUnused(): boolean {
    return this.#holders + this.#asking + this.#waiters.size === 0;
  }

  mayAsk(limit: number): boolean {
    return !this.#isFull && this.#holders + this.#asking < limit;
  }

  ask(): 'ask' {
    this.#asking++;
    return 'ask';
  }

  wait(ms: number, onLeft: () => void): Promise<Handed> {
    return new Promise((resolve) => {
      const waiter: Waiter = (handed) => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
        resolve(handed);
      };
      const timer = setTimeout(() => {
        const isMoving = performance.now() - this.#handedAt < ms;
        waiter(isMoving ? 'over' : this.ask());
        onLeft();
      }, ms);
      this.#waiters.add(waiter);
    });
  }

  answered(answer: 'taken' | 'waits' | 'gone'): void {
    this.#asking--;
    this.#isFull = answer === 'waits';
    if (answer === 'gone') this.#letAsk();
    if (answer !== 'taken') return;
    if (this.#holders === 0) {
      this.#lookAt = performance.now();
      this.#until = this.#lookAt + HAND_ON_MS;
    }
    this.#holders++;
  }

  handOn({ id, dispatchId }: OfSlots): boolean {
    const [next] = this.#waiters;
    const now = performance.now();
    if (next !== undefined && now >= this.#lookAt && !this.#isLooking) void this.#look();
    if (next !== undefined && now < this.#until) {
      this.#handedAt = now;
      next({ id, dispatchId });
      return true;
    }
    return false;
  }

  freed(): void {
    this.#holders = Math.max(0, this.#holders - 1);
    this.#isFull = false;
    this.#letAsk();
  }

  stop(): void {
    this.#until = 0;
    this.#lookAt = performance.now() + LOOK_AFTER_MS;
  }

  giveUp(): void {
    for (const waiter of this.#waiters) waiter('over');
  }

  /** A slot will be free in the ledger: the first that waits may ask for it. */
  #letAsk(): void {
    const [first] = this.#waiters;
    if (first !== undefined) first(this.ask());
  }

  async #look(): Promise<void> {
    this.#isLooking = true;
    // Without an answer slots are soon freed as usual.
    const mustBeFreed = await this.#mustBeFreed().catch(() => true);
    const now = performance.now();
    this.#until = mustBeFreed ? 0 : now + HAND_ON_MS;
    this.#lookAt = now + LOOK_AFTER_MS;
    this.#isLooking = false;
  }
}
