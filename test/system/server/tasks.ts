import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { defineHandler, defineTask } from '../../../core/task.ts';
import { listTasks } from '../../../core/task_list.ts';

const add = defineTask({
  name: 'shop.add',
  version: '1.0.0',
  description: 'Adds two numbers',
  payload: z.object({ a: z.number(), b: z.number().default(1) }),
  example: { a: 1 },
  result: z.object({ sum: z.number() }),
});

const slow = defineTask({
  name: 'shop.slow',
  version: '1.0.0',
  description: 'Takes its time',
  payload: z.object({ ms: z.number(), n: z.number() }),
  example: { ms: 1, n: 1 },
});

/** The tasks of an application that has Errand inside. */
export const tasks = listTasks({
  definitions: [add, slow],
  handlers: {
    'shop.add': async () => ({ default: defineHandler(add, ({ a, b }) => ({ sum: a + b })) }),
    'shop.slow': async () => ({
      default: defineHandler(slow, async ({ ms, n }, { log }) => {
        log.info({ n }, 'slow');
        await pause(ms);
        return { n };
      }),
    }),
  },
});
