import { type Tracer, trace } from '@opentelemetry/api';
import { expect, test } from 'vitest';
import { createDatabase } from '../../support/database.ts';
import { run } from '../runner/one_task.ts';

const { pool } = await createDatabase();

trace.setGlobalTracerProvider({
  getTracer(): Tracer {
    throw new Error('no tracer');
  },
});

test('a provider that throws when it is asked for a tracer is a failure of the attempt, and is recorded', async () => {
  const task = await run(pool, 'odd.traced', () => 'done', { maxAttempts: 2 });
  expect(task).toMatchObject({ state: 'failed', attempt: 2, error: { message: 'no tracer' } });
});
