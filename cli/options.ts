import { InvalidArgumentError } from 'commander';
import type { State } from '../client/index.ts';

/** Every state of a task, as the values of `--state`. */
export const STATES: readonly State[] = Object.keys({
  scheduled: true,
  waiting: true,
  queued: true,
  running: true,
  retrying: true,
  succeeded: true,
  failed: true,
  cancelled: true,
  resolved: true,
  expired: true,
} satisfies Record<State, true>) as State[];

/** Makes a parser for integers in a range. */
export function integer(min: number, max: number = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = /^-?\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    const range = max === Number.MAX_SAFE_INTEGER ? `of ${min} or more` : `from ${min} to ${max}`;
    throw new InvalidArgumentError(`It must be an integer ${range}.`);
  };
}

const UNIT_SECONDS: Record<string, number> = {
  ms: 0.001,
  s: 1,
  m: 60,
  min: 60,
  h: 3_600,
  d: 86_400,
  w: 604_800,
};

/** Parses a duration, such as `90`, `1.5s`, `15m`, `2h` or `7d`, to seconds. */
export function duration(text: string): number {
  const seconds = secondsOf(text);
  if (seconds !== undefined) return seconds;
  throw new InvalidArgumentError('It must be seconds, or a number with a unit: 90, 500ms, 30s, 15m, 2h, 7d.');
}

function secondsOf(text: string): number | undefined {
  const [, number, unit = 's'] = /^(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|min|h|d|w)?$/.exec(text) ?? [];
  return number === undefined ? undefined : Number(number) * (UNIT_SECONDS[unit] ?? 1);
}

/** Parses a time in the past: ISO 8601 (without a zone: local time), or how long ago it was, as `2h`. */
export function pastTime(text: string): string {
  return momentOf(text, -1) ?? refuseTime('how long ago it was: 15m, 2h, 7d');
}

/** Parses a time in the future: ISO 8601, or in how long it is. */
export function futureTime(text: string): string {
  return momentOf(text, 1) ?? refuseTime('in how long it is: 15m, 2h, 7d');
}

function momentOf(text: string, direction: 1 | -1): string | undefined {
  const seconds = /^\d+(\.\d+)?[a-z]+$/.test(text) ? secondsOf(text) : undefined;
  if (seconds !== undefined) return new Date(Date.now() + direction * seconds * 1_000).toISOString();
  if (!/^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}|$)/.test(text)) return undefined;
  // JavaScript takes a date without a time for UTC, and with one for local time.
  const full = text.length === 10 ? `${text} 00:00` : text;
  const date = new Date(full.replace(' ', 'T'));
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

function refuseTime(other: string): never {
  throw new InvalidArgumentError(
    `It must be a time such as 2026-11-30T14:00 (local) or 2026-11-30T14:00Z, or ${other}.`,
  );
}

/** Collects a repeated option; commas separate values too. */
export function list(text: string, before: string[] | undefined): string[] {
  const values = text.split(',').map((part) => part.trim());
  if (values.includes('')) throw new InvalidArgumentError('A value is empty.');
  return [...(before ?? []), ...values];
}

/** Collects states. */
export function states(text: string, before: State[] | undefined): State[] {
  const given = list(text, undefined);
  const wrong = given.find((one) => !STATES.some((state) => state === one));
  if (wrong !== undefined) throw new InvalidArgumentError(`It must be some of ${STATES.join(', ')}.`);
  return [...(before ?? []), ...(given as State[])];
}
