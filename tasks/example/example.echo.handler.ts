import { defineHandler } from '../../core/task.ts';
import { echo } from './example.echo.task.ts';

export default defineHandler(echo, ({ message, count }, context) => {
  context.log.info({ count }, 'echoing');
  return { messages: Array.from({ length: count }, () => message) };
});
