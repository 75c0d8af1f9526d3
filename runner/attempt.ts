import type { ErrorRecord } from '../core/errors.ts';
import type { DueAttempt } from '../store/begin.ts';
import type { LogLine, Progress } from '../store/running.ts';

/** Why an attempt was told to end before its handler was done. */
export type EndKind = 'interrupted' | 'cancelled' | 'timed_out';

/** The reason of an aborted `signal`; its name is the `error_type` of the record. */
export class AttemptAborted extends Error {
  readonly kind: EndKind;
  readonly code: string;

  constructor(kind: EndKind, message: string) {
    super(message);
    this.kind = kind;
    this.code = CODES[kind];
    this.name = NAMES[kind];
  }
}

const CODES: Record<EndKind, string> = {
  interrupted: 'INTERRUPTED',
  cancelled: 'CANCELLED',
  timed_out: 'TIMEOUT',
};
const NAMES: Record<EndKind, string> = {
  interrupted: 'Interrupted',
  cancelled: 'Cancelled',
  timed_out: 'TimeoutError',
};

/** An attempt that a runner executes right now. */
export type AttemptUnderWay = {
  readonly due: DueAttempt;
  readonly begun: number;
  readonly timeoutMs: number;
  /** Aborted when the attempt should end; its reason is an AttemptAborted. */
  readonly signal: AbortSignal;
  /** Why it was aborted, if it was. */
  aborted: { reason: AttemptAborted; at: number } | null;
  /** Whether it was shown as running. */
  marked: boolean;
  /** What is to be written of it with the next report, or with its outcome. */
  unwritten: { lines: LogLine[]; progress: Progress | null };
  /** The report that is being written now, if any. */
  reporting: Promise<void> | null;
  abort(reason: AttemptAborted): void;
  /** The handler did not return within the grace. */
  abandon(): void;
  /** Settles as the work does, but rejects when the attempt is abandoned before. */
  unlessAbandoned<Value>(work: Promise<Value>): Promise<Value>;
};

/** Makes the handle of an attempt that begins now. */
export function beginAttempt(due: DueAttempt, timeoutMs: number): AttemptUnderWay {
  // Few handlers look at it, and it costs more than the rest together.
  let controller: AbortController | null = null;
  let isAbandoned = false;
  let giveUp: (() => void) | null = null;
  const attempt: AttemptUnderWay = {
    due,
    begun: performance.now(),
    timeoutMs,
    get signal() {
      if (controller === null) {
        controller = new AbortController();
        if (attempt.aborted !== null) controller.abort(attempt.aborted.reason);
      }
      return controller.signal;
    },
    aborted: null,
    marked: false,
    unwritten: { lines: [], progress: null },
    reporting: null,
    abort(reason) {
      if (attempt.aborted !== null) return;
      attempt.aborted = { reason, at: performance.now() };
      controller?.abort(reason);
    },
    abandon() {
      isAbandoned = true;
      giveUp?.();
    },
    unlessAbandoned: (work) =>
      new Promise((resolve, reject) => {
        giveUp = () => reject(attempt.aborted?.reason ?? new AttemptAborted('interrupted', 'abandoned'));
        if (isAbandoned) giveUp();
        work.then(resolve, reject);
      }),
  };
  return attempt;
}

/** The record of an abort, as the ledger keeps it. */
export function abortRecord(reason: AttemptAborted): ErrorRecord {
  return {
    error_type: reason.name,
    message: reason.message,
    error_code: reason.code,
    retryable: reason.kind !== 'cancelled',
    metadata: null,
    stack: null,
  };
}
