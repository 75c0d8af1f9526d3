import { expect, test } from 'vitest';
import type { ScheduleSettings } from '../../../../core/schedules/settings.ts';
import { timingInWords } from '../../../../core/schedules/words.ts';
import { settingsOf } from './oracle.ts';

test.each([
  ['30 2 * * *', 'every day at 02:30'],
  ['0,30 2 * * *', 'every day at 02:00 and 02:30'],
  ['30 2,14 * * *', 'every day at 02:30 and 14:30'],
  ['15 30 2 * * *', 'every day at 02:30:15'],
  ['0 0 2 * * *', 'every day at 02:00'],
  ['0 */5 * * *', 'every day at 00:00, 05:00, 10:00, 15:00 and 20:00'],
  ['30 2-9 * * *', 'at 30 minutes past the hour, between 02:00 and 09:59, every day'],
  ['@daily', 'every day at 00:00'],
  ['@weekly', 'on Sunday at 00:00'],
  ['@yearly', 'on day 1 of the month in January at 00:00'],
  // Within the day.
  ['* * * * *', 'every minute'],
  ['* * * * * *', 'every second'],
  ['*/10 * * * * *', 'every 10 seconds'],
  ['*/15 * * * *', 'every 15 minutes'],
  ['0,15,30,45 * * * *', 'every 15 minutes'],
  ['5 * * * *', 'at 5 minutes past the hour'],
  ['@hourly', 'every hour'],
  ['0 */2 * * *', 'on the hour, every 2 hours'],
  ['30 */5 * * * *', 'at 30 seconds past the minute, every 5 minutes'],
  ['*/15 9-17 * * MON-FRI', 'every 15 minutes, between 09:00 and 17:59, on Monday to Friday'],
  ['*/20 2 * * *', 'every day at 02:00, 02:20 and 02:40'],
  ['* 2 * * *', 'every minute, between 02:00 and 02:59, every day'],
  // Steps that begin again with each hour, or are not even.
  ['*/45 * * * *', 'at 0 and 45 minutes past the hour'],
  ['*/60 * * * *', 'every hour'],
  ['5-59/20 * * * *', 'at 5, 25, and 45 minutes past the hour'],
  // Days.
  ['0 9 1 * *', 'on day 1 of the month at 09:00'],
  ['0 9 1-7,15 * *', 'on day 1 to 7 and 15 of the month at 09:00'],
  ['0 9 L * *', 'on the last day of the month at 09:00'],
  ['0 9 15,L * *', 'on day 15 and the last day of the month at 09:00'],
  ['0 9 LW * *', 'on the last weekday of the month at 09:00'],
  ['0 9 15W * *', 'on the weekday nearest to day 15 of the month at 09:00'],
  [
    '0 9 1W,15W * *',
    'on the weekday nearest to day 1 and the weekday nearest to day 15 of the month at 09:00',
  ],
  ['0 9 2-10/4 * *', 'on day 2, 6 and 10 of the month at 09:00'],
  ['0 9 * * 1,3,0', 'on Monday, Wednesday and Sunday at 09:00'],
  ['0 9 * * 5-7', 'on Friday to Sunday at 09:00'],
  ['0 9 * * 7', 'on Sunday at 09:00'],
  ['0 9 ? * MON', 'on Monday at 09:00'],
  ['0 9 * * 5L', 'on the last Friday of the month at 09:00'],
  ['0 9 * * FRI#2', 'on the second Friday of the month at 09:00'],
  ['0 9 * * MON#1,MON#3', 'on the first and third Monday of the month at 09:00'],
  ['0 9 * * MON#L', 'on the last Monday of the month at 09:00'],
  ['0 9 * * 2L,5', 'on Friday and the last Tuesday of the month at 09:00'],
  ['0 9 * JAN,JUL *', 'every day in January and July at 09:00'],
  ['0 9 * 1-3 1', 'on Monday in January to March at 09:00'],
  ['0 9 1 1-12 *', 'on day 1 of the month at 09:00'],
  // Both days: or, unless the expression says and.
  ['0 9 1 * MON', 'on day 1 of the month or on Monday at 09:00'],
  ['0 9 1 6 MON', 'on day 1 of the month or on Monday, in June, at 09:00'],
  ['0 9 1-7 * +MON', 'on day 1 to 7 of the month if it is Monday at 09:00'],
  ['*/15 * 1 * MON', 'every 15 minutes, on day 1 of the month or on Monday'],
  // A star with a step is no star: so this is every day.
  ['0 9 1 * */1', 'on day 1 of the month or on any day of the week at 09:00'],
])('%s', (cron, words) => {
  expect(timingInWords(settingsOf({ cron }))).toBe(`${words} in UTC`);
  expect(timingInWords(settingsOf({ cron, timezone: 'Europe/Berlin' }))).toBe(`${words} in Europe/Berlin`);
});

test.each([
  [{ every_seconds: 1 }, 'every second'],
  [{ every_seconds: 900 }, 'every 15 minutes'],
  [{ every_seconds: 3_600 }, 'every hour'],
  [{ every_seconds: 86_400 }, 'every day'],
  [{ every_seconds: 5_400 }, 'every 1 hour and 30 minutes'],
  [{ every_seconds: 90_061 }, 'every 1 day, 1 hour, 1 minute and 1 second'],
  [{ at: '2027-03-01T09:00:00Z' }, 'once, at 2027-03-01T09:00:00+00:00'],
  [{ at: '2027-03-01T09:00:00Z', timezone: 'Asia/Kathmandu' }, 'once, at 2027-03-01T14:45:00+05:45'],
  [
    {
      cron: '@daily',
      starts_at: '2027-01-01T00:00:00Z',
      ends_at: '2027-07-01T00:00:00Z',
      timezone: 'America/New_York',
    },
    'every day at 00:00 in America/New_York, from 2026-12-31T19:00:00-05:00, until 2027-06-30T20:00:00-04:00',
  ],
  [
    { cron: '@daily', jitter_seconds: 90 },
    'every day at 00:00 in UTC, each up to 1 minute and 30 seconds later',
  ],
  [{ every_seconds: 60, jitter_seconds: 0.5 }, 'every minute, each up to 0.5 seconds later'],
] satisfies [Partial<ScheduleSettings>, string][])('%o', (settings, words) => {
  expect(timingInWords(settingsOf(settings))).toBe(words);
});
