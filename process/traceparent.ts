import type { ErrorRecord } from '../core/errors.ts';

/** W3C Trace Context, version 00. */
export const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** The id of the trace of a traceparent, for log lines; null without one. */
export function traceIdOf(traceparent: string | null): string | null {
  return traceparent === null ? null : (TRACEPARENT.exec(traceparent)?.[1] ?? null);
}

/** The submission that a span is for. */
export type TracedSubmission = { name: string; count: number; traceparent: string | null };

/** The attempt that a span is for. */
export type TracedAttempt = { id: string; name: string; attempt: number; traceparent: string | null };

/** The end of an attempt, as its span reports it. */
export type TracedEnd = { kind: string; error?: ErrorRecord };
