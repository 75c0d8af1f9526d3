/** One thing that is wrong with a request: where (JSON Pointer, RFC 6901) and what. */
export type Detail = { path: string; message: string };

/** Details that an error tells at most, and that are looked for in one value: more tell the caller nothing new. */
export const MAX_DETAILS = 100;

/** Every code an answer can carry, with its HTTP status. The only place where the two meet. */
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
 * Anything else that is thrown is answered as INTERNAL_ERROR without its text.
 */
export class ErrandError extends Error {
  readonly code: ErrorCode;
  /** At most MAX_DETAILS. */
  readonly details: Detail[] | undefined;
  readonly headers: Record<string, string>;
  /** What protected itself by it, for metrics: the same code can have several reasons. */
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

/** Thrown by a handler to say: trying again will not help. `code` and `metadata` are kept in the record. */
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

/** What the ledger keeps of a failed attempt (specification T9). */
export type ErrorRecord = {
  error_type: string;
  message: string;
  error_code: string | null;
  retryable: boolean;
  metadata: Record<string, unknown> | null;
  stack: string | null;
};
