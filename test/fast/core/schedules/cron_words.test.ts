import { expect, test } from 'vitest';
import { settingsProblems } from '../../../../core/schedules/check.ts';
import { settingsSchema } from '../../../../core/schedules/settings.ts';
import { timingInWords } from '../../../../core/schedules/words.ts';

test.each([
  ['30 2 * * *', 'at 02:30 in UTC'],
  ['0 9 * * MON#1', 'at 09:00, on the first Monday of the month in UTC'],
  ['@weekly', 'at 00:00, only on Sunday in UTC'],
  // Either of the days, or both: the words must tell them apart.
  ['0 9 1 * MON', 'at 09:00, on day 1 of the month, or on Monday in UTC'],
  ['0 9 1 * +MON', 'at 09:00, on day 1 of the month, but only if it is Monday in UTC'],
  ['0 9 1 * +MON,TUE', 'at 09:00, on day 1 of the month, but only if it is Monday or Tuesday in UTC'],
  ['0 9 1-7 * MON-FRI', 'at 09:00, between day 1 and 7 of the month, or Monday through Friday in UTC'],
  ['0 9 1 FEB MON', 'at 09:00, on day 1 of the month, or on Monday, only in February in UTC'],
  // It cannot be worded, but it is a rule.
  ['0 9 * * MON#L', 'at the times of 0 9 * * MON#L in UTC'],
])('%s is %j', (cron, words) => {
  const settings = settingsSchema.parse({ task: 'a.b', payload: {}, cron });
  expect(settingsProblems('a.b', settings, new Date())).toEqual([]);
  expect(timingInWords(settings)).toBe(words);
});
