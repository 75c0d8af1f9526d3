import { Confirm } from '../parts/confirm.tsx';
import { useClient } from '../session/context.ts';

/** Asks for the reason, and pauses or resumes a queue: a name or a namespace. */
export function PauseAction(props: { queue: string; kind: 'pause' | 'resume'; onClose: () => void }) {
  const { queue, kind, onClose } = props;
  const client = useClient();
  const title = kind === 'pause' ? 'Pause' : 'Resume';
  return (
    <Confirm
      title={`${title} ${queue}?`}
      action={title}
      isDanger={kind === 'pause'}
      onClose={onClose}
      act={(reason) =>
        client.request<{ message: string }>('PUT', `/v1/queues/${encodeURIComponent(queue)}/${kind}`, {
          query: { reason },
        })
      }
    >
      <p class="hint">
        {kind === 'pause'
          ? 'No more of its tasks start. Those that run go on. New ones are accepted, and wait.'
          : 'Its waiting tasks start again.'}
      </p>
    </Confirm>
  );
}
