import { useMutation } from '@tanstack/preact-query';
import { downloadCsv, messageOf } from '../data/api.ts';
import { useToast } from '../parts/toast.tsx';
import { useSession } from '../session/context.ts';
import { fileFields } from '../url/parts.ts';
import { apiFilter, type TaskFilter } from '../url/task_filter.ts';

/** Saves all tasks of the filter as CSV with the chosen parts of their payloads, not only this page of them. */
export function Download({ filter }: { filter: TaskFilter }) {
  const { credentials } = useSession();
  const toast = useToast();
  const { mutate, isPending } = useMutation({
    mutationFn: () =>
      downloadCsv(credentials, { ...apiFilter(filter, Date.now()), fields: fileFields(filter.fields) }),
    onError: (error) => toast(messageOf(error)),
  });
  return (
    <button type="button" disabled={isPending} onClick={() => mutate()}>
      {isPending ? 'Reading …' : 'CSV'}
      <span class="hidden">: download all that match</span>
    </button>
  );
}
