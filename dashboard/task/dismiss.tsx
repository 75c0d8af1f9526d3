import type { TaskRecord } from '../data/records.ts';
import { Confirm } from '../parts/confirm.tsx';
import { useClient } from '../session/context.ts';

/** Asks for the reason, and dismisses a failed task: it needs nobody any more. */
export function Dismiss({ task, onClose }: { task: TaskRecord; onClose: () => void }) {
  const client = useClient();
  return (
    <Confirm
      title={`Dismiss this failure of ${task.name}?`}
      action="Dismiss"
      needsReason
      onClose={onClose}
      act={(reason) =>
        client.request<{ message: string }>('POST', `/v1/tasks/${task.id}/dismiss`, { body: { reason } })
      }
    >
      <p class="hint">
        The task stays failed, but needs nobody: it leaves its group of errors, and retries by filter.
      </p>
    </Confirm>
  );
}
