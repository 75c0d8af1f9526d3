import type { Runner } from '../answers.ts';
import { paintWord } from './paint.ts';
import type { Column } from './table.ts';
import { ageOf, toAge } from './words.ts';

/** The columns of a list of runners. */
export const RUNNERS: readonly Column<Runner>[] = [
  { head: 'RUNNER', cell: ({ id }) => String(id), align: 'right' },
  { head: 'STATE', cell: runnerState, paint: paintWord },
  { head: 'BUSY', cell: ({ in_flight, concurrency }) => `${in_flight}/${concurrency}`, align: 'right' },
  { head: 'UP', cell: upTime, align: 'right' },
  { head: 'BEAT', cell: ({ heartbeat_at }) => ageOf(heartbeat_at), align: 'right' },
  { head: 'HOST', cell: ({ host }) => host, min: 10 },
  { head: 'PID', cell: ({ pid }) => String(pid), align: 'right', dropOrder: 2 },
  { head: 'VERSION', cell: ({ version }) => version, dropOrder: 1 },
  { head: 'SERVES', cell: ({ serves }) => serves?.join(', ') ?? 'all', dropOrder: 3 },
  { head: 'NAMES', cell: ({ task_names }) => String(task_names.length), align: 'right' },
];

function runnerState({ ended_at, end_reason, overdue }: Runner): string {
  if (ended_at !== null) return end_reason ?? 'ended';
  return overdue ? 'overdue' : 'live';
}

function upTime({ started_at, ended_at }: Runner): string {
  return toAge((ended_at === null ? Date.now() : Date.parse(ended_at)) - Date.parse(started_at));
}
