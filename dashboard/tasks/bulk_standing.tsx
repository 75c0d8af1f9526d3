import type { BulkStanding as Standing, State } from '../data/records.ts';
import { useRead } from '../data/use_read.ts';
import { PageLink } from '../parts/link.tsx';
import { useMay } from '../session/principal.ts';
import { count } from '../text/words.ts';

const POLL_MS = 1_500;
const ENDED: ReadonlySet<string> = new Set<State>(['succeeded', 'failed', 'cancelled', 'resolved']);

/** How many tasks of a bulk operation have not ended, have the state `ended`, or were removed. */
type BulkCounts = { live: number; ended: Partial<Record<State, number>>; removed: number };

/** Sums the states of a standing up. States that this page does not know count as live. */
function bulkCounts({ states, removed }: Pick<Standing, 'states' | 'removed'>): BulkCounts {
  const all = Object.entries(states) as [State, number][];
  const live = all.filter(([state]) => !ENDED.has(state)).reduce((sum, [, tasks]) => sum + tasks, 0);
  return { live, ended: Object.fromEntries(all.filter(([state]) => ENDED.has(state))), removed };
}

/** What became of the tasks of a bulk operation, read again while something of it may change. */
export function BulkStanding(props: { id: string; isDone: boolean; isLinked?: boolean }) {
  const { id, isDone, isLinked = true } = props;
  const mayOperate = useMay('operate');
  const { data } = useRead<Standing>(['bulk-standing', id, isDone], `/v1/bulk/${id}`, {
    enabled: mayOperate,
    refetchInterval: ({ state }) => {
      const isQuiet = isDone && state.data !== undefined && bulkCounts(state.data).live === 0;
      return isQuiet ? false : POLL_MS;
    },
  });
  if (data === undefined) return null;
  const isRetry = data.operation?.action !== 'bulk_cancel';
  const { live, ended, removed } = bulkCounts(data);
  return (
    <div class="bulk-standing">
      <dl class="figures" aria-label="What became of them">
        <Figure title={isRetry ? 'retried' : 'cancelled or asked to end'}>
          {count(data.changed, data.changed_is_capped)}
        </Figure>
        {isRetry && <Figure title="succeeded">{count(ended.succeeded ?? 0)}</Figure>}
        {isRetry && (
          <Figure title="failed again" isBad={(ended.failed ?? 0) > 0}>
            {count(ended.failed ?? 0)}
          </Figure>
        )}
        <Figure title={isRetry ? 'wait or run' : 'still run'}>{count(live)}</Figure>
        {isRetry && (ended.cancelled ?? 0) > 0 && (
          <Figure title="cancelled">{count(ended.cancelled ?? 0)}</Figure>
        )}
        {removed > 0 && <Figure title="removed since">{count(removed)}</Figure>}
      </dl>
      {data.changed_is_capped && (
        <p class="hint">The states are those of the first {count(data.changed)} tasks.</p>
      )}
      {isLinked && (
        <p>
          <PageLink to="audit" query={`bulk_id=${id}`}>
            What it changed, task by task
          </PageLink>
        </p>
      )}
    </div>
  );
}

function Figure(props: { title: string; isBad?: boolean; children: string }) {
  return (
    <div class={props.isBad ? 'bad' : undefined}>
      <dt>{props.title}</dt>
      <dd>{props.children}</dd>
    </div>
  );
}
