import type { Attempt, State } from '../data/records.ts';

const SIGNS: Record<State | Attempt['outcome'], string> = {
  scheduled: '◷',
  waiting: '⋯',
  queued: '○',
  running: '▶',
  retrying: '↻',
  succeeded: '✓',
  failed: '✕',
  cancelled: '⊘',
  resolved: '✓',
  expired: '◔',
  interrupted: '⊘',
  crashed: '✕',
  timed_out: '✕',
};

/** The state of a task, or the outcome of an attempt, by colour, sign and word. */
export function StateBadge(props: { state: State | Attempt['outcome']; skipped?: boolean }) {
  const { state, skipped = false } = props;
  return (
    <span class={`badge state-${state}`}>
      <span aria-hidden="true">{SIGNS[state] ?? '•'}</span>
      {skipped ? 'skipped' : state.replaceAll('_', ' ')}
    </span>
  );
}
