import { type ErrorRecord, PermanentError } from '../core/errors.ts';
import { sanitizeText, storageProblems } from '../core/json.ts';

const MAX_MESSAGE_LENGTH = 10_000;
const MAX_STACK_LENGTH = 20_000;
const MAX_METADATA_LENGTH = 100_000;

/**
 * What the ledger keeps of whatever a handler threw (specification T9). Every text is made one that Postgres
 * can hold and is bounded, so that no error can stop the runner that has to record it.
 */
export function toErrorRecord(thrown: unknown): ErrorRecord {
  const retryable = !(thrown instanceof PermanentError);
  if (!(thrown instanceof Error)) {
    return {
      error_type: 'NonError',
      message: bounded(describe(thrown), MAX_MESSAGE_LENGTH),
      error_code: null,
      retryable,
      metadata: null,
      stack: null,
    };
  }
  return {
    error_type: bounded(thrown.name, 200),
    message: bounded(thrown.message, MAX_MESSAGE_LENGTH),
    error_code: 'code' in thrown && typeof thrown.code === 'string' ? bounded(thrown.code, 200) : null,
    retryable,
    metadata: 'metadata' in thrown ? storableMetadata(thrown.metadata) : null,
    stack: thrown.stack === undefined ? null : bounded(thrown.stack, MAX_STACK_LENGTH),
  };
}

/** The least delay in ms that an error asks for before the next attempt (an HTTP Retry-After, say), or 0. */
export function askedDelayMs(thrown: unknown): number {
  const asked = thrown instanceof Error && 'retryAfterMs' in thrown ? thrown.retryAfterMs : 0;
  return typeof asked === 'number' && Number.isFinite(asked) && asked > 0 ? asked : 0;
}

function describe(thrown: unknown): string {
  try {
    return typeof thrown === 'object' ? JSON.stringify(thrown) : String(thrown);
  } catch {
    return 'a value that can not be shown was thrown';
  }
}

function bounded(text: string, length: number): string {
  return sanitizeText(text.length <= length ? text : `${text.slice(0, length)}…`);
}

function storableMetadata(metadata: unknown): Record<string, unknown> | null {
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) return null;
  try {
    const text = JSON.stringify(metadata);
    if (text.length > MAX_METADATA_LENGTH) return { omitted: `metadata of ${text.length} characters` };
    const copy = JSON.parse(text) as Record<string, unknown>;
    const problems = storageProblems(copy, '');
    return problems.length === 0 ? copy : { omitted: 'metadata that Postgres can not hold', problems };
  } catch {
    return { omitted: 'metadata that is not JSON' };
  }
}
