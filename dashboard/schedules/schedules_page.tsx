import { useLocation } from 'preact-iso';
import type { ScheduleState, ScheduleSummary } from '../data/records.ts';
import { useRead } from '../data/use_read.ts';
import { PageLink } from '../parts/link.tsx';
import { Moment } from '../parts/moment.tsx';
import { Empty } from '../parts/notice.tsx';
import { PageHead } from '../parts/page.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { pageUrl } from '../session/place.ts';
import { useMay } from '../session/principal.ts';
import { ScheduleBadge } from './schedule_badge.tsx';

type ScheduleList = { schedules: ScheduleSummary[]; next_cursor: string | null };
const STATES: readonly ScheduleState[] = ['active', 'paused', 'broken', 'ended'];

/** The schedules with their timing in words, and their next and last times. */
export function SchedulesPage() {
  const mayOperate = useMay('operate');
  const { query, route } = useLocation();
  const state = STATES.find((one) => one === query.state);
  const { cursor } = query;
  const schedules = useRead<ScheduleList>(['schedules', state, cursor], '/v1/schedules', {
    query: { state, cursor },
    refetchInterval: 10_000,
  });
  const { data } = schedules;
  const go = (more: Record<string, string>): void =>
    route(pageUrl('schedules', new URLSearchParams({ ...(state && { state }), ...more }).toString()));
  return (
    <>
      <PageHead title="Schedules" lead="Tasks that come again, by the clock">
        {mayOperate && (
          <PageLink to="schedules/new" class="button">
            New schedule
          </PageLink>
        )}
      </PageHead>
      <fieldset class="states">
        <legend class="hidden">States</legend>
        {STATES.map((one) => (
          <button
            key={one}
            type="button"
            class="toggle state-running"
            aria-pressed={one === state}
            onClick={() => route(pageUrl('schedules', one === state ? '' : `state=${one}`))}
          >
            {one}
          </button>
        ))}
      </fieldset>
      <Table
        label="Schedules"
        columns={COLUMNS}
        rows={data?.schedules}
        keyOf={({ id }) => id}
        asked={schedules}
        what="the schedules"
        empty={
          state === undefined ? (
            <Empty title="No schedules">
              They come from the code of a project, from PUT /v1/schedules, or from “New schedule”.
            </Empty>
          ) : (
            <Empty title={`No schedule is ${state}`} />
          )
        }
        hasCsv
      />
      {data?.next_cursor && (
        <button type="button" onClick={() => go({ cursor: data.next_cursor ?? '' })}>
          More
        </button>
      )}
    </>
  );
}

const COLUMNS: readonly Column<ScheduleSummary>[] = [
  {
    title: 'Schedule',
    class: 'task-cell',
    cell: ({ id, in_words, task }) => (
      <>
        <PageLink to={`schedules/${encodeURIComponent(id)}`}>{id}</PageLink>
        <span class="sub">
          {in_words} · {task}
        </span>
      </>
    ),
  },
  { title: 'State', cell: ({ state }) => <ScheduleBadge state={state} /> },
  { title: 'Next', cell: ({ next_at }) => <Moment time={next_at} /> },
  { title: 'Last', class: 'wide', cell: ({ last_at }) => <Moment time={last_at} /> },
];
