import { expect, inject, onTestFinished, test } from 'vitest';
import { openPool } from '../../../store/database/pool.ts';
import { startTestErrand } from '../../../testing/index.ts';
import { clockChanges, type Day, everyHours, type Range, wallTimes } from './calendar.ts';
import { rememberTimes, seenTimes } from './seen.ts';

const DAYS = 1_000;
const DAY_MS = 86_400_000;
const BEGIN = new Date('2026-02-01T00:00:00Z');
const RANGE = { after: BEGIN, until: new Date(BEGIN.getTime() + DAYS * DAY_MS) };

type Calendar = {
  timing: Record<string, unknown>;
  /** Its times in a range. */
  expected: (range: Range) => Date[];
};

const every = (): boolean => true;
const isMonday = (day: Day): boolean => day.getUTCDay() === 1;
const isLastOfMonth = (day: Day): boolean => new Date(day.getTime() + DAY_MS).getUTCDate() === 1;

const berlin = 'Europe/Berlin';
const nightly: Calendar = {
  timing: { cron: '30 2 * * *', timezone: berlin },
  expected: (range) => wallTimes(berlin, [2, 30], every, range),
};

/** For all the time. */
const ALWAYS: Record<string, Calendar> = {
  nightly,
  ...Object.fromEntries(
    [
      { catchUp: 'skip' },
      { catchUp: 'all', overlap: 'allow' },
      { overlap: 'queue_one' },
      { overlap: 'cancel_running' },
    ].map((settings) => [
      `nightly_${Object.values(settings).join('_')}`,
      { ...nightly, timing: { ...nightly.timing, ...settings } },
    ]),
  ),
  weekly: {
    timing: { cron: '30 2 * * MON', timezone: berlin },
    expected: (range) => wallTimes(berlin, [2, 30], isMonday, range),
  },
  monthly: {
    timing: { cron: '30 2 L * *', timezone: berlin },
    expected: (range) => wallTimes(berlin, [2, 30], isLastOfMonth, range),
  },
  five_days: { timing: { everySeconds: 5 * 86_400 }, expected: (range) => everyHours(120, range) },
};

/** In the days around each change of clocks, since each time of all days takes its time. */
const AROUND_CHANGES: Record<string, Calendar & { zone: string }> = {
  hourly: {
    ...{ zone: berlin, timing: { cron: '0 * * * *', timezone: berlin } },
    expected: (range) => everyHours(1, range),
  },
  // In the night without them, both are right after the gap: one time.
  two_in_the_gap: {
    ...{ zone: berlin, timing: { cron: '0,30 2 * * *', timezone: berlin } },
    expected: (range) => {
      const times = [0, 30].flatMap((minute) => wallTimes(berlin, [2, minute], every, range));
      return [...new Set(times.map(Number))].sort((a, b) => a - b).map((time) => new Date(time));
    },
  },
  new_york: daily('America/New_York', [2, 0]),
  lord_howe: daily('Australia/Lord_Howe', [2, 15]),
  cairo: daily('Africa/Cairo', [0, 0]),
  santiago: daily('America/Santiago', [0, 0]),
};

function daily(zone: string, [hour, minute]: [number, number]): Calendar & { zone: string } {
  return {
    ...{ zone, timing: { cron: `${minute} ${hour} * * *`, timezone: zone } },
    expected: (range) => wallTimes(zone, [hour, minute], every, range),
  };
}

/** All of these, by their ids. */
function calendars(): Map<string, Calendar> {
  const around = Object.entries(AROUND_CHANGES).flatMap(([name, { zone, timing, expected }]) =>
    clockChanges(zone, RANGE).map((change, number): [string, Calendar] => {
      const range = { after: new Date(+change - DAY_MS), until: new Date(+change + 2 * DAY_MS) };
      const bounds = { startsAt: new Date(+range.after + 1), endsAt: range.until };
      return [`${name}_${number}`, { timing: { ...timing, ...bounds }, expected: () => expected(range) }];
    }),
  );
  return new Map(
    [...Object.entries(ALWAYS), ...around].map(([name, calendar]) => [`example.${name}`, calendar]),
  );
}

test('in 1,000 days each time of each schedule has exactly one task, over every change of clocks', async () => {
  const errand = await startTestErrand({
    ...{ tasks: { definitions: [], handlers: {} }, database: inject('postgresUrl') },
    at: BEGIN,
  });
  onTestFinished(() => errand.stop());
  const pool = openPool({
    ...{ connectionString: errand.databaseUrl, applicationName: 'test', size: 2 },
    ...{ statementTimeoutMs: 0, onError: () => {} },
  });
  onTestFinished(() => pool.end());
  // Retention deletes tasks meanwhile.
  await rememberTimes(pool);
  const all = calendars();
  expect(all.size).toBeGreaterThan(30);
  for (const [id, { timing }] of all)
    await errand.client.schedules.put(id, { task: 'example.now', payload: {}, ...timing });
  await errand.advance(`${DAYS} days`, { timeoutMs: 600_000 });
  const until = await errand.now();
  expect(until.getTime()).toBeGreaterThanOrEqual(RANGE.until.getTime());
  for (const [id, { expected }] of all) {
    const right = expected({ after: BEGIN, until }).map((time) => time.toISOString());
    expect(right.length, id).toBeGreaterThan(2);
    expect(await seenTimes(pool, id), id).toEqual(right);
  }
});
