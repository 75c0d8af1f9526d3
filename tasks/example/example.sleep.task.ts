import { z } from 'zod';
import { defineTask } from '../../core/task.ts';

export const sleep = defineTask({
  name: 'example.sleep',
  version: '1.0.0',
  description: 'Waits, and ends early if the runner asks it to. For trying out concurrency and shutdown.',
  payload: z.strictObject({
    ms: z.int().min(0).max(3_600_000).describe('How long to wait, in milliseconds'),
  }),
  result: z.strictObject({ slept_ms: z.int() }),
  policy: { dedup: { strategy: 'none' } },
  example: { ms: 100 },
});
