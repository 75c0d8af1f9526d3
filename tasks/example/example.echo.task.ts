import { z } from 'zod';
import { defineTask } from '../../core/task.ts';

export const echo = defineTask({
  name: 'example.echo',
  version: '1.0.0',
  description: 'Returns the message as often as asked. The smallest possible task.',
  payload: z.strictObject({
    message: z.string().max(10_000).describe('The message'),
    count: z.int().min(1).max(100).default(1).describe('How often to return it'),
  }),
  result: z.strictObject({ messages: z.array(z.string()) }),
  example: { message: 'hello', count: 2 },
});
