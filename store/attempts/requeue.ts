import type { ErrorRecord } from '../../core/errors.ts';
import type { Database } from '../database/pool.ts';
import { addDispatches } from '../submit/add_dispatches.ts';

/** The record for the attempts that were running under ended runners. */
export type Requeue =
  /**
   * Their runner died. An attempt that ran alone is quarantined at this number of `crashes`. `how`
   * describes the end of its process.
   */
  | { outcome: 'crashed'; crashes: number; how: string | null }
  /** Their runner gave them up, and no crash is counted. */
  | { outcome: 'interrupted'; error: ErrorRecord };

/**
 * Decides the tasks that were running under a runner that is no longer live. A task is cancelled if
 * that was asked for, quarantined if it ran alone and has reached the limit of crashes, and
 * otherwise queued again, which costs no attempt of its budget. Uses tasks_running_idx.
 */
export async function requeueRunning(
  database: Database,
  requeue: Requeue,
): Promise<{ id: string; state: string }[]> {
  const isCrash = requeue.outcome === 'crashed';
  const { rows } = await database.query<{ id: string; state: string }>(REQUEUE_RUNNING, [
    isCrash ? requeue.crashes : null,
    JSON.stringify(isCrash ? crashed(requeue.how) : requeue.error),
    JSON.stringify(QUARANTINED),
    requeue.outcome,
    isCrash && requeue.how !== null ? ` (${requeue.how})` : '',
  ]);
  return rows;
}

function crashed(how: string | null): ErrorRecord {
  const message =
    how === null
      ? 'The runner died, or was cut off for longer than its lease, while it executed this attempt'
      : `The process that executed this attempt, and nothing else, ended before it did: ${how}`;
  return {
    error_type: 'RunnerLost',
    message,
    error_code: 'RUNNER_LOST',
    retryable: true,
    metadata: null,
    stack: null,
  };
}

/** The message is made below. */
const QUARANTINED: ErrorRecord = {
  error_type: 'Quarantined',
  message: '',
  error_code: 'QUARANTINED',
  retryable: false,
  metadata: null,
  stack: null,
};

/** Locks parents before their children, as errand.unblock_dependents requires. */
const PARENTS = `
  parents as materialized (
    select parent.id
      from errand.tasks parent
     where parent.id in (select t.parent_id
                           from errand.tasks t
                           join errand.runners runner on runner.id = t.runner_id and runner.ended_at is not null
                          where t.state = 'running')
     order by parent.id
       for no key update
  )`;

/** The attempts as they are now, and stay until their tasks are updated. */
const LOST = `
  lost as materialized (
    select t.id, t.attempt, t.runner_id, t.started_at
      from errand.tasks t
      join errand.runners runner on runner.id = t.runner_id and runner.ended_at is not null
     where t.state = 'running' and (select count(*) from parents) >= 0
     order by t.id
       for no key update of t
  )`;

/**
 * The new state of each task: it ends if it is guilty or was to be cancelled; otherwise it is
 * queued again.
 */
const REQUEUED = `
  requeued as (
    update errand.tasks t
       set crashes = case when $1::integer is null then t.crashes else t.crashes + 1 end,
           (state, attempt, max_attempts, dispatch_id, run_at, started_at, finished_at, runner_id, error) = (
             select becomes.*
               from (select t.cancel_requested_at is null and runner.parent_id is not null
                            and coalesce(t.crashes + 1 >= $1, false)
                            -- A live parent sees whether the process has ended: it may only have
                            -- been cut off.
                            and ($5 <> '' or not exists (select
                                                           from errand.runners parent
                                                          where parent.id = runner.parent_id and parent.ended_at is null))
                            as is_guilty) judged
              cross join lateral (
                select case when judged.is_guilty then 'failed' else 'cancelled' end,
                       t.attempt, t.max_attempts, null::uuid, t.run_at, t.started_at, now(), t.runner_id,
                       case when judged.is_guilty
                            then $3::jsonb || jsonb_build_object('message', format(
                                   'Quarantined: its runner died under it %s times, the last time while it ran with nothing beside it%s. Find out why before you retry it',
                                   t.crashes + 1, $5::text))
                            -- A limit asked for its end, and says why.
                            when t.error ->> 'error_code' = 'REPLACED' then t.error
                       end
                 where judged.is_guilty or t.cancel_requested_at is not null
                union all
                select 'queued', t.attempt + 1, t.max_attempts + 1, gen_random_uuid(), now(),
                       case when t.children > 0 then t.started_at end, null::timestamptz, null::integer, null::jsonb
                 where not judged.is_guilty and t.cancel_requested_at is null
              ) becomes
           )
      from lost
      join errand.runners runner on runner.id = lost.runner_id
     where t.id = lost.id
    returning t.id, t.name, t.state, t.dispatch_id, t.priority, t.run_at, t.parent_id, t.step, t.finished_at,
              lost.attempt, lost.runner_id, lost.started_at
  )`;

/** The lost attempt. */
const ENDED = `
  ended as (
    insert into errand.attempts (task_id, attempt, outcome, runner_id, started_at, finished_at, error)
    select id, attempt, $4, runner_id, started_at, now(), $2::jsonb from requeued
  )`;

/** The steps after a task that has ended so. */
const UNBLOCKED = `
  unblocked as (
    select errand.unblock_dependents(array_agg(r.parent_id), array_agg(r.step), array_agg(false))
      from requeued r
     where r.parent_id is not null and r.finished_at is not null
    having count(*) > 0
  )`;

const REQUEUE_RUNNING = `
  with ${[PARENTS, LOST, REQUEUED, ENDED, addDispatches('requeued where dispatch_id is not null'), UNBLOCKED].join(',')}
  select id, state from requeued where (select count(*) from dispatched) + (select count(*) from unblocked) >= 0`;
