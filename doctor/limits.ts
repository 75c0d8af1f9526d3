import type { LimitFacts, SetLimit } from '../store/doctor/limit_facts.ts';
import { duration, type Finding, ok, warning } from './finding.ts';

/** From this age on, a task that waits for a limit is worth a look: the limit may be too small. */
const WAIT_SECS = 300;

/** Judges limits: what operators have set, and what waits. Gives nothing if all is well. */
export function judgeLimits({ set, waiting }: LimitFacts): Finding[] {
  return [
    ...set.map(judgeSet),
    ...waiting
      .filter(({ oldestWaiterSecs }) => oldestWaiterSecs > WAIT_SECS)
      .map(({ name, waiters, oldestWaiterSecs }) =>
        ok(
          'limit_waits',
          `${waiters} tasks wait for the limit ${name}, the oldest for ${duration(oldestWaiterSecs)}. No runner is missing for them. If they should start sooner, raise the limit (\`errand limits set ${name}\`)`,
          name,
        ),
      ),
  ];
}

function judgeSet({ name, declared, value, isPaused, actor, reason, seconds }: SetLimit): Finding {
  const by = `${actor === null ? '' : ` by ${actor}`}${reason === null ? '' : `, because: ${reason}`}`;
  if (declared === null)
    return warning('limit_unused', {
      subject: name,
      message: `The limit ${name} has had a setting for ${duration(seconds)}${by}. No registered definition has this limit`,
      remedy: `If it was removed or renamed for good: \`errand limits reset ${name}\``,
    });
  if (isPaused)
    return warning('limit_paused', {
      subject: name,
      message: `The limit ${name} has been paused for ${duration(seconds)}${by}. Nothing starts under it`,
      remedy: `When the reason is over: \`errand limits resume ${name}\``,
    });
  return ok(
    'limit_set',
    `The limit ${name} is ${value === 'none' ? 'no limit' : value} instead of ${declared}, as it was set ${duration(seconds)} ago${by}. Deployments do not change that; \`errand limits reset ${name}\` does`,
    name,
  );
}
