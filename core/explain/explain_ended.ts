import { ON_FAILURE } from '../workflows/graph.ts';
import { childrenDone, findStepsFailed } from './explain_children.ts';
import {
  because,
  between,
  errorInWords,
  type Facts,
  type Finding,
  inTime,
  nameOf,
  runnerInWords,
} from './explain_facts.ts';

/** How the task succeeded. */
export function findSuccess(facts: Facts): Finding {
  const { task, runner } = facts;
  if (task.skipped) return skipped(task);
  const took =
    task.started_at === null || task.finished_at === null
      ? ''
      : ` in ${inTime(between(task.started_at, task.finished_at))}`;
  const by = runner === null ? '' : ` by ${runnerInWords(runner)}`;
  const children = childrenDone(facts);
  const main = children === null ? `Attempt ${task.attempt} of ${task.max_attempts} succeeded` : children;
  return {
    code: 'succeeded',
    message: `${main}${children !== null && took !== '' ? ',' : ''}${took}${children === null ? by : ''}`,
    ...ended(task),
    ...(runner === null ? {} : { runner: nameOf(runner) }),
  };
}

function skipped(task: Facts['task']): Finding {
  const message =
    task.step === ON_FAILURE
      ? 'The step was not needed, because no step has failed'
      : 'The step did not run, because its condition did not hold. The steps after it continue without its result';
  return { code: 'skipped', message, ...ended(task) };
}

/** How the task failed, the cause first, after the decision of an operator that nobody is needed. */
export function findFailure(facts: Facts): Finding[] {
  const dismissed = findDismissed(facts);
  return dismissed === null ? findCauses(facts) : [dismissed, ...findCauses(facts)];
}

function findDismissed({ task, act, now }: Facts): Finding | null {
  const { dismissed_at: at, resubmitted_as: by } = task;
  if (at === null) return null;
  const who = act === null ? 'Somebody' : act.actor;
  const did = by === null ? 'dismissed it' : `replaced it by ${by}`;
  const message = `${who} ${did} ${inTime(between(at, now))} ago${because(act?.reason ?? null)}`;
  return {
    code: 'dismissed',
    message,
    since: at,
    ...(act === null ? {} : { actor: act.actor, reason: act.reason }),
    ...(by === null ? {} : { next: `GET /v1/tasks/${by} shows the task that replaces it` }),
  };
}

function findCauses(facts: Facts): Finding[] {
  const { task } = facts;
  const last = errorInWords(task.error);
  const since = ended(task);
  const steps = task.error?.error_code === 'STEP_FAILED' ? findStepsFailed(facts) : [];
  if (steps.length > 0) return steps.map((finding) => ({ ...finding, ...since }));
  if (task.error?.error_code === 'QUARANTINED') {
    const message = `Its runner died ${task.crashes} times while the task ran, so the task is quarantined`;
    const next = retry(facts, 'Before you retry it, find out why its runners died');
    return [{ code: 'quarantined', message, ...since, next }];
  }
  if (task.error?.error_code === 'VALIDATION_FAILED') {
    const message = `Its payload does not fit the schema of ${task.name}: last_error.metadata has the details`;
    const first =
      facts.parent === null
        ? `POST /v1/tasks/${task.id}/resubmit replaces it by a task with a valid payload`
        : 'Submit the task that it is a part of again with a valid payload';
    const next = `${first}; if the schema is wrong, deploy a corrected one and retry the task`;
    return [{ code: 'payload_invalid', message, ...since, next }];
  }
  if (task.error?.retryable === false) {
    const message = `Attempt ${task.attempt} failed with an error that another attempt cannot correct, ${last}`;
    return [{ code: 'failed_permanently', message, ...since, next: retry(facts, 'Correct the cause') }];
  }
  const attempts =
    task.max_attempts === 1 ? 'Its one attempt is' : `All its ${task.max_attempts} attempts are`;
  const exhausted: Finding = {
    code: 'attempts_exhausted',
    message: `${attempts} used up, and the last one failed with ${last}`,
    ...since,
    next: retry(facts, 'Correct the cause'),
  };
  return facts.failure?.outcome === 'timed_out' ? [timeOut(facts), exhausted] : [exhausted];
}

function timeOut({ task }: Facts): Finding {
  return {
    code: 'timed_out',
    message: `Attempt ${task.attempt} exceeded its time limit, ${errorInWords(task.error)}`,
    ...ended(task),
    next:
      task.own_timeout_ms === null
        ? 'Make the work of the task smaller or faster, or raise policy.timeoutMs of its definition'
        : 'Make the work of the task smaller or faster, or submit it again with more timeout_seconds',
  };
}

/** The actor that cancelled the task. */
export function findCancelled(facts: Facts): Finding {
  const { act, parent, task } = facts;
  if (act === null && parent?.state === 'cancelled') {
    const message = `The task was cancelled with ${parent.name}`;
    const next = `To run it after all: PATCH /v1/tasks/${parent.id}/retry runs the cancelled parts again`;
    return { code: 'cancelled', message, ...ended(task), next };
  }
  return { ...byOperator(facts, 'cancelled'), next: retry(facts, 'To run it after all') };
}

/** The actor that resolved the task by hand. */
export function findResolved(facts: Facts): Finding {
  return byOperator(facts, 'resolved');
}

/** No attempt started in time. */
export function findExpired(facts: Facts): Finding {
  const { task } = facts;
  const late =
    task.expires_at === null ? '' : `, ${inTime(between(task.run_at, task.expires_at))} after it was due`;
  const by = task.expires_at === null ? 'in time' : `by ${task.expires_at}${late}`;
  return {
    code: 'expired',
    message: `No attempt started ${by}, so the task was not run`,
    ...ended(task),
    next: retry(facts, 'To run it after all'),
  };
}

/** The entry in the audit trail may have been removed. */
function byOperator({ task, act, now }: Facts, code: 'cancelled' | 'resolved'): Finding {
  const at = act?.at ?? task.cancel_requested_at ?? task.finished_at ?? now;
  const who = act === null ? 'Somebody' : act.actor;
  const message = `${who} ${code} it ${inTime(between(at, now))} ago${because(act?.reason ?? null)}`;
  return { code, message, since: at, ...(act === null ? {} : { actor: act.actor, reason: act.reason }) };
}

function ended({ finished_at }: Facts['task']): { since?: string } {
  return finished_at === null ? {} : { since: finished_at };
}

function retry({ task }: Facts, first: string): string {
  return `${first}: PATCH /v1/tasks/${task.id}/retry queues it again`;
}
