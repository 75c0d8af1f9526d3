import { defineHandler } from '../../core/task.ts';
import { crash } from './example.crash.task.ts';

export default defineHandler(crash, ({ signal }, context) => {
  context.log.warn({ signal }, 'ending this runner, as asked');
  process.kill(process.pid, signal);
});
