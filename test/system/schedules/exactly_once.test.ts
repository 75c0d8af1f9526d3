import { setTimeout as pause } from 'node:timers/promises';
import type { Pool } from 'pg';
import { expect, test } from 'vitest';
import { allFinished } from '../../support/history.ts';
import { type OwnPostgres, startOwnPostgres } from '../../support/postgres.ts';
import { type FixtureRunner, LEASE, registered } from '../../support/runners.ts';
import { until } from '../../support/until.ts';
import { clockAhead } from '../clock/faked_clock.ts';
import { checkTimes } from './check_times.ts';
import { ended, makeSchedules, several, type Wanted } from './made_schedules.ts';
import { type RevivedRunner, reviveRunner } from './revived_runner.ts';

/** `SCHEDULES_MINUTES=5 npx vitest run test/system/schedules/exactly_once.test.ts` is a longer run. */
const MINUTES = Number(process.env.SCHEDULES_MINUTES ?? 0.35);
const HOUR_SECS = 3_600;
/** Longer than a lease. */
const FROZEN_MS = 3_000;
const DOWN_MS = 1_500;
const BETWEEN_MS = 700;

/** All times of these must have a task, whatever happens. */
const ALL = { catch_up: 'all', catch_up_max: 1_000, overlap: 'allow' } as const;

const WANTED: Wanted[] = [
  ...several(8, everyTime('every_second', 1, { every_seconds: 1 })),
  ...several(4, everyTime('cron_second', 1, { cron: '* * * * * *' })),
  ...several(4, everyTime('every_two', 2, { every_seconds: 2 })),
  ...several(2, everyTime('jittered', 2, { every_seconds: 2, jitter_seconds: 1 })),
  ...several(4, everyTime('every_five', 5, { every_seconds: 5 })),
  ...several(2, everyTime('cron_five', 5, { cron: '*/5 * * * * *', timezone: 'Europe/Berlin' })),
  ...several(3, withDefaults('last', { every_seconds: 1 })),
  ...several(3, withDefaults('cron_last', { cron: '* * * * * *', timezone: 'Asia/Kolkata' })),
  // Each takes longer than the time to the next.
  ...several(3, slow('skip')),
  ...several(3, slow('queue_one')),
  ...several(3, slow('cancel_running')),
];

function everyTime(kind: string, everySecs: number, settings: Wanted['settings']): Wanted {
  return { id: `fixture.${kind}`, everySecs, runsAll: true, settings: { ...settings, ...ALL } };
}

function withDefaults(kind: string, settings: Wanted['settings']): Wanted {
  return { id: `fixture.${kind}`, everySecs: 1, runsAll: false, settings };
}

function slow(overlap: 'skip' | 'queue_one' | 'cancel_running'): Wanted {
  return withDefaults(`slow_${overlap}`, { every_seconds: 1, payload: { ms: 1_300 }, overlap });
}

test('F19: three runners with clocks an hour off, killed, frozen and without Postgres, handle each time of each schedule exactly once', async () => {
  const postgres = await startOwnPostgres();
  const runners = [
    reviveRunner(postgres.url, LEASE),
    reviveRunner(postgres.url, { ...LEASE, ...clockAhead(HOUR_SECS) }),
    reviveRunner(postgres.url, { ...LEASE, ...clockAhead(-HOUR_SECS) }),
  ];
  await registered(postgres.pool, runners.length);
  expect(await Promise.all(runners.map(hoursAhead))).toEqual([0, 1, -1]);
  const forMs = MINUTES * 60_000;
  const schedules = await makeSchedules(postgres.pool, WANTED, { forMs });
  await wreak(postgres, runners, forMs);
  await ended(postgres.pool);
  await until('all tasks have finished', () => allFinished(postgres.pool).catch(() => false));

  await checkTimes(postgres.pool, schedules);
  expect(await readMistold(postgres.pool), 'tasks whose handler got another time').toEqual([]);
  await until('each was killed, and started again', () => runners.every((runner) => runner.starts() > 1));
  await Promise.all(runners.map((runner) => runner.stop()));
});

/** How many hours the clock of a runner is ahead of the machine's. */
async function hoursAhead(runner: RevivedRunner): Promise<number> {
  const [, time] = await until('it has logged', () =>
    /"time":"([^"]+)"/.exec(runner.current()?.output() ?? ''),
  );
  // Not -0.
  return Math.round((Date.parse(String(time)) - Date.now()) / (HOUR_SECS * 1_000)) + 0;
}

/** Does everything that can happen to the processes, in random order, again and again until the time is over. */
async function wreak(postgres: OwnPostgres, runners: readonly RevivedRunner[], forMs: number): Promise<void> {
  const actions = [
    ...runners.map((runner) => async () => void (await up(runner)).child.kill('SIGKILL')),
    async () => freeze(await up(any(runners))),
    async () => {
      await postgres.crash();
      await pause(DOWN_MS);
      await postgres.start();
    },
  ];
  const end = performance.now() + forMs;
  while (performance.now() < end) {
    for (const act of shuffled(actions)) {
      await pause(BETWEEN_MS);
      await act();
    }
  }
}

async function freeze({ child }: FixtureRunner): Promise<void> {
  child.kill('SIGSTOP');
  await pause(FROZEN_MS);
  child.kill('SIGCONT');
}

/** The process of a runner, which may have to be started again first. */
function up(runner: RevivedRunner): Promise<FixtureRunner> {
  return until('a runner is up', () => runner.current());
}

function any<Item>(items: readonly Item[]): Item {
  const item = items[Math.floor(Math.random() * items.length)];
  if (item === undefined) throw new Error('There is none to choose from');
  return item;
}

function shuffled<Item>(items: readonly Item[]): Item[] {
  return items
    .map((item) => ({ item, place: Math.random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}

/** The tasks that succeeded although their handler has not logged their time. */
async function readMistold(pool: Pool): Promise<unknown[]> {
  const { rows } = await pool.query(
    `select t.id, t.scheduled_for
       from errand.tasks t
      where t.schedule_id is not null and t.state = 'succeeded'
        and not exists (select
                          from errand.logs l
                         where l.task_id = t.id and l.fields ->> 'scheduled_for' = errand.iso_time(t.scheduled_for))`,
  );
  return rows;
}
