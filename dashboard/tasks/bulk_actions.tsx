import { useState } from 'preact/hooks';
import type { TaskFilter } from '../url/task_filter.ts';
import { BulkDialog } from './bulk_dialog.tsx';
import type { TaskActionKind } from './task_action.tsx';

/** Opens the dialogs that act on all tasks of the filter, not only on this page of them. */
export function BulkActions({ filter }: { filter: TaskFilter }) {
  const [kind, setKind] = useState<TaskActionKind | null>(null);
  return (
    <>
      <button type="button" onClick={() => setKind('retry')}>
        Retry all …
      </button>
      <button type="button" onClick={() => setKind('cancel')}>
        Cancel all …
      </button>
      {kind !== null && <BulkDialog kind={kind} filter={filter} onClose={() => setKind(null)} />}
    </>
  );
}
