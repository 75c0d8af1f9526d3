import { CronPattern } from 'croner';
import { z } from 'zod';
import type { Detail } from '../errors.ts';
import { detail, got, textProblem } from '../json/json.ts';
import { namespaceOf } from '../task.ts';
import {
  CATCH_UP_LIMIT,
  CRON_MAX_LENGTH,
  DESCRIPTION_MAX_LENGTH,
  INTERVAL_LIMIT_SECONDS,
  JITTER_LIMIT_SECONDS,
  SCHEDULE_ID_MAX_LENGTH,
  SCHEDULE_ID_PATTERN,
  SCHEDULE_MAX_ATTEMPTS_LIMIT,
  SCHEDULE_PRIORITY_LIMIT,
  type ScheduleSettings,
} from './settings.ts';
import { nextTime } from './times.ts';

/**
 * All that is wrong with a schedule, other than its payload. Empty if it is fine. `path` is the JSON Pointer of the
 * settings in the request.
 */
export function settingsProblems(id: string, settings: ScheduleSettings, now: Date, path = ''): Detail[] {
  const problems = [...idProblems(id, settings), ...timingProblems(settings), ...policyProblems(settings)];
  if (problems.length === 0 && nextTime(settings, now) === null) problems.push(noTimeLeft(settings, now));
  return problems.map((problem) => detail(`${path}${problem.path}`, problem.message));
}

function idProblems(id: string, { task }: ScheduleSettings): Detail[] {
  if (!SCHEDULE_ID_PATTERN.test(id) || id.length > SCHEDULE_ID_MAX_LENGTH)
    return [
      {
        path: '',
        message: `the id of a schedule must match ${SCHEDULE_ID_PATTERN} and have at most ${SCHEDULE_ID_MAX_LENGTH} characters${got(id)}`,
      },
    ];
  if (namespaceOf(id) === namespaceOf(task)) return [];
  return [
    {
      path: '/task',
      message: `the id of a schedule must begin with the namespace of its task: "${namespaceOf(task)}." for ${task}${got(id)}`,
    },
  ];
}

function timingProblems(settings: ScheduleSettings): Detail[] {
  const { cron, every_seconds, at } = settings;
  const given = [cron, every_seconds, at].filter((value) => value !== null).length;
  if (given !== 1)
    return [
      { path: '', message: `exactly one of cron, every_seconds and at must be set, got ${given} of them` },
    ];
  return [
    ...zoneProblems(settings.timezone),
    ...(cron === null ? [] : cronProblems(cron)),
    ...(every_seconds === null ? [] : between('/every_seconds', every_seconds, 1, INTERVAL_LIMIT_SECONDS)),
    ...between('/jitter_seconds', settings.jitter_seconds, 0, JITTER_LIMIT_SECONDS),
    ...(['at', 'starts_at', 'ends_at'] as const).flatMap((name) =>
      momentProblems(`/${name}`, settings[name]),
    ),
  ];
}

const datetime = z.iso.datetime({ offset: true });

function momentProblems(path: string, value: string | null): Detail[] {
  if (value === null) return [];
  const year = new Date(value).getUTCFullYear();
  if (datetime.safeParse(value).success && year >= 1970 && year <= 9999) return [];
  return [
    {
      path,
      message: `must be a time in ISO 8601 with its offset, from 1970 to 9999, such as "2027-03-01T09:00:00Z"${got(value)}`,
    },
  ];
}

function zoneProblems(timezone: string): Detail[] {
  const known = zoneName(timezone);
  if (known === timezone) return [];
  const hint = known === null ? ', such as "Europe/Berlin" or "UTC"' : `: write "${known}"`;
  return [{ path: '/timezone', message: `must be the name of an IANA time zone${hint}${got(timezone)}` }];
}

/** A zone in its usual spelling, null if there is none of this name. */
function zoneName(timezone: string): string | null {
  if (!/^[A-Za-z]/.test(timezone)) return null;
  try {
    const { timeZone } = new Intl.DateTimeFormat('en-US', { timeZone: timezone }).resolvedOptions();
    return timeZone.toLowerCase() === timezone.toLowerCase() ? timeZone : timezone;
  } catch {
    return null;
  }
}

function cronProblems(cron: string): Detail[] {
  if (cron.length > CRON_MAX_LENGTH)
    return [
      { path: '/cron', message: `must have at most ${CRON_MAX_LENGTH} characters, got ${cron.length}` },
    ];
  try {
    new CronPattern(cron, undefined, { mode: '5-or-6-parts' });
    return [];
  } catch (error) {
    return [{ path: '/cron', message: `${error instanceof Error ? error.message : error}${got(cron)}` }];
  }
}

function policyProblems(settings: ScheduleSettings): Detail[] {
  const { catch_up, overlap, description } = settings;
  return [
    ...between('/catch_up_max', settings.catch_up_max, 1, CATCH_UP_LIMIT),
    ...between('/catch_up_window_seconds', settings.catch_up_window_seconds, 1, INTERVAL_LIMIT_SECONDS),
    ...(settings.priority === null
      ? []
      : between('/priority', settings.priority, -SCHEDULE_PRIORITY_LIMIT, SCHEDULE_PRIORITY_LIMIT)),
    ...(settings.max_attempts === null
      ? []
      : between('/max_attempts', settings.max_attempts, 1, SCHEDULE_MAX_ATTEMPTS_LIMIT)),
    ...(catch_up === 'all' && overlap !== 'allow'
      ? [
          {
            path: '/catch_up',
            message: `catch_up "all" submits several tasks at once, so overlap must be "allow"${got(overlap)}`,
          },
        ]
      : []),
    ...(description === null ? [] : descriptionProblems(description)),
  ];
}

function descriptionProblems(description: string): Detail[] {
  const problem =
    textProblem(description) ??
    (description.length > DESCRIPTION_MAX_LENGTH
      ? `must have at most ${DESCRIPTION_MAX_LENGTH} characters, got ${description.length}`
      : null);
  return problem === null ? [] : [{ path: '/description', message: problem }];
}

function between(path: string, value: number, least: number, most: number): Detail[] {
  if (value >= least && value <= most) return [];
  return [{ path, message: `must be from ${least} to ${most}${got(value)}` }];
}

function noTimeLeft({ cron, at, starts_at, ends_at }: ScheduleSettings, now: Date): Detail {
  const path = cron !== null ? '/cron' : at !== null ? '/at' : '/ends_at';
  const range = `${starts_at === null ? '' : ` from ${starts_at}`}${ends_at === null ? '' : ` until ${ends_at}`}`;
  return {
    path,
    message: `has no time after now (${now.toISOString()})${range}${got(cron ?? at ?? ends_at)}`,
  };
}
