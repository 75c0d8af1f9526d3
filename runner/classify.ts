import { type ErrorRecord, PermanentError } from '../core/errors.ts';
import { sanitizeText } from '../core/json.ts';
import { shownJson } from '../core/lossless.ts';

const MAX_MESSAGE_LENGTH = 10_000;
const MAX_NAME_LENGTH = 200;
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
      message: textOf(() => describe(thrown), MAX_MESSAGE_LENGTH) ?? '',
      error_code: null,
      retryable,
      metadata: null,
      stack: null,
    };
  }
  return {
    error_type: textOf(() => thrown.name, MAX_NAME_LENGTH) ?? 'Error',
    message: textOf(() => thrown.message, MAX_MESSAGE_LENGTH) ?? '',
    error_code: textOf(() => codeOf(thrown), MAX_NAME_LENGTH),
    retryable,
    metadata: 'metadata' in thrown ? storableMetadata(thrown) : null,
    stack: textOf(() => thrown.stack, MAX_STACK_LENGTH),
  };
}

/** The least delay in ms that an error asks for before the next attempt (an HTTP Retry-After, say), or 0. */
export function askedDelayMs(thrown: unknown): number {
  const asked = thrown instanceof Error && 'retryAfterMs' in thrown ? thrown.retryAfterMs : 0;
  return typeof asked === 'number' && Number.isFinite(asked) && asked > 0 ? asked : 0;
}

function codeOf(thrown: Error): string | null {
  return 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : null;
}

function describe(thrown: unknown): string {
  return typeof thrown === 'object' ? JSON.stringify(shownJson(thrown)) : String(thrown);
}

/** A text of what was thrown, or null. It may be no text, or throw when it is read. */
function textOf(read: () => unknown, length: number): string | null {
  try {
    const text = read();
    return text === undefined || text === null ? null : bounded(String(text), length);
  } catch {
    return '[throws when it is read]';
  }
}

function bounded(text: string, length: number): string {
  return sanitizeText(text.length <= length ? text : `${text.slice(0, length)}…`);
}

/** Parts that JSON can't hold are there by their names; metadata that is no object is one under `value`. */
function storableMetadata(thrown: Error & { metadata: unknown }): Record<string, unknown> | null {
  try {
    const metadata = shownJson(thrown.metadata ?? null);
    if (metadata === null) return null;
    const { length } = JSON.stringify(metadata);
    if (length > MAX_METADATA_LENGTH) return { omitted: `metadata of ${length} characters` };
    return isRecord(metadata) ? metadata : { value: metadata };
  } catch {
    return { omitted: 'metadata that throws when it is read' };
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
