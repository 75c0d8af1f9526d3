import type { ErrorRecord } from '../../core/errors.ts';
import type { Facts, Member } from '../../core/explain/explain_facts.ts';
import type { State } from '../../core/states.ts';
import { isoTime } from '../database/iso_time.ts';
import type { Pause } from './queues.ts';

/** Counting the tasks of a queue stops here. */
export const QUEUE_READ_LIMIT = 10_000;

/** A row of the statement that reads the facts about a task. */
export type FactsRow = Omit<Facts['task'], 'after'> & {
  after: string[] | null;
  parent_id: string | null;
  parent_name: string;
  parent_state: State;
  family_id: string | null;
  done: number;
  failed: number;
  members: Member[];
  now: string;
  live: number;
  able: number;
  slots: number;
  busy: number;
  busy_with: Facts['busy_with'];
  older: number;
  elsewhere: number;
  older_runners: Facts['older']['some'];
  pauses: Pause[];
  failed_attempt: number | null;
  failed_outcome: string;
  failed_error: ErrorRecord | null;
  act_actor: string | null;
  act_at: string;
  act_reason: string | null;
  has_dispatch: boolean;
  is_locked: boolean;
  holder_id: number | null;
  holder_host: string;
  holder_pid: number;
  holder_lease_until: string;
  holder_has_ended: boolean;
  holder_blocked_since: string | null;
  holder_blocked_by: string | null;
  timeout_ms: number | null;
  is_due: boolean;
  ahead: number;
  is_capped: boolean;
  finished_count: number;
  finished_since: string | null;
  finished_mean_ms: number | null;
  limit_name: string | null;
  limit_key: string;
  limit_slots: number;
  limit_is_paused: boolean;
  limit_set_by: string | null;
  limit_set_at: string | null;
  limit_set_reason: string | null;
  limit_taken: number;
  limit_period_ms: number | null;
  limit_burst: number | null;
  limit_next_at: string | null;
  limit_held_until: string | null;
  limit_ahead: number;
  limit_holders: NonNullable<Facts['limit']>['holders'];
};

/** Converts the row to the facts about a task. */
export function toFacts(row: FactsRow): Facts {
  const { now, live, able, slots, busy, busy_with, older, older_runners, elsewhere } = row;
  return {
    now,
    task: { ...row, after: row.after ?? [] },
    parent:
      row.parent_id === null ? null : { id: row.parent_id, name: row.parent_name, state: row.parent_state },
    family: row.family_id === null ? null : { done: row.done, failed: row.failed, members: row.members },
    failure:
      row.failed_attempt === null
        ? null
        : { attempt: row.failed_attempt, outcome: row.failed_outcome, error: row.failed_error },
    pauses: row.pauses.map((pause) => ({ ...pause, paused_at: isoTime(pause.paused_at) })),
    act: row.act_actor === null ? null : { actor: row.act_actor, at: row.act_at, reason: row.act_reason },
    runners: { live, able, slots, busy, elsewhere },
    busy_with,
    older: { count: older, some: older_runners },
    dispatch: row.has_dispatch ? { is_locked: row.is_locked } : null,
    runner: runnerOf(row),
    timeout_ms: row.timeout_ms,
    queue: row.is_due ? { ahead: row.ahead, is_capped: row.is_capped } : null,
    finished: { count: row.finished_count, since: row.finished_since, mean_ms: row.finished_mean_ms },
    limit: limitOf(row),
  };
}

function limitOf(row: FactsRow): Facts['limit'] {
  if (row.limit_name === null) return null;
  return {
    name: row.limit_name,
    key: row.limit_key,
    slots: row.limit_slots,
    pause:
      row.limit_is_paused && row.limit_set_at !== null
        ? { actor: row.limit_set_by ?? 'Somebody', paused_at: row.limit_set_at, reason: row.limit_set_reason }
        : null,
    taken: row.limit_taken,
    ahead: row.limit_ahead,
    is_capped: row.limit_ahead > QUEUE_READ_LIMIT,
    holders: row.limit_holders.map((one) => ({ ...one, since: isoTime(one.since) })),
    rate:
      row.limit_period_ms === null || row.limit_burst === null
        ? null
        : { period_ms: row.limit_period_ms, burst: row.limit_burst },
    next_at: row.limit_next_at,
    held_until: row.limit_held_until,
  };
}

function runnerOf(row: FactsRow): Facts['runner'] {
  if (row.holder_id === null) return null;
  return {
    id: row.holder_id,
    host: row.holder_host,
    pid: row.holder_pid,
    lease_until: row.holder_lease_until,
    has_ended: row.holder_has_ended,
    blocked:
      row.holder_blocked_since === null
        ? null
        : { since: row.holder_blocked_since, by: row.holder_blocked_by },
  };
}
