import type { Json, State } from './records.ts';

export type ScheduleState = 'active' | 'paused' | 'broken' | 'ended';
export type ScheduleSummary = {
  id: string;
  task: string;
  namespace: string;
  origin: 'code' | 'api';
  owner: string | null;
  state: ScheduleState;
  in_words: string;
  last_at: string | null;
  next_at: string | null;
  held_for: string | null;
  paused: { at: string; actor: string | null; reason: string | null } | null;
  broken: { at: string | null; message: string } | null;
};

/** The outcome of a time of a schedule, or of a range of skipped times. */
export type ScheduleRun = {
  scheduled_for: string;
  outcome: 'submitted' | 'skipped';
  task: { id: string; state: State | null } | null;
  at: string;
  message: string;
};

export type Schedule = ScheduleSummary & {
  settings: Record<string, Json>;
  next_times: { at: string }[];
};
