import { setTimeout } from 'node:timers/promises';
import { defineHandler } from '../../core/task.ts';
import { sleep } from './example.sleep.task.ts';

export default defineHandler(sleep, async ({ ms }, context) => {
  await setTimeout(ms, undefined, { signal: context.signal });
  return { slept_ms: ms };
});
