import { z } from 'zod';
import { type Database, retryTransient } from '../database/pool.ts';

/** The parts of a definition that decide about the schedules of its task. */
export type JudgingDefinition = {
  name: string;
  version: string;
  upcasts: readonly string[];
  schema_hash: string;
  priority: number;
  max_attempts: number;
  callback_url?: string | undefined;
  expires_in_seconds?: number | undefined;
  steps?: unknown;
};

/** A schedule whose payload was last checked against another definition of its task. */
export type UnjudgedSchedule = {
  id: string;
  task: string;
  origin: 'code' | 'api';
  revision: number;
  settings: unknown;
  /** The version that the payload was written for. */
  version: string;
  /** Why it does not submit tasks now. */
  broken: string | null;
  nextAt: Date | null;
};

const unjudgedSchema = z.array(
  z.object({
    id: z.string(),
    task: z.string(),
    origin: z.enum(['code', 'api']),
    revision: z.number(),
    settings: z.unknown(),
    version: z.string(),
    broken: z.string().nullable(),
    nextAt: z
      .string()
      .nullable()
      .transform((text) => (text === null ? null : new Date(text))),
  }),
);

/**
 * The definitions of `$1` that are the registered ones. A runner judges by no others: a newer runner, or another
 * repository, knows better.
 */
const OWN = `
  jsonb_to_recordset($1::jsonb) as own (
    name text, version text, upcasts text[], schema_hash text,
    priority integer, max_attempts integer, callback_url text, expires_in_seconds float8, steps jsonb)
  join errand.definitions d on (d.name, d.version, d.schema_hash) = (own.name, own.version, own.schema_hash)
  join errand.schedules s on s.task = own.name`;

/**
 * The SQL condition that a runner of the repository `$2` judges a schedule. Those in its own code it registers, with
 * their payloads of the same code.
 */
const IS_JUDGED = `not (s.origin = 'code' and s.owner is not distinct from $2)`;

/** The SQL condition that the ready submission is not what the definition makes of the settings: see submissionOf. */
const IS_RENEWED = `
  (s.submission -> 'priority', s.submission -> 'max_attempts', (s.submission ->> 'expires_in_ms')::float8,
   s.submission ->> 'callback_url', s.submission -> 'steps')
    is distinct from
  (coalesce(nullif(s.settings -> 'priority', 'null'), to_jsonb(own.priority)),
   coalesce(nullif(s.settings -> 'max_attempts', 'null'), to_jsonb(own.max_attempts)),
   1000 * coalesce((s.settings ->> 'expires_in_seconds')::float8, own.expires_in_seconds),
   own.callback_url, own.steps)
  or not s.submission ->> 'version' = any (own.upcasts || own.version)`;

/** The schedules `s` as `unjudgedSchema` takes them. */
const AS_LIST = `
  coalesce(jsonb_agg(jsonb_build_object(
    'id', id, 'task', task, 'origin', origin, 'revision', revision, 'settings', settings,
    'version', submission -> 'version', 'broken', broken, 'nextAt', next_at) order by id), '[]')`;

/**
 * The next schedules by id, at most `limit`, of tasks whose definitions here are registered and have changed since the
 * payload was checked: their schemas, or what they add to a submission. Also those that are broken: the definition may
 * take their payload now. Uses schedules_task_idx.
 */
export async function readUnjudged(
  database: Database,
  definitions: readonly JudgingDefinition[],
  { project, after, limit }: { project: string | null; after: string; limit: number },
): Promise<UnjudgedSchedule[]> {
  const { rows } = await database.query<{ unjudged: unknown }>({
    name: 'read_unjudged_schedules',
    text: `
      select ${AS_LIST} as unjudged
        from (select s.*
                from ${OWN}
               where s.id > $3 and ${IS_JUDGED} and (s.schema_hash is distinct from own.schema_hash or s.broken is not null or ${IS_RENEWED})
               order by s.id
               limit $4) s`,
    values: [JSON.stringify(definitions), project, after, limit],
  });
  return unjudgedSchema.parse(rows[0]?.unjudged);
}

/**
 * The next schedules of these tasks by id, at most `limit`, without those in the code of `project`. Uses
 * schedules_task_idx.
 */
export async function readSchedulesOf(
  database: Database,
  tasks: readonly string[],
  { project, after, limit }: { project: string | null; after: string; limit: number },
): Promise<UnjudgedSchedule[]> {
  const { rows } = await database.query<{ schedules: unknown }>({
    name: 'read_schedules_of',
    text: `
      select ${AS_LIST} as schedules
        from (select s.*
                from errand.schedules s
               where s.task = any ($1) and s.id > $3 and ${IS_JUDGED}
               order by s.id
               limit $4) s`,
    values: [tasks, project, after, limit],
  });
  return unjudgedSchema.parse(rows[0]?.schedules);
}

/** Whether a schedule was last checked against other schemas than those that are registered. One cheap read. */
export async function hasUnjudged(
  database: Database,
  definitions: readonly JudgingDefinition[],
  project: string | null,
): Promise<boolean> {
  const { rows } = await database.query<{ has_unjudged: boolean }>({
    name: 'has_unjudged_schedules',
    text: `
      select exists (select
                       from ${OWN}
                      where ${IS_JUDGED} and s.schema_hash is distinct from own.schema_hash) as has_unjudged`,
    values: [JSON.stringify(definitions), project],
  });
  return rows[0]?.has_unjudged === true;
}

/** The verdict about a schedule: its new submission, or why it no longer submits tasks. */
export type JudgedSchedule = {
  id: string;
  /** Of the row that was judged. */
  revision: number;
  schemaHash: string;
} & (
  | {
      broken: null;
      submission: Record<string, unknown>;
      /** When it is due if it is not paused. */
      dueAt: Date | null;
    }
  | { broken: string }
);

/**
 * Records verdicts in one statement, and wakes the runners. A schedule that fits again goes on where it stopped: what it
 * missed follows its catch-up. A row counts only if it is as it was read. Gives the ids of those that were written.
 */
export async function recordJudged(database: Database, judged: readonly JudgedSchedule[]): Promise<string[]> {
  const items = judged.map((one) => ({
    ...{ id: one.id, revision: one.revision, schema_hash: one.schemaHash, broken: one.broken },
    ...(one.broken === null ? { submission: one.submission, due_at: one.dueAt } : {}),
  }));
  const { rows } = await retryTransient(() =>
    database.query<{ ids: string[] }>({
      name: 'record_judged',
      text: RECORD,
      values: [JSON.stringify(items)],
    }),
  );
  return rows[0]?.ids ?? [];
}

const RECORD = `
  with judged as (
    update errand.schedules s
       set revision = s.revision + 1,
           schema_hash = g.schema_hash,
           submission = coalesce(g.submission, s.submission),
           due_at = case when g.broken is null and s.paused_at is null then g.due_at end,
           broken = g.broken,
           broken_at = case when g.broken is not null then coalesce(s.broken_at, errand.schedule_now()) end
      from jsonb_to_recordset($1::jsonb) as g (
             id text, revision bigint, schema_hash text, broken text, submission jsonb, due_at timestamptz)
     where s.id = g.id and s.revision = g.revision
    returning s.id
  ),
  -- Their timers may be set for another time.
  woken as materialized (
    select pg_notify(errand.channel('schedule'), '') where exists (select from judged)
  )
  select array(select id from judged) as ids
   where (select count(*) from woken) >= 0 -- makes Postgres run it`;
