import { defineSchedule } from 'errand';
import { nightly } from './reports.nightly.task.ts';

export const everyNight = defineSchedule({
  id: 'reports.every_night',
  task: nightly,
  payload: { to: 'boss@example.com' },
  cron: '5 0 * * *',
  timezone: 'Europe/Berlin',
  // Each day has its report, also after nights in which nothing ran.
  catchUp: 'all',
  overlap: 'allow',
});
