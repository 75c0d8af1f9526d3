import {
  type Attributes,
  type Context,
  context,
  isSpanContextValid,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import type { ErrorRecord } from '../core/errors.ts';
import { TRACEPARENT, type TracedAttempt, type TracedEnd, type TracedSubmission } from './traceparent.ts';
import { VERSION } from './version.ts';

// tracing.ts loads this file if an SDK is registered. It uses only the API of OpenTelemetry.
const tracer = trace.getTracer('errand', VERSION);

/** See traceSend of tracing.ts. */
export async function traceSend<T>(
  submission: TracedSubmission,
  work: (traceparent: string | null) => Promise<T>,
): Promise<T> {
  const { name, count, traceparent } = submission;
  const parent = trace.getActiveSpan() === undefined ? contextOf(traceparent) : context.active();
  const attributes = {
    ...messaging(name, 'send'),
    ...(count === 1 ? {} : { 'messaging.batch.message_count': count }),
  };
  const span = tracer.startSpan(`send ${name}`, { kind: SpanKind.PRODUCER, attributes }, parent);
  try {
    return await context.with(trace.setSpan(parent, span), () => work(traceparentOf(span) ?? traceparent));
  } catch (error) {
    fail(span, error instanceof Error ? error : new Error(String(error)));
    throw error;
  } finally {
    span.end();
  }
}

/** See traceAttempt of tracing.ts. */
export async function traceAttempt<T extends TracedEnd>(
  { id, name, attempt, traceparent }: TracedAttempt,
  work: (traceparent: string | null) => Promise<T>,
): Promise<T> {
  // The active context belongs to the event that woke the runner, so it is not used.
  const parent = contextOf(traceparent);
  const sent = trace.getSpanContext(parent);
  const attributes = {
    ...messaging(name, 'process'),
    'messaging.message.id': id,
    'errand.task.id': id,
    'errand.attempt': attempt,
  };
  const links = sent === undefined ? [] : [{ context: sent }];
  const span = tracer.startSpan(`process ${name}`, { kind: SpanKind.CONSUMER, attributes, links }, parent);
  try {
    const ended = await context.with(trace.setSpan(parent, span), () =>
      work(traceparentOf(span) ?? traceparent),
    );
    span.setAttribute('errand.outcome', ended.kind);
    if (ended.error !== undefined) fail(span, asException(ended.error), ended.error.error_code);
    return ended;
  } finally {
    span.end();
  }
}

function messaging(name: string, operation: 'send' | 'process'): Attributes {
  return {
    'messaging.system': 'errand',
    'messaging.operation.name': operation,
    'messaging.operation.type': operation,
    'messaging.destination.name': name,
  };
}

function fail(span: Span, error: Error, code: string | null = null): void {
  if (!span.isRecording()) return;
  span.recordException(error);
  span.setAttribute('error.type', code ?? error.name);
  span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
}

function asException({ error_type, message, stack }: ErrorRecord): Error {
  return Object.assign(new Error(message), { name: error_type, stack: stack ?? undefined });
}

function contextOf(traceparent: string | null): Context {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(traceparent ?? '') ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return ROOT_CONTEXT;
  const remote = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  return isSpanContextValid(remote) ? trace.setSpanContext(ROOT_CONTEXT, remote) : ROOT_CONTEXT;
}

/** Null for a span without a trace: nothing makes spans, and no trace came from outside. */
function traceparentOf(span: Span): string | null {
  const spanContext = span.spanContext();
  if (!isSpanContextValid(spanContext)) return null;
  const flags = (spanContext.traceFlags ?? TraceFlags.NONE).toString(16).padStart(2, '0');
  return `00-${spanContext.traceId}-${spanContext.spanId}-${flags}`;
}
