import { useMutation, useQueryClient } from '@tanstack/preact-query';
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { messageOf } from '../data/api.ts';
import { Dialog } from './dialog.tsx';
import { Notice } from './notice.tsx';
import { useToast } from './toast.tsx';

export type Act = (reason: string | undefined) => Promise<{ message?: string } | undefined>;

/**
 * Asks for a reason, then does something that changes the queue. `word` must be typed first, for what
 * destroys. Everything that was read is read again after it.
 */
export function Confirm(props: {
  title: string;
  action: string;
  isDanger?: boolean;
  word?: string;
  needsReason?: boolean;
  act: Act;
  onClose: () => void;
  children?: ComponentChildren;
}) {
  const { title, action, isDanger = false, needsReason = false, word, act, onClose, children } = props;
  const [reason, setReason] = useState('');
  const [typed, setTyped] = useState('');
  const queries = useQueryClient();
  const toast = useToast();
  const { mutate, isPending, error } = useMutation({
    mutationFn: () => act(reason.trim() === '' ? undefined : reason.trim()),
    onSuccess(answer) {
      toast(answer?.message ?? `${action}: done`);
      void queries.invalidateQueries();
      onClose();
    },
  });
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          mutate();
        }}
      >
        {children}
        {word !== undefined && (
          <TextField label={`Type “${word}” to confirm`} value={typed} onInput={setTyped} />
        )}
        <TextField
          label={`Reason, for the audit trail${needsReason ? '' : ' (optional)'}`}
          value={reason}
          onInput={setReason}
        />
        {error !== null && <Notice kind="error">{messageOf(error)}</Notice>}
        <footer>
          <button type="button" onClick={onClose}>
            Back
          </button>
          <button
            type="submit"
            class={isDanger ? 'danger' : 'primary'}
            disabled={
              isPending ||
              (word !== undefined && typed.trim() !== word) ||
              (needsReason && reason.trim() === '')
            }
          >
            {isPending ? 'Working …' : action}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}

/** One line of text with its label. */
export function TextField(props: {
  label: string;
  value: string;
  onInput: (value: string) => void;
  type?: string;
  hint?: string;
  placeholder?: string;
  list?: string;
  inputMode?: 'numeric' | 'text';
}) {
  const { label, value, onInput, hint, ...rest } = props;
  return (
    <label class="field">
      <span>{label}</span>
      <input
        type="text"
        maxLength={1_000}
        {...rest}
        value={value}
        onInput={({ currentTarget }) => onInput(currentTarget.value)}
      />
      {hint !== undefined && <span class="hint">{hint}</span>}
    </label>
  );
}
