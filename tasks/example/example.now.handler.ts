import { defineHandler } from '../../core/task.ts';
import { now } from './example.now.task.ts';

export default defineHandler(now, () => ({ at: performance.timeOrigin + performance.now() }));
