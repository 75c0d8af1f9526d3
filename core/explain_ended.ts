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
import { ON_FAILURE } from './graph.ts';

/** How it succeeded. */
export function findSuccess(facts: Facts): Finding {
  const { task, runner } = facts;
  if (task.skipped) return skipped(task);
  const took =
    task.started_at === null || task.finished_at === null
      ? ''
      : ` in ${inTime(between(task.started_at, task.finished_at))}`;
  const by = runner === null ? '' : ` by ${runnerInWords(runner)}`;
  const children = childrenDone(facts);
  const whole = children === null ? `Attempt ${task.attempt} of ${task.max_attempts} succeeded` : children;
  return {
    code: 'succeeded',
    message: `${whole}${children !== null && took !== '' ? ',' : ''}${took}${children === null ? by : ''}`,
    ...ended(task),
    ...(runner === null ? {} : { runner: nameOf(runner) }),
  };
}

function skipped(task: Facts['task']): Finding {
  const message =
    task.step === ON_FAILURE
      ? 'It was not needed, because no step has failed'
      : 'Its condition did not hold, so it was not run, and what comes after it goes on without its result';
  return { code: 'skipped', message, ...ended(task) };
}

/** How it failed, the cause first. */
export function findFailure(facts: Facts): Finding[] {
  const { task } = facts;
  const last = errorInWords(task.error);
  const since = ended(task);
  const steps = task.error?.error_code === 'STEP_FAILED' ? findStepsFailed(facts) : [];
  if (steps.length > 0) return steps.map((finding) => ({ ...finding, ...since }));
  if (task.error?.error_code === 'QUARANTINED') {
    const message = `Its runner died under it ${task.crashes} times, so it is quarantined`;
    const next = retry(facts, 'Find out why its runners died before you retry it');
    return [{ code: 'quarantined', message, ...since, next }];
  }
  if (task.error?.error_code === 'VALIDATION_FAILED') {
    const message = `Its payload does not fit the schema of ${task.name}: last_error.metadata has the details`;
    const next =
      'Submit it anew with a payload that fits; if the schema is what is wrong, deploy a right one and retry it';
    return [{ code: 'payload_invalid', message, ...since, next }];
  }
  if (task.error?.retryable === false) {
    const message = `Attempt ${task.attempt} failed with an error that is not worth retrying, ${last}`;
    return [{ code: 'failed_permanently', message, ...since, next: retry(facts, 'Mend the cause') }];
  }
  const attempts =
    task.max_attempts === 1 ? 'Its one attempt is' : `All its ${task.max_attempts} attempts are`;
  const exhausted: Finding = {
    code: 'attempts_exhausted',
    message: `${attempts} used up, the last ended with ${last}`,
    ...since,
    next: retry(facts, 'Mend the cause'),
  };
  return facts.failure?.outcome === 'timed_out' ? [timeOut(facts), exhausted] : [exhausted];
}

function timeOut({ task }: Facts): Finding {
  return {
    code: 'timed_out',
    message: `Attempt ${task.attempt} ran out of time, ${errorInWords(task.error)}`,
    ...ended(task),
    next: 'Make its work smaller or faster, or raise policy.timeoutMs of its definition',
  };
}

/** Who cancelled it. */
export function findCancelled(facts: Facts): Finding {
  const { act, parent, task } = facts;
  if (act === null && parent?.state === 'cancelled') {
    const message = `It was cancelled with ${parent.name}`;
    const next = `To have it done after all: PATCH /v1/tasks/${parent.id}/retry has what was cancelled done again`;
    return { code: 'cancelled', message, ...ended(task), next };
  }
  return { ...byOperator(facts, 'cancelled'), next: retry(facts, 'To have it done after all') };
}

/** Who resolved it by hand. */
export function findResolved(facts: Facts): Finding {
  return byOperator(facts, 'resolved');
}

/** The audit trail may have been cleared of it. */
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
