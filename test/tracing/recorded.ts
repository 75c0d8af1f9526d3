import { AsyncLocalStorage } from 'node:async_hooks';
import { type Context, context, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { until } from '../support/until.ts';

const exporter = new InMemorySpanExporter();

/** Registers a real SDK in this process, as a user would, for good: its spans are kept. */
export function registerSdk(): void {
  const spanProcessors = [new SimpleSpanProcessor(exporter)];
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors }));
  const storage = new AsyncLocalStorage<Context>();
  context.setGlobalContextManager({
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (active, work, self, ...parameters) => storage.run(active, () => work.apply(self, parameters)),
    bind: (_active, target) => target,
    enable() {
      return this;
    },
    disable() {
      return this;
    },
  });
}

/** The spans of a trace that have ended so far, in the order of their beginning. */
function spansOf(traceId: string): ReadableSpan[] {
  const [seconds, nanoseconds] = [0, 1];
  return exporter
    .getFinishedSpans()
    .filter((span) => span.spanContext().traceId === traceId)
    .toSorted(
      ({ startTime: a }, { startTime: b }) =>
        (a[seconds] ?? 0) - (b[seconds] ?? 0) || (a[nanoseconds] ?? 0) - (b[nanoseconds] ?? 0),
    );
}

/** Waits until a trace has so many ended spans. */
export function traced(traceId: string, count: number): Promise<ReadableSpan[]> {
  return until(`the trace has ${count} spans`, () => {
    const spans = spansOf(traceId);
    return spans.length >= count && spans;
  });
}
