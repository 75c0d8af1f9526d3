import { trace } from '@opentelemetry/api';
import { BasicTracerProvider, type SpanProcessor } from '@opentelemetry/sdk-trace-base';
import { expect, test } from 'vitest';
import { createDatabase } from '../../support/database.ts';
import { run } from '../runner/one_task.ts';

const { pool } = await createDatabase();

/** As an exporter of a user's may be. */
function broken(): never {
  throw new Error('no collector');
}

const processor: SpanProcessor = {
  onStart: () => {},
  onEnd: broken,
  shutdown: () => Promise.resolve(),
  forceFlush: () => Promise.resolve(),
};
trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [processor] }));

test('tracing that throws at the end of an attempt costs no outcome', async () => {
  processor.onStart = () => {};
  const done = await run(pool, 'odd.traced', () => 'done');
  expect(done).toMatchObject({ state: 'succeeded', attempt: 1, result: 'done' });
  const failed = await run(pool, 'odd.failed', () => Promise.reject(new Error('no use')), { maxAttempts: 2 });
  expect(failed).toMatchObject({ state: 'failed', attempt: 2, error: { message: 'no use' } });
});

test('tracing that throws before an attempt begins is its failure, and is recorded', async () => {
  processor.onStart = broken;
  const task = await run(pool, 'odd.begun', () => 'done', { maxAttempts: 2 });
  expect(task).toMatchObject({ state: 'failed', attempt: 2, error: { message: 'no collector' } });
});
