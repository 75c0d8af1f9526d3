import type { TracedAttempt, TracedEnd, TracedSubmission } from './traceparent.ts';

export { traceIdOf } from './traceparent.ts';

// OpenTelemetry is loaded only if the user has registered an SDK: its API takes 2 MB, and without an SDK its
// calls do nothing.

/** Where the API of OpenTelemetry, in each version 1, keeps what an SDK has registered. */
const REGISTERED = Symbol.for('opentelemetry.js.api.1');

/** A provider of spans. The one that the API registers asks for that of the SDK. */
type Provider = { getDelegateTracer?: (name: string) => unknown };

/** Whether spans are made at all. Without an SDK they would only cost time in each attempt. */
export function isTracing(): boolean {
  const { trace: provider } = (globalThis as { [REGISTERED]?: { trace?: Provider } })[REGISTERED] ?? {};
  if (provider === undefined) return false;
  return provider.getDelegateTracer === undefined || provider.getDelegateTracer('errand') !== undefined;
}

/**
 * Runs a submission of `count` tasks in a span `send <name>`. Its parent is the span that instrumentation of
 * the process has made for the request, otherwise the request's traceparent. `work` gets the traceparent to
 * store with the tasks: that of the span or, if nothing makes spans, the caller's. Throws the errors of
 * `work`.
 */
export async function traceSend<T>(
  submission: TracedSubmission,
  work: (traceparent: string | null) => Promise<T>,
): Promise<T> {
  if (!isTracing()) return work(submission.traceparent);
  const { traceSend: inSpan } = await import('./spans.ts');
  return inSpan(submission, work);
}

/**
 * Executes an attempt in a span `process <name>`, which is active meanwhile, so that spans of the handler are
 * inside it. `work` gets its traceparent to pass on. The submission is its parent and is also linked:
 * OpenTelemetry's messaging conventions ask for the link, and allow the parent if one message is processed at
 * a time, as here. So one trace shows the submission and every attempt as separate spans.
 */
export async function traceAttempt<T extends TracedEnd>(
  attempt: TracedAttempt,
  work: (traceparent: string | null) => Promise<T>,
): Promise<T> {
  const { traceAttempt: inSpan } = await import('./spans.ts');
  return inSpan(attempt, work);
}
