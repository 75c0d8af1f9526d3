import type { ErrorGroup } from '../data/records.ts';
import { Confirm } from '../parts/confirm.tsx';
import { useClient } from '../session/context.ts';
import { firstLine } from '../text/words.ts';

export type Decision = 'resolve' | 'ignore' | 'reopen';

/** What an operator may decide about a group in this status. */
export function decisionsFor(status: ErrorGroup['status']): Decision[] {
  return status === 'open' || status === 'regressed' ? ['resolve', 'ignore'] : ['reopen'];
}

/** What a decision is called, and what follows from it. */
export const DECISIONS: Record<Decision, { title: string; hint: string }> = {
  resolve: { title: 'Resolve', hint: 'The group comes back as regressed if a task fails with it again.' },
  ignore: { title: 'Ignore', hint: 'The group stays out of sight, also if tasks fail with it again.' },
  reopen: { title: 'Reopen', hint: 'The group is shown as open again.' },
};

/** Asks for the reason, and decides about a group of errors. Its failed tasks stay as they are. */
export function DecideError(props: { group: ErrorGroup; decision: Decision; onClose: () => void }) {
  const { group, decision, onClose } = props;
  const client = useClient();
  const { title, hint } = DECISIONS[decision];
  return (
    <Confirm
      title={`${title} this group of errors?`}
      action={title}
      onClose={onClose}
      act={(reason) =>
        client.request<{ message: string }>(
          'PUT',
          `/v1/errors/${encodeURIComponent(group.error_group)}/${decision}`,
          { query: { reason } },
        )
      }
    >
      <p>
        <strong>{group.error_type}</strong>: {firstLine(group.message)}
      </p>
      <p class="hint">{hint} Its failed tasks stay as they are.</p>
    </Confirm>
  );
}
