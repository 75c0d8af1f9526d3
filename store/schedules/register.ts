import { z } from 'zod';
import { type Database, retryTransient } from '../database/pool.ts';
import { IS_LIVE } from '../submit/live_runner.ts';

/** A schedule in code, as its row has it. */
export type CodeSchedule = {
  id: string;
  task: string;
  settings: unknown;
  /** The ready item for errand.submit_tasks. */
  submission: Record<string, unknown>;
  schemaHash: string;
};

/** A schedule in code that is not stored as it is there, and what is stored under its id. */
export type Unregistered = { id: string; now: Date; stored: StoredSchedule | null };

export type StoredSchedule = {
  origin: 'code' | 'api';
  settings: unknown;
  revision: number;
  lastAt: Date | null;
  nextAt: Date | null;
  isPaused: boolean;
  /** A live runner of another repository has it in code; null if there is none. */
  otherOwner: { project: string | null; runner: string } | null;
};

const time = z
  .string()
  .nullable()
  .transform((text) => (text === null ? null : new Date(text)));
const unregisteredSchema = z.array(
  z.object({
    id: z.string(),
    now: z.string().transform((text) => new Date(text)),
    stored: z
      .object({
        origin: z.enum(['code', 'api']),
        settings: z.unknown(),
        revision: z.number(),
        lastAt: time,
        nextAt: time,
        isPaused: z.boolean(),
        otherOwner: z.object({ project: z.string().nullable(), runner: z.string() }).nullable(),
      })
      .nullable(),
  }),
);

/**
 * The schedules of these that are not stored as they are here, with `mend` also those that are broken. `runnerId`
 * is a live runner that has them in code: schedules that a newer live runner of its project has are left to that one
 * (specification K1). Uses the primary key.
 */
export async function readUnregistered(
  database: Database,
  schedules: readonly CodeSchedule[],
  { project, runnerId, mend }: { project: string | null; runnerId: number; mend: boolean },
): Promise<Unregistered[]> {
  const { rows } = await database.query<{ unregistered: unknown }>({
    name: 'read_unregistered_schedules',
    text: `
      select coalesce(jsonb_agg(jsonb_build_object(
               'id', own.id,
               'now', errand.schedule_now(),
               'stored', case when s.id is not null then jsonb_build_object(
                  'origin', s.origin, 'settings', s.settings, 'revision', s.revision,
                  'lastAt', s.last_at, 'nextAt', s.next_at, 'isPaused', s.paused_at is not null,
                  'otherOwner', (select jsonb_build_object('project', r.project, 'runner', 'runner ' || r.id || ' on ' || r.host)
                                   from errand.runners r
                                  where ${IS_LIVE} and r.project is distinct from $2 and own.id = any (r.schedules)
                                  order by r.id desc
                                  limit 1)) end)), '[]') as unregistered
        from jsonb_to_recordset($1::jsonb) as own (id text, settings jsonb, submission jsonb, schema_hash text)
        left join errand.schedules s using (id)
       where (s.id is null or s.origin = 'api' or ($4 and s.broken is not null)
              or (s.settings, s.submission, s.schema_hash, s.owner) is distinct from
                 (own.settings, own.submission, own.schema_hash, $2))
         and not exists (select
                           from errand.runners r
                          where ${IS_LIVE} and r.project is not distinct from $2 and r.id > $3
                            and own.id = any (r.schedules))`,
    values: [JSON.stringify(schedules.map(toItem)), project, runnerId, mend],
  });
  return unregisteredSchema.parse(rows[0]?.unregistered);
}

/** A schedule in code, planned for what is stored. */
export type Registration = CodeSchedule & {
  /** Of the row that it was planned for; null for none. */
  revision: number | null;
  nextAt: Date | null;
  /** When it is due. Null if it is paused. */
  dueAt: Date | null;
  /** Times of a pause that another timing leaves out. `count` is null if there are too many to count. */
  skipped: { from: Date; until: Date; count: number | null } | null;
  /** Why its times cannot be handled, in words. */
  broken: string | null;
};

/**
 * Stores schedules in code, in one statement, and wakes the runners. A row counts only if it is as it was planned
 * for. Gives the ids of those that were stored. Uses the primary key.
 */
export async function storeSchedules(
  database: Database,
  registrations: readonly Registration[],
  project: string | null,
): Promise<string[]> {
  const items = registrations.map(({ revision, nextAt, dueAt, skipped, broken, ...schedule }) => ({
    ...toItem(schedule),
    ...{
      task: schedule.task,
      revision: (revision ?? 0) + 1,
      next_at: nextAt,
      due_at: dueAt,
      skipped,
      broken,
    },
  }));
  const { rows } = await retryTransient(() =>
    database.query<{ ids: string[] }>({
      name: 'store_schedules',
      text: STORE,
      values: [JSON.stringify(items), project],
    }),
  );
  return rows[0]?.ids ?? [];
}

const STORE = `
  with given as materialized (
    select *
      from jsonb_to_recordset($1::jsonb) as g (
             id text, task text, settings jsonb, submission jsonb, schema_hash text, revision bigint,
             next_at timestamptz, due_at timestamptz, skipped jsonb, broken text)
  ),
  stored as (
    insert into errand.schedules as s (
           id, task, origin, owner, settings, submission, schema_hash, revision, created_at, updated_at,
           last_at, next_at, due_at, broken, broken_at)
    select id, task, 'code', $2, settings, submission, schema_hash, revision, errand.schedule_now(), errand.schedule_now(),
           (skipped ->> 'until')::timestamptz, next_at, case when broken is null then due_at end, broken,
           case when broken is not null then errand.schedule_now() end
      from given
     order by id
    on conflict (id) do update
       set task = excluded.task,
           owner = excluded.owner,
           settings = excluded.settings,
           submission = excluded.submission,
           schema_hash = excluded.schema_hash,
           revision = excluded.revision,
           updated_at = excluded.updated_at,
           last_at = greatest(s.last_at, excluded.last_at),
           next_at = excluded.next_at,
           due_at = excluded.due_at,
           broken = excluded.broken,
           broken_at = case when excluded.broken is not null then coalesce(s.broken_at, excluded.broken_at) end
     where s.revision + 1 = excluded.revision and s.origin = 'code'
    returning s.id
  ),
  recorded as (
    insert into errand.schedule_runs (schedule_id, scheduled_for, outcome, reason, until, times)
    select id, (skipped ->> 'from')::timestamptz, 'skipped', 'paused', (skipped ->> 'until')::timestamptz,
           (skipped ->> 'count')::integer
      from given
      join stored using (id)
     where jsonb_typeof(skipped) = 'object'
    on conflict do nothing
  ),
  -- Their timers may be set for another time.
  woken as materialized (
    select pg_notify(errand.channel('schedule'), '') where exists (select from stored)
  )
  select array(select id from stored) as ids
   where (select count(*) from woken) >= 0 -- makes Postgres run it`;

/**
 * Removes the schedules in code of a project that no runner of it has any more. If no runner of it is up, all
 * stay: nobody knows what its code has. Gives the ids of those that were removed.
 */
export async function removeUnlisted(database: Database, project: string | null): Promise<string[]> {
  const { rows } = await database.query<{ id: string }>({
    name: 'remove_unlisted_schedules',
    text: `
      delete from errand.schedules s
       where s.origin = 'code' and s.owner is not distinct from $1
         and exists (select from errand.runners r where ${IS_LIVE} and r.project is not distinct from $1 and r.parent_id is null)
         -- One whose lease has expired may be back in a moment.
         and not exists (select
                           from errand.runners r
                          where r.ended_at is null and r.project is not distinct from $1 and s.id = any (r.schedules))
      returning s.id`,
    values: [project],
  });
  return rows.map(({ id }) => id);
}

function toItem({ id, settings, submission, schemaHash }: CodeSchedule) {
  return { id, settings, submission, schema_hash: schemaHash };
}
