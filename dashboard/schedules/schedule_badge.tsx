import type { ScheduleState } from '../data/records.ts';

const COLOURS: Record<ScheduleState, string> = {
  active: 'state-succeeded',
  paused: 'state-retrying',
  broken: 'state-failed',
  ended: 'state-cancelled',
};

/** The state of a schedule, by colour and word. */
export function ScheduleBadge({ state }: { state: ScheduleState }) {
  return <span class={`badge ${COLOURS[state]}`}>{state}</span>;
}
