import { z } from 'zod';

/** RFC 3339 with seconds and an offset: `date-time` of JSON Schema. */
const dateText = z.iso.datetime({ offset: true });
const HAS_SECONDS = /:\d\d:\d\d/;

/** Converts text like 2026-11-29T12:00:00Z to a Date. Other values stay as they are. */
export function dateOfText(value: unknown): unknown {
  const isText = typeof value === 'string' && HAS_SECONDS.test(value) && dateText.safeParse(value).success;
  return isText ? new Date(value) : value;
}
