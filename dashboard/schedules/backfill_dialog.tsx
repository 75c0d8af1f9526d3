import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/preact-query';
import { useState } from 'preact/hooks';
import { messageOf } from '../data/api.ts';
import { TextField } from '../parts/confirm.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { Notice } from '../parts/notice.tsx';
import { useToast } from '../parts/toast.tsx';
import { useClient } from '../session/context.ts';
import { counted } from '../text/words.ts';

type Answer = { times: number; submitted: number; existing: number; pending: number; message: string };

/** Submits the times of a range that have not run. First it counts them. */
export function BackfillDialog({ id, path, onClose }: { id: string; path: string; onClose: () => void }) {
  const client = useClient();
  const queries = useQueryClient();
  const toast = useToast();
  const [from, setFrom] = useState('');
  const [to, setTo] = useState('');
  const [reason, setReason] = useState('');
  const range = rangeOf(from, to);
  const dry = useQuery({
    queryKey: ['backfill', id, range],
    enabled: range !== null,
    queryFn: ({ signal }) =>
      client.request<Answer>('POST', `${path}/backfill`, { signal, body: { ...range, dry_run: true } }),
    placeholderData: keepPreviousData,
    gcTime: 0,
  });
  const run = useMutation({
    mutationFn: () =>
      client.request<Answer>('POST', `${path}/backfill`, {
        body: { ...range, ...(reason.trim() === '' ? {} : { reason: reason.trim() }) },
      }),
    onSuccess({ message }) {
      toast(message);
      void queries.invalidateQueries();
      onClose();
    },
  });
  const due = range === null || dry.error !== null ? 0 : (dry.data?.submitted ?? 0);
  return (
    <Dialog title={`Backfill ${id}`} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (due > 0) run.mutate();
        }}
      >
        <p class="hint">Each time of the range runs once. Those that have run are left out.</p>
        <div class="grid-form">
          <TextField type="datetime-local" label="From" hint={ZONE} value={from} onInput={setFrom} />
          <TextField type="datetime-local" label="To" hint="Not in the future" value={to} onInput={setTo} />
        </div>
        <TextField label="Reason, for the audit trail (optional)" value={reason} onInput={setReason} />
        {range !== null && dry.data !== undefined && dry.error === null && (
          <p role="status">{dry.data.message}.</p>
        )}
        {dry.error !== null && <Notice kind="warning">{messageOf(dry.error)}</Notice>}
        {run.error !== null && <Notice kind="error">{messageOf(run.error)}</Notice>}
        <footer>
          <button type="button" onClick={onClose}>
            Back
          </button>
          <button type="submit" class="primary" disabled={due === 0 || run.isPending}>
            {due === 0 ? 'Submit' : `Submit ${counted(due, 'task')}`}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}

const ZONE = `In the time zone of this browser, ${Intl.DateTimeFormat().resolvedOptions().timeZone}`;

/** The range in UTC; null until both ends are typed. */
function rangeOf(from: string, to: string): { from: string; to: string } | null {
  const [start, end] = [Date.parse(from), Date.parse(to)];
  if (Number.isNaN(start) || Number.isNaN(end)) return null;
  return { from: new Date(start).toISOString(), to: new Date(end).toISOString() };
}
