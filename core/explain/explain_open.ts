import { STARTABLE, type State } from '../states.ts';
import { namespaceOf } from '../task.ts';
import { findBefore, findChildren, waitsForChildren } from './explain_children.ts';
import {
  because,
  between,
  blockedInWords,
  errorInWords,
  type Facts,
  type Finding,
  inTime,
  nameOf,
  runnerInWords,
  shown,
} from './explain_facts.ts';
import { startUnderRate, timeFull, waitsForTime } from './explain_rate.ts';
import { suspect } from './explain_suspect.ts';

/** A dispatch that is missing this long after the due time is lost (store/attempts/reconcile.ts). */
const LOST_AFTER_MS = 5_000;

/** Whether an attempt of a task in this state has not started yet. */
export function isStartable(state: State): boolean {
  return (STARTABLE as readonly State[]).includes(state);
}

/** Whether the due time of the attempt has come. */
function isDue(facts: Facts): boolean {
  const { task, now } = facts;
  return isStartable(task.state) && !waitsForChildren(facts) && between(task.run_at, now) >= 0;
}

/**
 * Why a task has not started, the most important reason first: a pause, which lasts until an operator ends
 * it; reasons why it is not due; missing runners; and reasons that pass by themselves.
 */
export function findWaiting(facts: Facts): Finding[] {
  const { task, now } = facts;
  const isOver = task.expires_at !== null && between(now, task.expires_at) <= 0;
  return [
    ...(isOver ? expires(facts) : []),
    ...cancelRequested(facts),
    ...facts.pauses.map((pause) => paused(facts, pause)),
    ...limitPaused(facts),
    ...whyNotDue(facts),
    ...runnersMissing(facts),
    ...(facts.limit === null || facts.limit.pause ? [] : [limitOf(facts, facts.limit)]),
    ...(isDue(facts) && facts.limit === null ? atItsDispatch(facts) : []),
    ...(isStartable(task.state) && (task.suspect || task.crashes > 0) ? [suspect(facts)] : []),
    ...(isDue(facts) ? inItsQueue(facts) : []),
    ...(isOver ? [] : expires(facts)),
  ];
}

/** The time limit of its start. */
function expires({ task, now }: Facts): Finding[] {
  if (task.expires_at === null) return [];
  const left = between(now, task.expires_at);
  const message =
    left > 0
      ? `It expires in ${inTime(left)} unless it starts`
      : 'It has not started in time, and expires now';
  return [{ code: 'expires', message, until: task.expires_at }];
}

/** Why the task is not due, if it is not. */
function whyNotDue(facts: Facts): Finding[] {
  const { task, now } = facts;
  if (task.state === 'waiting') return [findBefore(facts)];
  if (isDue(facts)) return [];
  const children = waitsForChildren(facts) ? [findChildren(facts).waiting] : [];
  return between(task.run_at, now) >= 0 ? children : [notDue(facts), ...children];
}

/** The reasons of a running task. If it waits for children, obstacles come before its progress. */
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
  const who =
    act?.actor ?? (parent?.state === 'cancelled' ? `The actor that cancelled ${parent.name}` : 'Somebody');
  const ago = inTime(between(task.cancel_requested_at, now));
  const message = `${who} asked it to end ${ago} ago${because(act?.reason ?? null)}; it ends when its handler reacts to the signal`;
  const by = act === null ? {} : { actor: act.actor, reason: act.reason };
  return [{ code: 'cancel_requested', message, since: task.cancel_requested_at, ...by }];
}

function paused({ now }: Facts, { target, paused_at, actor, reason }: Facts['pauses'][number]): Finding {
  const ago = inTime(between(paused_at, now));
  return {
    code: 'paused',
    message: `${target} is paused, so none of its tasks start: ${actor} paused it ${ago} ago${because(reason)}`,
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
    return { code: 'scheduled', message: `It is due ${wait}`, until: task.run_at };
  }
  const error = errorInWords(task.error ?? failure?.error ?? null);
  const message = `Attempt ${failure?.attempt ?? task.attempt - 1} of ${task.max_attempts} failed with ${error}, and the next one is due ${wait}`;
  return { code: 'backing_off', message, until: task.run_at };
}

function runnersMissing(facts: Facts): Finding[] {
  const { task, runners, older } = facts;
  if (runners.live === 0) {
    const next = `Start a runner that can execute ${task.name}: npm run runner`;
    return [{ code: 'no_live_runner', message: 'No runner is live', next }];
  }
  if (runners.able > 0) return [];
  if (older.count > 0) return [newerRunnerNeeded(facts)];
  if (runners.elsewhere === runners.live) return [dedicatedElsewhere(facts)];
  const who = runners.live === 1 ? 'The one live runner' : `None of the ${runners.live} live runners`;
  const message = `${who} ${runners.live === 1 ? 'cannot' : 'can'} execute ${task.name}`;
  return [{ code: 'no_runner_for_name', message, next: `Start a runner that can execute ${task.name}` }];
}

function dedicatedElsewhere({ task, runners: { live } }: Facts): Finding {
  const all = live === 1 ? 'the one live runner is' : `all ${live} live runners are`;
  const namespace = namespaceOf(task.name);
  return {
    code: 'no_runner_for_namespace',
    message: `No live runner serves ${task.name}: ${all} dedicated to other namespaces or tasks`,
    next: `Start a runner that serves ${namespace}: add it to RUNNER_NAMESPACES, or unset that variable`,
  };
}

function newerRunnerNeeded({ task, older, parent }: Facts): Finding {
  const who = older.some.map((runner) => `${runnerInWords(runner)} has ${runner.version}`);
  const more = older.count - who.length;
  const all = [...who, ...(more > 0 ? [`${more} more have older ones`] : [])].join(', ');
  return {
    code: 'needs_newer_runner',
    message: `Its version ${task.version} is newer than the definition of every live runner: ${all}`,
    next: [
      `Start a runner whose definition of ${task.name} is ${task.version} or newer: the task starts there at once`,
      `If that version was withdrawn for good: DELETE /v1/tasks/${parent?.id ?? task.id}, and submit the task again with the deployed version`,
    ],
  };
}

/** The state of the dispatch that announces the due task. */
function atItsDispatch(facts: Facts): Finding[] {
  const { task, dispatch, runner, now } = facts;
  if (isLost(facts)) {
    const message = `It has been due for ${inTime(between(task.run_at, now))}, but its dispatch is lost, so no runner knows about it; a live runner dispatches it again within about 30 s`;
    return [{ code: 'dispatch_lost', message, since: task.run_at }];
  }
  if (dispatch?.is_locked !== true) return [];
  const late = overdue(facts, 'has fetched it');
  if (late.length > 0) return late;
  const message =
    runner === null
      ? 'Its dispatch is locked by a runner that is no longer registered; graphile-worker unlocks it after four hours'
      : `${capital(runnerInWords(runner))} has fetched it, and starts it when a slot is free; it may just have started${blockedInWords(facts)}`;
  return [{ code: 'claimed', message, ...(runner === null ? {} : { runner: nameOf(runner) }) }];
}

/** An operator has paused the limit (Q7, Q10). */
function limitPaused({ now, limit }: Facts): Finding[] {
  if (limit === null || !limit.pause) return [];
  const { name, key, slots, taken, ahead, is_capped, pause } = limit;
  const { actor, paused_at, reason } = pause;
  const ago = inTime(between(paused_at, now));
  const place = `${is_capped ? 'at least ' : ''}number ${ahead + 1}`;
  return [
    {
      code: 'limit_paused',
      message: `It is ${place} of those that wait for the limit ${name}, which is paused, so nothing starts under it: ${actor} paused it ${ago} ago${because(reason)}`,
      target: name,
      actor,
      reason,
      since: paused_at,
      limit: { name, key, slots, taken, position: ahead + 1 },
      next: `Resume it: PUT /v1/limits/${name} with {"paused": false}`,
    },
  ];
}

/** Why it waits for a limit: for a time, or for somebody who frees a slot. */
function limitOf(facts: Facts, limit: NonNullable<Facts['limit']>): Finding {
  return waitsForTime(limit) ? timeFull(facts, limit, startEstimate(facts)) : limitFull(facts, limit);
}

/** All slots of a limit are taken (Q10). A limit with keys has so many for each. */
function limitFull(facts: Facts, limit: NonNullable<Facts['limit']>): Finding {
  const { name, key, slots, taken, ahead, is_capped, holders } = limit;
  const which = key === '' ? name : `${name} for ${JSON.stringify(shown(key))}`;
  const who = holders.map((one) => `${one.name} ${one.id} for ${inTime(between(one.since, facts.now))}`);
  const more = taken > who.length && who.length > 0 ? ` and ${taken - who.length} more` : '';
  const by = who.length === 0 ? '' : `, by ${who.join(', ')}${more}`;
  const place = `${is_capped ? 'at least ' : ''}number ${ahead + 1}`;
  const start = startEstimate(facts);
  const when =
    start === null
      ? 'no task has finished recently, so its start cannot be estimated'
      : `it starts in about ${inTime(between(facts.now, start))}`;
  return {
    code: 'limit_full',
    message: `It waits for a slot of the limit ${which}, of which ${taken} of ${slots} are taken${by}; it is ${place} of those that wait, and ${when}`,
    since: facts.task.run_at,
    tasks: holders.map(({ id, name: task, step, state }) => ({ id, name: task, step, state })),
    limit: { name, key, slots, taken, position: ahead + 1 },
    next: `Wait, cancel a task that holds a slot, or raise the limit: PUT /v1/limits/${name} with {"limit": ${slots + 1}}`,
  };
}

function isLost({ dispatch, task, limit, now }: Facts): boolean {
  return dispatch === null && limit === null && between(task.run_at, now) > LOST_AFTER_MS;
}

function inItsQueue(facts: Facts): Finding[] {
  const { runners, pauses, dispatch, queue, task } = facts;
  const findings: Finding[] = [];
  if (runners.able > 0 && runners.busy >= runners.slots) {
    const who = runners.able === 1 ? 'the runner' : `the ${runners.able} runners`;
    findings.push({
      code: 'no_free_slot',
      message: `All ${runners.slots} slots of ${who} that can execute it were in use at the last heartbeat${busyWith(facts)}`,
      next: 'Wait, start another runner, or raise RUNNER_CONCURRENCY',
    });
  }
  const isInReach =
    facts.limit === null &&
    pauses.length === 0 &&
    runners.able > 0 &&
    dispatch?.is_locked !== true &&
    !isLost(facts);
  if (!isInReach || queue === null) return findings;
  const place = `${queue.is_capped ? 'at least ' : ''}number ${queue.ahead + 1}`;
  const start = startEstimate(facts);
  const when =
    start === null
      ? 'no task has finished recently, so its start cannot be estimated'
      : between(facts.now, start) <= 0
        ? 'a slot is free for it'
        : `it starts in about ${inTime(between(facts.now, start))}`;
  const message = `It is ${place} in the queue of ${task.name}, and ${when}`;
  return [...findings, { code: 'queued', message, since: task.run_at }];
}

/** The tasks that hold the slots of the pool, by name. Very short attempts are not counted. */
function busyWith({ busy_with }: Facts): string {
  if (busy_with.length === 0) return '';
  return `; the pool runs ${busy_with.map(({ name, count }) => `${count} of ${name}`).join(', ')}`;
}

/**
 * The estimated start of a due task as ISO 8601, or null if it cannot be estimated. If there are enough free
 * slots for all tasks up to it in its queue, now. Otherwise the time when enough tasks will have finished, at
 * the rate of the last minutes.
 */
export function startEstimate(facts: Facts): string | null {
  const { now, queue, runners, pauses, finished } = facts;
  if (queue === null || pauses.length > 0 || runners.able === 0 || isLost(facts)) return null;
  if (facts.limit?.pause) return null;
  if (facts.limit !== null) return startUnderRate(facts, facts.limit) ?? startUnderLimit(facts, facts.limit);
  const excess = queue.ahead + 1 - Math.max(0, runners.slots - runners.busy);
  if (excess <= 0) return now;
  if (finished.count === 0 || finished.since === null) return null;
  const msPerTask = Math.max(between(finished.since, now), 1) / finished.count;
  return new Date(Date.parse(now) + excess * msPerTask).toISOString();
}

/** As many tasks as there are slots start together, each after the average time of those that finished recently. */
function startUnderLimit(
  { now, finished }: Facts,
  { ahead, slots }: NonNullable<Facts['limit']>,
): string | null {
  if (finished.mean_ms === null) return null;
  const rounds = Math.ceil((ahead + 1) / Math.max(slots, 1));
  return new Date(Date.parse(now) + rounds * finished.mean_ms).toISOString();
}

/** The runner's lease has run out, or it has left the pool: another runner takes over. */
function overdue({ runner, runners, now }: Facts, deed: string): Finding[] {
  if (runner === null || (!runner.has_ended && between(runner.lease_until, now) <= 0)) return [];
  const who = capital(runnerInWords(runner));
  const gone = runner.has_ended
    ? 'has left the pool'
    : `has not renewed its lease, which ran out ${inTime(between(runner.lease_until, now))} ago`;
  const then =
    runners.live === 0
      ? 'no runner is live to take it over'
      : 'another runner takes it over after it has observed one full lease';
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

function running(facts: Facts): Finding {
  const { task, runner, timeout_ms, now } = facts;
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
    message: `Attempt ${task.attempt} of ${task.max_attempts} has been running for ${inTime(between(since, now))} in ${runnerInWords(runner)}${done}${note}${limit}${blockedInWords(facts)}`,
    since,
    ...(timeout_ms === null ? {} : { until: new Date(Date.parse(since) + timeout_ms).toISOString() }),
    ...(runner === null ? {} : { runner: nameOf(runner) }),
  };
}

/** The task started with its children. After they have ended, the attempt does the rest. */
function joining(task: Facts['task'], runner: Facts['runner']): Finding {
  return {
    code: 'running',
    message: `The tasks that it waited for have ended, and attempt ${task.attempt} of ${task.max_attempts} continues in ${runnerInWords(runner)}`,
    ...(task.started_at === null ? {} : { since: task.started_at }),
    ...(runner === null ? {} : { runner: nameOf(runner) }),
  };
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
