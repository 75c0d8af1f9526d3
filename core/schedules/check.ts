import { DELAY_LIMIT_SECONDS } from '../definitions/policy.ts';
import type { Detail } from '../errors.ts';
import { detail, got, textProblem } from '../json/json.ts';
import { KEY_MAX_LENGTH } from '../limits/key.ts';
import { namespaceOf } from '../task.ts';
import { rangeProblems, timingProblems } from './check_timing.ts';
import {
  CATCH_UP_LIMIT,
  DESCRIPTION_MAX_LENGTH,
  INTERVAL_LIMIT_SECONDS,
  MAX_TAGS,
  SCHEDULE_ID_MAX_LENGTH,
  SCHEDULE_ID_PATTERN,
  SCHEDULE_MAX_ATTEMPTS_LIMIT,
  SCHEDULE_PRIORITY_LIMIT,
  type ScheduleSettings,
  TAG_MAX_LENGTH,
} from './settings.ts';

/**
 * All that is wrong with a schedule, other than its payload. Empty if it is fine. A schedule must have a time
 * after `now`. For one that may have had its last time, such as one in code, give the epoch: then only a
 * timing that never has a time is wrong. `path` is the JSON Pointer of the settings in the request. It takes
 * some milliseconds at most, whatever the settings are.
 */
export function settingsProblems(id: string, settings: ScheduleSettings, now: Date, path = ''): Detail[] {
  return [
    ...idProblems(id, settings.task),
    ...timingProblems(settings, now),
    ...policyProblems(settings),
    ...textProblems('/description', settings.description ?? '', 0, DESCRIPTION_MAX_LENGTH),
    ...textProblems('/concurrency_key', settings.concurrency_key ?? '-', 1, KEY_MAX_LENGTH),
    ...tagProblems(settings.tags),
  ].map((problem) => detail(`${path}${problem.path}`, problem.message));
}

function idProblems(id: string, task: string): Detail[] {
  const ids = `the id of a schedule must`;
  if (!SCHEDULE_ID_PATTERN.test(id) || id.length > SCHEDULE_ID_MAX_LENGTH) {
    const form = `match ${SCHEDULE_ID_PATTERN} and have at most ${SCHEDULE_ID_MAX_LENGTH} characters, such as "billing.nightly"`;
    return [{ path: '', message: `${ids} ${form}${got(id)}` }];
  }
  const namespace = namespaceOf(task);
  if (namespaceOf(id) === namespace) return [];
  return [
    { path: '/task', message: `${ids} begin with "${namespace}.", the namespace of its task${got(id)}` },
  ];
}

function policyProblems(settings: ScheduleSettings): Detail[] {
  const { catch_up, catch_up_max, catch_up_window_seconds, overlap, priority, max_attempts } = settings;
  const expiresIn = settings.expires_in_seconds ?? 1;
  return [
    ...rangeProblems('/catch_up_max', catch_up_max, 1, CATCH_UP_LIMIT),
    ...rangeProblems('/catch_up_window_seconds', catch_up_window_seconds, 1, INTERVAL_LIMIT_SECONDS),
    ...rangeProblems('/priority', priority ?? 0, -SCHEDULE_PRIORITY_LIMIT, SCHEDULE_PRIORITY_LIMIT),
    ...rangeProblems('/expires_in_seconds', expiresIn, 1, DELAY_LIMIT_SECONDS),
    ...rangeProblems('/max_attempts', max_attempts ?? 1, 1, SCHEDULE_MAX_ATTEMPTS_LIMIT),
    ...(catch_up === 'all' && overlap !== 'allow'
      ? [
          {
            path: '/overlap',
            message: `must be "allow" with catch_up "all", which submits several missed times at once${got(overlap)}. Or use catch_up "last"`,
          },
        ]
      : []),
  ];
}

function tagProblems(tags: readonly string[]): Detail[] {
  if (tags.length > MAX_TAGS)
    return [{ path: '/tags', message: `must have at most ${MAX_TAGS} tags, got ${tags.length}` }];
  if (new Set(tags).size < tags.length)
    return [{ path: '/tags', message: `must not have one twice${got(tags)}` }];
  return tags.flatMap((tag, index) => textProblems(`/tags/${index}`, tag, 1, TAG_MAX_LENGTH));
}

function textProblems(path: string, text: string, least: number, most: number): Detail[] {
  const unfit = textProblem(text);
  if (unfit !== null) return [{ path, message: unfit }];
  // Counted as Postgres does. A text that is far too long is not counted.
  const length = text.length > 4 * most ? text.length : [...text].length;
  if (length >= least && length <= most) return [];
  return [{ path, message: `must have ${least} to ${most} characters, got ${length}` }];
}
