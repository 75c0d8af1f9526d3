import { codeOf, isError, memberOf, textOf } from '../core/json/thrown.ts';

/** The maximum number of nested causes that are shown. */
const MAX_CAUSES = 5;
const MAX_LENGTH = 20_000;

type ShownError = { type: string; message: string; code?: string; stack?: string | undefined };

/**
 * The parts of an error that say where and why it happened. Other properties are dropped: in errors of
 * libraries they may be headers, a request, or the row that Postgres refused. Never throws, whatever was
 * thrown.
 */
export function shownError(error: unknown, depth = 0): ShownError & { cause?: unknown } {
  if (!isError(error)) return { type: typeof error, message: 'a value that is not an Error was thrown' };
  const code = codeOf(error, MAX_LENGTH);
  const cause = depth < MAX_CAUSES ? memberOf(error, 'cause') : undefined;
  return {
    type: textOf(() => error.name, MAX_LENGTH) ?? 'Error',
    message: textOf(() => error.message, MAX_LENGTH) ?? '',
    ...(code === null ? {} : { code }),
    stack: textOf(() => error.stack, MAX_LENGTH) ?? undefined,
    ...(isError(cause) ? { cause: shownError(cause, depth + 1) } : {}),
  };
}
