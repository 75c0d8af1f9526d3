import { useMemo, useState } from 'preact/hooks';
import type { AuditEntry, Delivery, TaskRecord } from '../data/records.ts';
import { useRead } from '../data/use_read.ts';
import { Confirm } from '../parts/confirm.tsx';
import { TaskLink } from '../parts/link.tsx';
import { Moment } from '../parts/moment.tsx';
import { Card } from '../parts/page.tsx';
import { StateBadge } from '../parts/state_badge.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { useClient } from '../session/context.ts';
import { useMay } from '../session/principal.ts';
import { firstLine } from '../text/words.ts';

/** The messages to the callback of a task. */
export function Callbacks({ task }: { task: TaskRecord }) {
  const client = useClient();
  const mayOperate = useMay('operate');
  const [asked, setAsked] = useState<Delivery | null>(null);
  const { callback_url } = task;
  const deliveries = useRead<{ deliveries: Delivery[] }>(
    ['deliveries', task.id],
    `/v1/tasks/${task.id}/deliveries`,
    { enabled: callback_url !== null },
  );
  const columns = useMemo(() => columnsFor(mayOperate, setAsked), [mayOperate]);
  if (callback_url === null) return null;
  const all = deliveries.data?.deliveries;
  return (
    <Card title="Callbacks">
      <Table
        label="Callbacks"
        columns={columns}
        rows={all}
        keyOf={({ id }) => id}
        asked={deliveries}
        what="the callbacks"
        empty={<p class="muted">Nothing was sent to {callback_url} yet.</p>}
      />
      {asked !== null && (
        <Confirm
          title={`Send ${asked.type} again?`}
          action="Send again"
          onClose={() => setAsked(null)}
          act={(reason) =>
            client.request<{ message: string }>(
              'POST',
              `/v1/tasks/${task.id}/deliveries/${asked.id}/resend`,
              { query: { reason } },
            )
          }
        >
          <p class="hint">A new delivery sends it to {asked.url} with the same id.</p>
        </Confirm>
      )}
    </Card>
  );
}

function columnsFor(
  mayOperate: boolean,
  onResend: (delivery: Delivery) => void,
): readonly Column<Delivery>[] {
  return [
    { title: 'State', cell: ({ state }) => <StateBadge state={state} /> },
    { title: 'Message', cell: (delivery) => <Message delivery={delivery} /> },
    { title: 'Created', cell: ({ created_at }) => <Moment time={created_at} /> },
    {
      ...{ title: 'Actions', isSilent: true, class: 'row-actions' },
      cell: (delivery) =>
        mayOperate && (
          <button type="button" class="small" onClick={() => onResend(delivery)}>
            Send again
          </button>
        ),
    },
  ];
}

function Message({ delivery: { id, type, url, attempts } }: { delivery: Delivery }) {
  const last = attempts.at(-1);
  return (
    <>
      <TaskLink id={id}>{type}</TaskLink>
      <span class="sub">{url}</span>
      {last !== undefined && (
        <span class="sub">
          {last.status !== null && <>answered {last.status} </>}
          {last.error !== null && <span class="error-text">{firstLine(last.error.message)}</span>}
        </span>
      )}
    </>
  );
}

/** What operators did with the task. */
export function Audit({ task }: { task: TaskRecord }) {
  const mayOperate = useMay('operate');
  const entries = useRead<{ entries: AuditEntry[] }>(
    ['task-audit', task.id, task.state, task.attempt],
    '/v1/audit',
    { query: { task_id: task.id, page_size: 20 }, enabled: mayOperate },
  );
  if (entries.data === undefined || entries.data.entries.length === 0) return null;
  return (
    <Card title="What operators did">
      <ul class="acts">
        {entries.data.entries.map(({ id, at, actor, action, reason }) => (
          <li key={id}>
            <strong>{action.replaceAll('_', ' ')}</strong> by {actor} <Moment time={at} />
            {reason !== null && <span class="sub">“{reason}”</span>}
          </li>
        ))}
      </ul>
    </Card>
  );
}
