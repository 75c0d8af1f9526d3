import type { State, WorkflowNode } from '../data/records.ts';
import { NODE_HEIGHT, NODE_WIDTH, type PlacedNode } from '../graph/layout.ts';
import { PageLink, TaskLink } from '../parts/link.tsx';
import { useNow } from '../parts/moment.tsx';
import { StateBadge } from '../parts/state_badge.tsx';
import { duration } from '../text/time.ts';
import { counted, shortId } from '../text/words.ts';
import { useChildren } from './use_children.ts';

/** An unfolded step shows so many of its tasks, the failed ones first. */
const SHOWN = 8;
const ROW_PX = 26;
/** The tasks of a step end one by one, and the page follows only the workflow and its steps. */
const READ_EVERY_MS = 2_000;

/** How much higher a step is when its tasks are shown in it, in px. */
export function heightOfTasks({ children }: WorkflowNode): number {
  const rows = Math.min(children ?? 0, SHOWN) + ((children ?? 0) > SHOWN ? 1 : 0);
  return rows * ROW_PX + 10;
}

/** One step in the graph. A step that has created tasks can be unfolded: then it shows them in its place. */
export function StepCard(props: {
  placed: PlacedNode;
  node: WorkflowNode;
  isSelected: boolean;
  isUnfolded: boolean;
  onSelect: (key: string) => void;
  onToggle: (key: string) => void;
}) {
  const { placed, node, isSelected, isUnfolded, onSelect, onToggle } = props;
  const { children } = node;
  const name = node.step ?? node.name;
  const hasTasks = children !== null && children > 0;
  const classes = ['step', placed.isCritical ? 'critical' : '', hasTasks && !isUnfolded ? 'folded' : ''];
  const { x, y, height } = placed;
  return (
    <div
      class={`${classes.join(' ')} state-${node.state}`}
      aria-current={isSelected}
      style={{ left: `${x}px`, top: `${y}px`, width: `${NODE_WIDTH}px`, height: `${height}px` }}
    >
      <button
        type="button"
        class="step-head"
        aria-pressed={isSelected}
        style={{ height: `${NODE_HEIGHT - 2}px` }}
        onClick={() => onSelect(placed.key)}
      >
        <span class="step-name">{name}</span>
        <span class="step-line">
          <StateBadge state={node.state} skipped={node.skipped} />
          <Took node={node} />
        </span>
        {placed.isCritical && <span class="hidden">, on the critical path</span>}
      </button>
      {hasTasks && (
        <button
          type="button"
          class="step-fold"
          aria-expanded={isUnfolded}
          aria-label={`${isUnfolded ? 'Fold' : 'Unfold'} the ${counted(children, 'task')} of ${name}`}
          onClick={() => onToggle(placed.key)}
        >
          {isUnfolded ? '▾' : '▸'} {children}
        </button>
      )}
      {hasTasks && isUnfolded && <Tasks node={node} total={children} />}
    </div>
  );
}

/** The tasks that a step has created, in its place in the graph. */
function Tasks({ node, total }: { node: WorkflowNode; total: number }) {
  const isOpen = node.finished_at === null;
  const { data } = useChildren(node.id, SHOWN, isOpen ? READ_EVERY_MS : undefined);
  if (data === undefined) return <p class="step-tasks muted">Loading …</p>;
  const more = total - data.tasks.length;
  return (
    <ul class="step-tasks" aria-label={`Tasks of ${node.step ?? node.name}`}>
      {data.tasks.map(({ id, state, started_at, finished_at }) => (
        <li key={id} class="step-task">
          <TaskLink id={id}>
            <Dot state={state} /> {shortId(id)}
          </TaskLink>
          <span class="muted">
            {started_at === null || finished_at === null
              ? ''
              : duration(Math.max(0, Date.parse(finished_at) - Date.parse(started_at)))}
          </span>
        </li>
      ))}
      {more > 0 && (
        <li class="step-task">
          <PageLink to="tasks" query={`parent_id=${node.id}`}>
            and {counted(more, 'more task')}
          </PageLink>
          {data.failed > 0 && <span class="error-text">{data.failed} failed</span>}
        </li>
      )}
    </ul>
  );
}

/** A state as a dot, with its word for readers of the screen and as its title. */
function Dot({ state }: { state: State }) {
  return (
    <span class={`dot state-${state}`} title={state}>
      <span class="hidden">{state}</span>
    </span>
  );
}

/** How long a step took, or has been running. */
function Took({ node }: { node: WorkflowNode }) {
  const { started_at, duration_ms, state } = node;
  const now = useNow(state === 'running' ? 1_000 : 60_000);
  if (duration_ms !== null) return <span class="muted">{duration(duration_ms)}</span>;
  if (started_at === null || state !== 'running') return null;
  return <span class="muted">{duration(Math.max(0, now - Date.parse(started_at)))}</span>;
}
