import type { CallMany, Member, Seat } from './attempt.ts';

export type BatchOptions = {
  /** The maximum number of attempts. */
  size: number;
  /** How long the first attempt that has arrived waits for others. */
  waitMs: number;
  /** Calls the handler for these attempts. Never throws. */
  call: CallMany;
  /** Called once, when no attempt may take a seat any more. */
  onClosed: () => void;
  /** Called once, when each attempt has left. */
  onEmpty: () => void;
};

/** Attempts that share one call of a batch handler. */
export type Batch = {
  /** Takes a seat for an attempt; null if no seat is left. */
  tryJoin(): Seat | null;
  /** From now on no attempt may join: the batch starts when those with a seat have arrived. */
  close(): void;
};

/**
 * Opens a batch (Q11). An attempt has a seat first, and arrives when its payload is parsed; in between it may
 * wait for slots of limits, or leave. The handler is called when no further attempt can arrive, or when the
 * first that arrived has waited for `waitMs`. An attempt that has its seat but arrives later is not lost: those
 * that are late share another call, by the same rule.
 */
export function openBatch({ size, waitMs, call, onClosed, onEmpty }: BatchOptions): Batch {
  let seats = 0;
  /** Seats whose attempt has neither arrived nor left. */
  let expected = 0;
  /** Seats whose attempt has not left. */
  let present = 0;
  let isClosed = false;
  let arrived: Member[] = [];
  let timer: NodeJS.Timeout | undefined;

  function start(): void {
    clearTimeout(timer);
    timer = undefined;
    const members = arrived;
    arrived = [];
    if (members.length > 0) call(members);
  }

  function startIfComplete(): void {
    if (isClosed && expected === 0) start();
  }

  function close(): void {
    if (isClosed) return;
    isClosed = true;
    onClosed();
    startIfComplete();
  }

  function waitIsOver(): void {
    close();
    start();
  }

  function takeSeat(): Seat {
    seats++;
    expected++;
    present++;
    let hasArrived = false;
    return {
      batch,
      arrive(member) {
        hasArrived = true;
        expected--;
        arrived.push(member);
        timer ??= setTimeout(waitIsOver, waitMs);
        startIfComplete();
      },
      leave() {
        if (!hasArrived) expected--;
        present--;
        if (present === 0) close();
        startIfComplete();
        if (present === 0) onEmpty();
      },
    };
  }

  const batch: Batch = {
    tryJoin() {
      if (isClosed) return null;
      const seat = takeSeat();
      if (seats === size) close();
      return seat;
    },
    close,
  };
  return batch;
}
