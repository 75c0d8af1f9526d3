import {
  type Attributes,
  type Context,
  context,
  isSpanContextValid,
  ProxyTracerProvider,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import type { ErrorRecord } from '../core/errors.ts';
import { VERSION } from './version.ts';

// Uses only the API of OpenTelemetry. Without an SDK, which is the user's choice, its calls do almost
// nothing.
const tracer = trace.getTracer('errand', VERSION);

/** W3C Trace Context, version 00. */
const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** The id of the trace of a traceparent, for log lines; null without one. */
export function traceIdOf(traceparent: string | null): string | null {
  return traceparent === null ? null : (TRACEPARENT.exec(traceparent)?.[1] ?? null);
}

/**
 * Runs a submission of `count` tasks in a span `send <name>`. Its parent is the span that instrumentation of
 * the process has made for the request, otherwise the request's traceparent. `work` gets the traceparent to
 * store with the tasks: that of the span or, if nothing makes spans, the caller's. Throws the errors of
 * `work`.
 */
export async function traceSend<T>(
  submission: { name: string; count: number; traceparent: string | null },
  work: (traceparent: string | null) => Promise<T>,
): Promise<T> {
  const { name, count, traceparent } = submission;
  // A span that nobody records has the traceparent of its parent.
  if (!isTracing()) return work(traceparent);
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

/** The attempt that a span is for. */
type Traced = { id: string; name: string; attempt: number; traceparent: string | null };

/** The end of an attempt, as its span reports it. */
type Ended = { kind: string; error?: ErrorRecord };

/**
 * Executes an attempt in a span `process <name>`, which is active meanwhile, so that spans of the handler are
 * inside it. `work` gets its traceparent to pass on. The submission is its parent and is also linked:
 * OpenTelemetry's messaging conventions ask for the link, and allow the parent if one message is processed at
 * a time, as here. So one trace shows the submission and every attempt as separate spans.
 */
export async function traceAttempt<T extends Ended>(
  { id, name, attempt, traceparent }: Traced,
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

/** Whether spans are made at all. Without an SDK they would only cost time in each attempt. */
export function isTracing(): boolean {
  const provider = trace.getTracerProvider();
  return !(provider instanceof ProxyTracerProvider) || provider.getDelegateTracer('errand') !== undefined;
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
