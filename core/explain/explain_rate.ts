import { between, type Facts, type Finding, inTime, shown } from './explain_facts.ts';

type Limit = NonNullable<Facts['limit']>;

/** Whether the task waits for a time: that of a rate, or the end of a hold. */
export function waitsForTime(limit: Limit): boolean {
  return isRate(limit) || typeof limit.held_until === 'string';
}

function isRate({ rate }: Limit): boolean {
  return rate !== null && rate !== undefined;
}

/**
 * Why a task waits for a time (Q2): as many as the rate allows have started, or nothing of the key starts,
 * because a handler threw RateLimited. `start` is the estimated start, if there is one.
 */
export function timeFull({ now, task }: Facts, limit: Limit, start: string | null): Finding {
  const {
    name,
    key,
    slots,
    taken,
    ahead,
    is_capped,
    rate,
    next_at: next = null,
    held_until: held = null,
  } = limit;
  const which = key === '' ? name : `${name} for ${JSON.stringify(shown(key))}`;
  const inSeconds = rate ? `${slots} in ${inTime(rate.period_ms)}` : '';
  const together = rate && rate.burst < slots ? `, at most ${rate.burst} together` : '';
  const what = rate
    ? `It waits for a start under the rate ${which}, which allows ${inSeconds}${together}`
    : `It waits for a slot of the limit ${which}`;
  const until = held ?? next;
  const because = held === null ? '' : ', because something outside refuses more for now (RateLimited)';
  const nextOne =
    until === null ? '' : `; the next one may start in ${inTime(between(now, until))}${because}`;
  const place = `${is_capped ? 'at least ' : ''}number ${ahead + 1}`;
  const when =
    start === null ? 'its start cannot be estimated' : `it starts in about ${inTime(between(now, start))}`;
  return {
    code: 'limit_full',
    message: `${what}${nextOne}; it is ${place} of those that wait, and ${when}`,
    since: task.run_at,
    ...(until === null ? {} : { until }),
    limit: {
      ...{ name, key, slots, taken, position: ahead + 1 },
      ...(rate ? { period_seconds: rate.period_ms / 1_000, burst: rate.burst } : {}),
    },
    next: rate
      ? `Wait, or raise the limit: PUT /v1/limits/${name} with {"limit": ${slots + 1}}`
      : 'Wait until the time is over',
  };
}

/**
 * The estimated start under a rate as ISO 8601: each burst is so much later as the rate takes for it. Null for
 * another limit.
 */
export function startUnderRate({ now }: Facts, limit: Limit): string | null {
  const { rate, slots, ahead, next_at: next, held_until: held } = limit;
  if (!rate) return null;
  const from = Math.max(
    ...[now, next, held].map((time) => (typeof time === 'string' ? Date.parse(time) : 0)),
  );
  const together = Math.min(rate.burst, slots);
  const windowMs = rate.period_ms / Math.max(Math.floor(slots / together), 1);
  return new Date(from + Math.floor(ahead / together) * windowMs).toISOString();
}
