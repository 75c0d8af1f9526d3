import { useLocation } from 'preact-iso';
import type { ScheduleState, ScheduleSummary } from '../data/records.ts';
import { useRead } from '../data/use_read.ts';
import { PageLink } from '../parts/link.tsx';
import { Moment } from '../parts/moment.tsx';
import { Empty, Standing } from '../parts/notice.tsx';
import { PageHead, TableBox } from '../parts/page.tsx';
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
      <Standing asked={schedules} what="the schedules" />
      {data?.schedules.length === 0 && (
        <Empty title="No schedules">They come from the code of a project, or from PUT /v1/schedules.</Empty>
      )}
      {data && data.schedules.length > 0 && <Schedules schedules={data.schedules} />}
      {data?.next_cursor && (
        <button type="button" onClick={() => go({ cursor: data.next_cursor ?? '' })}>
          More
        </button>
      )}
    </>
  );
}

function Schedules({ schedules }: { schedules: readonly ScheduleSummary[] }) {
  return (
    <TableBox label="Schedules">
      <table>
        <thead>
          <tr>
            <th scope="col">Schedule</th>
            <th scope="col">State</th>
            <th scope="col">Next</th>
            <th scope="col" class="wide">
              Last
            </th>
          </tr>
        </thead>
        <tbody>
          {schedules.map((schedule) => (
            <tr key={schedule.id}>
              <td class="task-cell">
                <PageLink to={`schedules/${encodeURIComponent(schedule.id)}`}>{schedule.id}</PageLink>
                <span class="sub">
                  {schedule.in_words} · {schedule.task}
                </span>
              </td>
              <td>
                <ScheduleBadge state={schedule.state} />
              </td>
              <td>
                <Moment time={schedule.next_at} />
              </td>
              <td class="wide">
                <Moment time={schedule.last_at} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableBox>
  );
}
