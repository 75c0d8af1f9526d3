import type { OpenTasks } from '../store/doctor/pool_facts.ts';
import type { QueueFacts } from '../store/doctor/queue_facts.ts';
import { duration, error, type Finding, ok, some, warning } from './finding.ts';
import { counted } from './pool.ts';

/** Recovery takes a lease and a heartbeat, reconciling 30 s and a round: later is later than expected. */
export const OVERDUE_SECS = 120;
/** From this age on, a due task that a runner could execute is a finding. */
const WAIT_SECS = 300;
/** Retention has a round every 30 s. After a burst it may lag, but for less than this time. */
const RETENTION_SECS = 3_600;
/** Each round runs at least every minute in a pool that has a live runner. */
const UPKEEP_SECS = 300;
const ROUNDS: Record<string, string> = {
  reconciling: 'lost dispatches are not made again',
  retention: 'finished tasks are not deleted',
  rollups: 'figures are read slowly',
};

/** Judges dispatches, waits, pauses, quarantine and upkeep. `live` is the number of live runners. */
export function judgeQueue(facts: QueueFacts, open: readonly OpenTasks[], live: number): Finding[] {
  const findings = [
    ...judgeWaits(open, live),
    ...judgeDispatches(facts, live),
    ...judgePauses(facts, open),
    ...facts.quarantined.map(({ name, tasks, newestId }) =>
      warning('quarantined', {
        subject: name,
        message: `${tasks} tasks ${name} are quarantined, because they killed their runners again and again; the newest is ${newestId}`,
        remedy: `Find out how its handler ends the process (GET /v1/tasks/${newestId}/explain), correct it, then retry them`,
      }),
    ),
    ...judgeUpkeep(facts, live),
  ];
  return findings.length > 0 ? findings : [ok('queue', 'Nothing is overdue, lost, paused or quarantined')];
}

function judgeWaits(open: readonly OpenTasks[], live: number): Finding[] {
  const due = open.filter(({ isDue, pauses }) => isDue && pauses.length === 0);
  if (live === 0)
    return due.map((tasks) =>
      error('tasks_wait', {
        subject: tasks.name,
        message: `${counted(tasks)} wait, because no runner is live`,
        remedy: 'Start a runner',
      }),
    );
  return due
    .filter(({ able, dueSecs }) => able > 0 && dueSecs > WAIT_SECS)
    .map((tasks) =>
      warning('tasks_wait', {
        subject: tasks.name,
        message: `${counted(tasks)} wait, though ${tasks.able} live runners can execute them`,
        remedy:
          'If all slots are busy, start more runners or raise RUNNER_CONCURRENCY. Otherwise GET /v1/tasks/{id}/explain of one of them says why',
      }),
    );
}

function judgeDispatches({ orphaned, lost }: QueueFacts, live: number): Finding[] {
  const wait =
    live === 0
      ? 'Start a runner: it returns them'
      : 'Look at the logs of the runners for "recovery failed" or "reconciling failed"';
  const findings: Finding[] = [];
  if (orphaned.dispatches > 0)
    findings.push(
      warning('dispatch_orphaned', {
        message: `${orphaned.dispatches} dispatches are locked by runners that are gone, for up to ${duration(orphaned.oldestSecs ?? 0)}. Their tasks start only when the dispatches are returned`,
        remedy: wait,
      }),
    );
  if (lost.tasks > 0)
    findings.push(
      warning('dispatch_lost', {
        message: `${lost.tasks} due tasks have no dispatch, for up to ${duration(lost.oldestSecs ?? 0)}. A runner makes them new ones every 30 s`,
        remedy: wait,
      }),
    );
  return findings;
}

function judgePauses({ pauses }: QueueFacts, open: readonly OpenTasks[]): Finding[] {
  return pauses.map(({ target, actor, reason, seconds }) => {
    const held = open.filter(({ pauses: holding, isDue }) => isDue && holding.includes(target));
    const tasks = held.reduce((sum, one) => sum + one.tasks, 0);
    return warning('paused', {
      subject: target,
      message: `${target} has been paused for ${duration(seconds)} by ${actor}${reason === null ? '' : `, because: ${reason}`}. ${tasks === 0 ? 'None of its tasks is due' : `${tasks} of its tasks are due`}`,
      remedy: `When the reason is over: PUT /v1/queues/${target}/resume`,
    });
  });
}

function judgeUpkeep(
  { retention, rounds, rollupSecs, disabledCallbacks }: QueueFacts,
  live: number,
): Finding[] {
  const late = retention.filter(({ overdueSecs }) => overdueSecs > RETENTION_SECS);
  const findings: Finding[] = [];
  if (late.length > 0)
    findings.push(
      warning('retention_behind', {
        message: `Finished tasks stay longer than they should: ${some(late.map(({ name, overdueSecs }) => `${name} by ${duration(overdueSecs)}`))}. The times of this machine's configuration count here`,
        remedy:
          live === 0
            ? 'Start a runner: it deletes them'
            : 'Look at the logs of the runners for "retention failed", and whether RETENTION_HOURS is the same there as here',
      }),
    );
  const stalled = [
    ...rounds.filter(({ round, seconds }) => round in ROUNDS && seconds > UPKEEP_SECS),
    ...(rollupSecs !== null && rollupSecs > UPKEEP_SECS ? [{ round: 'rollups', seconds: rollupSecs }] : []),
  ];
  // Without a runner all of them stand still, which is said already.
  if (live > 0)
    for (const { round, seconds } of new Map(stalled.map((one) => [one.round, one])).values())
      findings.push(
        warning('upkeep_behind', {
          subject: round,
          message: `The upkeep "${round}" has not got on for ${duration(seconds)}, so ${ROUNDS[round]}`,
          remedy: `Look at the logs of the runners for "${round} failed"`,
        }),
      );
  if (disabledCallbacks > 0)
    findings.push(
      warning('callbacks_disabled', {
        message: `${disabledCallbacks} callback URLs are disabled, because they answered 410`,
        remedy:
          'GET /v1/callbacks/disabled lists them, and POST /v1/callbacks/enable sends to one of them again',
      }),
    );
  return findings;
}
