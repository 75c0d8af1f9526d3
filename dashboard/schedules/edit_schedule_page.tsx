import { useLocation, useRoute } from 'preact-iso';
import type { Handler, Schedule } from '../data/records.ts';
import { useRead } from '../data/use_read.ts';
import { PageLink } from '../parts/link.tsx';
import { Empty, Standing } from '../parts/notice.tsx';
import { PageHead } from '../parts/page.tsx';
import { pageUrl } from '../session/place.ts';
import { useMay } from '../session/principal.ts';
import { ChooseName } from '../submit/choose_name.tsx';
import { ScheduleForm } from './schedule_form.tsx';

/** Makes a schedule, or changes the one that the path names (specification U6). */
export function EditSchedulePage() {
  const { id } = useRoute().params;
  const { query, route } = useLocation();
  const mayOperate = useMay('operate');
  const schedule = useRead<Schedule>(['schedule', id], `/v1/schedules/${encodeURIComponent(id ?? '')}`, {
    enabled: id !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const handlers = useRead<{ handlers: Handler[] }>(['handlers'], '/v1/handlers');
  const name = schedule.data?.task ?? query.task;
  const handler = handlers.data?.handlers.find((one) => one.name === name);
  const isReady = handlers.data !== undefined && (id === undefined || schedule.data !== undefined);
  const title = id === undefined ? 'New schedule' : `Edit ${id}`;
  if (!mayOperate) {
    return (
      <>
        <PageHead title={title} />
        <Empty title="No rights">Schedules are changed with the scope operate.</Empty>
      </>
    );
  }
  return (
    <>
      <PageHead title={title} lead={<PageLink to="schedules">All schedules</PageLink>} />
      {id !== undefined && <Standing asked={schedule} what="the schedule" />}
      <Standing asked={handlers} what="the definitions" />
      {isReady && id === undefined && (
        <ChooseName
          name={name}
          handlers={handlers.data.handlers}
          onChoose={(chosen) => route(pageUrl('schedules/new', `task=${encodeURIComponent(chosen)}`), true)}
        />
      )}
      {isReady && schedule.data?.origin === 'code' && (
        <Empty title="It is in the code of a project">
          Change it there: a runner writes it at its start.
        </Empty>
      )}
      {isReady && handler !== undefined && schedule.data?.origin !== 'code' && (
        <ScheduleForm key={`${id} ${name}`} handler={handler} schedule={schedule.data} />
      )}
      {isReady && id !== undefined && handler === undefined && (
        <Empty title={`No definition of ${name}`}>A runner or the API must have registered its task.</Empty>
      )}
    </>
  );
}
