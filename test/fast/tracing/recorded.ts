import { AsyncLocalStorage } from 'node:async_hooks';
import { type Context, context, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { until } from '../../support/until.ts';

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

/** The spans of a trace that have ended so far, in the order of their beginning, and each after its parent: several may begin in one millisecond. */
function spansOf(traceId: string): ReadableSpan[] {
  const spans = exporter.getFinishedSpans().filter((span) => span.spanContext().traceId === traceId);
  const depthOf = (span: ReadableSpan): number => {
    const parent = spans.find((one) => one.spanContext().spanId === span.parentSpanContext?.spanId);
    return parent === undefined ? 0 : depthOf(parent) + 1;
  };
  const [seconds, nanoseconds] = [0, 1];
  return spans.toSorted(
    (one, other) =>
      (one.startTime[seconds] ?? 0) - (other.startTime[seconds] ?? 0) ||
      (one.startTime[nanoseconds] ?? 0) - (other.startTime[nanoseconds] ?? 0) ||
      depthOf(one) - depthOf(other),
  );
}

/** Waits until a trace has so many ended spans. */
export function traced(traceId: string, count: number): Promise<ReadableSpan[]> {
  return until(`the trace has ${count} spans`, () => {
    const spans = spansOf(traceId);
    return spans.length >= count && spans;
  });
}
