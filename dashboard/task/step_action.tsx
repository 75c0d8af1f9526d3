import type { TaskRecord } from '../data/records.ts';
import { Confirm } from '../parts/confirm.tsx';
import { useClient } from '../session/context.ts';
import { shortId } from '../text/words.ts';
import type { NextStep } from '../url/next_steps.ts';
import { ResolveDialog } from './resolve_dialog.tsx';

/** What the button of a next step says. `names` are the steps and children by id. */
export function stepTitle(step: NextStep, task: TaskRecord, names: ReadonlyMap<string, string>): string {
  if (step.kind === 'resume') return `Resume ${step.queue}`;
  if (step.kind === 'resume_limit') return `Resume ${step.limit}`;
  const id = step.kind === 'resolve' ? step.stepId : step.taskId;
  const node = task.workflow?.nodes.find((one) => one.id === id);
  const name = id === task.id ? '' : ` ${names.get(id) ?? node?.step ?? shortId(id)}`;
  return { retry: `Retry${name}`, cancel: `Cancel${name}`, resolve: `Resolve${name}` }[step.kind];
}

/** Does what a next step asks for, after it was confirmed. */
export function StepAction(props: { step: NextStep; title: string; onClose: () => void }) {
  const { step, title, onClose } = props;
  const client = useClient();
  if (step.kind === 'resolve')
    return <ResolveDialog taskId={step.taskId} stepId={step.stepId} title={title} onClose={onClose} />;
  return (
    <Confirm
      title={`${title}?`}
      action={title}
      isDanger={step.kind === 'cancel'}
      onClose={onClose}
      act={(reason) => {
        if (step.kind === 'retry') return client.retry(step.taskId, { reason });
        if (step.kind === 'cancel') return client.cancel(step.taskId, { reason });
        if (step.kind === 'resume_limit')
          return client.request<{ message: string }>('PUT', `/v1/limits/${encodeURIComponent(step.limit)}`, {
            body: { paused: false, reason },
          });
        const path = `/v1/queues/${encodeURIComponent(step.queue)}/resume`;
        return client.request<{ message: string }>('PUT', path, { query: { reason } });
      }}
    />
  );
}
