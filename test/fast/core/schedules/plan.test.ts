import { describe, expect, test } from 'vitest';
import { COUNT_LIMIT, firstTime, planFiring } from '../../../../core/schedules/plan.ts';
import type { ScheduleSettings } from '../../../../core/schedules/settings.ts';
import { settingsOf } from './oracle.ts';

const ID = 'billing.nightly';

/** Plans with times of one day as `HH:MM:SS`. */
function planOf(given: Partial<ScheduleSettings>, nextAt: string, now: string, lastAt: string | null = null) {
  const settings = settingsOf(given);
  const last = lastAt === null ? null : day(lastAt);
  return inTexts(planFiring({ id: ID, settings, nextAt: day(nextAt), now: day(now), lastAt: last }));
}

function inTexts(plan: ReturnType<typeof planFiring>) {
  const { times, skipped, lastAt, nextAt, dueAt } = plan;
  return {
    times: times.map(text),
    skipped: skipped && { from: text(skipped.from), until: text(skipped.until), count: skipped.count },
    lastAt: text(lastAt),
    nextAt: nextAt && text(nextAt),
    dueAt: dueAt && text(dueAt),
  };
}

const hourly = { cron: '0 * * * *' };

describe('a time that is due', () => {
  test('is planned alone, and the next one after it is due then', () => {
    expect(planOf(hourly, '02:00:00', '02:00:00.004')).toEqual({
      times: ['02:00:00'],
      skipped: null,
      lastAt: '02:00:00',
      nextAt: '03:00:00',
      dueAt: '03:00:00',
    });
  });

  test('is not planned before its moment', () => {
    const early = planOf(hourly, '02:00:00', '01:59:59.999', '01:00:00');
    expect(early).toEqual({
      times: [],
      skipped: null,
      lastAt: '01:00:00',
      nextAt: '02:00:00',
      dueAt: '02:00:00',
    });
  });

  test('is not planned before its jitter is over, and is not missed because of it', () => {
    const late = { ...hourly, jitter_seconds: 3_000, catch_up: 'skip' } as const;
    const { dueAt } = firstTime({
      id: ID,
      settings: settingsOf(late),
      now: day('01:30:00'),
      lastAt: null,
      overdue: null,
    });
    const due = text(dueAt ?? day('00:00:00'));
    expect(due > '02:01:00' && due < '02:50:00').toBe(true);
    expect(planOf(late, '02:00:00', text(new Date(day(due).getTime() - 1)))).toMatchObject({
      times: [],
      skipped: null,
    });
    expect(planOf(late, '02:00:00', due)).toMatchObject({ times: ['02:00:00'], skipped: null });
  });

  test('of a single time, nothing comes after it', () => {
    const once = { at: '2027-01-01T02:00:00Z' };
    expect(planOf(once, '02:00:00', '02:00:01')).toMatchObject({
      times: ['02:00:00'],
      nextAt: null,
      dueAt: null,
    });
  });
});

describe('missed times', () => {
  const missed = ['01:00:00', '06:30:00'] as const;

  test('catch_up last: the newest runs, the others are skipped', () => {
    expect(planOf(hourly, ...missed)).toEqual({
      times: ['06:00:00'],
      skipped: { from: '01:00:00', until: '05:00:00', count: 5 },
      lastAt: '06:00:00',
      nextAt: '07:00:00',
      dueAt: '07:00:00',
    });
  });

  test('catch_up last: none runs if the newest is older than the window', () => {
    expect(planOf({ ...hourly, catch_up_window_seconds: 1_799 }, ...missed)).toMatchObject({
      times: [],
      skipped: { from: '01:00:00', until: '06:00:00', count: 6 },
      lastAt: '06:00:00',
      nextAt: '07:00:00',
    });
    expect(planOf({ ...hourly, catch_up_window_seconds: 1_800 }, ...missed)).toMatchObject({
      times: ['06:00:00'],
    });
  });

  test('catch_up skip: a time runs that is late by up to a minute', () => {
    expect(planOf({ ...hourly, catch_up: 'skip' }, '01:00:00', '01:01:00')).toMatchObject({
      times: ['01:00:00'],
    });
    expect(planOf({ ...hourly, catch_up: 'skip' }, '01:00:00', '01:01:00.001')).toMatchObject({
      times: [],
      skipped: { from: '01:00:00', until: '01:00:00', count: 1 },
    });
    expect(planOf({ ...hourly, catch_up: 'skip' }, '01:00:00', '06:00:10')).toMatchObject({
      times: ['06:00:00'],
      skipped: { from: '01:00:00', until: '05:00:00', count: 5 },
    });
  });

  test('catch_up all: as many run as catch_up_max says, the newest', () => {
    const all = { ...hourly, catch_up: 'all', overlap: 'allow' } as const;
    const six = ['01:00:00', '02:00:00', '03:00:00', '04:00:00', '05:00:00', '06:00:00'];
    expect(planOf(all, ...missed)).toMatchObject({ times: six, skipped: null });
    expect(planOf({ ...all, catch_up_max: 6 }, ...missed)).toMatchObject({ times: six, skipped: null });
    expect(planOf({ ...all, catch_up_max: 2 }, ...missed)).toMatchObject({
      times: six.slice(-2),
      skipped: { from: '01:00:00', until: '04:00:00', count: 4 },
    });
    expect(planOf({ ...all, catch_up_window_seconds: 7_200 }, ...missed)).toMatchObject({
      times: six.slice(-2),
      skipped: { from: '01:00:00', until: '04:00:00', count: 4 },
    });
  });

  test('a year without runners, at every second, is planned with few steps', () => {
    for (const timing of [{ every_seconds: 1 }, { cron: '* * * * * *', timezone: 'Europe/Berlin' }]) {
      const settings = settingsOf({ ...timing, catch_up: 'all', overlap: 'allow', catch_up_max: 1_000 });
      const now = new Date('2027-01-01T00:00:00.500Z');
      const plan = planFiring({ id: ID, settings, nextAt: new Date('2026-01-01'), lastAt: null, now });
      expect(plan.times).toHaveLength(1_000);
      expect(plan.times.at(-1)).toEqual(new Date('2027-01-01'));
      expect(plan.skipped).toEqual({
        from: new Date('2026-01-01'),
        until: new Date('2026-12-31T23:43:20Z'),
        count: null,
      });
      expect(plan.nextAt).toEqual(new Date('2027-01-01T00:00:01Z'));
    }
  });

  test('skipped times are counted up to a limit', () => {
    const seconds = { every_seconds: 1 };
    const after = (count: number) => new Date(day('01:00:00').getTime() + count * 1_000);
    const counted = (count: number) => planOf(seconds, '01:00:00', text(after(count))).skipped?.count;
    expect(counted(COUNT_LIMIT)).toBe(COUNT_LIMIT);
    expect(counted(COUNT_LIMIT + 1)).toBeNull();
  });
});

describe('a zone whose rules have changed since the next time was computed', () => {
  const daily = (hour: number) => ({ cron: `0 ${hour} * * *` });

  test('the time has moved to later: it is planned then', () => {
    const moved = planOf(daily(3), '02:00:00', '02:00:01');
    expect(moved).toMatchObject({ times: [], skipped: null, nextAt: '03:00:00', dueAt: '03:00:00' });
  });

  test('the time has moved to earlier: it is planned now, late', () => {
    expect(planOf(daily(1), '02:00:00', '02:00:01')).toMatchObject({
      times: ['01:00:00'],
      lastAt: '01:00:00',
    });
  });

  test('a time that was handled is not planned again', () => {
    expect(planOf({ cron: '0 */2 * * *' }, '05:00:00', '05:00:01', '04:00:00')).toMatchObject({
      times: [],
      nextAt: '06:00:00',
    });
  });
});

describe('the first time of a schedule', () => {
  const first = (given: {
    now: string;
    lastAt?: string;
    overdue?: string;
    settings?: Partial<ScheduleSettings>;
  }) => {
    const { nextAt } = firstTime({
      id: ID,
      settings: settingsOf(given.settings ?? hourly),
      now: day(given.now),
      lastAt: given.lastAt === undefined ? null : day(given.lastAt),
      overdue: given.overdue === undefined ? null : day(given.overdue),
    });
    return nextAt && text(nextAt);
  };

  test('is after now', () => {
    expect(first({ now: '01:59:59.999' })).toBe('02:00:00');
    expect(first({ now: '02:00:00' })).toBe('03:00:00');
  });

  test('is after all that was handled, also if the clock went back', () => {
    expect(first({ now: '01:30:00', lastAt: '04:00:00' })).toBe('05:00:00');
  });

  test('a change while a time is due keeps that time, if the new timing has it', () => {
    expect(first({ now: '02:00:00.100', overdue: '02:00:00', lastAt: '01:00:00' })).toBe('02:00:00');
    expect(first({ now: '02:00:00.100', overdue: '02:00:00', settings: { cron: '*/30 * * * *' } })).toBe(
      '02:00:00',
    );
  });

  test('a change while a time is due goes on after it, if the new timing does not have it', () => {
    expect(first({ now: '02:00:00.100', overdue: '02:00:00', settings: { cron: '15 * * * *' } })).toBe(
      '02:15:00',
    );
  });

  test('there is none for a single time that is over, or was handled', () => {
    const settings = { at: '2027-01-01T02:00:00Z' };
    expect(first({ now: '02:00:00', settings })).toBeNull();
    expect(first({ now: '01:00:00', lastAt: '02:00:00', settings })).toBeNull();
    expect(first({ now: '01:00:00', settings })).toBe('02:00:00');
  });
});

function day(clock: string): Date {
  return new Date(`2027-01-01T${clock}Z`);
}

function text(time: Date): string {
  return time.toISOString().slice(11, -1).replace('.000', '');
}
