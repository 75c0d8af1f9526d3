import type { TaskSummary } from '../data/records.ts';
import { Confirm } from '../parts/confirm.tsx';
import { StateBadge } from '../parts/state_badge.tsx';
import { useClient } from '../session/context.ts';

export type TaskActionKind = 'retry' | 'cancel';

/** What can be done with a task in its state. */
export function taskActions({ state }: Pick<TaskSummary, 'state'>): TaskActionKind[] {
  if (state === 'failed' || state === 'cancelled' || state === 'expired') return ['retry'];
  if (state === 'succeeded' || state === 'resolved') return [];
  return ['cancel'];
}

/** Asks for the reason, and retries or cancels one task. */
export function TaskAction(props: {
  kind: TaskActionKind;
  task: Pick<TaskSummary, 'id' | 'name' | 'state'>;
  onClose: () => void;
}) {
  const { kind, task, onClose } = props;
  const client = useClient();
  const title = kind === 'retry' ? 'Retry' : 'Cancel';
  return (
    <Confirm
      title={`${title} ${task.name}?`}
      action={kind === 'retry' ? 'Retry task' : 'Cancel task'}
      isDanger={kind === 'cancel'}
      act={(reason) =>
        kind === 'retry' ? client.retry(task.id, { reason }) : client.cancel(task.id, { reason })
      }
      onClose={onClose}
    >
      <p>
        <StateBadge state={task.state} /> <span class="mono">{task.id}</span>
      </p>
      <p class="hint">
        {kind === 'retry'
          ? 'It is queued again, with all its attempts.'
          : 'If it is running, it is asked to end. A workflow is cancelled with its steps.'}
      </p>
    </Confirm>
  );
}
