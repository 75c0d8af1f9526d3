import { instantOf, readingAt } from './wall_clock.ts';

/** `2026-03-29T02:30` or `2026-03-29T02:30:15`: what a clock shows, without an offset. */
const LOCAL_TIME = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(:\d\d)?$/;

/**
 * The instants at which the clocks of a zone show a local time. `once`: one. `twice`: `instant` and `second`.
 * `never`: none, because the clocks skip it: then `instant` is the end of the gap, and `gap` has the local
 * times at which the clocks jump, and to which.
 */
export type LocalTime = {
  text: string;
  kind: 'once' | 'twice' | 'never';
  instant: Date;
  second: Date | null;
  gap: { from: string; to: string } | null;
};

/** Reads a local time in a zone. Null if the text is not one. Throws a RangeError for an unknown zone. */
export function readLocalTime(text: string, zone: string): LocalTime | null {
  const [, day, minutes, seconds = ':00'] = LOCAL_TIME.exec(text) ?? [];
  if (day === undefined) return null;
  const reading = Date.parse(`${day}T${minutes}${seconds}Z`);
  if (Number.isNaN(reading) || !new Date(reading).toISOString().startsWith(day)) return null;
  const instant = instantOf(zone, reading);
  if (readingAt(zone, instant) !== reading) {
    const gap = {
      from: readingText(readingAt(zone, instant - 1_000) + 1_000),
      to: readingText(readingAt(zone, instant)),
    };
    return { text, kind: 'never', instant: new Date(instant), second: null, gap };
  }
  const second = secondInstantOf(zone, reading, instant);
  return { text, kind: second === null ? 'once' : 'twice', instant: new Date(instant), second, gap: null };
}

/** An instant as the clocks of a zone show it, with the offset: `2026-03-29T03:00:00+02:00`. */
export function inZone(instant: Date, zone: string): string {
  const reading = readingAt(zone, instant.getTime());
  const minutes = Math.round((reading - instant.getTime()) / 60_000);
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  const offset = `${minutes < 0 ? '-' : '+'}${twoDigits(hours)}:${twoDigits(rest)}`;
  return `${new Date(reading).toISOString().slice(0, -5)}${offset}`;
}

function secondInstantOf(zone: string, reading: number, first: number): Date | null {
  const offsetAfter = readingAt(zone, first + 86_400_000) - (first + 86_400_000);
  const second = reading - offsetAfter;
  return second > first && readingAt(zone, second) === reading ? new Date(second) : null;
}

function readingText(reading: number): string {
  return new Date(reading).toISOString().slice(0, -5).replace(/:00$/, '');
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}
