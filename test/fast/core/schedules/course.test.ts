import { describe, expect, test } from 'vitest';
import { courseOfChange, courseOfResume, type Standing } from '../../../../core/schedules/course.ts';
import { type ScheduleSettings, settingsSchema } from '../../../../core/schedules/settings.ts';

const at = (time: string): Date => new Date(`2026-03-10T${time}Z`);
const NOW = at('12:05:30');

const settingsOf = (timing: Partial<ScheduleSettings>): ScheduleSettings =>
  settingsSchema.parse({ task: 'example.echo', payload: {}, ...timing });

function standing(settings: ScheduleSettings, more: Partial<Standing> = {}): Standing {
  return {
    id: 'example.one',
    settings,
    lastAt: at('12:05:00'),
    nextAt: at('12:06:00'),
    isPaused: false,
    ...more,
  };
}

const minutes = settingsOf({ every_seconds: 60 });

describe('the course of a changed schedule', () => {
  test('stays with the same timing, whatever else changes', () => {
    const other = { ...minutes, payload: { message: 'other' }, overlap: 'allow' as const };
    expect(courseOfChange(standing(minutes), other, NOW)).toEqual({
      nextAt: at('12:06:00'),
      dueAt: at('12:06:00'),
      skipped: null,
    });
    const overdue = standing(minutes, { nextAt: at('12:01:00'), lastAt: at('12:00:00') });
    expect(courseOfChange(overdue, other, NOW).nextAt).toEqual(at('12:01:00'));
    const ended = standing(minutes, { nextAt: null });
    expect(courseOfChange(ended, other, NOW)).toEqual({ nextAt: null, dueAt: null, skipped: null });
  });

  test('goes on after now with another timing, and never with a time that was handled', () => {
    const every10 = settingsOf({ every_seconds: 10 });
    expect(courseOfChange(standing(minutes), every10, NOW).nextAt).toEqual(at('12:05:40'));
    // The clock went back.
    const ahead = standing(minutes, { lastAt: at('12:07:00'), nextAt: at('12:08:00') });
    expect(courseOfChange(ahead, every10, NOW).nextAt).toEqual(at('12:07:10'));
  });

  test('goes on from the time that is due and not handled', () => {
    const overdue = standing(minutes, { lastAt: at('12:03:00'), nextAt: at('12:04:00') });
    expect(courseOfChange(overdue, settingsOf({ every_seconds: 30 }), NOW).nextAt).toEqual(at('12:04:00'));
    expect(courseOfChange(overdue, settingsOf({ cron: '*/5 * * * *' }), NOW).nextAt).toEqual(at('12:05:00'));
  });

  test('with another jitter has the same time, due at another moment', () => {
    const jittered = settingsOf({ every_seconds: 60, jitter_seconds: 30 });
    const { nextAt, dueAt } = courseOfChange(standing(minutes), jittered, NOW);
    expect(nextAt).toEqual(at('12:06:00'));
    expect(dueAt?.getTime()).toBeGreaterThan(at('12:06:00').getTime());
  });

  test('while it is paused is not due, and leaves out what the former timing had until now', () => {
    const paused = standing(minutes, { isPaused: true, lastAt: at('12:01:00'), nextAt: at('12:02:00') });
    expect(courseOfChange(paused, minutes, NOW)).toEqual({
      nextAt: at('12:02:00'),
      dueAt: null,
      skipped: null,
    });
    expect(courseOfChange(paused, settingsOf({ every_seconds: 600 }), NOW)).toEqual({
      nextAt: at('12:10:00'),
      dueAt: null,
      skipped: { from: at('12:02:00'), until: at('12:05:00'), count: 4 },
    });
  });
});

describe('the course of a resumed schedule', () => {
  test('goes on after now, and leaves out the times of the pause', () => {
    const paused = standing(minutes, { isPaused: true, lastAt: at('12:01:00'), nextAt: at('12:02:00') });
    expect(courseOfResume(paused, NOW)).toEqual({
      nextAt: at('12:06:00'),
      dueAt: at('12:06:00'),
      skipped: { from: at('12:02:00'), until: at('12:05:00'), count: 4 },
    });
    expect(courseOfResume(standing(minutes, { isPaused: true }), NOW).skipped).toBeNull();
  });

  test('that is over in the pause has ended', () => {
    const once = settingsOf({ at: '2026-03-10T12:02:00.000Z' });
    const paused = standing(once, { isPaused: true, lastAt: null, nextAt: at('12:02:00') });
    expect(courseOfResume(paused, NOW)).toEqual({
      nextAt: null,
      dueAt: null,
      skipped: { from: at('12:02:00'), until: at('12:02:00'), count: 1 },
    });
  });

  test('whose times cannot be computed here is left to a runner, which says why', () => {
    const nowhere = settingsOf({ cron: '0 2 * * *', timezone: 'Nowhere/City' });
    const paused = standing(nowhere, { isPaused: true, nextAt: at('12:02:00') });
    const due = { nextAt: at('12:02:00'), dueAt: at('12:02:00'), skipped: null };
    expect(courseOfResume(paused, NOW)).toEqual(due);
    expect(courseOfChange(paused, minutes, NOW)).toMatchObject({ nextAt: at('12:06:00'), skipped: null });
  });
});
