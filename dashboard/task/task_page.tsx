import { useQueryClient } from '@tanstack/preact-query';
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { useRoute } from 'preact-iso';
import { statusOf } from '../data/api.ts';
import type { TaskRecord } from '../data/records.ts';
import { useLive } from '../data/use_live.ts';
import { useRead } from '../data/use_read.ts';
import { Copy } from '../parts/copy.tsx';
import { PageLink, TaskLink } from '../parts/link.tsx';
import { Empty, Standing } from '../parts/notice.tsx';
import { Card, PageHead } from '../parts/page.tsx';
import { StateBadge } from '../parts/state_badge.tsx';
import { useMay } from '../session/principal.ts';
import { BulkStanding } from '../tasks/bulk_standing.tsx';
import { LiveControl } from '../tasks/live_control.tsx';
import { TaskAction, type TaskActionKind, taskActions } from '../tasks/task_action.tsx';
import { Attempts } from './attempts.tsx';
import { Audit, Callbacks } from './callbacks.tsx';
import { Children } from './children.tsx';
import { Details } from './details.tsx';
import { Dismiss } from './dismiss.tsx';
import { Explain } from './explain.tsx';
import { Log } from './log.tsx';
import { ErrorCard, PayloadCard, Progress, ResultCard } from './values.tsx';
import { WorkflowCard } from './workflow_card.tsx';

/** A task (specification U3), led by the explanation of its state. */
export function TaskPage() {
  const { id = '' } = useRoute().params;
  // Another task is another page, with nothing left of the one before.
  return <TaskById key={id} id={id} />;
}

function TaskById({ id }: { id: string }) {
  const queries = useQueryClient();
  const [isHeld, setHeld] = useState(false);
  const task = useRead<TaskRecord>(['task', id], `/v1/tasks/${encodeURIComponent(id)}`);
  const missed = useLive([{ task: id }], isHeld, () => {
    for (const kind of ['task', 'explain', 'deliveries', 'children'])
      void queries.invalidateQueries({ queryKey: [kind, id] });
  });
  if (task.data === undefined) {
    if ([400, 404].includes(statusOf(task.error) ?? 0)) return <NoTask id={id} />;
    return (
      <>
        <PageHead title="Task" />
        <Standing asked={task} what="the task" />
      </>
    );
  }
  return (
    <>
      <Head task={task.data}>
        <LiveControl isHeld={isHeld} missed={missed} onHold={setHeld} />
      </Head>
      <Body task={task.data} />
    </>
  );
}

function Head({ task, children }: { task: TaskRecord; children: ComponentChildren }) {
  const mayOperate = useMay('operate');
  const maySubmit = useMay('submit');
  const [kind, setKind] = useState<TaskActionKind | null>(null);
  const [isDismissing, setDismissing] = useState(false);
  return (
    <PageHead title={task.name} lead={<Lead task={task} />}>
      {children}
      {maySubmit && task.parent_id === null && task.namespace !== 'errand' && (
        <PageLink to="submit" query={`from=${task.id}`} class="button">
          Edit and submit again
        </PageLink>
      )}
      {mayOperate &&
        taskActions(task).map((one) => (
          <button
            key={one}
            type="button"
            class={one === 'retry' ? 'primary' : ''}
            onClick={() => setKind(one)}
          >
            {one === 'retry' ? 'Retry' : 'Cancel'}
          </button>
        ))}
      {mayOperate && task.state === 'failed' && task.dismissed_at === null && (
        <button type="button" onClick={() => setDismissing(true)}>
          Dismiss
        </button>
      )}
      {isDismissing && <Dismiss task={task} onClose={() => setDismissing(false)} />}
      {kind !== null && <TaskAction kind={kind} task={task} onClose={() => setKind(null)} />}
    </PageHead>
  );
}

function Lead({ task }: { task: TaskRecord }) {
  const { id, state, skipped, parent_id, step, dismissed_at, resubmitted_as, resubmission_of } = task;
  return (
    <span class="task-lead">
      <StateBadge state={state} skipped={skipped} />
      <span class="mono">{id}</span>
      <Copy text={id} what="the id" />
      {dismissed_at !== null && <span class="tag">dismissed</span>}
      {resubmitted_as !== null && (
        <span>
          replaced by <TaskLink id={resubmitted_as} />
        </span>
      )}
      {resubmission_of !== null && (
        <span>
          in place of <TaskLink id={resubmission_of} />
        </span>
      )}
      {parent_id !== null && (
        <span>
          {step === null ? 'part' : <>step “{step}”</>} of <TaskLink id={parent_id} />
        </span>
      )}
    </span>
  );
}

function Body({ task }: { task: TaskRecord }) {
  return (
    <>
      <Explain task={task} />
      <Progress task={task} />
      {task.workflow !== null && task.workflow.nodes.length > 0 && <WorkflowCard task={task} />}
      {task.name === 'errand.bulk' && (
        <Card title="What became of the tasks">
          <BulkStanding id={task.id} isDone={task.finished_at !== null} />
        </Card>
      )}
      <div class="columns">
        <div class="column">
          <ErrorCard task={task} />
          <ResultCard task={task} />
          <PayloadCard task={task} />
          {task.workflow === null && task.children !== null && <Children task={task} />}
          <Attempts task={task} />
          <Log task={task} />
          <Callbacks task={task} />
          <Audit task={task} />
        </div>
        <Details task={task} />
      </div>
    </>
  );
}

function NoTask({ id }: { id: string }) {
  return (
    <>
      <PageHead title="There is no such task" />
      <Empty title={id}>
        It may have been removed after its retention, or your credentials may not see its namespace.
      </Empty>
    </>
  );
}
