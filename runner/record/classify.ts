import { DELAY_LIMIT_SECONDS } from '../../core/definitions/policy.ts';
import { type ErrorCause, type ErrorRecord, PermanentError, RateLimited } from '../../core/errors.ts';
import { readOr } from '../../core/json/read_or.ts';
import { codeOf, isError, memberOf, textOf } from '../../core/json/thrown.ts';
import { boundedMetadata } from './metadata.ts';

const MAX_MESSAGE_LENGTH = 10_000;
const MAX_NAME_LENGTH = 200;
const MAX_STACK_LENGTH = 20_000;

/**
 * The causes of an error are kept in less detail: at most so many, and so many characters of each
 * text.
 */
const MAX_CAUSES = 8;
const MAX_CAUSE_LENGTH = 2_000;

/**
 * The error record that the ledger keeps for any thrown value (specification T9). Every text is
 * bounded and sanitized so that Postgres can hold it. A property that throws when it is read is
 * shown as unreadable. So no error can stop the runner that must record it.
 */
export function toErrorRecord(thrown: unknown): ErrorRecord {
  const retryable = readOr(() => !(thrown instanceof PermanentError), true);
  if (!isError(thrown)) return { ...describe(thrown, MAX_MESSAGE_LENGTH, 0), retryable, metadata: null };
  const causes = causesOf(thrown);
  return {
    ...describe(thrown, MAX_MESSAGE_LENGTH, MAX_STACK_LENGTH),
    retryable,
    metadata: boundedMetadata(thrown),
    ...(causes.length > 0 ? { causes } : {}),
  };
}

/**
 * The least delay in ms that an error asks for before the next attempt (an HTTP Retry-After, for
 * example), or 0. It is at most the longest delay of a submission: a longer one could exceed the
 * dates that Postgres knows.
 */
export function askedDelayMs(thrown: unknown): number {
  const asked = isError(thrown) ? memberOf(thrown, 'retryAfterMs') : 0;
  return typeof asked === 'number' && asked > 0 ? Math.min(asked, DELAY_LIMIT_SECONDS * 1_000) : 0;
}

/** The longest hold: a day. */
const MAX_HOLD_MS = 86_400_000;
/** If the time is no positive number. */
const DEFAULT_HOLD_MS = 1_000;

/**
 * For how many ms something outside refuses more, if the handler threw RateLimited; null otherwise. From 1 ms
 * to a day.
 */
export function rateLimitedMs(thrown: unknown): number | null {
  if (!(thrown instanceof RateLimited)) return null;
  const asked: unknown = thrown.retryAfterMs;
  return typeof asked === 'number' && asked > 0 ? Math.min(Math.max(asked, 1), MAX_HOLD_MS) : DEFAULT_HOLD_MS;
}

/** The part of the record that an error and each of its causes have. */
function describe(thrown: unknown, messageLength: number, stackLength: number): ErrorCause {
  if (!isError(thrown)) {
    const message = textOf(() => (thrown === null ? 'null' : (thrown ?? 'undefined')), messageLength) ?? '';
    return { error_type: 'NonError', message, error_code: null, stack: null };
  }
  return {
    error_type: textOf(() => thrown.name, MAX_NAME_LENGTH) ?? 'Error',
    message: textOf(() => thrown.message, messageLength) ?? '',
    error_code: codeOf(thrown, MAX_NAME_LENGTH),
    stack: textOf(() => thrown.stack, stackLength),
  };
}

/**
 * The causes of an error, from the outside to the inside: its cause, the errors of an
 * AggregateError, and their causes.
 */
function causesOf(thrown: Error): ErrorCause[] {
  const causes: ErrorCause[] = [];
  const seen = new Set<unknown>([thrown]);
  const waiting = behind(thrown);
  while (waiting.length > 0 && causes.length < MAX_CAUSES) {
    const next = waiting.shift();
    if (seen.has(next)) continue;
    seen.add(next);
    causes.push(describe(next, MAX_CAUSE_LENGTH, MAX_CAUSE_LENGTH));
    waiting.unshift(...behind(next));
  }
  return causes;
}

function behind(thrown: unknown): unknown[] {
  if (!isError(thrown)) return [];
  const cause = memberOf(thrown, 'cause');
  const errors = readOr(() => {
    const given = memberOf(thrown, 'errors');
    return Array.isArray(given) ? Array.from<unknown>(given.slice(0, MAX_CAUSES)) : [];
  }, []);
  return cause === undefined || cause === null ? errors : [cause, ...errors];
}
