import { z } from 'zod';
import { defineTask } from '../core/task.ts';

export const crash = defineTask({
  name: 'example.crash',
  version: '1.0.0',
  description: 'Ends the runner that executes it, as a kill -9 would. For trying out recovery.',
  payload: z.strictObject({
    signal: z.enum(['SIGKILL', 'SIGSEGV', 'SIGABRT']).default('SIGKILL').describe('How the runner ends'),
  }),
  policy: { dedup: { strategy: 'none' } },
  example: { signal: 'SIGKILL' },
});
