import { z } from 'zod';
import type { Detail } from '../errors.ts';
import { got } from '../json/json.ts';
import { cronProblem } from './cron_check.ts';
import {
  INTERVAL_LIMIT_SECONDS,
  JITTER_LIMIT_SECONDS,
  TIMEZONE_MAX_LENGTH,
  type Timing,
} from './settings.ts';
import { nextTime } from './times.ts';
import { zoneName } from './wall_clock.ts';

/** All that is wrong with a timing, also that it has no time after `now`. Paths are those of the settings. */
export function timingProblems(timing: Timing, now: Date): Detail[] {
  const { cron, every_seconds, at, starts_at, ends_at } = timing;
  const given = [cron, every_seconds, at].filter((value) => value !== null).length;
  if (given !== 1)
    return [{ path: '', message: `needs exactly one of cron, every_seconds and at, got ${given}` }];
  const problems = [
    ...(cron === null ? [] : cronProblems(cron)),
    ...(every_seconds === null
      ? []
      : rangeProblems('/every_seconds', every_seconds, 1, INTERVAL_LIMIT_SECONDS)),
    ...momentProblems('/at', at),
    ...zoneProblems(timing.timezone),
    ...rangeProblems('/jitter_seconds', timing.jitter_seconds, 0, JITTER_LIMIT_SECONDS),
    ...momentProblems('/starts_at', starts_at),
    ...momentProblems('/ends_at', ends_at),
  ];
  if (problems.length > 0) return problems;
  if (starts_at !== null && ends_at !== null && Date.parse(ends_at) < Date.parse(starts_at))
    return [{ path: '/ends_at', message: `must not be before starts_at (${starts_at})${got(ends_at)}` }];
  return nextTime(timing, now) === null ? [noTime(timing, now)] : [];
}

/** The problem of a number that is not between two bounds, both included. */
export function rangeProblems(path: string, value: number, least: number, most: number): Detail[] {
  return value >= least && value <= most
    ? []
    : [{ path, message: `must be from ${least} to ${most}${got(value)}` }];
}

function cronProblems(cron: string): Detail[] {
  const problem = cronProblem(cron);
  return problem === null ? [] : [{ path: '/cron', message: problem }];
}

const datetime = z.iso.datetime({ offset: true });

function momentProblems(path: string, value: string | null): Detail[] {
  if (value === null) return [];
  const year = new Date(value).getUTCFullYear();
  if (datetime.safeParse(value).success && year >= 1970 && year <= 9999) return [];
  const example = 'such as "2027-03-01T09:00:00Z" or "2027-03-01T10:00:00+01:00"';
  return [{ path, message: `must be a time in ISO 8601 from 1970 to 9999, ${example}${got(value)}` }];
}

function zoneProblems(timezone: string): Detail[] {
  const known = timezone.length > TIMEZONE_MAX_LENGTH ? null : zoneName(timezone);
  const isMisspelt = known !== timezone && known?.toLowerCase() === timezone.toLowerCase();
  if (known !== null && !isMisspelt) return [];
  const hint = isMisspelt ? `: write "${known}"` : ', such as "Europe/Berlin" or "UTC"';
  return [{ path: '/timezone', message: `must be the name of an IANA time zone${hint}${got(timezone)}` }];
}

function noTime({ cron, at, starts_at, ends_at }: Timing, now: Date): Detail {
  const nowText = `now, ${now.toISOString()}`;
  if (at !== null) {
    const isPast = Date.parse(at) <= now.getTime();
    const bound = isPast ? `after ${nowText}` : 'between starts_at and ends_at';
    return { path: '/at', message: `must be ${bound}${got(at)}` };
  }
  if (ends_at !== null && Date.parse(ends_at) <= now.getTime())
    return { path: '/ends_at', message: `must be after ${nowText}${got(ends_at)}` };
  const range = `${starts_at === null ? '' : ` after starts_at (${starts_at})`}${ends_at === null ? '' : ` up to ends_at (${ends_at})`}`;
  return { path: cron === null ? '/every_seconds' : '/cron', message: `has no time${range}${got(cron)}` };
}
