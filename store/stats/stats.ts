import { addTo, type Histogram } from '../../core/histogram.ts';
import { FINAL } from '../../core/states.ts';
import type { Database } from '../database/pool.ts';
import { isHeldBy } from '../tasks/pauses.ts';
import { figuresOfTasks, MINUTES_BY_THE_MINUTE } from './rollups.ts';

/** The tasks to count: in these namespaces (null: all), and with this name or these names. */
export type Scope = {
  namespaces: readonly string[] | null;
  name?: string | undefined;
  names?: readonly string[];
};

/** The known names in scope, for the first two placeholders of a statement. They are few. */
export const NAMES_IN_SCOPE = `
  names as materialized (
    select d.name
      from errand.definitions d
     where ($1::text[] is null or d.namespace = any ($1))
       and ($2::text[] is null or d.name = any ($2))
  )`;

/** The values of these placeholders. */
export function scopeValues({ namespaces, name, names }: Scope): unknown[] {
  return [namespaces, names ?? (name === undefined ? null : [name])];
}

/** The figures of a set of finished tasks. */
export type Finished = {
  states: Record<(typeof FINAL)[number], number>;
  /** Steps whose condition did not hold; they are also among the succeeded tasks. */
  skipped: number;
  /** The attempts that these tasks have made. */
  attempts: number;
  /** Durations of last attempts in ms: from due to start, and from start to end. */
  waitMs: number;
  processingMs: number;
  waits: Histogram;
  processings: Histogram;
};

/** The tasks that finished in a window, from inclusive, to exclusive, as ISO 8601. */
export type FinishedWindow = {
  from: string;
  to: string;
  total: Finished;
  /** The figures of each name in scope, in order, including names without finished tasks. */
  byName: Map<string, Finished>;
  /** The figures of each interval, in order. */
  intervals: Finished[];
};

export type WindowOptions = {
  /** Back from a full minute, or from a full hour if longer than six hours. */
  windowMinutes: number;
  /** Equal intervals of the window, of full hours if it starts at one. Default: one. */
  intervalMinutes?: number;
};

type Row = {
  name: string | null;
  slot: number | null;
  measure: 'wait' | 'processing';
  state: (typeof FINAL)[number] | 'skipped';
  bucket: number;
  tasks: number;
  attempts: number;
  ms: number;
};

/**
 * The tasks in scope that finished in a window, exact up to now: rollups up to the watermark, and
 * from there on the tasks themselves, in one snapshot. The cost depends on the tasks since the
 * watermark and the rollups of the window, not on the size of the table. Uses the primary key of
 * errand.rollups and tasks_name_finished_at_idx.
 */
export async function readFinished(
  database: Database,
  options: WindowOptions,
  scope: Scope,
): Promise<FinishedWindow> {
  const { windowMinutes, intervalMinutes } = options;
  type Answer = { from: string; to: string; names: string[]; rows: Row[] | null };
  const { rows } = await database.query<Answer>({
    name: 'read_finished',
    text: READ_FINISHED,
    values: [
      ...scopeValues(scope),
      windowMinutes,
      windowMinutes > MINUTES_BY_THE_MINUTE ? 'hour' : 'minute',
      intervalMinutes ?? null,
    ],
  });
  const answer = rows[0];
  if (answer === undefined) throw new Error('errand.rollup_watermark has no row');
  const { from, to, names } = answer;
  const lengthMs = Date.parse(to) - Date.parse(from);
  const count = intervalMinutes === undefined ? 1 : Math.ceil(lengthMs / (intervalMinutes * 60_000));
  const window: FinishedWindow = {
    from,
    to,
    total: noneFinished(),
    byName: new Map(names.map((name) => [name, noneFinished()])),
    intervals: Array.from({ length: Math.max(1, count) }, noneFinished),
  };
  for (const row of answer.rows ?? []) {
    // `to` was cut to ms: tasks that finished in the rest of it belong to the last interval.
    const slot = Math.min(row.slot ?? 0, window.intervals.length - 1);
    const finished = row.name === null ? window.intervals[slot] : window.byName.get(row.name);
    if (finished !== undefined) add(finished, row);
  }
  for (const finished of window.byName.values()) addAll(window.total, finished);
  return window;
}

/** The figures of a name without finished tasks. */
export function noneFinished(): Finished {
  return {
    states: { succeeded: 0, failed: 0, cancelled: 0, resolved: 0, expired: 0 },
    skipped: 0,
    attempts: 0,
    waitMs: 0,
    processingMs: 0,
    waits: new Map(),
    processings: new Map(),
  };
}

/** Adds a row of a histogram. Each task is in both histograms. */
function add(finished: Finished, { measure, state, bucket, tasks, attempts, ms }: Row): void {
  const isWait = measure === 'wait';
  addTo(isWait ? finished.waits : finished.processings, new Map([[bucket, tasks]]));
  if (isWait) {
    finished.waitMs += ms;
    return;
  }
  finished.states[state === 'skipped' ? 'succeeded' : state] += tasks;
  if (state === 'skipped') finished.skipped += tasks;
  finished.attempts += attempts;
  finished.processingMs += ms;
}

function addAll(finished: Finished, more: Finished): void {
  for (const state of FINAL) finished.states[state] += more.states[state];
  finished.skipped += more.skipped;
  finished.attempts += more.attempts;
  finished.waitMs += more.waitMs;
  finished.processingMs += more.processingMs;
  addTo(finished.waits, more.waits);
  addTo(finished.processings, more.processings);
}

/** Sums rows `r` of each name by interval of the window, state, measure and bucket. */
function cellsOf(rows: string): string {
  return `
    select names.name, summed.*
      from bounds
     cross join names
     cross join lateral (
       select floor(date_part('epoch', r.starts_at - bounds.since) / (60 * $5::integer))::integer as slot,
              r.state, r.measure, r.bucket,
              sum(r.tasks::float8) as tasks, sum(r.attempts::float8) as attempts, sum(r.ms) as ms
         from ${rows}
        group by 1, 2, 3, 4
     ) summed`;
}

const READ_FINISHED = `
  with ${NAMES_IN_SCOPE},
  bounds as materialized (
    select date_trunc($4, now() - make_interval(mins => $3), 'UTC') as since,
           now() as until,
           rolled_up_to
      from errand.rollup_watermark
     -- The table has one row. Without the limit Postgres would expect thousands, and sort for each
     -- set below.
     limit 1
  ),
  -- Rollups of ten minutes and of hours where the window allows them. Intervals of minutes start
  -- anywhere.
  coarser as materialized (
    select case when by_minutes then 'infinity' else date_bin('10 minutes', since + '9 minutes', 'epoch') end as tens,
           case when by_minutes then 'infinity' else date_bin('1 hour', since + '59 minutes', 'epoch') end as hours
      from bounds
     cross join lateral (values ($4 = 'minute' and $5::integer is not null)) intervals (by_minutes)
  ),
  -- The rows of each name are added up where they are read, so that hundreds of rows are passed on
  -- instead of all.
  cells as materialized (
    ${cellsOf(`
              (select spans.minutes, spans.starts_at, spans.ends_at
                 from coarser
                cross join lateral (values (1, bounds.since, tens), (10, tens, hours), (60, hours, 'infinity'))
                           spans (minutes, starts_at, ends_at)) span
         join errand.rollups r
           on r.name = names.name and r.minutes = span.minutes
              and r.starts_at >= span.starts_at and r.starts_at < span.ends_at`)}
    union all
    ${cellsOf(`
              (${figuresOfTasks(`
                t.name = names.name
                  and t.finished_at >= greatest(bounds.since, bounds.rolled_up_to)
                  and t.finished_at < bounds.until`)}) r`)}
  ),
  grouped as (
    select name, slot, measure, state, bucket, sum(tasks) as tasks, sum(attempts) as attempts, sum(ms) as ms
      from cells
     group by grouping sets ((name, measure, state, bucket), (slot, measure, state, bucket))
  )
  select bounds.since as "from", bounds.until as "to",
         array(select name from names order by name collate "C") as names,
         (select json_agg(grouped) from grouped) as rows
    from bounds`;

/** A pause of a namespace, a task name, or the start of names. `paused_at` is ISO 8601. */
export type Paused = { target: string; paused_at: string; actor: string; reason: string | null };

/**
 * The pauses in scope, the latest first, at most a thousand. A pause of a namespace also concerns
 * its names, and a pause of a workflow its steps. The table is nearly always empty.
 */
export async function readPaused(database: Database, scope: Scope): Promise<Paused[]> {
  const { rows } = await database.query<Paused>({
    name: 'read_paused',
    text: `
      select target, paused_at, actor, reason
        from errand.pauses
       where ($1::text[] is null or split_part(target, '.', 1) = any ($1))
         and ($2::text is null or ${isHeldBy('$2', 'target')})
       order by paused_at desc, target
       limit 1000`,
    values: [scope.namespaces, scope.name ?? null],
  });
  return rows;
}
