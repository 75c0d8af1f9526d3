import { useState } from 'preact/hooks';
import type { DisabledCallback, TaskList } from '../data/records.ts';
import { useRead } from '../data/use_read.ts';
import { Confirm } from '../parts/confirm.tsx';
import { PageLink, TaskLink } from '../parts/link.tsx';
import { Moment } from '../parts/moment.tsx';
import { Standing } from '../parts/notice.tsx';
import { Card, PageHead, TableBox } from '../parts/page.tsx';
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
  return (
    <Card title="Disabled URLs">
      <Standing asked={disabled} what="the disabled URLs" />
      {all?.length === 0 && <p class="muted">None: every URL receives its messages.</p>}
      {all !== undefined && all.length > 0 && (
        <TableBox label="Disabled URLs">
          <table>
            <tbody>
              {all.map((one) => (
                <tr key={one.namespace + one.url}>
                  <td class="task-cell">
                    {one.url}
                    <span class="sub">
                      {one.namespace}, answered 410 <Moment time={one.disabled_at} /> to{' '}
                      <TaskLink id={one.task_id} />
                    </span>
                  </td>
                  <td class="row-actions">
                    {mayOperate && (
                      <button type="button" class="small" onClick={() => setAsked(one)}>
                        Enable
                      </button>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </TableBox>
      )}
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

function Deliveries() {
  const deliveries = useRead<TaskList>(['tasks', 'deliveries'], '/v1/tasks', {
    query: { name: 'webhook.deliver', state: ['failed', 'retrying'], page_size: 20 },
    refetchInterval: 10_000,
  });
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
      <Standing asked={deliveries} what="the deliveries" />
      {data?.tasks.length === 0 && <p class="muted">None: every message has arrived or is on its way.</p>}
      {data !== undefined && data.tasks.length > 0 && <TaskTable tasks={data.tasks} />}
    </Card>
  );
}
