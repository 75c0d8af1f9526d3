import { useState } from 'preact/hooks';
import { useLocation, useRoute } from 'preact-iso';
import { statusOf } from '../data/api.ts';
import type { Schedule, ScheduleRun } from '../data/records.ts';
import { useRead } from '../data/use_read.ts';
import { Confirm } from '../parts/confirm.tsx';
import { JsonView } from '../parts/json_view.tsx';
import { PageLink, TaskLink } from '../parts/link.tsx';
import { ExactMoment } from '../parts/moment.tsx';
import { Empty, Notice, Standing } from '../parts/notice.tsx';
import { Card, PageHead } from '../parts/page.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { useClient } from '../session/context.ts';
import { pageUrl } from '../session/place.ts';
import { useMay } from '../session/principal.ts';
import { BackfillDialog } from './backfill_dialog.tsx';
import { ScheduleBadge } from './schedule_badge.tsx';

/** A schedule: its timing in words, its next times, its history, and its operations. */
export function SchedulePage() {
  const { id = '' } = useRoute().params;
  const path = `/v1/schedules/${encodeURIComponent(id)}`;
  const schedule = useRead<Schedule>(['schedule', id], path, { refetchInterval: 10_000 });
  const runs = useRead<{ runs: ScheduleRun[] }>(['schedule-runs', id], `${path}/runs`, {
    refetchInterval: 10_000,
  });
  const { data } = schedule;
  if (data === undefined) {
    return (
      <>
        <PageHead title={id} />
        {statusOf(schedule.error) === 404 ? (
          <Empty title="There is no such schedule" />
        ) : (
          <Standing asked={schedule} what="the schedule" />
        )}
      </>
    );
  }
  return (
    <>
      <Head schedule={data} path={path} />
      <Stopped schedule={data} />
      <div class="columns">
        <div class="column">
          <Card title="History">
            <Table
              label="History"
              columns={RUNS}
              rows={runs.data?.runs}
              keyOf={({ scheduled_for, at }) => `${scheduled_for} ${at}`}
              asked={runs}
              what="the history"
              empty={<p class="muted">It has not run yet.</p>}
            />
          </Card>
          <Card title="Settings">
            <JsonView value={data.settings} label="Settings" />
          </Card>
        </div>
        <NextTimes schedule={data} />
      </div>
    </>
  );
}

type Act = 'pause' | 'resume' | 'trigger' | 'delete';
const TITLES: Record<Act, string> = {
  pause: 'Pause',
  resume: 'Resume',
  trigger: 'Run now',
  delete: 'Delete',
};
const HINTS: Record<Act, string> = {
  pause: 'Its times are skipped until it is resumed.',
  resume: 'It goes on with the first time after now.',
  delete: 'Its tasks and its history stay.',
  trigger: 'One task is submitted now. The times of the schedule stay as they are.',
};

const DELETION: Act[] = ['delete'];

function Head({ schedule, path }: { schedule: Schedule; path: string }) {
  const client = useClient();
  const { route } = useLocation();
  const mayOperate = useMay('operate');
  const [act, setAct] = useState<Act | null>(null);
  const { id, state, in_words, task, origin, owner } = schedule;
  const [isBackfilling, setBackfilling] = useState(false);
  const isOfApi = origin === 'api';
  const acts: Act[] = [state === 'paused' ? 'resume' : 'pause', 'trigger', ...(isOfApi ? DELETION : [])];
  const remove = async (reason: string | undefined) => {
    const answer = await client.request<{ message: string }>('DELETE', path, { query: { reason } });
    route(pageUrl('schedules'));
    return answer;
  };
  return (
    <PageHead
      title={id}
      lead={
        <>
          <ScheduleBadge state={state} /> {in_words} ·{' '}
          <PageLink to="tasks" query={`name=${encodeURIComponent(task)}`}>
            {task}
          </PageLink>{' '}
          · {origin === 'code' ? `in the code of ${owner ?? 'a project'}` : 'made by the API'}
        </>
      }
    >
      {mayOperate &&
        acts.map((one) => (
          <button key={one} type="button" onClick={() => setAct(one)}>
            {TITLES[one]}
          </button>
        ))}
      {mayOperate && (
        <button type="button" onClick={() => setBackfilling(true)}>
          Backfill …
        </button>
      )}
      {mayOperate && isOfApi && (
        <PageLink to={`schedules/${encodeURIComponent(id)}/edit`} class="button">
          Edit
        </PageLink>
      )}
      {isBackfilling && <BackfillDialog id={id} path={path} onClose={() => setBackfilling(false)} />}
      {act !== null && (
        <Confirm
          title={`${TITLES[act]}: ${id}?`}
          action={TITLES[act]}
          {...(act === 'delete' ? { isDanger: true, word: 'delete' } : {})}
          onClose={() => setAct(null)}
          act={(reason) =>
            act === 'trigger'
              ? client.request<{ message: string }>('POST', `${path}/trigger`, { body: { reason } })
              : act === 'delete'
                ? remove(reason)
                : client.request<{ message: string }>('PUT', `${path}/${act}`, { query: { reason } })
          }
        >
          <p class="hint">{HINTS[act]}</p>
        </Confirm>
      )}
    </PageHead>
  );
}

/** Why its times are not handled. */
function Stopped({ schedule: { paused, broken } }: { schedule: Schedule }) {
  if (broken !== null) return <Notice kind="error">It is broken: {broken.message}</Notice>;
  if (paused === null) return null;
  return (
    <Notice kind="warning">
      Paused{paused.actor !== null && ` by ${paused.actor}`} <ExactMoment time={paused.at} />
      {paused.reason !== null && <>: “{paused.reason}”</>}
    </Notice>
  );
}

const RUNS: readonly Column<ScheduleRun>[] = [
  { title: 'Time', cell: ({ scheduled_for }) => <ExactMoment time={scheduled_for} /> },
  {
    title: 'Outcome',
    cell: ({ outcome, message, task }) => (
      <>
        <span class={`badge state-${outcome === 'submitted' ? 'succeeded' : 'cancelled'}`}>{outcome}</span>{' '}
        {message} {task !== null && <TaskLink id={task.id} />}
      </>
    ),
  },
];

function NextTimes({ schedule }: { schedule: Schedule }) {
  const { next_times, state } = schedule;
  return (
    <div class="column">
      <Card title="Next times">
        {state !== 'active' && <p class="hint">They are not handled while it is {state}.</p>}
        <ol class="definitions">
          {next_times.map(({ at }) => (
            <li key={at}>
              <ExactMoment time={at} />
            </li>
          ))}
        </ol>
      </Card>
    </div>
  );
}
