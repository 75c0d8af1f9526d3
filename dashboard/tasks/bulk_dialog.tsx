import { useMutation, useQuery, useQueryClient } from '@tanstack/preact-query';
import { useMemo, useState } from 'preact/hooks';
import { messageOf } from '../data/api.ts';
import type { BulkAnswer } from '../data/records.ts';
import { TextField } from '../parts/confirm.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { Notice, Standing } from '../parts/notice.tsx';
import { useClient } from '../session/context.ts';
import { count, counted } from '../text/words.ts';
import { apiFilter, type TaskFilter } from '../url/task_filter.ts';
import { BulkProgress } from './bulk_progress.tsx';
import type { TaskActionKind } from './task_action.tsx';

/** What is asked of a bulk operation, as it is typed. */
type Typed = { limit: string; perSecond: string; canary: string; reason: string; word: string };
const NOTHING: Typed = { limit: '', perSecond: '', canary: '', reason: '', word: '' };

/** The path of a bulk operation, and the filter that it gets. A group of errors has its own path. */
export type BulkTarget = { path: string; body: Record<string, unknown> };

/**
 * Retries or cancels all tasks of a filter (specification U4): first it counts, then it asks for a limit, a
 * pace, a canary and a reason, then it shows the progress.
 */
export function BulkDialog(props: {
  kind: TaskActionKind;
  filter?: TaskFilter;
  /** Instead of a filter: all tasks of this group of errors. */
  errorGroup?: string;
  onClose: () => void;
}) {
  const { kind, filter, errorGroup, onClose } = props;
  const [answer, setAnswer] = useState<BulkAnswer | null>(null);
  const target = useMemo(() => targetOf(kind, filter, errorGroup), [kind, filter, errorGroup]);
  const title = kind === 'retry' ? 'Retry all that match' : 'Cancel all that match';
  return (
    <Dialog title={title} onClose={onClose}>
      {answer === null ? (
        <Plan kind={kind} target={target} onDone={setAnswer} onClose={onClose} />
      ) : (
        <BulkProgress answer={answer} onClose={onClose} />
      )}
    </Dialog>
  );
}

function targetOf(kind: TaskActionKind, filter?: TaskFilter, errorGroup?: string): BulkTarget {
  if (errorGroup !== undefined)
    return { path: `/v1/errors/${encodeURIComponent(errorGroup)}/retry`, body: {} };
  const asked = apiFilter(filter ?? { state: [] }, Date.now());
  const body = Object.keys(asked).length === 0 ? { all: true } : { filter: asked };
  return { path: `/v1/tasks/${kind}`, body };
}

type PlanProps = {
  kind: TaskActionKind;
  target: BulkTarget;
  onDone: (answer: BulkAnswer) => void;
  onClose: () => void;
};

function Plan({ kind, target, onDone, onClose }: PlanProps) {
  const client = useClient();
  const queries = useQueryClient();
  const [typed, setTyped] = useState(NOTHING);
  const dry = useQuery({
    queryKey: ['bulk', target],
    queryFn: ({ signal }) =>
      client.request<BulkAnswer>('POST', target.path, { signal, body: { ...target.body, dry_run: true } }),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
  const run = useMutation({
    mutationFn: () =>
      client.request<BulkAnswer>('POST', target.path, { body: { ...target.body, ...limitsOf(typed) } }),
    onSuccess(answer) {
      onDone(answer);
      void queries.invalidateQueries({ queryKey: ['tasks'] });
    },
  });
  if (dry.data === undefined) return <Standing asked={dry} what="how many tasks match" />;
  const { matched, matched_is_estimate } = dry.data;
  const isReady = matched > 0 && !run.isPending && (kind === 'retry' || typed.word.trim() === 'cancel');
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (isReady) run.mutate();
      }}
    >
      <Matched kind={kind} matched={matched} isEstimate={matched_is_estimate} />
      {matched > 0 && <Limits kind={kind} typed={typed} matched={matched} onType={setTyped} />}
      {run.error !== null && <Notice kind="error">{messageOf(run.error)}</Notice>}
      <footer>
        <button type="button" onClick={onClose}>
          Back
        </button>
        <button type="submit" class={kind === 'cancel' ? 'danger' : 'primary'} disabled={!isReady}>
          {run.isPending ? 'Working …' : actionTitle(kind, matched, typed.limit)}
        </button>
      </footer>
    </form>
  );
}

function Matched(props: { kind: TaskActionKind; matched: number; isEstimate: boolean }) {
  const { kind, matched, isEstimate } = props;
  const which = kind === 'retry' ? 'failed, cancelled or expired' : 'unfinished';
  if (matched === 0) return <p>No {which} task matches, so there is nothing to do.</p>;
  return (
    <p class="matched">
      <strong>
        {isEstimate ? 'About ' : ''}
        {count(matched)}
      </strong>{' '}
      {which} {matched === 1 ? 'task matches' : 'tasks match'}. Nothing has changed yet.
    </p>
  );
}

function Limits(props: {
  kind: TaskActionKind;
  typed: Typed;
  matched: number;
  onType: (typed: Typed) => void;
}) {
  const { kind, typed, matched, onType } = props;
  const field = (name: keyof Typed, label: string, hint: string, isNumber = true) => (
    <TextField
      label={label}
      hint={hint}
      value={typed[name]}
      onInput={(value) => onType({ ...typed, [name]: isNumber ? value.replace(/\D/g, '') : value })}
      {...(isNumber ? { inputMode: 'numeric' as const } : {})}
    />
  );
  return (
    <div class="grid-form">
      {field('limit', 'At most', 'The oldest first. Empty: all of them')}
      {field('perSecond', 'Per second', 'Empty: as fast as possible')}
      {kind === 'retry' &&
        field(
          'canary',
          'Canary',
          `Tried first; the rest only if none fails as before. Empty: ${matched > 100 ? '5' : 'none'}`,
        )}
      {field('reason', 'Reason', 'For the audit trail', false)}
      {kind === 'cancel' && field('word', 'Type “cancel” to confirm', 'It cannot be undone', false)}
    </div>
  );
}

function limitsOf({ limit, perSecond, canary, reason }: Typed): Record<string, unknown> {
  const number = (name: string, text: string) => (text === '' ? {} : { [name]: Number(text) });
  return {
    ...number('limit', limit),
    ...number('per_second', perSecond),
    ...number('canary', canary),
    ...(reason.trim() === '' ? {} : { reason: reason.trim() }),
  };
}

function actionTitle(kind: TaskActionKind, matched: number, limit: string): string {
  const total = limit === '' ? matched : Math.min(matched, Number(limit));
  return `${kind === 'retry' ? 'Retry' : 'Cancel'} ${counted(total, 'task')}`;
}
