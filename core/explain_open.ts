import { findBefore, findChildren, waitsForChildren } from './explain_children.ts';
import {
  because,
  between,
  errorInWords,
  type Facts,
  type Finding,
  inTime,
  nameOf,
  runnerInWords,
  shown,
} from './explain_facts.ts';
import { STARTABLE, type State } from './states.ts';

/** A ring is written with its task; one that is missing this long after it was due is lost (store/reconcile.ts). */
const LOST_AFTER_MS = 5_000;

/** Whether an attempt of a task in this state is still to begin. */
export function isStartable(state: State): boolean {
  return (STARTABLE as readonly State[]).includes(state);
}

/** Whether the attempt may begin as far as time is concerned. */
function isDue(facts: Facts): boolean {
  const { task, now } = facts;
  return isStartable(task.state) && !waitsForChildren(facts) && between(task.run_at, now) >= 0;
}

/**
 * Why a task has not begun, the most important first: a pause, which stays until somebody ends it; what keeps it from
 * being due; runners that are missing, which may come until then; and what passes by itself.
 */
export function findWaiting(facts: Facts): Finding[] {
  const { task } = facts;
  return [
    ...cancelRequested(facts),
    ...facts.pauses.map((pause) => paused(facts, pause)),
    ...notBegun(facts),
    ...runnersMissing(facts),
    ...(isDue(facts) ? atItsRing(facts) : []),
    ...(isStartable(task.state) && task.crashes > 0 ? [suspect(facts)] : []),
    ...(isDue(facts) ? inItsQueue(facts) : []),
  ];
}

/** What keeps it from being due, if it is not. */
function notBegun(facts: Facts): Finding[] {
  const { task, now } = facts;
  if (task.state === 'waiting') return [findBefore(facts)];
  if (isDue(facts)) return [];
  const begins = waitsForChildren(facts) ? [findChildren(facts).waiting] : [];
  return between(task.run_at, now) >= 0 ? begins : [notDue(facts), ...begins];
}

/** What a running task is at. What holds up one that waits for its children comes before how far they are. */
export function findRunning(facts: Facts): Finding[] {
  if (waitsForChildren(facts)) {
    const { failed, waiting } = findChildren(facts);
    const pauses = facts.pauses.map((pause) => paused(facts, pause));
    return [...cancelRequested(facts), ...pauses, ...failed, ...runnersMissing(facts), waiting];
  }
  return [...overdue(facts, 'was executing it'), ...cancelRequested(facts), running(facts)];
}

function cancelRequested({ task, act, parent, now }: Facts): Finding[] {
  if (task.cancel_requested_at === null) return [];
  const who = act?.actor ?? (parent?.state === 'cancelled' ? `Who cancelled ${parent.name}` : 'Somebody');
  const ago = inTime(between(task.cancel_requested_at, now));
  const message = `${who} asked it to end ${ago} ago${because(act?.reason ?? null)}; its handler has to heed that`;
  const by = act === null ? {} : { actor: act.actor, reason: act.reason };
  return [{ code: 'cancel_requested', message, since: task.cancel_requested_at, ...by }];
}

function paused({ now }: Facts, { target, paused_at, actor, reason }: Facts['pauses'][number]): Finding {
  const ago = inTime(between(paused_at, now));
  return {
    code: 'paused',
    message: `Nothing of ${target} starts since ${actor} paused it ${ago} ago${because(reason)}`,
    target,
    actor,
    reason,
    since: paused_at,
    next: `Resume it: PUT /v1/queues/${target}/resume`,
  };
}

function notDue({ task, failure, now }: Facts): Finding {
  const wait = `in ${inTime(between(now, task.run_at))}, at ${task.run_at}`;
  if (task.state !== 'retrying') {
    return { code: 'scheduled', message: `It is not due yet, but ${wait}`, until: task.run_at };
  }
  const error = errorInWords(task.error ?? failure?.error ?? null);
  const message = `Attempt ${failure?.attempt ?? task.attempt - 1} of ${task.max_attempts} failed with ${error}, and the next is due ${wait}`;
  return { code: 'backing_off', message, until: task.run_at };
}

function runnersMissing(facts: Facts): Finding[] {
  const { task, runners, older } = facts;
  if (runners.live === 0) {
    const next = `Start a runner that has ${task.name}: npm run runner`;
    return [{ code: 'no_live_runner', message: 'No runner is live', next }];
  }
  if (runners.able > 0) return [];
  if (older.count > 0) return [newerRunnerNeeded(facts)];
  const who = runners.live === 1 ? 'The one live runner' : `None of the ${runners.live} live runners`;
  const message = `${who} ${runners.live === 1 ? 'can not' : 'can'} execute ${task.name}`;
  return [{ code: 'no_runner_for_name', message, next: `Start a runner that has ${task.name}` }];
}

function newerRunnerNeeded({ task, older, parent }: Facts): Finding {
  const who = older.some.map((runner) => `${runnerInWords(runner)} has ${runner.version}`);
  const more = older.count - who.length;
  const all = [...who, ...(more > 0 ? [`${more} more have older ones, too`] : [])].join(', ');
  return {
    code: 'needs_newer_runner',
    message: `Its version is ${task.version}, which no live runner knows: ${all}`,
    next: [
      `Start a runner whose definition of ${task.name} is ${task.version} or newer: it begins there at once`,
      `If that version was taken back for good: DELETE /v1/tasks/${parent?.id ?? task.id}, and submit it again as the version that is deployed`,
    ],
  };
}

/** What has become of the message to the runners that it is due. */
function atItsRing(facts: Facts): Finding[] {
  const { task, ring, runner, now } = facts;
  if (isLost(facts)) {
    const message = `It has been due for ${inTime(between(task.run_at, now))} and its ring is lost, so no runner knows; a live runner rings it anew within about 30 s`;
    return [{ code: 'due_without_ring', message, since: task.run_at }];
  }
  if (ring?.is_locked !== true) return [];
  const late = overdue(facts, 'has fetched it');
  if (late.length > 0) return late;
  const message =
    runner === null
      ? 'Its ring is held by a runner that is not registered any more; graphile-worker frees it after four hours'
      : `${capital(runnerInWords(runner))} has fetched it, and starts it when a slot is free, if it has not just begun`;
  return [{ code: 'ring_locked', message, ...(runner === null ? {} : { runner: nameOf(runner) }) }];
}

function isLost({ ring, task, now }: Facts): boolean {
  return ring === null && between(task.run_at, now) > LOST_AFTER_MS;
}

function suspect({ task }: Facts): Finding {
  const times = task.crashes === 1 ? 'once' : `${task.crashes} times`;
  const message = `Its runner died ${times} while it ran or may have run, so it is started with no other such task beside it`;
  return { code: 'suspect', message };
}

function inItsQueue(facts: Facts): Finding[] {
  const { runners, pauses, ring, queue, task } = facts;
  const findings: Finding[] = [];
  if (runners.able > 0 && runners.busy >= runners.slots) {
    const who = runners.able === 1 ? 'the runner' : `the ${runners.able} runners`;
    findings.push({
      code: 'limit_reached',
      message: `All ${runners.slots} slots of ${who} that can execute it were busy at the last heartbeat`,
      next: 'Wait, start another runner, or raise RUNNER_CONCURRENCY',
    });
  }
  const isInReach = pauses.length === 0 && runners.able > 0 && ring?.is_locked !== true && !isLost(facts);
  if (!isInReach || queue === null) return findings;
  const place = `${queue.is_capped ? 'at least ' : ''}number ${queue.ahead + 1}`;
  const start = startEstimate(facts);
  const when =
    start === null
      ? 'nothing has finished lately to tell when it starts'
      : between(facts.now, start) <= 0
        ? 'a slot is free for it'
        : `it starts in about ${inTime(between(facts.now, start))}`;
  const message = `It is ${place} in the queue of ${task.name}, and ${when}`;
  return [...findings, { code: 'queued', message, since: task.run_at }];
}

/**
 * When a due task will start, as ISO 8601, or null when nothing tells: now when there are as many free slots as there
 * are tasks up to it in its queue, else when as many have finished at the rate of the last minutes as are in excess.
 */
export function startEstimate(facts: Facts): string | null {
  const { now, queue, runners, pauses, finished } = facts;
  if (queue === null || pauses.length > 0 || runners.able === 0 || isLost(facts)) return null;
  const excess = queue.ahead + 1 - Math.max(0, runners.slots - runners.busy);
  if (excess <= 0) return now;
  if (finished.count === 0 || finished.since === null) return null;
  const msPerTask = Math.max(between(finished.since, now), 1) / finished.count;
  return new Date(Date.parse(now) + excess * msPerTask).toISOString();
}

/** The runner's lease ran out, or it has left: somebody takes over. */
function overdue({ runner, runners, now }: Facts, deed: string): Finding[] {
  if (runner === null || (!runner.has_ended && between(runner.lease_until, now) <= 0)) return [];
  const who = capital(runnerInWords(runner));
  const gone = runner.has_ended
    ? 'has left the pool'
    : `has not been heard of since its lease ran out ${inTime(between(runner.lease_until, now))} ago`;
  const then =
    runners.live === 0
      ? 'no runner is live to take it over'
      : 'another runner takes it over when it has seen a whole lease itself';
  return [
    {
      code: 'runner_overdue',
      message: `${who}, which ${deed}, ${gone}; ${then}`,
      since: runner.lease_until,
      runner: nameOf(runner),
      ...(runners.live === 0 ? { next: 'Start a runner: npm run runner' } : {}),
    },
  ];
}

function running({ task, runner, timeout_ms, now }: Facts): Finding {
  if (task.children !== null) return joining(task, runner);
  const since = task.started_at ?? now;
  const done = task.progress === null ? '' : `, is ${Math.round(task.progress * 100)} % done`;
  const note = task.progress_note === null ? '' : ` (${shown(task.progress_note)})`;
  const left = timeout_ms === null ? null : timeout_ms - between(since, now);
  const limit =
    left === null
      ? ''
      : left > 0
        ? `, and has ${inTime(left)} left until its time limit`
        : ', and its time limit is over';
  return {
    code: 'running',
    message: `Attempt ${task.attempt} of ${task.max_attempts} has been running for ${inTime(between(since, now))} in ${runnerInWords(runner)}${done}${note}${limit}`,
    since,
    ...(timeout_ms === null ? {} : { until: new Date(Date.parse(since) + timeout_ms).toISOString() }),
    ...(runner === null ? {} : { runner: nameOf(runner) }),
  };
}

/** It began with its children; the attempt is at what is left to do now that they have ended. */
function joining(task: Facts['task'], runner: Facts['runner']): Finding {
  return {
    code: 'running',
    message: `What it waited for has ended, and attempt ${task.attempt} of ${task.max_attempts} goes on in ${runnerInWords(runner)}`,
    ...(task.started_at === null ? {} : { since: task.started_at }),
    ...(runner === null ? {} : { runner: nameOf(runner) }),
  };
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
