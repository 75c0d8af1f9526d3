import type { Detail, TaskRecord } from './records.ts';

type ErrorInit = {
  code: string;
  status?: number | undefined;
  requestId?: string | undefined;
  details?: Detail[] | undefined;
  retryAfterMs?: number | undefined;
  cause?: unknown;
};

/** Whatever goes wrong between a caller and the API. `code` tells what; those of the API are in its openapi.yaml. */
export class ErrandError extends Error {
  override name = 'ErrandError';
  readonly code: string;
  /** The HTTP status; undefined when there was no answer. */
  readonly status: number | undefined;
  /** The X-Request-Id, by which the API's log knows the request. */
  readonly requestId: string | undefined;
  /** Everything that is wrong with the request. */
  readonly details: readonly Detail[];
  /** How long the API asks to be left alone. */
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

/** What was sent does not fit (400 VALIDATION_FAILED): `details` has every problem. */
export class ValidationError extends ErrandError {
  override name = 'ValidationError';
}

/** The API does not know who is asking (401). */
export class UnauthorizedError extends ErrandError {
  override name = 'UnauthorizedError';
}

/** These credentials are not for that (403). */
export class ForbiddenError extends ErrandError {
  override name = 'ForbiddenError';
}

/** There is no such task, or no such name (404): `details` may have names that look like it. */
export class NotFoundError extends ErrandError {
  override name = 'NotFoundError';
}

/** It contradicts what is there (409): an idempotency key that had another payload, say. */
export class ConflictError extends ErrandError {
  override name = 'ConflictError';
}

/** Too much at once (429), also after the retries. */
export class RateLimitedError extends ErrandError {
  override name = 'RateLimitedError';
}

/** The API, its database or what is in front of it can not do it now (502, 503, 504), also after the retries. */
export class UnavailableError extends ErrandError {
  override name = 'UnavailableError';
}

/** It took too long: for this client, for the API (408), or the wait for a task. */
export class TimeoutError extends ErrandError {
  override name = 'TimeoutError';
}

/** No answer, or only a part of one. Whether the API has done what it was asked is not known. */
export class ConnectionError extends ErrandError {
  override name = 'ConnectionError';
}

/** The API has failed several times in a row: this client leaves it alone for `retryAfterMs`. Nothing was sent. */
export class CircuitOpenError extends ErrandError {
  override name = 'CircuitOpenError';
}

/** The task that was waited for has ended without success: `task` is its record. */
export class TaskFailedError extends ErrandError {
  override name = 'TaskFailedError';
  readonly task: TaskRecord;

  constructor(task: TaskRecord) {
    const why = task.error === null ? '' : `: ${task.error.message}`;
    super(`Task ${task.id} (${task.name}) ${ENDED[task.state] ?? `is ${task.state}`}${why}`, {
      code: task.state === 'cancelled' ? 'TASK_CANCELLED' : 'TASK_FAILED',
      requestId: task.requestId ?? undefined,
    });
    this.task = task;
  }
}

const ENDED: { [state in string]?: string } = { failed: 'has failed', cancelled: 'was cancelled' };

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

/** The error of its status and its code. */
export function makeError(message: string, init: ErrorInit): ErrandError {
  const named = init.code === 'VALIDATION_FAILED' ? ValidationError : CLASSES[init.status ?? 0];
  return new (named ?? ErrandError)(message, init);
}
