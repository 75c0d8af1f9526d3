import { z } from 'zod';
import { defineTask } from '../../core/task.ts';

export const crash = defineTask({
  name: 'example.crash',
  version: '1.0.0',
  description: 'Kills the runner that executes it, like kill -9. For trying out recovery.',
  payload: z.strictObject({
    signal: z
      .enum(['SIGKILL', 'SIGSEGV', 'SIGABRT'])
      .default('SIGKILL')
      .describe('The signal that kills the runner'),
  }),
  policy: { dedup: { strategy: 'none' } },
  example: { signal: 'SIGKILL' },
});
