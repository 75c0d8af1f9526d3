import { PermanentError } from '../../core/errors.ts';
import { defineHandler } from '../../core/task.ts';
import { fail } from './example.fail.task.ts';

export default defineHandler(fail, ({ times, permanent, message }, context) => {
  if (context.attempt > times) return { attempts: context.attempt };
  if (permanent) throw new PermanentError(message, { code: 'AS_ASKED' });
  throw new Error(message);
});
