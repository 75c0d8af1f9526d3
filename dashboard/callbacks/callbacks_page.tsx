import { useMemo, useState } from 'preact/hooks';
import type { DisabledCallback } from '../data/records.ts';
import { useRead } from '../data/use_read.ts';
import { useTasks } from '../data/use_tasks.ts';
import { Confirm } from '../parts/confirm.tsx';
import { PageLink, TaskLink } from '../parts/link.tsx';
import { Moment } from '../parts/moment.tsx';
import { Card, PageHead } from '../parts/page.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { useClient } from '../session/context.ts';
import { useMay } from '../session/principal.ts';
import { TaskTable } from '../tasks/task_table.tsx';

/** The callbacks: URLs that receive nothing any more, and deliveries that failed or wait. */
export function CallbacksPage() {
  return (
    <>
      <PageHead title="Callbacks" lead="Signed messages to other systems about finished tasks" />
      <Disabled />
      <Deliveries />
    </>
  );
}

function Disabled() {
  const client = useClient();
  const mayOperate = useMay('operate');
  const [asked, setAsked] = useState<DisabledCallback | null>(null);
  const disabled = useRead<{ callbacks: DisabledCallback[] }>(['disabled'], '/v1/callbacks/disabled');
  const all = disabled.data?.callbacks;
  const columns = useMemo(() => disabledColumns(mayOperate, setAsked), [mayOperate]);
  return (
    <Card title="Disabled URLs">
      <Table
        label="Disabled URLs"
        columns={columns}
        rows={all}
        keyOf={({ namespace, url }) => namespace + url}
        asked={disabled}
        what="the disabled URLs"
        empty={<p class="muted">None: every URL receives its messages.</p>}
      />
      {asked !== null && (
        <Confirm
          title="Send to this URL again?"
          action="Enable"
          onClose={() => setAsked(null)}
          act={(reason) =>
            client.request<{ message: string }>('POST', '/v1/callbacks/enable', {
              body: { namespace: asked.namespace, url: asked.url, reason },
            })
          }
        >
          <p>{asked.url}</p>
          <p class="hint">New messages are sent again. Those that failed meanwhile can be resent.</p>
        </Confirm>
      )}
    </Card>
  );
}

function disabledColumns(
  mayOperate: boolean,
  onEnable: (callback: DisabledCallback) => void,
): readonly Column<DisabledCallback>[] {
  return [
    {
      ...{ title: 'URL', class: 'task-cell' },
      cell: ({ url, namespace, disabled_at, task_id }) => (
        <>
          {url}
          <span class="sub">
            {namespace}, answered 410 <Moment time={disabled_at} /> to <TaskLink id={task_id} />
          </span>
        </>
      ),
    },
    {
      ...{ title: 'Actions', isSilent: true, class: 'row-actions' },
      cell: (one) =>
        mayOperate && (
          <button type="button" class="small" onClick={() => onEnable(one)}>
            Enable
          </button>
        ),
    },
  ];
}

function Deliveries() {
  const asked = { name: 'webhook.deliver', state: ['failed', 'retrying'], page_size: 20 };
  const deliveries = useTasks(['tasks', 'deliveries'], asked, { refetchInterval: 10_000 });
  const { data } = deliveries;
  return (
    <Card
      title="Deliveries that failed or are tried again"
      actions={
        <PageLink to="tasks" query="name=webhook.deliver">
          All deliveries
        </PageLink>
      }
    >
      <TaskTable
        tasks={data?.rows}
        asked={deliveries}
        what="the deliveries"
        empty={<p class="muted">None: every message has arrived or is on its way.</p>}
      />
    </Card>
  );
}
