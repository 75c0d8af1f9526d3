import { z } from 'zod';
import { defineTask } from '../../core/task.ts';

export const fail = defineTask({
  name: 'example.fail',
  version: '1.0.0',
  description: 'Fails its first attempts, then succeeds; or fails for good. For trying out retries.',
  payload: z.strictObject({
    times: z.int().min(0).max(1_000).describe('How many attempts fail'),
    permanent: z.boolean().default(false).describe('Whether the failure is not worth retrying'),
    message: z.string().max(1_000).default('failed as asked').describe('The message of the error'),
  }),
  result: z.strictObject({ attempts: z.int() }),
  policy: { dedup: { strategy: 'none' }, backoff: { initialMs: 200, maxMs: 10_000 } },
  example: { times: 2 },
});
