import { randomUUID } from 'node:crypto';
import { requestFor } from '../../fast/contracts/statuses_requests.ts';
import { type StoredSchedule, storeSchedule } from '../../support/schedules.ts';
import type { Stage } from './statuses_apis.ts';
import { each, exchange, sending, type Way, type Ways } from './statuses_sending.ts';

/** Sends it for a schedule of its own, which is as given, and `prepare`d. */
function forOwnSchedule(
  given: Partial<StoredSchedule> = {},
  prepare: (stage: Stage, id: string) => Promise<unknown> = async () => {},
): Way {
  return async (stage, located) => {
    const id = `example.s${randomUUID()}`;
    await storeSchedule(stage.pool, { ...given, id });
    await prepare(stage, id);
    const things = { ...stage.things, schedule_id: { known: id, unknown: id } };
    return [await exchange(stage.apis.plain, requestFor(located, things))];
  };
}

/** As if a runner had it in code. */
async function inCode({ pool }: Stage, id: string): Promise<void> {
  await pool.query(`update errand.schedules set origin = 'code' where id = $1`, [id]);
  await pool.query(
    `insert into errand.runners (host, pid, version, task_names, concurrency, lease_secs, schedules)
     values ('here', 1, 'test', '{}', 1, 15, array[$1])`,
    [id],
  );
}

/** As if others had always just changed the row. */
async function contended({ pool }: Stage, id: string): Promise<void> {
  const name = `keep_${randomUUID().replaceAll('-', '')}`;
  await pool.query(
    `create function ${name}() returns trigger language plpgsql as 'begin return null; end';
     create trigger ${name} before update on errand.schedules for each row when (old.id = '${id}') execute function ${name}()`,
  );
}

const forNewSchedule: Way = async (stage, located) => {
  const id = `example.s${randomUUID()}`;
  const things = { ...stage.things, schedule_id: { known: id, unknown: id } };
  return [await exchange(stage.apis.plain, requestFor(located, things))];
};

/** A schedule that nobody has is made, so the task must be the unknown one. */
const forUnknownTask: Way = (stage, located) => {
  const json = { task: 'example.nothing', payload: {}, every_seconds: 60 };
  return sending('plain', { json })(stage, located);
};

/** Sends it twice with one key: the second answer is that of a task that was there. */
const triggerTwice: Way = async (stage, located) => {
  const request = requestFor(located, stage.things);
  const headers = { ...request.headers, 'idempotency-key': randomUUID() };
  const send = () => exchange(stage.apis.plain, { ...request, headers });
  await send();
  return [await send()];
};

/** Sends it while the clock of schedules takes longer than a request may: a preview reads nothing else. */
const withSlowClock: Way = async (stage, located) => {
  const { rows } = await stage.pool.query<{ was: string }>(
    `select pg_get_functiondef('errand.schedule_now()'::regprocedure) as was`,
  );
  await stage.pool.query(
    `create or replace function errand.schedule_now() returns timestamptz language sql
     return (select now() from pg_sleep(5))`,
  );
  try {
    return await sending('hasty')(stage, located);
  } finally {
    await stage.pool.query(rows[0]?.was ?? '');
  }
};

/** The ways of schedules, by operationId. */
export const OF_SCHEDULES: Record<string, Ways> = {
  putSchedule: {
    200: each(forOwnSchedule(), sending('plain', { query: [['dry_run', 'true']] })),
    201: forNewSchedule,
    404: forUnknownTask,
    409: forOwnSchedule({}, inCode),
  },
  deleteSchedule: { 200: forOwnSchedule(), 409: forOwnSchedule({}, inCode) },
  pauseSchedule: { 200: each(forOwnSchedule(), forOwnSchedule({ pausedAt: '2026-01-01T00:00:00Z' })) },
  resumeSchedule: {
    200: each(forOwnSchedule(), forOwnSchedule({ pausedAt: '2026-01-01T00:00:00Z' })),
    409: forOwnSchedule({ pausedAt: '2026-01-01T00:00:00Z' }, contended),
  },
  triggerSchedule: { 200: triggerTwice, 201: forOwnSchedule(), 409: forOwnSchedule({ broken: 'no' }) },
  backfillSchedule: {
    200: forOwnSchedule({ cron: '0 0 * * *' }),
    409: forOwnSchedule({ broken: 'no' }),
  },
  getSchedule: {
    200: each(
      sending('plain'),
      forOwnSchedule({ broken: 'no', cron: '0 0 * * *', timezone: 'Nowhere/City' }),
      forOwnSchedule({ pausedAt: '2026-01-01T00:00:00Z', heldFor: '2026-01-01T00:00:00Z' }),
    ),
  },
  previewSchedule: { 408: withSlowClock },
  listScheduleRuns: { 200: each(sending('plain'), sending('plain', { query: [['page_size', '1']] })) },
  explainSchedule: {
    200: each(
      sending('plain'),
      sending('plain', { query: [['at', '2026-03-29T02:30']] }),
      forOwnSchedule({ broken: 'no', cron: '0 0 * * *', timezone: 'Nowhere/City' }),
    ),
  },
};
