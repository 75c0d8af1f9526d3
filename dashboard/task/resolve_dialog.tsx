import { useMutation, useQueryClient } from '@tanstack/preact-query';
import { useState } from 'preact/hooks';
import { messageOf } from '../data/api.ts';
import { TextField } from '../parts/confirm.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { Notice } from '../parts/notice.tsx';
import { useToast } from '../parts/toast.tsx';
import { useClient } from '../session/context.ts';
import { usePrincipal } from '../session/principal.ts';
import { readJson } from '../text/json.ts';

/** Gives the result of a step by hand, so that the steps after it continue. */
export function ResolveDialog(props: { taskId: string; stepId: string; title: string; onClose: () => void }) {
  const { taskId, stepId, title, onClose } = props;
  const client = useClient();
  const queries = useQueryClient();
  const toast = useToast();
  const actor = usePrincipal().data?.actor ?? 'anonymous';
  const [result, setResult] = useState('{}');
  const [reason, setReason] = useState('');
  const read = readJson(result);
  const { mutate, isPending, error } = useMutation({
    mutationFn: (resolution_data: unknown) =>
      client.request('PATCH', `/v1/tasks/${taskId}/workflow_steps/${stepId}`, {
        body: { resolution_data, resolved_by: actor, reason },
      }),
    onSuccess() {
      toast('Resolved: the steps after it continue');
      void queries.invalidateQueries();
      onClose();
    },
  });
  return (
    <Dialog title={`${title}?`} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if ('value' in read) mutate(read.value);
        }}
      >
        <p class="hint">It counts as done with this result, which the steps after it read.</p>
        <label class="field">
          <span>Result, as JSON</span>
          <textarea
            value={result}
            spellcheck={false}
            aria-invalid={'problem' in read}
            onInput={({ currentTarget }) => setResult(currentTarget.value)}
          />
        </label>
        {'problem' in read && <Notice kind="error">{read.problem}</Notice>}
        <TextField label="Reason, for the audit trail" value={reason} onInput={setReason} />
        {error !== null && <Notice kind="error">{messageOf(error)}</Notice>}
        <footer>
          <button type="button" onClick={onClose}>
            Back
          </button>
          <button
            type="submit"
            class="primary"
            disabled={isPending || 'problem' in read || reason.trim() === ''}
          >
            Resolve
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
