import { randomUUID } from 'node:crypto';

/** A UUIDv7 has 12 bits for the part of a millisecond, in the way of Postgres's uuidv7(). */
const PARTS = 4_096;

let last = 0;

/**
 * A UUIDv7 (RFC 9562, method 3) for a time in milliseconds, fractions included. Each is greater than the
 * previous one of this process, unless the clock is set back.
 */
export function taskIdAt(ms: number): string {
  const tick = Math.floor(ms * PARTS);
  // Ids stay in order within the duration of a batch. If the clock was set back further, the new time is
  // used.
  last = tick <= last && last - tick < PARTS * 10 ? last + 1 : tick;
  const time = Math.floor(last / PARTS)
    .toString(16)
    .padStart(12, '0');
  const part = (last % PARTS).toString(16).padStart(3, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${part}-${randomUUID().slice(19)}`;
}
