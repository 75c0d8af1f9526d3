import { type ComponentChildren, Fragment } from 'preact';
import { useState } from 'preact/hooks';
import type { TaskSummary } from '../data/records.ts';
import { TaskLink } from '../parts/link.tsx';
import { Moment } from '../parts/moment.tsx';
import { TableBox } from '../parts/page.tsx';
import { StateBadge } from '../parts/state_badge.tsx';
import { useMay } from '../session/principal.ts';
import { duration } from '../text/time.ts';
import { firstLine, shortId } from '../text/words.ts';
import { TaskAction, type TaskActionKind, taskActions } from './task_action.tsx';

/** A page of tasks, each with its actions. */
export function TaskTable({ tasks, isOld = false }: { tasks: readonly TaskSummary[]; isOld?: boolean }) {
  const mayOperate = useMay('operate');
  const [asked, setAsked] = useState<{ kind: TaskActionKind; task: TaskSummary } | null>(null);
  return (
    <TableBox label="Tasks">
      <table class={isOld ? 'tasks old' : 'tasks'} aria-busy={isOld}>
        <thead>
          <tr>
            <th scope="col">State</th>
            <th scope="col">Task</th>
            <th scope="col" class="wide">
              Attempt
            </th>
            <th scope="col" class="wide">
              Created
            </th>
            <th scope="col" class="wide">
              Took
            </th>
            <th scope="col">{mayOperate && <span class="hidden">Actions</span>}</th>
          </tr>
        </thead>
        <tbody>
          {tasks.map((task) => (
            <Row key={task.id} task={task}>
              {mayOperate &&
                taskActions(task).map((kind) => (
                  <button
                    key={kind}
                    type="button"
                    class="small"
                    aria-label={`${kind === 'retry' ? 'Retry' : 'Cancel'} ${task.name} ${shortId(task.id)}`}
                    onClick={() => setAsked({ kind, task })}
                  >
                    {kind === 'retry' ? 'Retry' : 'Cancel'}
                  </button>
                ))}
            </Row>
          ))}
        </tbody>
      </table>
      {asked !== null && <TaskAction {...asked} onClose={() => setAsked(null)} />}
    </TableBox>
  );
}

function Row({ task, children }: { task: TaskSummary; children: ComponentChildren }) {
  return (
    <tr>
      <td>
        <StateBadge state={task.state} skipped={task.skipped} />
      </td>
      <td class="task-cell">
        <TaskLink id={task.id}>
          <Dotted name={task.name} />
        </TaskLink>
        <span class="sub">
          <span class="mono">{shortId(task.id)}</span>
          <span class="narrow">
            <Moment time={task.created_at} />
          </span>
          {task.tags.map((tag) => (
            <span key={tag} class="tag">
              {tag}
            </span>
          ))}
          <RowNote task={task} />
        </span>
      </td>
      <td class="wide number">
        {task.attempt} / {task.max_attempts}
      </td>
      <td class="wide">
        <Moment time={task.created_at} />
      </td>
      <td class="wide number">{took(task)}</td>
      <td class="row-actions">{children}</td>
    </tr>
  );
}

/** The error or the progress of a task, if it has one that matters now. */
function RowNote({ task }: { task: TaskSummary }) {
  const { error, progress, progress_note, state } = task;
  if (error !== null && state !== 'succeeded' && state !== 'resolved') {
    return (
      <span class="error-text" title={firstLine(error.message, 1_000)}>
        {error.error_type}: {firstLine(error.message, 110)}
      </span>
    );
  }
  if (progress === null || state !== 'running') return null;
  return (
    <span>
      <progress value={progress} aria-label="Progress" /> {Math.floor(progress * 100)} %{' '}
      {progress_note !== null && firstLine(progress_note, 80)}
    </span>
  );
}

function took({ started_at, finished_at }: TaskSummary): string {
  if (started_at === null || finished_at === null) return '–';
  return duration(Math.max(0, Date.parse(finished_at) - Date.parse(started_at)));
}

/** A name that may go on in the next line after a dot. */
function Dotted({ name }: { name: string }) {
  const parts = name.split('.');
  return (
    <>
      {parts.map((part, index) => (
        <Fragment key={index}>
          {index > 0 && (
            <>
              .<wbr />
            </>
          )}
          {part}
        </Fragment>
      ))}
    </>
  );
}
