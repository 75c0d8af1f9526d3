import { useState } from 'preact/hooks';
import type { AuditEntry, Delivery, TaskRecord } from '../data/records.ts';
import { useRead } from '../data/use_read.ts';
import { Confirm } from '../parts/confirm.tsx';
import { TaskLink } from '../parts/link.tsx';
import { Moment } from '../parts/moment.tsx';
import { Standing } from '../parts/notice.tsx';
import { Card, TableBox } from '../parts/page.tsx';
import { StateBadge } from '../parts/state_badge.tsx';
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
  if (callback_url === null) return null;
  const all = deliveries.data?.deliveries;
  return (
    <Card title="Callbacks">
      {all === undefined && <Standing asked={deliveries} what="the callbacks" />}
      {all?.length === 0 && <p class="muted">Nothing was sent to {callback_url} yet.</p>}
      {all !== undefined && all.length > 0 && (
        <TableBox label="Callbacks">
          <table>
            <thead>
              <tr>
                <th scope="col">State</th>
                <th scope="col">Message</th>
                <th scope="col">Created</th>
                <th scope="col">{mayOperate && <span class="hidden">Actions</span>}</th>
              </tr>
            </thead>
            <tbody>
              {all.map((one) => (
                <DeliveryRow key={one.id} delivery={one} onResend={mayOperate ? setAsked : null} />
              ))}
            </tbody>
          </table>
        </TableBox>
      )}
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

function DeliveryRow(props: { delivery: Delivery; onResend: ((delivery: Delivery) => void) | null }) {
  const { delivery, onResend } = props;
  const last = delivery.attempts.at(-1);
  return (
    <tr>
      <td>
        <StateBadge state={delivery.state} />
      </td>
      <td>
        <TaskLink id={delivery.id}>{delivery.type}</TaskLink>
        <span class="sub">{delivery.url}</span>
        {last !== undefined && (
          <span class="sub">
            {last.status !== null && <>answered {last.status} </>}
            {last.error !== null && <span class="error-text">{firstLine(last.error.message)}</span>}
          </span>
        )}
      </td>
      <td>
        <Moment time={delivery.created_at} />
      </td>
      <td class="row-actions">
        {onResend !== null && (
          <button type="button" class="small" onClick={() => onResend(delivery)}>
            Send again
          </button>
        )}
      </td>
    </tr>
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
