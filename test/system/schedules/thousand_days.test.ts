import { expect, onTestFinished, test } from 'vitest';
import { openPool } from '../../../store/database/pool.ts';
import { startTestErrand } from '../../../testing/index.ts';
import { type Day, everyHours, wallTimes } from './calendar.ts';
import { databaseTime } from './made_schedules.ts';
import { rememberTimes, seenTimes } from './seen.ts';

const DAYS = 1_000;
const DAY_MS = 86_400_000;

type Calendar = {
  cron?: string;
  everySeconds?: number;
  timezone?: string;
  catchUp?: 'skip' | 'last' | 'all';
  overlap?: 'skip' | 'queue_one' | 'cancel_running' | 'allow';
  expected: (range: { after: Date; until: Date }) => Date[];
};

const daily = (zone: string, at: readonly [number, number]): Pick<Calendar, 'timezone' | 'expected'> => ({
  timezone: zone,
  expected: (range) => wallTimes(zone, at, () => true, range),
});
const isMonday = (day: Day): boolean => day.getUTCDay() === 1;
const isLastOfMonth = (day: Day): boolean => new Date(day.getTime() + DAY_MS).getUTCDate() === 1;

/** Over all nights on which clocks change in these years. */
const SCHEDULES: Record<string, Calendar> = {
  'example.berlin': { cron: '30 2 * * *', ...daily('Europe/Berlin', [2, 30]) },
  'example.berlin_all': {
    ...{ cron: '30 2 * * *', catchUp: 'all', overlap: 'allow' },
    ...daily('Europe/Berlin', [2, 30]),
  },
  'example.new_york': {
    ...{ cron: '0 2 * * *', overlap: 'queue_one' },
    ...daily('America/New_York', [2, 0]),
  },
  'example.lord_howe': {
    ...{ cron: '15 2 * * *', overlap: 'cancel_running' },
    ...daily('Australia/Lord_Howe', [2, 15]),
  },
  'example.cairo': { cron: '0 0 * * *', catchUp: 'skip', ...daily('Africa/Cairo', [0, 0]) },
  'example.santiago': { cron: '0 0 * * *', ...daily('America/Santiago', [0, 0]) },
  'example.hourly': {
    ...{ cron: '0 * * * *', timezone: 'Europe/Berlin' },
    expected: (range) => everyHours(1, range),
  },
  'example.six_hours': { everySeconds: 6 * 3_600, expected: (range) => everyHours(6, range) },
  'example.weekly': {
    ...{ cron: '0 9 * * MON', timezone: 'America/New_York' },
    expected: (range) => wallTimes('America/New_York', [9, 0], isMonday, range),
  },
  'example.monthly': {
    ...{ cron: '0 3 L * *', timezone: 'Europe/Berlin' },
    expected: (range) => wallTimes('Europe/Berlin', [3, 0], isLastOfMonth, range),
  },
};

test('in 1,000 days each time of each schedule has exactly one task, over every change of clocks', async () => {
  const errand = await startTestErrand();
  onTestFinished(() => errand.stop());
  const pool = openPool({
    ...{ connectionString: errand.databaseUrl, applicationName: 'test', size: 2 },
    ...{ statementTimeoutMs: 0, onError: () => {} },
  });
  onTestFinished(() => pool.end());
  await rememberTimes(pool);
  const after = await databaseTime(pool);
  for (const [id, { expected: _, ...timing }] of Object.entries(SCHEDULES))
    await errand.client.schedules.put(id, { task: 'example.now', payload: {}, ...timing });
  for (let day = 0; day < DAYS; day++) await errand.advance('1 day');
  const until = await databaseTime(pool);
  expect(until.getTime() - after.getTime()).toBeGreaterThanOrEqual(DAYS * DAY_MS);
  for (const [id, { expected }] of Object.entries(SCHEDULES)) {
    const times = await seenTimes(pool, id);
    const right = expected({ after, until }).map((time) => time.toISOString());
    expect(times.length, id).toBeGreaterThan(30);
    expect(times, id).toEqual(right);
  }
});
