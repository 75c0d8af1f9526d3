import { Fragment } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import type { TaskLine } from '../data/use_tasks.ts';
import { TaskLink } from '../parts/link.tsx';
import { Moment } from '../parts/moment.tsx';
import { StateBadge } from '../parts/state_badge.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { useMay } from '../session/principal.ts';
import { duration } from '../text/time.ts';
import { firstLine, shortId } from '../text/words.ts';
import { fieldOf } from '../url/parts.ts';
import { TaskAction, type TaskActionKind, taskActions } from './task_action.tsx';

type Props = {
  tasks: readonly TaskLine[] | undefined;
  isOld?: boolean;
  /** The chosen parts of payloads, such as `/customer`, which are columns. */
  parts?: readonly string[] | undefined;
} & Pick<Parameters<typeof Table>[0], 'asked' | 'what' | 'empty'>;

type AskedAction = { kind: TaskActionKind; task: TaskLine };

const NO_PARTS: readonly string[] = [];

/** A page of tasks, each with its actions. */
export function TaskTable({ tasks, isOld = false, parts = NO_PARTS, ...states }: Props) {
  const mayOperate = useMay('operate');
  const [asked, setAsked] = useState<AskedAction | null>(null);
  const columns = useMemo(() => columnsOf(parts, mayOperate, setAsked), [parts, mayOperate]);
  return (
    <>
      <Table
        label="Tasks"
        class="tasks"
        columns={columns}
        rows={tasks}
        keyOf={({ id }) => id}
        isOld={isOld}
        {...states}
      />
      {asked !== null && <TaskAction {...asked} onClose={() => setAsked(null)} />}
    </>
  );
}

function columnsOf(
  parts: readonly string[],
  mayOperate: boolean,
  onAsk: (asked: AskedAction) => void,
): readonly Column<TaskLine>[] {
  return [
    { title: 'State', cell: ({ state, skipped }) => <StateBadge state={state} skipped={skipped} /> },
    { title: 'Task', class: 'task-cell', cell: (task) => <TaskCell task={task} /> },
    ...parts.map((pointer) => ({
      ...{ title: pointer, class: 'task-cell' },
      cell: (task: TaskLine) => <Part value={task[fieldOf(pointer)]} />,
    })),
    {
      ...{ title: 'Attempt', class: 'wide number' },
      cell: ({ attempt, max_attempts }) => `${attempt} / ${max_attempts}`,
    },
    { title: 'Created', class: 'wide', cell: ({ created_at }) => <Moment time={created_at} /> },
    { title: 'Took', class: 'wide number', cell: took },
    {
      ...{ title: 'Actions', isSilent: true, class: 'row-actions' },
      cell: (task) =>
        mayOperate &&
        taskActions(task).map((kind) => (
          <button
            key={kind}
            type="button"
            class="small"
            aria-label={`${kind === 'retry' ? 'Retry' : 'Cancel'} ${task.name} ${shortId(task.id)}`}
            onClick={() => onAsk({ kind, task })}
          >
            {kind === 'retry' ? 'Retry' : 'Cancel'}
          </button>
        )),
    },
  ];
}

function TaskCell({ task }: { task: TaskLine }) {
  return (
    <>
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
    </>
  );
}

/** A part of a payload: a text as it is, other values as JSON. */
function Part({ value }: { value: unknown }) {
  if (value === undefined || value === null) return <span class="muted">–</span>;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return <span title={text.slice(0, 1_000)}>{firstLine(text, 80)}</span>;
}

/** The error or the progress of a task, if it has one that matters now. */
function RowNote({ task }: { task: TaskLine }) {
  const { progress, progress_note, state } = task;
  const [type, message] = [task['error/error_type'], task['error/message']];
  if (type !== null && message !== null && state !== 'succeeded' && state !== 'resolved') {
    return (
      <span class="error-text" title={firstLine(message, 1_000)}>
        {type}: {firstLine(message, 110)}
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

function took({ started_at, finished_at }: TaskLine): string {
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
