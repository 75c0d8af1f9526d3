import { useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import type { Handler, Overview, Queue } from '../data/records.ts';
import { useRead } from '../data/use_read.ts';
import { PageLink } from '../parts/link.tsx';
import { Moment } from '../parts/moment.tsx';
import { Empty, Standing } from '../parts/notice.tsx';
import { PageHead } from '../parts/page.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { pageUrl } from '../session/place.ts';
import { useMay } from '../session/principal.ts';
import { useQueues } from '../tasks/use_topics.ts';
import { duration } from '../text/time.ts';
import { count, counted } from '../text/words.ts';
import { PauseAction } from './pause_action.tsx';

type Asked = { queue: string; kind: 'pause' | 'resume' };

/** The queues: who can execute them, what waits, and their pauses, by namespace. */
export function QueuesPage() {
  const queues = useQueues();
  const handlers = useRead<{ handlers: Handler[] }>(['handlers'], '/v1/handlers');
  const overview = useRead<Overview>(['overview'], '/v1/overview', { refetchInterval: 5_000 });
  const [asked, setAsked] = useState<Asked | null>(null);
  const { query, route } = useLocation();
  const hasSteps = query.steps === 'true';
  // Only the definitions say which names are steps: without them, rows would appear and vanish again.
  const isKnown = handlers.data !== undefined || handlers.isError;
  const all = isKnown ? (queues.data?.queues ?? []) : [];
  const shown = hasSteps
    ? all
    : withoutQuietSteps(all, handlers.data?.handlers ?? [], overview.data?.queues ?? []);
  const byNamespace = Map.groupBy(shown, ({ namespace }) => namespace);
  return (
    <>
      <PageHead title="Queues" lead="Each name is a queue. A pause of a namespace holds all its names.">
        <label class="check">
          <input
            type="checkbox"
            checked={hasSteps}
            onChange={() => route(pageUrl('queues', hasSteps ? '' : 'steps=true'))}
          />
          Also steps of workflows
        </label>
      </PageHead>
      <Standing asked={isKnown ? queues : handlers} what="the queues" />
      {queues.data?.queues.length === 0 && (
        <Empty title="No queues yet">They appear when a runner or the API registers a task.</Empty>
      )}
      {[...byNamespace].map(([namespace, all]) => (
        <Namespace
          key={namespace}
          namespace={namespace}
          queues={all}
          handlers={handlers.data?.handlers ?? []}
          waiting={overview.data?.queues ?? []}
          onAsk={setAsked}
        />
      ))}
      {asked !== null && <PauseAction {...asked} onClose={() => setAsked(null)} />}
    </>
  );
}

/** Without the steps of workflows, unless they wait or are paused themselves. */
function withoutQuietSteps(
  queues: readonly Queue[],
  handlers: readonly Handler[],
  waiting: Overview['queues'],
): readonly Queue[] {
  const steps = new Set(handlers.flatMap((handler) => (handler.steps ?? []).map(({ name }) => name)));
  const waits = new Set(waiting.map(({ name }) => name));
  return queues.filter(
    ({ name, pauses }) => !steps.has(name) || waits.has(name) || pauses.some(({ target }) => target === name),
  );
}

type NamespaceProps = {
  namespace: string;
  queues: readonly Queue[];
  handlers: readonly Handler[];
  waiting: Overview['queues'];
  onAsk: (asked: Asked) => void;
};

function Namespace({ namespace, queues, handlers, waiting, onAsk }: NamespaceProps) {
  const byName = new Map(handlers.map((handler) => [handler.name, handler]));
  const waits = new Map(waiting.map((one) => [one.name, one]));
  const rows = queues.map((queue) => ({
    ...{ queue, handler: byName.get(queue.name), waiting: waits.get(queue.name), onAsk },
  }));
  const isPaused = queues.some(({ pauses }) => pauses.some(({ target }) => target === namespace));
  return (
    <section class="namespace" aria-label={`Namespace ${namespace}`}>
      <header>
        <h2>{namespace}</h2>
        <PauseButton queue={namespace} isPaused={isPaused} onAsk={onAsk} />
      </header>
      <Table
        label={`Queues of ${namespace}`}
        columns={COLUMNS}
        rows={rows}
        keyOf={({ queue }) => queue.name}
      />
    </section>
  );
}

type Row = {
  queue: Queue;
  handler: Handler | undefined;
  waiting: Overview['queues'][number] | undefined;
  onAsk: (asked: Asked) => void;
};

const COLUMNS: readonly Column<Row>[] = [
  {
    ...{ title: 'Name', class: 'task-cell' },
    cell: ({ queue, handler }) => (
      <>
        <PageLink to="tasks" query={`name=${encodeURIComponent(queue.name)}`}>
          {queue.name}
        </PageLink>
        {handler?.description && <span class="sub">{handler.description}</span>}
      </>
    ),
  },
  {
    ...{ title: 'Waiting', class: 'number' },
    cell: ({ waiting }) => (waiting === undefined ? '0' : count(waiting.waiting, waiting.waiting_is_capped)),
  },
  {
    ...{ title: 'Oldest wait', class: 'wide number' },
    cell: ({ waiting }) => (waiting === undefined ? '–' : duration(waiting.oldest_wait_ms)),
  },
  {
    ...{ title: 'Runners', class: 'wide number' },
    cell: ({ handler }) =>
      handler === undefined ? (
        '–'
      ) : (
        <>
          {counted(handler.live_runners, 'runner')}
          <span class="sub">version {handler.version}</span>
        </>
      ),
  },
  { title: 'State', cell: ({ queue }) => <QueueState queue={queue} /> },
  {
    ...{ title: 'Actions', isSilent: true, class: 'row-actions' },
    cell: ({ queue: { name, pauses }, onAsk }) => (
      <PauseButton queue={name} isPaused={pauses.some(({ target }) => target === name)} onAsk={onAsk} />
    ),
  },
];

function QueueState({ queue }: { queue: Queue }) {
  const [pause] = queue.pauses;
  if (pause === undefined) return <span class="badge state-succeeded">open</span>;
  return (
    <>
      <span class="badge state-retrying">paused</span>
      <span class="sub">
        by {pause.actor} <Moment time={pause.paused_at} />
        {pause.reason !== null && <> “{pause.reason}”</>}
      </span>
    </>
  );
}

function PauseButton(props: { queue: string; isPaused: boolean; onAsk: (asked: Asked) => void }) {
  const { queue, isPaused, onAsk } = props;
  const mayOperate = useMay('operate');
  if (!mayOperate) return null;
  const kind = isPaused ? 'resume' : 'pause';
  return (
    <button
      type="button"
      class="small"
      aria-label={`${isPaused ? 'Resume' : 'Pause'} ${queue}`}
      onClick={() => onAsk({ queue, kind })}
    >
      {isPaused ? 'Resume' : 'Pause'}
    </button>
  );
}
