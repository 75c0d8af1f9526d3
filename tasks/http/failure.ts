import { PermanentError } from '../../core/errors.ts';
import { sanitizeText } from '../../core/json/json.ts';
import type { Outgoing, RequestPayload } from './outgoing.ts';
import { withoutSecrets } from './secret_headers.ts';

const EXCERPT_LIMIT = 2_048;
const RETRY_AFTER_LIMIT_MS = 86_400_000;

/** A failure that another attempt may not have. */
type TransientError = Error & {
  code: string;
  metadata: Record<string, string | number>;
  /** The target asked not to be called again before this time has passed. */
  retryAfterMs?: number;
};

/**
 * The error for an unexpected status: retried if the status is in `retry_status`, otherwise
 * permanent.
 */
export function unexpectedStatus(
  payload: RequestPayload,
  outgoing: Outgoing,
  answer: { status: number; headers: Record<string, string>; bytes: Buffer },
): PermanentError | TransientError {
  const { status } = answer;
  const expected = payload.expected_status?.join(', ') ?? '200 to 299';
  const hint = status >= 300 && status < 400 ? '; redirects are not followed' : '';
  const message = `${nameOf(outgoing)} answered ${status}, expected ${expected}${hint}`;
  const metadata = { status, body: excerpt(answer.bytes, outgoing) };
  if (!payload.retry_status.includes(status)) {
    return new PermanentError(message, { code: 'UNEXPECTED_STATUS', metadata });
  }
  const retryAfterMs = retryAfter(answer.headers);
  return transient(message, 'UNEXPECTED_STATUS', metadata, retryAfterMs === null ? {} : { retryAfterMs });
}

/** The error for an attempt that took longer than the payload's `timeout_ms`. */
export function timedOut(payload: RequestPayload, outgoing: Outgoing): TransientError {
  const message = `${nameOf(outgoing)} took longer than timeout_ms (${payload.timeout_ms})`;
  return transient(message, 'TIMEOUT', { host: outgoing.url.host });
}

/**
 * The error for an exchange that failed: DNS, connection, TLS, HTTP. `cause` keeps the original
 * error.
 */
export function networkFailure(outgoing: Outgoing, cause: unknown): TransientError {
  const { code, message } = describe(cause);
  const text = `${nameOf(outgoing)} failed: ${[code, message].filter((part) => part !== '').join(': ')}`;
  return transient(text, code === '' ? 'NETWORK_ERROR' : code, { host: outgoing.url.host }, { cause });
}

/** An error that is retried, with its metadata. */
export function transient(
  message: string,
  code: string,
  metadata: TransientError['metadata'],
  extra: { retryAfterMs?: number; cause?: unknown } = {},
): TransientError {
  const { cause, ...rest } = extra;
  return Object.assign(new Error(message, { cause }), { name: 'HttpRequestError', code, metadata, ...rest });
}

/** Names a request without its path and query, which may hold secrets. */
export function nameOf({ method, url }: Outgoing): string {
  return `${method} ${url.origin}`;
}

function describe(cause: unknown): { code: string; message: string } {
  if (!(cause instanceof Error)) return { code: '', message: sanitizeText(String(cause)) };
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
  return { code, message: sanitizeText(cause.message) };
}

/**
 * The start of the body, without the values of the request's own secret headers, in case the target
 * echoes them.
 */
export function excerpt(bytes: Buffer, sent: Pick<Outgoing, 'headers' | 'referred'>): string {
  const text = withoutSecrets(new TextDecoder().decode(bytes), sent);
  const cut = new TextEncoder().encode(text).subarray(0, EXCERPT_LIMIT);
  return sanitizeText(new TextDecoder().decode(cut, { stream: true }));
}

/**
 * `Retry-After` in milliseconds, at most a day, or null. A date is compared with the target's own
 * clock.
 */
export function retryAfter(headers: Record<string, string>): number | null {
  const value = headers['retry-after']?.trim() ?? '';
  const ms = /^\d+$/.test(value) ? Number(value) * 1_000 : httpDate(value) - now(headers);
  return Number.isNaN(ms) ? null : Math.min(Math.max(ms, 0), RETRY_AFTER_LIMIT_MS);
}

function now(headers: Record<string, string>): number {
  const theirs = httpDate(headers.date ?? '');
  return Number.isNaN(theirs) ? Date.now() : theirs;
}

/** `Date.parse` accepts almost anything, so only text in the HTTP date format is passed to it. */
function httpDate(text: string): number {
  return /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} [\d:]{8} GMT$/.test(text) ? Date.parse(text) : Number.NaN;
}
