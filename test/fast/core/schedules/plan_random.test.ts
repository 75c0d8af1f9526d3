import fc from 'fast-check';
import { expect, test } from 'vitest';
import { COUNT_LIMIT, firstTime, planFiring } from '../../../../core/schedules/plan.ts';
import { GRACE_SECONDS, type ScheduleSettings } from '../../../../core/schedules/settings.ts';
import { dueAt, timesAfter } from '../../../../core/schedules/times.ts';
import { anyZone } from './arbitrary_timings.ts';
import { settingsOf } from './oracle.ts';

const ID = 'billing.nightly';
const CREATED = Date.parse('2027-03-27T12:00:00Z');
const HOUR_MS = 3_600_000;

const anySettings: fc.Arbitrary<ScheduleSettings> = fc
  .record({
    timing: fc.oneof(
      fc
        .constantFrom('30 2 * * *', '0,30 1-3 * * *', '*/15 * * * *', '0 */3 * * *', '5 * * * *')
        .map((cron) => ({ cron })),
      fc.integer({ min: 30, max: 40_000 }).map((every_seconds) => ({ every_seconds })),
      fc
        .integer({ min: 1, max: 60 })
        .map((hours) => ({ at: new Date(CREATED + hours * HOUR_MS).toISOString() })),
    ),
    timezone: anyZone,
    jitter_seconds: fc.constantFrom(0, 0, 30, 900, 7_200),
    catch_up: fc.constantFrom('skip', 'last', 'all'),
    catch_up_max: fc.integer({ min: 1, max: 20 }),
    catch_up_window_seconds: fc.integer({ min: 1, max: 100_000 }),
  })
  .map(({ timing, ...rest }) => settingsOf({ ...timing, ...rest, overlap: 'allow' }));

/** Ticks in ms after the creation, in any order: late ones, early ones, clocks that go back. */
const anyTicks = fc.array(fc.integer({ min: -HOUR_MS, max: 72 * HOUR_MS }), { minLength: 1, maxLength: 25 });

test('whenever runners look, each time is submitted or skipped, once', () => {
  fc.assert(
    fc.property(anySettings, anyTicks, fc.boolean(), (settings, ticks, inOrder) => {
      const moments = inOrder ? [...ticks].sort((a, b) => a - b) : ticks;
      const model = new Model(settings);
      for (const moment of moments) model.tick(new Date(CREATED + moment));
      model.expectAllHandled();
    }),
    { numRuns: 100 },
  );
});

/** What a schedule's row holds, and what became of each of its times. */
class Model {
  readonly settings: ScheduleSettings;
  readonly all: number[];
  readonly handled: number[] = [];
  state: { nextAt: Date | null; dueAt: Date | null };
  lastAt: Date | null = null;
  /** The latest moment at which somebody looked. */
  latest = 0;

  constructor(settings: ScheduleSettings) {
    this.settings = settings;
    // More than there are until the last tick.
    const count = settings.cron === null ? 9_000 : 320;
    this.all = timesAfter(settings, new Date(CREATED), count).map((time) => time.getTime());
    this.state = firstTime({ id: ID, settings, now: new Date(CREATED), lastAt: null, overdue: null });
  }

  tick(now: Date): void {
    this.latest = Math.max(this.latest, now.getTime());
    const { nextAt } = this.state;
    if (nextAt === null) return;
    const plan = planFiring({ id: ID, settings: this.settings, nextAt, lastAt: this.lastAt, now });
    const skipped = this.skippedTimes(plan.skipped);
    const submitted = plan.times.map((time) => time.getTime());
    this.handled.push(...skipped, ...submitted);
    if (submitted.length + skipped.length > 0) this.expectPolicy(submitted, skipped, now);
    else expect(plan.nextAt).toEqual(nextAt);
    this.state = plan;
    if (submitted.length + skipped.length > 0) this.lastAt = plan.lastAt;
    expect(plan.dueAt).toEqual(plan.nextAt && dueAt(ID, this.settings, plan.nextAt));
  }

  /** Nothing is left that was due when somebody looked, nothing came early, and all is in order. */
  expectAllHandled(): void {
    const due = this.all.filter((time) => dueAt(ID, this.settings, new Date(time)).getTime() <= this.latest);
    expect(this.handled).toEqual(due);
    expect(this.state.nextAt?.getTime() ?? null).toBe(this.all[this.handled.length] ?? null);
  }

  private skippedTimes(skipped: ReturnType<typeof planFiring>['skipped']): number[] {
    if (skipped === null) return [];
    const [from, until] = [skipped.from.getTime(), skipped.until.getTime()];
    const times = this.all.filter((time) => time >= from && time <= until);
    expect([times[0], times.at(-1)]).toEqual([from, until]);
    expect(skipped.count).toBe(times.length > COUNT_LIMIT ? null : times.length);
    return times;
  }

  /** The newest times run, as many as the policy says, if they are not too late. */
  private expectPolicy(submitted: number[], skipped: number[], now: Date): void {
    const { catch_up, catch_up_max, catch_up_window_seconds } = this.settings;
    const window = (catch_up === 'skip' ? GRACE_SECONDS : catch_up_window_seconds) * 1_000;
    const isLate = (time: number) =>
      dueAt(ID, this.settings, new Date(time)).getTime() < now.getTime() - window;
    const most = catch_up === 'all' ? catch_up_max : 1;
    const expected = [...skipped, ...submitted].slice(-most).filter((time) => !isLate(time));
    expect(submitted).toEqual(expected);
  }
}
