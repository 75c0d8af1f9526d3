import { describe, expect, test } from 'vitest';
import { explainSchedule } from '../../../../core/schedules/explain.ts';
import type { ScheduleFacts, ScheduleRun } from '../../../../core/schedules/explain_facts.ts';
import { readLocalTime } from '../../../../core/schedules/local_time.ts';
import { settingsOf } from './oracle.ts';

const ZONE = 'Europe/Berlin';
const nightly = settingsOf({ cron: '30 2 * * *', timezone: ZONE });

/** It is noon of the day after the change of clocks. */
const FACTS: ScheduleFacts = {
  now: utc('2027-03-29T10:00'),
  id: 'billing.nightly',
  settings: nightly,
  createdAt: utc('2027-01-10T12:00'),
  updatedAt: utc('2027-01-10T12:00'),
  lastAt: utc('2027-03-29T00:30'),
  nextAt: utc('2027-03-30T00:30'),
  dueAt: utc('2027-03-30T00:30'),
  heldFor: null,
  pausedAt: null,
  pausedBy: null,
  pauseReason: null,
  broken: null,
  brokenAt: null,
  asked: null,
  runs: [],
  openTasks: [],
  hasLiveRunner: true,
  historySince: utc('2026-12-29T10:00'),
};

const RUN: ScheduleRun = {
  scheduledFor: utc('2027-03-29T00:30'),
  outcome: 'submitted',
  reason: null,
  until: null,
  times: null,
  task: { id: 't1', state: 'failed' },
  isBackfill: false,
  at: utc('2027-03-29T00:30:01'),
};
const SKIPPED: ScheduleRun = { ...RUN, outcome: 'skipped', reason: 'missed', task: null };

/** The answer about a local time of the zone, or a moment with an offset. */
function answer(at: string | null, given: Partial<ScheduleFacts> = {}) {
  const facts = { ...FACTS, ...given };
  const local = at === null ? null : readLocalTime(at, facts.settings.timezone);
  const asked = at === null ? null : { instant: local?.instant ?? new Date(at), local };
  return explainSchedule({ ...facts, asked });
}

function words(at: string | null, given: Partial<ScheduleFacts> = {}): [status: string, summary: string] {
  const { status, summary } = answer(at, given);
  return [status, summary];
}

const backfill = 'POST /v1/schedules/billing.nightly/backfill submits it now';

describe('a time of the past', () => {
  const at = '2027-03-29T02:30';
  const local = '2027-03-29T02:30:00+02:00';

  test('ran: its task and the state of that', () => {
    expect(words(at, { runs: [RUN] })).toEqual(['ran', `${local} ran: task t1 is failed.`]);
    expect(words('2027-03-29T02:30:00+02:00', { runs: [RUN] })).toEqual([
      'ran',
      `${local} ran: task t1 is failed.`,
    ]);
    expect(words(at, { runs: [{ ...RUN, task: { id: 't1', state: null } }] })[1]).toBe(
      `${local} ran: task t1, whose record is gone.`,
    );
    expect(words(at, { runs: [SKIPPED, { ...RUN, isBackfill: true }] })[1]).toBe(
      `${local} ran: task t1 is failed, by a backfill.`,
    );
  });

  test('was skipped because it was missed', () => {
    const missed = answer(at, { runs: [{ ...SKIPPED, at: utc('2027-03-29T09:00') }] });
    expect(missed.status).toBe('skipped');
    expect(missed.summary).toBe(
      `${local} was skipped: nobody handled it in time, and it was too late at 2027-03-29T09:00:00.000Z for catch_up "last".`,
    );
    expect(missed.next_steps).toEqual(['With catch_up "all", every missed time runs', backfill]);
    expect(missed.run).toMatchObject({
      reason: 'missed',
      task: null,
      recorded_at: '2027-03-29T09:00:00.000Z',
    });
  });

  test('was skipped as one of a range', () => {
    const range = {
      ...SKIPPED,
      scheduledFor: utc('2027-03-20T01:30'),
      until: utc('2027-03-29T00:30'),
      times: 10,
    };
    expect(words(at, { runs: [{ ...range, reason: 'paused' }] })).toEqual([
      'skipped',
      `${local} was skipped: the schedule was paused.`,
    ]);
    expect(words('2027-03-28T12:00', { runs: [range] })[0]).toBe('not_a_time');
  });

  test.each([
    ['overlap', 'task t0 of an earlier run had not ended'],
    ['paused', 'the schedule was paused'],
    ['broken', 'the schedule was broken'],
    ['replaced', 'it waited for an earlier run to end, and a newer time took its place'],
  ] as const)('was skipped: %s', (reason, why) => {
    const run = {
      ...SKIPPED,
      reason,
      task: reason === 'overlap' ? ({ id: 't0', state: 'running' } as const) : null,
    };
    const skipped = answer(at, { runs: [run] });
    expect([skipped.status, skipped.summary]).toEqual(['skipped', `${local} was skipped: ${why}.`]);
    expect(skipped.next_steps).toContain(backfill);
  });

  test('waits for an earlier run', () => {
    const heldFor = RUN.scheduledFor;
    const settings = { ...nightly, overlap: 'queue_one' } as const;
    const held = answer(at, { heldFor, settings, openTasks: [{ id: 't0', state: 'running' }] });
    expect([held.status, held.summary]).toEqual([
      'held',
      `${local} waits for task t0 of an earlier run to end (overlap queue_one).`,
    ]);
    expect(held.held_for).toEqual({ at: '2027-03-29T00:30:00.000Z', local });
  });

  test('was before the schedule was made', () => {
    expect(words('2027-01-10T02:30')).toEqual([
      'before_creation',
      '2027-01-10T02:30:00+01:00 did not run: the schedule was made later, at 2027-01-10T12:00:00.000Z.',
    ]);
  });

  test('is before the history', () => {
    const old = { createdAt: utc('2026-01-01T00:00') };
    expect(words('2026-12-01T02:30', old)).toEqual([
      'unrecorded',
      'It is not known whether 2026-12-01T02:30:00+01:00 ran: the history begins at 2026-12-29T10:00:00.000Z.',
    ]);
  });

  test('has been one of the times only since a change', () => {
    const [status, summary] = words(at, { updatedAt: utc('2027-03-29T08:00') });
    expect(status).toBe('unrecorded');
    expect(summary).toContain('did not run: it has been one of the times only since a change');
  });

  test('is not one of its times: the nearest are', () => {
    const other = answer('2027-03-29T02:31');
    expect([other.status, other.summary]).toEqual([
      'not_a_time',
      '2027-03-29T02:31:00+02:00 is not one of the times of billing.nightly: the one before is 2027-03-29T02:30:00+02:00, the one after is 2027-03-30T02:30:00+02:00.',
    ]);
    expect(other.nearest).toEqual({
      before: { at: '2027-03-29T00:30:00.000Z', local },
      after: { at: '2027-03-30T00:30:00.000Z', local: '2027-03-30T02:30:00+02:00' },
    });
  });
});

describe('the nights of a change of clocks', () => {
  test('a time that does not exist ran right after the gap', () => {
    const runs = [{ ...RUN, scheduledFor: utc('2027-03-28T01:00') }];
    const gap = answer('2027-03-28T02:30', { runs });
    expect(gap.status).toBe('ran');
    expect(gap.summary).toBe(
      '2027-03-28T02:30 does not exist in Europe/Berlin, because the clocks go from 2027-03-28T02:00 to 2027-03-28T03:00: a fixed time between them runs right after, at 2027-03-28T03:00. 2027-03-28T03:00:00+02:00 ran: task t1 is failed.',
    );
    expect(gap.asked).toEqual({
      at: '2027-03-28T01:00:00.000Z',
      local: '2027-03-28T03:00:00+02:00',
      clock: 'never',
      second: null,
    });
  });

  test('a step has no time in the gap', () => {
    const settings = settingsOf({ cron: '*/20 2 * * *', timezone: ZONE });
    expect(words('2027-03-28T02:20', { settings })[0]).toBe('not_a_time');
  });

  test('of a time that comes twice, the first one ran', () => {
    const now = utc('2027-11-01T10:00');
    const runs = [{ ...RUN, scheduledFor: utc('2027-10-31T00:30') }];
    const twice = answer('2027-10-31T02:30', { now, runs });
    expect(twice.status).toBe('ran');
    expect(twice.summary).toBe(
      '2027-10-31T02:30 comes twice in Europe/Berlin, and a fixed time runs the first time. The second is 2027-10-31T02:30:00+01:00. 2027-10-31T02:30:00+02:00 ran: task t1 is failed.',
    );
    expect(twice.asked?.second).toEqual({
      at: '2027-10-31T01:30:00.000Z',
      local: '2027-10-31T02:30:00+01:00',
    });
    expect(words('2027-10-31T02:30:00+01:00', { now, runs: [] })[0]).toBe('not_a_time');
  });
});

describe('a time that nobody has handled', () => {
  const at = '2027-03-30T02:30';
  const local = '2027-03-30T02:30:00+02:00';
  const late = { now: utc('2027-03-30T00:30:05') };

  test('is in the future', () => {
    expect(words(at)).toEqual(['scheduled', `${local} will run.`]);
    expect(words('2028-03-30T02:30')[0]).toBe('scheduled');
  });

  test('waits for its jitter', () => {
    expect(words(at, { ...late, dueAt: utc('2027-03-30T00:40') })).toEqual([
      'scheduled',
      `${local} will run, with its jitter at 2027-03-30T02:40:00+02:00.`,
    ]);
  });

  test('is due', () => {
    expect(words(at, late)).toEqual(['due', `${local} is due: a runner handles it within about a second.`]);
  });

  test('is due, and no runner is up', () => {
    const alone = answer(at, { ...late, hasLiveRunner: false });
    expect([alone.status, alone.summary]).toEqual([
      'no_runner',
      `${local} is due, but no runner is up to handle it.`,
    ]);
    expect(alone.next_steps).toEqual(['Start a runner: catch_up then decides which of the missed times run']);
  });

  test('is kept by a pause', () => {
    const pause = {
      pausedAt: utc('2027-03-29T09:00'),
      pausedBy: 'ada',
      pauseReason: 'month end',
      dueAt: null,
    };
    const why = 'the schedule is paused since 2027-03-29T09:00:00.000Z by ada, because: month end.';
    expect(words(at, pause)).toEqual(['paused', `${local} will not run: ${why}`]);
    expect(words(at, { ...pause, ...late })).toEqual(['paused', `${local} has not run: ${why}`]);
    expect(answer(at, pause).next_steps).toEqual([
      'PUT /v1/schedules/billing.nightly/resume: the times of the pause stay skipped',
    ]);
  });

  test('is kept by what broke the schedule', () => {
    const broken = { broken: 'its payload does not fit', brokenAt: utc('2027-03-29T09:00'), dueAt: null };
    const why = 'the schedule is broken since 2027-03-29T09:00:00.000Z: its payload does not fit.';
    expect(words(at, broken)).toEqual(['broken', `${local} will not run: ${why}`]);
    expect(words(at, { ...broken, ...late })).toEqual(['broken', `${local} has not run: ${why}`]);
  });
});

describe('without a time, the state now', () => {
  test.each<[string, Partial<ScheduleFacts>, string]>([
    ['scheduled', {}, '2027-03-30T02:30:00+02:00 will run.'],
    [
      'due',
      { now: utc('2027-03-30T00:30:05') },
      '2027-03-30T02:30:00+02:00 is due: a runner handles it within about a second.',
    ],
    [
      'no_runner',
      { now: utc('2027-03-30T00:30:05'), hasLiveRunner: false },
      '2027-03-30T02:30:00+02:00 is due, but no runner is up to handle it.',
    ],
    ['ended', { nextAt: null, dueAt: null }, 'billing.nightly has had its last time.'],
    [
      'held',
      { heldFor: utc('2027-03-29T00:30') },
      '2027-03-29T02:30:00+02:00 waits for an earlier run to end (overlap skip).',
    ],
    [
      'paused',
      { pausedAt: utc('2027-03-29T09:00'), dueAt: null },
      'billing.nightly submits nothing: the schedule is paused since 2027-03-29T09:00:00.000Z.',
    ],
    [
      'broken',
      { broken: 'no zone', dueAt: null },
      'billing.nightly submits nothing: the schedule is broken: no zone.',
    ],
  ])('%s', (status, given, summary) => {
    expect(words(null, given)).toEqual([status, summary]);
  });

  test('it has the timing in words, the next time and the nearest', () => {
    expect(answer(null)).toMatchObject({
      in_words: 'every day at 02:30 in Europe/Berlin',
      asked: null,
      run: null,
      next: { at: '2027-03-30T00:30:00.000Z', due_at: '2027-03-30T00:30:00.000Z' },
      nearest: { before: { at: '2027-03-29T00:30:00.000Z' }, after: { at: '2027-03-30T00:30:00.000Z' } },
      explained_at: '2027-03-29T10:00:00.000Z',
    });
  });
});

function utc(text: string): Date {
  return new Date(`${text}Z`);
}
