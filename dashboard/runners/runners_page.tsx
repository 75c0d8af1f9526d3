import { useLocation } from 'preact-iso';
import type { Overview, Runner } from '../data/records.ts';
import { useRead } from '../data/use_read.ts';
import { Moment } from '../parts/moment.tsx';
import { Empty } from '../parts/notice.tsx';
import { PageHead } from '../parts/page.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { pageUrl } from '../session/place.ts';
import { duration } from '../text/time.ts';
import { counted } from '../text/words.ts';
import { Versions } from './versions.tsx';

/** The runners: their slots, their heartbeats, and the versions of their definitions. */
export function RunnersPage() {
  const { query, route } = useLocation();
  const isAll = query.ended === 'true';
  const runners = useRead<{ runners: Runner[] }>(['runners', isAll], '/v1/runners', {
    query: { ended: isAll },
    refetchInterval: 5_000,
  });
  const overview = useRead<Overview>(['overview'], '/v1/overview', { refetchInterval: 5_000 });
  const all = runners.data?.runners;
  const live = all?.filter(({ ended_at }) => ended_at === null) ?? [];
  const slots = live.reduce((sum, { concurrency }) => sum + concurrency, 0);
  return (
    <>
      <PageHead
        title="Runners"
        lead={all && `${counted(live.length, 'live runner')} with ${counted(slots, 'slot')}`}
      >
        <label class="check">
          <input
            type="checkbox"
            checked={isAll}
            onChange={() => route(pageUrl('runners', isAll ? '' : 'ended=true'))}
          />
          Also those that have left
        </label>
      </PageHead>
      <Versions runners={live} queues={overview.data?.queues ?? []} />
      <Table
        label="Runners"
        columns={COLUMNS}
        rows={all}
        keyOf={({ id }) => String(id)}
        asked={runners}
        what="the runners"
        empty={<Empty title="No runner is live">Start one: npm run runner</Empty>}
        hasCsv
      />
    </>
  );
}

const COLUMNS: readonly Column<Runner>[] = [
  {
    title: 'Runner',
    cell: ({ id, host, pid, version }) => (
      <>
        <strong>{id}</strong>
        <span class="sub">
          {host}, process {pid}, Errand {version}
        </span>
      </>
    ),
  },
  { title: 'State', cell: (runner) => <RunnerState runner={runner} /> },
  {
    title: 'Slots',
    class: 'number',
    cell: ({ ended_at, concurrency, in_flight }) => (
      <>
        {ended_at === null && (
          <>
            <meter min={0} max={concurrency} value={in_flight} aria-label="Busy slots" />{' '}
          </>
        )}
        {in_flight} of {concurrency}
      </>
    ),
  },
  { title: 'Event loop', class: 'number', cell: (runner) => <LoopDelay runner={runner} /> },
  { title: 'Heartbeat', class: 'wide', cell: ({ heartbeat_at }) => <Moment time={heartbeat_at} /> },
  { title: 'Started', class: 'wide', cell: ({ started_at }) => <Moment time={started_at} /> },
  { title: 'Tasks', cell: (runner) => <Definitions runner={runner} /> },
];

function RunnerState({ runner }: { runner: Runner }) {
  const { ended_at, end_reason, overdue, blocked_since } = runner;
  if (ended_at !== null) {
    const kind = end_reason === 'lost' ? 'failed' : 'cancelled';
    return (
      <>
        <span class={`badge state-${kind}`}>{end_reason ?? 'ended'}</span>
        <span class="sub">
          <Moment time={ended_at} />
        </span>
      </>
    );
  }
  if (blocked_since !== null) {
    return (
      <>
        <span class="badge state-failed">blocked</span>
        <span class="sub">
          its event loop stands <Moment time={blocked_since} />
        </span>
      </>
    );
  }
  if (overdue) return <span class="badge state-failed">overdue</span>;
  return <span class="badge state-succeeded">live</span>;
}

/** A handler that computes for longer than this delays the others of its process noticeably. */
const SLOW_LOOP_MS = 100;

/** How late the event loop was in the last one or two minutes. */
function LoopDelay({ runner: { event_loop_delay_ms: delayMs } }: { runner: Runner }) {
  if (delayMs === null) return <span class="muted">–</span>;
  if (delayMs < SLOW_LOOP_MS) return <>{duration(delayMs)} late</>;
  return <b class="error-text">{duration(delayMs)} late</b>;
}

function Definitions({ runner }: { runner: Runner }) {
  const { task_names, task_versions } = runner;
  return (
    <details>
      <summary>{counted(task_names.length, 'definition')}</summary>
      <ul class="definitions">
        {task_names.map((name) => (
          <li key={name}>
            {name} <span class="muted">{task_versions?.[name]}</span>
          </li>
        ))}
      </ul>
    </details>
  );
}
