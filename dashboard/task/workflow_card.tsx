import { useMemo, useState } from 'preact/hooks';
import type { TaskRecord, Workflow, WorkflowNode } from '../data/records.ts';
import { type PlacedEdge, type PlacedGraph, placeWorkflow } from '../graph/layout.ts';
import { PageLink, TaskLink } from '../parts/link.tsx';
import { ExactMoment } from '../parts/moment.tsx';
import { Card } from '../parts/page.tsx';
import { StateBadge } from '../parts/state_badge.tsx';
import { useMay } from '../session/principal.ts';
import { TaskAction, type TaskActionKind, taskActions } from '../tasks/task_action.tsx';
import { counted } from '../text/words.ts';
import { ResolveDialog } from './resolve_dialog.tsx';
import { heightOfTasks, StepCard } from './step_card.tsx';

/** The graph of a workflow: its steps with states and times, what decided its length, one step in detail. */
export function WorkflowCard({ task }: { task: TaskRecord }) {
  const { workflow } = task;
  const [selected, setSelected] = useState<string | null>(() => firstOfInterest(workflow?.nodes ?? []));
  const [unfolded, setUnfolded] = useState<ReadonlySet<string>>(new Set());
  const placed = useMemo(() => place(workflow, unfolded), [workflow, unfolded]);
  const toggle = (key: string): void =>
    setUnfolded((before) => {
      const after = new Set(before);
      if (!after.delete(key)) after.add(key);
      return after;
    });
  if (workflow === null || placed === null) return null;
  const byKey = new Map(workflow.nodes.map((node) => [keyOf(node), node]));
  const node = selected === null ? undefined : byKey.get(selected);
  return (
    <Card
      title={`Workflow of ${counted(workflow.nodes.length, 'step')}`}
      actions={workflow.critical_path.length > 0 && <span class="hint legend">Critical path in blue</span>}
    >
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard */}
      <section class="graph-box" aria-label="Graph of the steps" tabIndex={0}>
        <div class="graph" style={{ width: `${placed.width}px`, height: `${placed.height}px` }}>
          <Edges {...placed} />
          {placed.nodes.map((one) => {
            const step = byKey.get(one.key);
            if (step === undefined) return null;
            const isSelected = one.key === selected;
            return (
              <StepCard
                key={one.key}
                placed={one}
                node={step}
                isSelected={isSelected}
                isUnfolded={unfolded.has(one.key)}
                onSelect={setSelected}
                onToggle={toggle}
              />
            );
          })}
        </div>
      </section>
      {node !== undefined && <StepDetail task={task} node={node} />}
    </Card>
  );
}

function place(workflow: Workflow | null, unfolded: ReadonlySet<string>): PlacedGraph | null {
  if (workflow === null) return null;
  const open = workflow.nodes.filter((node) => unfolded.has(keyOf(node)));
  return placeWorkflow(workflow, new Map(open.map((node) => [keyOf(node), heightOfTasks(node)])));
}

function keyOf({ step, id }: WorkflowNode): string {
  return step ?? id;
}

/** The step that a reader looks for: one that failed, or one that runs. */
function firstOfInterest(nodes: readonly WorkflowNode[]): string | null {
  for (const state of ['failed', 'retrying', 'running']) {
    const node = nodes.find((one) => one.state === state);
    if (node !== undefined) return keyOf(node);
  }
  return null;
}

function Edges(props: { width: number; height: number; edges: readonly PlacedEdge[] }) {
  const { width, height, edges } = props;
  return (
    <svg width={width} height={height} aria-hidden="true">
      {edges.map(({ from, to, path, head, isCritical }) => (
        <g key={`${from} ${to}`} class={isCritical ? 'edge critical' : 'edge'}>
          <path class="line" d={path} />
          <path class="head" d={head} />
        </g>
      ))}
    </svg>
  );
}

const RESOLVABLE = new Set(['failed', 'cancelled', 'waiting', 'scheduled', 'queued', 'retrying']);

/** One step, with what can be done with it in place. */
function StepDetail({ task, node }: { task: TaskRecord; node: WorkflowNode }) {
  const mayOperate = useMay('operate');
  const [asked, setAsked] = useState<TaskActionKind | 'resolve' | null>(null);
  const name = node.step ?? node.name;
  const onClose = (): void => setAsked(null);
  return (
    <section class="step-detail" aria-label={`Step ${name}`} aria-live="polite">
      <header>
        <h3>{name}</h3>
        <StateBadge state={node.state} skipped={node.skipped} />
        <div class="actions">
          <TaskLink id={node.id}>Open the step</TaskLink>
          {node.children !== null && (
            <PageLink to="tasks" query={`parent_id=${node.id}`}>
              Its {counted(node.children, 'task')}
            </PageLink>
          )}
          {mayOperate &&
            taskActions(node).map((kind) => (
              <button key={kind} type="button" onClick={() => setAsked(kind)}>
                {kind === 'retry' ? 'Retry' : 'Cancel'}
              </button>
            ))}
          {mayOperate && RESOLVABLE.has(node.state) && (
            <button type="button" onClick={() => setAsked('resolve')}>
              Resolve …
            </button>
          )}
        </div>
      </header>
      {node.error_message !== null && <p class="error-text">{node.error_message}</p>}
      <p class="hint">
        Attempt {node.attempt} of {node.max_attempts}. Started <ExactMoment time={node.started_at} />.
      </p>
      {asked === 'resolve' && (
        <ResolveDialog taskId={task.id} stepId={node.id} title={`Resolve ${name}`} onClose={onClose} />
      )}
      {asked !== null && asked !== 'resolve' && (
        <TaskAction kind={asked} task={{ ...node, name }} onClose={onClose} />
      )}
    </section>
  );
}
