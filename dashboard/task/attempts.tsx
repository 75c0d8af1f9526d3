import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { Attempt, TaskRecord } from '../data/records.ts';
import { useRead } from '../data/use_read.ts';
import { type Bar, waterfall } from '../graph/waterfall.ts';
import { Moment, useNow } from '../parts/moment.tsx';
import { Card } from '../parts/page.tsx';
import { StateBadge } from '../parts/state_badge.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { duration } from '../text/time.ts';
import { counted, firstLine } from '../text/words.ts';

/** The attempts on one scale of time, with the waits between them. */
export function Attempts({ task }: { task: TaskRecord }) {
  const [isAll, setAll] = useState(false);
  const { attempts, attempts_total, created_at } = task;
  const now = useNow(task.state === 'running' ? 1_000 : 60_000);
  if (attempts.length === 0) return null;
  const more = attempts_total - attempts.length;
  return (
    <Card title={counted(attempts_total, 'attempt')}>
      <Table
        label="Attempts"
        class="waterfall"
        columns={COLUMNS}
        rows={waterfall(attempts, created_at, now)}
        keyOf={keyOf}
        detail={detailOf}
      />
      {more > 0 && !isAll && (
        <button type="button" class="below-table" onClick={() => setAll(true)}>
          Show {counted(more, 'earlier attempt')}
        </button>
      )}
      {isAll && <Earlier task={task} />}
    </Card>
  );
}

function keyOf({ attempt }: Bar): string {
  return `${attempt.attempt} ${attempt.started_at}`;
}

const COLUMNS: readonly Column<Bar>[] = [
  { title: '#', class: 'number', cell: ({ attempt }) => attempt.attempt },
  { title: 'Outcome', cell: ({ attempt }) => <StateBadge state={attempt.outcome} /> },
  { title: 'Started', cell: ({ attempt }) => <Moment time={attempt.started_at} /> },
  { title: 'Took', class: 'number', cell: ({ tookMs }) => (tookMs === null ? '–' : duration(tookMs)) },
  {
    ...{ title: 'From the submission to the end', class: 'wide bar-cell' },
    cell: ({ attempt, start, length }) => (
      <div class="track">
        <div
          class={`bar state-${attempt.outcome}`}
          style={{ left: `${start * 100}%`, width: `${length * 100}%` }}
        />
      </div>
    ),
  },
];

/** Where an attempt ran, and why it failed. */
function detailOf({ attempt: { runner, error } }: Bar): ComponentChildren {
  if (error === null && runner === null) return null;
  return (
    <>
      {runner !== null && (
        <span class="muted">
          runner {runner.id} on {runner.host}, process {runner.pid}
        </span>
      )}
      {error !== null && (
        <span class="error-text">
          {' '}
          {error.error_type}: {firstLine(error.message, 200)}
        </span>
      )}
    </>
  );
}

/** The attempts before the last ten. */
function Earlier({ task }: { task: TaskRecord }) {
  const before = task.attempts[0]?.attempt;
  const page = useRead<{ items: Attempt[]; next_before: number | null }>(
    ['attempts', task.id, before],
    `/v1/tasks/${task.id}/attempts`,
    { query: { before, page_size: 100 } },
  );
  return (
    <Table
      label="Earlier attempts"
      class="waterfall"
      columns={COLUMNS}
      rows={page.data && waterfall(page.data.items, task.created_at, Date.now())}
      keyOf={keyOf}
      asked={page}
      what="earlier attempts"
      detail={detailOf}
    />
  );
}
