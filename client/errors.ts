import type { Detail, TaskRecord } from './records.ts';

type ErrorInit = {
  code: string;
  status?: number | undefined;
  requestId?: string | undefined;
  details?: Detail[] | undefined;
  retryAfterMs?: number | undefined;
  cause?: unknown;
};

/** An error between a caller and the API. `code` says which; the codes of the API are in its openapi.yaml. */
export class ErrandError extends Error {
  override name = 'ErrandError';
  readonly code: string;
  /** The HTTP status; undefined if there was no answer. */
  readonly status: number | undefined;
  /** The X-Request-Id, by which the request can be found in the API's log. */
  readonly requestId: string | undefined;
  /** Every problem of the request. */
  readonly details: readonly Detail[];
  /** How many milliseconds the API asks the client to wait. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, init: ErrorInit) {
    super(message, init.cause === undefined ? {} : { cause: init.cause });
    this.code = init.code;
    this.status = init.status;
    this.requestId = init.requestId;
    this.details = init.details ?? [];
    this.retryAfterMs = init.retryAfterMs;
  }
}

/** The request is invalid (400 VALIDATION_FAILED): `details` has every problem. */
export class ValidationError extends ErrandError {
  override name = 'ValidationError';
}

/** The credentials are missing or invalid (401). */
export class UnauthorizedError extends ErrandError {
  override name = 'UnauthorizedError';
}

/** The credentials do not allow this operation (403). */
export class ForbiddenError extends ErrandError {
  override name = 'ForbiddenError';
}

/** The task or the name does not exist (404). `details` may contain similar names. */
export class NotFoundError extends ErrandError {
  override name = 'NotFoundError';
}

/**
 * The request conflicts with existing data (409), for example an idempotency key that was used with another
 * payload.
 */
export class ConflictError extends ErrandError {
  override name = 'ConflictError';
}

/** Too many requests (429), also after the retries. */
export class RateLimitedError extends ErrandError {
  override name = 'RateLimitedError';
}

/** The API, its database or a proxy is not available (502, 503, 504), also after the retries. */
export class UnavailableError extends ErrandError {
  override name = 'UnavailableError';
}

/** A time limit was exceeded: the client's, the API's (408), or that of a wait for a task. */
export class TimeoutError extends ErrandError {
  override name = 'TimeoutError';
}

/** The answer is missing or incomplete. It is unknown whether the API has carried out the request. */
export class ConnectionError extends ErrandError {
  override name = 'ConnectionError';
}

/**
 * The API failed several times in a row, so the client sends nothing for `retryAfterMs`. This request was not
 * sent.
 */
export class CircuitOpenError extends ErrandError {
  override name = 'CircuitOpenError';
}

/** The awaited task has ended without success. `task` is its record. */
export class TaskFailedError extends ErrandError {
  override name = 'TaskFailedError';
  readonly task: TaskRecord;

  constructor(task: TaskRecord) {
    const why = task.error === null ? '' : `: ${task.error.message}`;
    super(`Task ${task.id} (${task.name}) ${ENDED[task.state] ?? `is ${task.state}`}${why}`, {
      code: CODES[task.state] ?? 'TASK_FAILED',
      requestId: task.requestId ?? undefined,
    });
    this.task = task;
  }
}

const ENDED: { [state in string]?: string } = {
  failed: 'has failed',
  cancelled: 'was cancelled',
  expired: 'has expired',
};
const CODES: { [state in string]?: string } = { cancelled: 'TASK_CANCELLED', expired: 'TASK_EXPIRED' };

const CLASSES: { [status in number]?: typeof ErrandError } = {
  401: UnauthorizedError,
  403: ForbiddenError,
  404: NotFoundError,
  408: TimeoutError,
  409: ConflictError,
  429: RateLimitedError,
  502: UnavailableError,
  503: UnavailableError,
  504: UnavailableError,
};

/** The error for a status and a code. */
export function makeError(message: string, init: ErrorInit): ErrandError {
  const named = init.code === 'VALIDATION_FAILED' ? ValidationError : CLASSES[init.status ?? 0];
  return new (named ?? ErrandError)(message, init);
}
