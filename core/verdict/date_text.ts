import { z } from 'zod';

/** RFC 3339, with seconds and an offset: what JSON Schema calls `date-time`. */
const dateText = z.iso.datetime({ offset: true });
const HAS_SECONDS = /:\d\d:\d\d/;

/** What JSON has for a date: text like 2026-11-29T12:00:00Z becomes a Date, anything else stays as it is. */
export function dateOfText(value: unknown): unknown {
  const isText = typeof value === 'string' && HAS_SECONDS.test(value) && dateText.safeParse(value).success;
  return isText ? new Date(value) : value;
}
