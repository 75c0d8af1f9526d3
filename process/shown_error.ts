/** Causes of an error that are told, one below the other. */
const MAX_CAUSES = 5;

type ShownError = { type: string; message: string; code?: string; stack?: string | undefined };

/**
 * Of an error what says where and why, and nothing else that hangs on it: with others' errors that may be headers, a
 * request, or the row that Postgres refused.
 */
export function shownError(error: unknown, depth = 0): ShownError & { cause?: unknown } {
  if (!(error instanceof Error))
    return { type: typeof error, message: 'something that is no Error was thrown' };
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {};
  const cause =
    error.cause instanceof Error && depth < MAX_CAUSES ? { cause: shownError(error.cause, depth + 1) } : {};
  return { type: error.name, message: error.message, ...code, stack: error.stack, ...cause };
}
