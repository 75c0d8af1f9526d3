import { addTo, type Histogram } from '../core/histogram.ts';
import type { State } from '../core/states.ts';
import type { Database } from './pool.ts';
import { figuresOfTasks, MINUTES_BY_THE_MINUTE } from './rollups.ts';
import { NAMES_IN_SCOPE, type Scope, scopeValues } from './stats_scope.ts';

/** The states in which a task has finished. */
export const FINISHED = ['succeeded', 'failed', 'cancelled', 'resolved'] as const satisfies readonly State[];

/** What is known of a set of tasks that have finished. */
export type Finished = {
  states: Record<(typeof FINISHED)[number], number>;
  /** Steps whose condition did not hold, among those that succeeded. */
  skipped: number;
  /** Attempts that these tasks have made. */
  attempts: number;
  /** Sums and histograms of the durations of last attempts, in ms: from due to start, and from start to end. */
  waitMs: number;
  processingMs: number;
  waits: Histogram;
  processings: Histogram;
};

/** What finished in a window, from inclusive, to exclusive, as ISO 8601. */
export type FinishedWindow = {
  from: string;
  to: string;
  total: Finished;
  /** Of each name in scope, in order; also of one of which nothing finished. */
  byName: Map<string, Finished>;
  /** Of each interval, from the start on. */
  intervals: Finished[];
};

export type WindowOptions = {
  /** Back from now. It starts at the full minute before, or at the full hour when it is longer than six. */
  windowMinutes: number;
  /** Even intervals from the start of the window; of full hours when that starts at one. Without: one for all of it. */
  intervalMinutes?: number;
};

type Row = {
  name: string | null;
  slot: number | null;
  measure: 'wait' | 'processing';
  state: (typeof FINISHED)[number] | 'skipped';
  bucket: number;
  tasks: number;
  attempts: number;
  ms: number;
};

/**
 * What finished in a window, of the tasks in scope, right to the moment: sums up to the watermark, and from there on
 * the tasks themselves, in one snapshot. It costs what finished since the watermark and the sums of the
 * window, whatever the table holds; relies on the primary key of errand.rollups and tasks_name_finished_at_idx.
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
    // `to` was cut to the ms: what finished in the rest of it is of the last interval.
    const slot = Math.min(row.slot ?? 0, window.intervals.length - 1);
    const finished = row.name === null ? window.intervals[slot] : window.byName.get(row.name);
    if (finished !== undefined) add(finished, row);
  }
  for (const finished of window.byName.values()) addAll(window.total, finished);
  return window;
}

/** What a name has of which nothing finished. */
export function noneFinished(): Finished {
  return {
    states: { succeeded: 0, failed: 0, cancelled: 0, resolved: 0 },
    skipped: 0,
    attempts: 0,
    waitMs: 0,
    processingMs: 0,
    waits: new Map(),
    processings: new Map(),
  };
}

/** Adds a row of a histogram; each task is in both of them. */
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
  for (const state of FINISHED) finished.states[state] += more.states[state];
  finished.skipped += more.skipped;
  finished.attempts += more.attempts;
  finished.waitMs += more.waitMs;
  finished.processingMs += more.processingMs;
  addTo(finished.waits, more.waits);
  addTo(finished.processings, more.processings);
}

/** Sums of rows `r` of each name, by the interval of the window, the state, the measure and the bucket. */
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
     -- It is the one row. Postgres would expect thousands, and sort by each of the sets below.
     limit 1
  ),
  -- Sums of ten minutes and of hours from where the window allows it. Intervals of minutes start anywhere.
  coarser as materialized (
    select case when by_minutes then 'infinity' else date_bin('10 minutes', since + '9 minutes', 'epoch') end as tens,
           case when by_minutes then 'infinity' else date_bin('1 hour', since + '59 minutes', 'epoch') end as hours
      from bounds
     cross join lateral (values ($4 = 'minute' and $5::integer is not null)) intervals (by_minutes)
  ),
  -- Each name's rows are added up where they are read: hundreds are handed on instead of all.
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
