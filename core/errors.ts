/** One problem of a request: its place (JSON Pointer, RFC 6901) and a message. */
export type Detail = { path: string; message: string };

/**
 * The maximum number of details in an error, and the number of problems to look for in one value. More would
 * not help the caller.
 */
export const MAX_DETAILS = 100;

/**
 * Every code that an answer can have, with its HTTP status. This is the only place that maps one to the
 * other.
 */
export const STATUS_BY_CODE = {
  NOT_FOUND: 404,
  BAD_REQUEST: 400,
  VALIDATION_FAILED: 400,
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
  METHOD_NOT_ALLOWED: 405,
  CONFLICT: 409,
  PAYLOAD_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  RATE_LIMITED: 429,
  REQUEST_TIMEOUT: 408,
  SERVICE_UNAVAILABLE: 503,
  CIRCUIT_OPEN: 503,
  INTERNAL_ERROR: 500,
} as const;

export type ErrorCode = keyof typeof STATUS_BY_CODE;

/**
 * An error whose message is meant for the caller: it says what was wrong, with what value, and what to do.
 * Any other thrown value is answered as INTERNAL_ERROR without its text.
 */
export class ErrandError extends Error {
  readonly code: ErrorCode;
  /** At most MAX_DETAILS entries. */
  readonly details: Detail[] | undefined;
  readonly headers: Record<string, string>;
  /** The limit or protection that caused the error, for metrics. One code can have several reasons. */
  readonly reason: string | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    extra: { details?: Detail[]; headers?: Record<string, string>; reason?: string; cause?: unknown } = {},
  ) {
    super(message, { cause: extra.cause });
    this.name = 'ErrandError';
    this.reason = extra.reason;
    this.code = code;
    this.details = extra.details?.slice(0, MAX_DETAILS);
    this.headers = extra.headers ?? {};
  }
}

/** A handler throws this if another try will not help. `code` and `metadata` are stored in the record. */
export class PermanentError extends Error {
  readonly code: string | undefined;
  readonly metadata: Record<string, unknown> | undefined;

  constructor(
    message: string,
    extra: { code?: string; metadata?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    super(message, { cause: extra.cause });
    this.name = 'PermanentError';
    this.code = extra.code;
    this.metadata = extra.metadata;
  }
}

/**
 * A handler throws this if something outside refuses more for now, as with HTTP 429. The attempt does not
 * count against maxAttempts, and nothing more of its limit starts for `retryAfterMs`: for the same key, if the
 * limit has keys. A time that is no positive number is taken for a second, and at most a day is waited.
 */
export class RateLimited extends Error {
  readonly code = 'RATE_LIMITED';
  readonly retryAfterMs: number;

  constructor({ retryAfterMs, cause }: { retryAfterMs: number; cause?: unknown }) {
    super(`nothing more is accepted for ${retryAfterMs} ms`, { cause });
    this.name = 'RateLimited';
    this.retryAfterMs = retryAfterMs;
  }
}

/** The stored form of an error, and of each error behind it. */
export type ErrorCause = {
  error_type: string;
  message: string;
  error_code: string | null;
  stack: string | null;
};

/** The stored error of a failed attempt (specification T9). */
export type ErrorRecord = ErrorCause & {
  retryable: boolean;
  metadata: Record<string, unknown> | null;
  /** The errors behind it, from the outside to the inside. Missing if there are none. */
  causes?: ErrorCause[];
};
