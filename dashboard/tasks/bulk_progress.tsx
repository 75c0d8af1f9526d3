import { useMutation } from '@tanstack/preact-query';
import { messageOf } from '../data/api.ts';
import type { BulkAnswer, TaskRecord } from '../data/records.ts';
import { useRead } from '../data/use_read.ts';
import { TaskLink } from '../parts/link.tsx';
import { Notice } from '../parts/notice.tsx';
import { StateBadge } from '../parts/state_badge.tsx';
import { useClient } from '../session/context.ts';
import { BulkStanding } from './bulk_standing.tsx';

const POLL_MS = 1_000;
const OPEN = new Set(['scheduled', 'waiting', 'queued', 'running', 'retrying']);

/** How far a bulk operation is. It goes on if the dialog is closed. */
export function BulkProgress({ answer, onClose }: { answer: BulkAnswer; onClose: () => void }) {
  return (
    <>
      <Notice kind="info">{answer.message}</Notice>
      {answer.task !== null && <Progress id={answer.task.id} />}
      {answer.task === null && answer.bulk_id !== null && <BulkStanding id={answer.bulk_id} isDone />}
      <footer>
        <button type="button" class="primary" onClick={onClose}>
          Close
        </button>
      </footer>
    </>
  );
}

function Progress({ id }: { id: string }) {
  const client = useClient();
  const { data } = useRead<TaskRecord>(['task', id], `/v1/tasks/${id}`, {
    refetchInterval: ({ state }) => (state.data && !OPEN.has(state.data.state) ? false : POLL_MS),
  });
  const abort = useMutation({ mutationFn: () => client.cancel(id, { reason: 'Aborted in the dashboard' }) });
  if (data === undefined) return null;
  const isOpen = OPEN.has(data.state);
  return (
    <div class="bulk-progress">
      <p>
        <StateBadge state={data.state} /> <TaskLink id={id}>The task that does it</TaskLink>
      </p>
      <progress value={isOpen ? (data.progress ?? 0) : 1} aria-label="Progress" />
      <p role="status">{data.progress_note ?? (isOpen ? 'Starting …' : 'Done')}</p>
      {data.error !== null && <Notice kind="error">{data.error.message}</Notice>}
      {abort.error !== null && <Notice kind="error">{messageOf(abort.error)}</Notice>}
      {isOpen && (
        <button type="button" class="danger" disabled={abort.isPending} onClick={() => abort.mutate()}>
          Abort
        </button>
      )}
      <BulkStanding id={id} isDone={!isOpen} />
    </div>
  );
}
